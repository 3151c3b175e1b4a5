/**
 * The way to the dialog that starts a run: it is open while the address says so, over
 * whatever page, so that it can be sent to somebody: `?start=new`, `definition.3`,
 * `definition.3.2` for its second version, `run.12` for that run once more.
 */
import { lazy, Suspense, useMemo } from 'react'
import { useSearchParams } from 'wouter'
import { useCommands } from '../shell/keys.ts'
import { may, useMe } from '../shell/me.ts'

const Dialog = lazy(() => import('./start.tsx'))

export interface Source {
  readonly definition?: number
  readonly version?: number
  /** Once more what this run asked. */
  readonly run?: number
}

export function sourceOf(text: string): Source {
  const [, what, id, version] = /^(definition|run)\.(\d{1,15})(?:\.(\d{1,9}))?$/.exec(text) ?? []
  if (what === 'run') return { run: Number(id) }
  if (what === 'definition')
    return { definition: Number(id), ...(version === undefined ? {} : { version: Number(version) }) }
  return {}
}

function textOf({ definition, version, run }: Source): string {
  if (run !== undefined) return `run.${run}`
  if (definition === undefined) return 'new'
  return `definition.${definition}${version === undefined ? '' : `.${version}`}`
}

/** Opens it. */
export function useStart(): (source: Source) => void {
  const [, setParams] = useSearchParams()
  return (source) =>
    setParams((before) => {
      const next = new URLSearchParams(before)
      next.set('start', textOf(source))
      return next
    })
}

/** Stands once in the frame. */
export function StartHere({ name }: { name: string }) {
  const me = useMe()
  const [params, setParams] = useSearchParams()
  const start = useStart()
  const allowed = may(me, 'runs:write')
  useCommands(useMemo(() => (allowed ? [{ name, keys: 'n', run: () => start({}) }] : []), [allowed, params.toString()]))
  const asked = params.get('start')
  if (asked === null || !allowed) return null
  return (
    <Suspense>
      <Dialog
        key={asked}
        source={sourceOf(asked)}
        onClose={() =>
          setParams(
            (before) => {
              const next = new URLSearchParams(before)
              next.delete('start')
              return next
            },
            { replace: true },
          )
        }
      />
    </Suspense>
  )
}
