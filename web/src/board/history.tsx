/** How a card came where it is: moves, runs, decisions, and what people were told. */
import { useAsked } from '../asked.ts'
import { Actor } from '../shell/actor.tsx'
import { Badge, Card, Link, LoadMore, States, StatusBadge, Time, usePages } from '../ui/index.ts'
import { words as ofBoard } from '../words/board.ts'
import { history as words, words as ofCard } from '../words/card.ts'
import type { Stages, WholeCard } from './card.tsx'
import { Told } from './told.tsx'

export function History({ card, stages }: { card: WholeCard; stages: Stages }) {
  const nameOf = (key: string) => stages.find((stage) => stage.key === key)?.name ?? key
  return (
    <div className="grid items-start gap-5 lg:grid-cols-2">
      <Transitions card={card.id} nameOf={nameOf} />
      <div className="flex min-w-0 flex-col gap-5">
        <Runs card={card.id} nameOf={nameOf} />
        {card.run === null ? null : <Decisions run={card.run.id} />}
        <Card title={words.told} flush>
          <Told of={card.id} />
        </Card>
      </div>
    </div>
  )
}

function Transitions({ card, nameOf }: { card: number; nameOf: (key: string) => string }) {
  const [asked, again, pages] = usePages(
    '/api/cards/{id}/transitions',
    { path: { id: card }, query: { limit: 50 } },
    ({ id }) => id,
    { moves: true },
  )
  return (
    <Card title={words.transitions} flush>
      <States of={asked} again={again}>
        {() => (
          <>
            <ol>
              {pages.items.map((one) => (
                <li key={one.id} className="border-b border-line px-4 py-2.5 last:border-b-0">
                  <div className="flex items-baseline justify-between gap-3">
                    <span className="font-medium">
                      {one.from === null ? words.made(nameOf(one.to)) : words.moved(nameOf(one.from), nameOf(one.to))}
                    </span>
                    <span className="text-sm text-dim">
                      <Time at={one.at} />
                    </span>
                  </div>
                  {one.reason === null ? null : (
                    <p dir="auto" className="[overflow-wrap:anywhere]">
                      {one.reason}
                    </p>
                  )}
                  <p className="text-sm text-dim">
                    <Actor of={one.actor} />
                    {one.run === null ? null : (
                      <>
                        {' · '}
                        <Link href={`/runs/${one.run}`}>{words.began(one.run)}</Link>
                      </>
                    )}
                    {one.causedBy === null ? null : (
                      <>
                        {' · '}
                        <Link href={`/runs/${one.causedBy}`}>{words.caused(one.causedBy)}</Link>
                      </>
                    )}
                    {one.notStarted === null ? null : ` · ${ofBoard.notStarted[one.notStarted] ?? one.notStarted}`}
                  </p>
                </li>
              ))}
            </ol>
            {pages.more ? <LoadMore of={pages} /> : null}
          </>
        )}
      </States>
    </Card>
  )
}

function Runs({ card, nameOf }: { card: number; nameOf: (key: string) => string }) {
  const [asked, again] = useAsked('/api/runs', { query: { cardId: card, limit: 50 } }, { moves: true })
  return (
    <Card title={words.runs} flush>
      <States
        of={asked}
        again={again}
        isEmpty={({ items }) => items.length === 0}
        empty={<p className="p-4 text-dim">{words.noRuns}</p>}
      >
        {({ items }) => (
          <ul>
            {items.map((run) => (
              <li key={run.id} className="flex items-center gap-3 border-b border-line px-4 py-2 last:border-b-0">
                <span className="min-w-0 flex-1">
                  <Link href={`/runs/${run.id}`}>{ofCard.runNumber(run.id)}</Link>
                  <span className="text-dim"> · {nameOf(run.card?.stage ?? run.kind)}</span>
                </span>
                <span className="text-sm text-dim">
                  <Time at={run.finishedAt ?? run.createdAt} />
                </span>
                <StatusBadge status={run.status} />
              </li>
            ))}
          </ul>
        )}
      </States>
    </Card>
  )
}

const TONES = { approved: 'good', rejected: 'bad', again: 'plain' } as const

function Decisions({ run }: { run: number }) {
  const [asked, again] = useAsked('/api/runs/{id}', { path: { id: run } }, { moves: true })
  return (
    <Card title={words.decisions} flush>
      <States
        of={asked}
        again={again}
        isEmpty={({ card }) => (card?.decisions.length ?? 0) === 0}
        empty={<p className="p-4 text-dim">{words.noDecisions}</p>}
      >
        {({ card }) => (
          <ul>
            {(card?.decisions ?? []).map((one) => (
              <li key={one.id} className="border-b border-line px-4 py-2.5 last:border-b-0">
                <div className="flex items-center gap-2">
                  <Badge tone={TONES[one.decision]}>{words.decided[one.decision]}</Badge>
                  <span>
                    <Actor of={one.by} />
                  </span>
                  <span className="ml-auto text-sm text-dim">
                    <Time at={one.at} />
                  </span>
                </div>
                {one.reason === null ? null : (
                  <p dir="auto" className="mt-1 [overflow-wrap:anywhere]">
                    {one.reason}
                  </p>
                )}
              </li>
            ))}
          </ul>
        )}
      </States>
    </Card>
  )
}
