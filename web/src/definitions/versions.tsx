/** The versions of a definition, and what each changed. */
import { Play, RotateCcw } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Link as Way, useSearchParams } from 'wouter'
import { ask, fetched, type Definition } from '../api.ts'
import { askAgain } from '../asked.ts'
import { Actor } from '../shell/actor.tsx'
import { may, useMe } from '../shell/me.ts'
import { useStart } from '../start/open.tsx'
import {
  Badge,
  Button,
  Card,
  LoadMore,
  Skeleton,
  States,
  tell,
  tellProblem,
  Time,
  useAct,
  usePages,
} from '../ui/index.ts'
import { versions as words } from '../words/definitions.ts'
import { differences, type Line } from './differences.ts'
import { changedIn } from './edit.tsx'

const PAGE = 50

export function Versions({ of, again }: { of: Definition; again: () => Promise<void> }) {
  const [params] = useSearchParams()
  const chosen = Number(params.get('of') ?? of.version)
  const [asked, askedAgain, pages] = usePages(
    '/api/definitions/{id}/versions',
    { path: { id: of.id }, query: { limit: PAGE } },
    ({ version }) => version,
  )
  return (
    <div className="grid items-start gap-5 lg:grid-cols-[18rem_minmax(0,1fr)]">
      <Card flush>
        <States of={asked} again={askedAgain}>
          {() => (
            <>
              <ul>
                {pages.items.map(({ version, createdAt, createdBy }) => (
                  <li key={version} className="border-b border-line last:border-b-0">
                    <Way
                      href={`/definitions/${of.id}/versions?of=${version}`}
                      aria-current={version === chosen ? 'true' : undefined}
                      className={`block px-4 py-2.5 ${version === chosen ? 'bg-wash' : 'hover:bg-sunk'}`}
                    >
                      <span className="flex items-center gap-2 font-medium">
                        {words.version} {version}
                        {version === of.version ? <Badge tone="good">{words.newest}</Badge> : null}
                      </span>
                      <span className="cut block text-sm text-dim">
                        <Time at={createdAt} /> · <Actor of={createdBy} />
                      </span>
                    </Way>
                  </li>
                ))}
              </ul>
              {pages.more ? <LoadMore of={pages} /> : null}
            </>
          )}
        </States>
      </Card>
      <Difference key={chosen} of={of} version={chosen} again={again} />
    </div>
  )
}

interface DifferenceProps {
  readonly of: Definition
  readonly version: number
  readonly again: () => Promise<void>
}

function Difference({ of, version, again }: DifferenceProps) {
  const me = useMe()
  const start = useStart()
  const [lines, setLines] = useState<readonly Line[]>()
  useEffect(() => {
    const text = (n: number) =>
      n < 1 ? Promise.resolve('') : fetched(`/api/definitions/${of.id}/export?version=${n}`).then(String)
    let gone = false
    Promise.all([text(version - 1), text(version)]).then(
      ([before, after]) => gone || setLines(differences(before.trimEnd(), after.trimEnd())),
      (error: unknown) => gone || tellProblem(error),
    )
    return () => void (gone = true)
  }, [of.id, version])
  const [busy, act] = useAct()
  const restore = () =>
    act(async () => {
      const old = await ask('get', '/api/definitions/{id}', { path: { id: of.id }, query: { version } })
      const next = await ask('patch', '/api/definitions/{id}', {
        path: { id: of.id },
        body: { baseVersion: of.version, set: changedIn(of.content, old.content) },
      })
      tell(words.done(next.version))
      askAgain('/api/definitions')
      await again()
    })
  return (
    <Card
      title={version === 1 ? words.first : words.differences(version)}
      actions={
        <>
          {may(me, 'runs:write') ? (
            <Button size="small" icon={Play} onClick={() => start({ definition: of.id, version })}>
              {words.start}
            </Button>
          ) : null}
          {version === of.version || !may(me, 'definitions:write') ? null : (
            <Button size="small" icon={RotateCcw} busy={busy} onClick={restore}>
              {words.back}
            </Button>
          )}
        </>
      }
    >
      {lines === undefined ? (
        <Skeleton lines={8} />
      ) : lines.every(({ kind }) => kind === 'same') ? (
        <p className="text-dim">{words.same}</p>
      ) : (
        <Lines
          of={
            version === 1
              ? lines.map(({ text }) => ({ kind: 'same', text }) as const).filter(({ text }, i) => i > 0 || text !== '')
              : lines
          }
        />
      )}
    </Card>
  )
}

const LOOKS = {
  same: ['text-dim', ' '],
  gone: ['bg-bad-wash text-bad', '−'],
  come: ['bg-good-wash text-good', '+'],
} as const
/** Lines around a change that are shown. */
const AROUND = 3

function Lines({ of }: { of: readonly Line[] }) {
  const only = of.every(({ kind }) => kind === 'same')
  const near = of.map(
    (_, i) => only || of.slice(Math.max(0, i - AROUND), i + AROUND + 1).some(({ kind }) => kind !== 'same'),
  )
  return (
    <div className="overflow-x-auto font-mono text-sm" tabIndex={0} role="region" aria-label={words.version}>
      {of.map(({ kind, text }, i) => {
        if (near[i] !== true) {
          if (near[i - 1] === false) return null
          let n = 1
          while (near[i + n] === false) n += 1
          return (
            <div key={i} className="bg-sunk px-2 py-0.5 text-faint">
              {words.unchanged(n)}
            </div>
          )
        }
        const [look, sign] = LOOKS[kind]
        return (
          <div key={i} className={`flex gap-2 px-2 ${look}`}>
            <span className="shrink-0 select-none">{sign}</span>
            <span className="break-words whitespace-pre-wrap">{text === '' ? ' ' : text}</span>
          </div>
        )
      })}
    </div>
  )
}
