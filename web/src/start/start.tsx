/** Starting a run: what is asked, of whom, how much of it, and what that will take. */
import { FlaskConical, Play } from 'lucide-react'
import { useMemo, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { ask, type Given, type Run } from '../api.ts'
import { askAgain, useAsked, type Asked } from '../asked.ts'
import { Button, Dialog, Facts, Link, Skeleton, States, tellProblem } from '../ui/index.ts'
import { words } from '../words/start.ts'
import { Estimate, InShort, useEstimate } from './estimate.tsx'
import { bodyOf, formOf, INITIAL, rerunOf, type Form, type RunInput } from './form.ts'
import { Definitions } from './definitions.tsx'
import { Models } from './models.tsx'
import type { Source } from './open.tsx'
import { Settings } from './settings.tsx'

interface StartProps {
  readonly source: Source
  readonly onClose: () => void
}

export default function Start({ source, onClose }: StartProps) {
  if (source.run === undefined) {
    const { definition, version } = source
    return (
      <Shown
        title={words.open}
        initial={{ ...INITIAL, definition: definition ?? null, version: version ?? null }}
        onClose={onClose}
      />
    )
  }
  return <Again run={source.run} onClose={onClose} />
}

/** An old run once more, with everything as it was filled in. */
function Again({ run, onClose }: { run: number; onClose: () => void }) {
  const [of, ofAgain] = useAsked('/api/runs/{id}', { path: { id: run } })
  const [input, again] = useAsked('/api/runs/{id}/input', { path: { id: run } })
  if (of.data !== undefined && input.data !== undefined) {
    const asked = input.data.input as RunInput
    return (
      <Shown
        title={words.rerun(run)}
        initial={formOf(asked, of.data)}
        again={{ run, name: asked.definition.name, definition: asked.definition }}
        onClose={onClose}
      />
    )
  }
  const lacking = (of.data === undefined ? of : input) as Asked<unknown>
  return (
    <Dialog open onClose={onClose} title={words.rerun(run)}>
      <States of={lacking} again={() => Promise.all([ofAgain(), again()])}>
        {() => <Skeleton />}
      </States>
    </Dialog>
  )
}

interface ShownProps {
  readonly title: string
  readonly initial: Form
  readonly again?: { readonly run: number; readonly name: string; readonly definition: RunInput['definition'] }
  readonly onClose: () => void
}

type Body = Given<'post', '/api/runs'>['body']

function Shown({ title, initial, again, onClose }: ShownProps) {
  const [form, setForm] = useState(initial)
  const [busy, setBusy] = useState<'start' | 'test'>()
  const [, go] = useLocation()
  const set = (change: Partial<Form>) => setForm((before) => ({ ...before, ...change }))
  const body = bodyOf(form, again?.definition)
  const asked = JSON.stringify(body)
  // The same once more is the same run, however often it is pressed and whatever became of the answer.
  const key = useMemo(() => crypto.randomUUID(), [asked])
  const estimate = useEstimate(body)
  const under = useRef(false)
  const ready = body !== undefined
  async function submit(what: 'start' | 'test') {
    if (under.current || body === undefined) return
    under.current = true
    setBusy(what)
    try {
      const { run } = await started(what, body)
      askAgain('/api/runs', '/api/feed')
      go(`/runs/${run.id}`)
    } catch (error) {
      tellProblem(error)
    }
    under.current = false
    setBusy(undefined)
  }
  function started(what: 'start' | 'test', given: Body): Promise<{ run: Run }> {
    if (what === 'test') {
      return ask(
        'post',
        '/api/runs/test',
        { body: given as Given<'post', '/api/runs/test'>['body'] },
        { key: `t${key}` },
      )
    }
    if (again === undefined) return ask('post', '/api/runs', { body: given }, { key })
    return ask('post', '/api/runs/{id}/rerun', { path: { id: again.run }, body: rerunOf(form) }, { key })
  }
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={title}
      lead={words.lead}
      actions={
        <>
          <InShort of={estimate} />
          <Button
            icon={FlaskConical}
            busy={busy === 'test'}
            disabled={!ready || busy !== undefined}
            onClick={() => void submit('test')}
          >
            {words.test}
          </Button>
          <Button
            look="primary"
            icon={Play}
            busy={busy === 'start'}
            disabled={!ready || busy !== undefined}
            onClick={() => void submit('start')}
          >
            {words.start}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-6">
        {again === undefined ? (
          <Definitions form={form} set={set} onLeave={onClose} />
        ) : (
          <Facts
            of={[
              [
                words.definition,
                <span key="name">
                  {again.name} <span className="text-dim">({words.asRun(again.run)})</span>{' '}
                  {form.definition === null ? null : (
                    <Link href={`/definitions/${form.definition}`}>#{form.definition}</Link>
                  )}
                </span>,
              ],
            ]}
          />
        )}
        <Models chosen={form.models} onChange={(models) => set({ models })} />
        <Settings form={form} set={set} />
        <Estimate of={estimate} ready={ready} />
      </div>
    </Dialog>
  )
}
