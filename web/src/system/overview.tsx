/** The system at a glance: what needs attention and what to do, how much waits, what runs here. */
import { CircleAlert, CircleCheck, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { useAsked } from '../asked.ts'
import { may, useMe } from '../shell/me.ts'
import { bytes, count, duration } from '../shown.ts'
import { Badge, Card, Facts, Figure, Link, Skeleton, States } from '../ui/index.ts'
import { words } from '../words/system.ts'
import { findingsOf, type Finding } from './findings.ts'

/** Milliseconds. */
const EVERY = 10_000

export function Overview() {
  const me = useMe()
  const [system, again] = useAsked('/api/health/system', {}, { every: EVERY })
  const [workers] = useAsked('/api/health/workers', {}, { every: EVERY })
  const [providers] = useAsked('/api/health/providers', {}, { every: EVERY })
  const [tools] = useAsked('/api/health/tools', {}, { every: EVERY })
  const [queue] = useAsked('/api/health/queue', {}, { every: EVERY })
  const [limits] = useAsked('/api/limits', {}, { every: EVERY, when: me.operator && may(me, 'admin') })
  const known = system.data !== undefined && workers.data !== undefined && providers.data !== undefined
  const findings = findingsOf({
    system: system.data,
    workers: workers.data,
    providers: providers.data,
    tools: tools.data,
    queue: queue.data,
    limits: limits.data?.limits,
  })
  const python = workers.data?.python
  return (
    <States of={system} again={again} lines={8}>
      {({ version, node, postgres, database, uptime, readers }) => (
        <div className="grid gap-5 lg:grid-cols-3">
          <div className="flex min-w-0 flex-col gap-5 lg:col-span-2">
            <Card title={words.findings} flush>
              {!known ? (
                <Skeleton />
              ) : findings.length === 0 ? (
                <div className="flex gap-3 p-4">
                  <CircleCheck aria-hidden size={18} className="mt-0.5 shrink-0 text-good" />
                  <div>
                    <p className="font-medium">{words.allWell}</p>
                    <p className="text-dim">{words.allWellLead}</p>
                  </div>
                </div>
              ) : (
                <ul>
                  {findings.map((one) => (
                    <Told key={one.what} finding={one} />
                  ))}
                </ul>
              )}
            </Card>
            <Card title={words.queue}>
              <States of={queue} again={again}>
                {(q) => (
                  <div className="grid grid-cols-2 gap-x-4 gap-y-5 sm:grid-cols-3">
                    <Figure
                      label={words.waits}
                      value={count(q.pending)}
                      remark={
                        q.oldestWaiting === null ? ' ' : `${words.oldest} ${duration(Math.max(0, q.oldestWaiting))}`
                      }
                    />
                    <Figure label={words.active} value={count(q.active)} />
                    <Figure label={words.held} value={count(q.held)} remark={`${words.due}: ${count(q.due)}`} />
                    <Figure
                      label={words.hour}
                      value={count(q.completedLastHour + q.failedLastHour)}
                      remark={words.failed(count(q.failedLastHour))}
                    />
                    <Figure
                      label={words.day}
                      value={count(q.completedLastDay + q.failedLastDay)}
                      remark={words.failed(count(q.failedLastDay))}
                    />
                    <Figure
                      label={words.success}
                      value={q.successRate === null ? '—' : `${(100 * q.successRate).toFixed(1)} %`}
                      remark={words.ofDay}
                    />
                  </div>
                )}
              </States>
            </Card>
          </div>
          <div className="flex min-w-0 flex-col gap-5">
            <Card title={words.facts}>
              <Facts
                of={[
                  [words.version, version],
                  [words.node, node],
                  [words.postgres, postgres],
                  [words.python, python === undefined ? '…' : (python.version ?? words.noPython)],
                  [words.uptime, duration(uptime)],
                  [words.size, bytes(database.bytes)],
                  [words.connections, words.connectionsOf(count(database.connections), count(database.waiting))],
                  [words.readers, count(readers)],
                ]}
              />
            </Card>
            <Card title={words.tools} actions={<Link href="/tools">{words.tools}</Link>}>
              <States
                of={tools}
                again={again}
                isEmpty={({ states }) => Object.keys(states).length === 0}
                empty={<p className="text-dim">{words.noTools}</p>}
              >
                {({ states }) => (
                  <p className="flex flex-wrap gap-2">
                    {Object.entries(states).map(([state, n]) => (
                      <Badge key={state} tone={state === 'FAILED' ? 'bad' : state === 'UNAVAILABLE' ? 'warn' : 'good'}>
                        {count(n)} {words.toolState[state] ?? state}
                      </Badge>
                    ))}
                  </p>
                )}
              </States>
            </Card>
          </div>
        </div>
      )}
    </States>
  )
}

function Told({ finding: { what, todo, bad, way } }: { finding: Finding }) {
  const Icon = bad ? CircleAlert : TriangleAlert
  return (
    <li className="flex gap-3 border-b border-line px-4 py-3 last:border-b-0">
      <Icon aria-hidden size={18} className={`mt-0.5 shrink-0 ${bad ? 'text-bad' : 'text-warn'}`} />
      <div className="min-w-0">
        <p className="font-medium">{what}</p>
        <p className="text-dim">{coded(todo)}</p>
        {way === undefined ? null : <Link href={way.href}>{way.name}</Link>}
      </div>
    </li>
  )
}

/** What stands between backticks is typed somewhere. */
const coded = (text: string): ReactNode =>
  text.split(/`([^`]+)`/).map((part, i) =>
    i % 2 === 1 ? (
      <code key={part} className="font-mono text-sm text-ink">
        {part}
      </code>
    ) : (
      part.replaceAll('*', '')
    ),
  )
