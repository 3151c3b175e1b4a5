/** A run that waits for a person: of which card, why, and the buttons for what he may say. */
import { Link as Way } from 'wouter'
import type { WaitingRun } from '../api.ts'
import { useAsked } from '../asked.ts'
import { Actor } from '../shell/actor.tsx'
import { may, useMe } from '../shell/me.ts'
import { Badge, Link, Time } from '../ui/index.ts'
import { words as ofBoard } from '../words/board.ts'
import { words as ofCard } from '../words/card.ts'
import { words } from '../words/inbox.ts'
import { Decide } from './decide.tsx'
import { AskedOne } from './overview.tsx'

export function Waiting({ of: one, stage, brief = false }: { of: WaitingRun; stage: string; brief?: boolean }) {
  const failed = one.gates.filter(({ required, passed }) => required && !passed)
  return (
    <li className="flex flex-col gap-2 border-b border-line px-4 py-3 last:border-b-0">
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-64">
          <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <Way
              href={`/board/${one.card.id}`}
              dir="auto"
              className="min-w-0 font-medium [overflow-wrap:anywhere] hover:underline"
            >
              {one.card.title}
            </Way>
            <Badge tone="warn">{ofBoard.awaits[one.awaits]}</Badge>
          </div>
          <p className="text-sm text-dim">
            {stage} · <Link href={`/runs/${one.run}`}>{ofCard.runNumber(one.run)}</Link> · {words.askedBy}{' '}
            <Actor of={one.triggeredBy} /> · <Time at={one.since} />
          </p>
          {brief ? null : (
            <ul className="text-sm">
              {one.needs === null ? null : <li>{words.needs[one.needs]}</li>}
              {failed.map(({ id }) => (
                <li key={id} className="text-bad">
                  {words.gate(id)}
                </li>
              ))}
              {one.openQuestions === 0 ? null : <li className="text-warn">{words.open(one.openQuestions)}</li>}
            </ul>
          )}
        </div>
        <div className="flex flex-wrap gap-2">
          <Decide waits={one} small />
        </div>
      </div>
      {one.openQuestions > 0 && !brief ? <Open card={one.card.id} run={one.run} /> : null}
    </li>
  )
}

function Open({ card, run }: { card: number; run: number }) {
  const [asked] = useAsked('/api/cards/{id}/questions', { path: { id: card } }, { moves: true })
  const writes = may(useMe(), 'board:write')
  const open = (asked.data?.questions ?? []).filter((one) => one.run === run && one.answer === null)
  return (
    <ul className="rounded-md border border-line bg-sunk">
      {open.map((one) => (
        <AskedOne key={one.id} card={card} question={one} writes={writes} />
      ))}
    </ul>
  )
}
