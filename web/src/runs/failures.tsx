/** Why tasks failed, by cause, each with what to do about it. */
import { CircleCheck } from 'lucide-react'
import { useAsked } from '../asked.ts'
import { count } from '../shown.ts'
import { Badge, Card, Empty, Link, States, Time } from '../ui/index.ts'
import { inside, remedies, remedyOtherwise } from '../words/runs.ts'
import { isOver } from './live.ts'
import type { WholeRun } from './tabs.ts'

export default function Failures({ run }: { run: WholeRun }) {
  const [asked, again] = useAsked('/api/runs/{id}/failures', { path: { id: run.id } }, { moves: !isOver(run) })
  return (
    <States
      of={asked}
      again={again}
      isEmpty={({ groups }) => groups.length === 0}
      empty={<Empty icon={CircleCheck} title={inside.noFailures} lead={inside.noFailuresLead} />}
    >
      {({ groups }) => (
        <div className="flex flex-col gap-4">
          {groups.map(({ failure, key, tasks, again: retried, examples, lastAt }) => (
            <Card key={`${failure.code} ${failure.message} ${key}`}>
              <div className="flex flex-wrap items-start justify-between gap-3">
                <div className="min-w-0">
                  <h2 className="text-lg">{failure.message}</h2>
                  <p className="font-mono text-sm text-dim">{failure.code}</p>
                </div>
                <div className="flex flex-wrap gap-1.5">
                  {tasks > 0 ? (
                    <Badge tone="bad">{inside.tasksFailed(count(tasks))}</Badge>
                  ) : (
                    <Badge tone="good">{inside.overcome}</Badge>
                  )}
                  {retried > 0 ? <Badge tone="warn">{inside.triedAgain(count(retried))}</Badge> : null}
                  <Badge>{failure.retryable ? inside.retryable : inside.final}</Badge>
                </div>
              </div>
              {tasks > 0 ? (
                <p className="mt-3">
                  <span className="font-medium">{inside.what}: </span>
                  {remedies[failure.code] ?? (failure.retryable ? remedyOtherwise.again : remedyOtherwise.final)}
                </p>
              ) : null}
              <p className="mt-2 flex flex-wrap items-center gap-x-4 gap-y-1 text-sm text-dim">
                {key === '' ? null : (
                  <span>
                    {inside.key} {key}
                  </span>
                )}
                <span>
                  {inside.origin} {failure.origin}
                </span>
                <span>
                  {inside.last} <Time at={lastAt} />
                </span>
                {examples.length === 0 ? null : (
                  <span className="flex gap-1.5">
                    {inside.first}
                    {examples.map((n) => (
                      <Link key={n} href={`/runs/${run.id}/tasks?task=${n}`}>
                        #{n}
                      </Link>
                    ))}
                  </span>
                )}
              </p>
            </Card>
          ))}
        </div>
      )}
    </States>
  )
}
