/** What was read out of an answer, how, and what a person decided instead; it can be taken back. */
import { Undo2 } from 'lucide-react'
import { ask } from '../api.ts'
import type { WholeRun } from '../runs/tabs.ts'
import { may, useMe } from '../shell/me.ts'
import { Badge, Button, Card, Select, tell, Time, useAct } from '../ui/index.ts'
import { opened as words, transcripts as list, words as common } from '../words/results.ts'
import { OUTCOMES, rampOf, saidAs, type Code } from './scale.ts'
import type { Whole } from './transcript.tsx'

interface DecidedProps {
  readonly run: WholeRun
  readonly one: Whole
  readonly codes: readonly Code[]
  /** The line that says it. */
  readonly evidence: string | undefined
  readonly changed: () => void
}

const WHY: Readonly<Record<string, string>> = {
  refusal: words.declined,
  other: words.offScale,
  unparsed: words.unreadable,
}

export function Decided({ run, one, codes, evidence, changed }: DecidedProps) {
  const me = useMe()
  const [busy, act] = useAct()
  const { read, overridden, overrides, decision } = one
  const decide = (next: string | null) =>
    act(async () => {
      await ask('put', '/api/runs/{id}/transcripts/{n}/decision', {
        path: { id: run.id, n: one.n },
        body: { decision: next },
      })
      tell(next === null ? words.undone : words.done(saidAs(next, codes)), words.stale)
      changed()
    })
  if (read === null && codes.length === 0) {
    return (
      <Card title={words.decision}>
        <p className="text-dim">{words.noScale}</p>
      </Card>
    )
  }
  const how = read?.outcome === 'decision' ? words.by[read.by ?? ''] : WHY[read?.outcome ?? '']
  const asRead = read === null ? null : (read.code ?? read.outcome)
  return (
    <Card title={words.decision}>
      <div className="flex items-center gap-2.5">
        <span
          aria-hidden
          className="size-4 shrink-0 rounded-sm border border-line"
          style={{ background: rampOf(decision, codes) }}
        />
        <span className="text-lg font-semibold">{saidAs(decision, codes)}</span>
        {overridden ? <Badge tone="warn">{list.overridden}</Badge> : null}
      </div>
      {read === null ? null : (
        <p className="mt-2 text-sm text-dim">
          {words.readAs(saidAs(asRead, codes))}
          {how === undefined ? '' : `: ${how}`}
        </p>
      )}
      {evidence === undefined ? null : (
        <blockquote className="mt-2 border-l-2 border-warn pl-3 text-sm break-words" title={words.evidence}>
          {evidence.slice(0, 300)}
        </blockquote>
      )}
      {may(me, 'runs:write') ? (
        <div className="mt-4 flex flex-wrap items-center gap-2 border-t border-line pt-3">
          <Select
            label={words.decideAs}
            value={decision ?? ''}
            onChange={(next) => (next === decision ? undefined : decide(next))}
            of={[
              ...codes.map(({ code }) => ({ value: code, label: saidAs(code, codes) })),
              ...OUTCOMES.map((name) => ({ value: name as string, label: common.outcomes[name] ?? name })),
            ]}
          />
          {overridden ? (
            <Button size="small" icon={Undo2} busy={busy} onClick={() => decide(null)}>
              {words.undo}
            </Button>
          ) : null}
        </div>
      ) : null}
      {overrides.length === 0 ? null : (
        <div className="mt-4 border-t border-line pt-3">
          <h3 className="mb-1 text-sm text-dim">{words.history}</h3>
          <ul className="flex flex-col gap-1 text-sm">
            {overrides.map(({ outcome, code, by, at }) => (
              <li key={at} className="flex flex-wrap justify-between gap-x-3">
                <span>{outcome === null ? words.takenBack : saidAs(code ?? outcome, codes)}</span>
                <span className="text-dim">
                  {by} · <Time at={at} />
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </Card>
  )
}
