/** Providers of models: do they answer, how much at a time, what they came to. */
import { useState } from 'react'
import type { Limit, ProviderHealth } from '../api.ts'
import { useAsked } from '../asked.ts'
import { may, useMe } from '../shell/me.ts'
import { count, duration } from '../shown.ts'
import { Badge, Button, ButtonLink, Card, Money, States, Table, Time, type Column } from '../ui/index.ts'
import { words } from '../words/system.ts'
import { LimitDialog } from './limit-dialog.tsx'

interface Row extends ProviderHealth {
  readonly n: number
  readonly limit: Limit | undefined
  readonly usd: number | undefined
  readonly calls: number
}

export function Providers() {
  const me = useMe()
  const operates = me.operator && may(me, 'admin')
  const [asked, again] = useAsked('/api/health/providers', {}, { every: 15_000 })
  const [limits] = useAsked('/api/limits', {}, { every: 15_000, when: operates })
  const [usage] = useAsked('/api/usage', { query: { days: 30, by: 'model' } })
  const [changing, setChanging] = useState<{ key: string; limit: Limit | undefined }>()
  const columns: readonly Column<Row>[] = [
    {
      id: 'name',
      name: words.provider,
      fixed: true,
      by: ({ name }) => name,
      cell: ({ id, name, error, configured }) => (
        <div className="max-w-[min(28rem,40vw)] py-0.5">
          <span className="font-medium">{name}</span> <span className="font-mono text-sm text-faint">{id}</span>
          {configured && error !== undefined ? <p className="text-sm text-bad">{error.message}</p> : null}
        </div>
      ),
    },
    { id: 'state', name: words.state, fixed: true, by: rank, cell: (row) => <StateBadge of={row} /> },
    {
      id: 'latency',
      name: words.latency,
      right: true,
      wide: true,
      by: ({ latencyMs }) => latencyMs ?? -1,
      cell: ({ latencyMs, connected }) =>
        latencyMs === null || !connected ? (
          <span className="text-faint">—</span>
        ) : (
          duration(Math.max(latencyMs, 1) / 1_000)
        ),
    },
    ...(operates
      ? [
          {
            id: 'limit',
            name: words.limit,
            right: true,
            wide: true,
            cell: ({ limit }: Row) =>
              limit === undefined ? (
                <span className="text-faint">{words.unlimited}</span>
              ) : (
                `${count(limit.running)} / ${limit.concurrency === null ? '∞' : count(limit.concurrency)}`
              ),
          },
        ]
      : []),
    {
      id: 'calls',
      name: words.calls,
      right: true,
      wide: true,
      by: ({ calls }) => calls,
      cell: ({ calls }) => count(calls),
    },
    {
      id: 'spend',
      name: words.spend,
      right: true,
      wide: true,
      by: ({ usd }) => usd ?? 0,
      cell: ({ usd }) => (usd === undefined ? <span className="text-faint">—</span> : <Money usd={usd} />),
    },
    {
      id: 'checked',
      name: words.checked,
      right: true,
      wide: true,
      cell: ({ checkedAt }) => <Time at={checkedAt} />,
    },
    ...(operates
      ? [
          {
            id: 'do',
            name: '',
            fixed: true,
            right: true,
            cell: (row: Row) => (
              <span className="inline-flex gap-1.5">
                {row.id === 'fake' || row.id === 'cli' ? null : (
                  <ButtonLink size="small" href={`/settings/provider-keys?set=${encodeURIComponent(row.id)}`}>
                    {words.setKey}
                  </ButtonLink>
                )}
                <Button size="small" look="quiet" onClick={() => setChanging({ key: row.id, limit: row.limit })}>
                  {words.changeLimit}
                </Button>
              </span>
            ),
          },
        ]
      : []),
  ]
  const spent = usage.data?.lines ?? []
  return (
    <Card flush>
      <States of={asked} again={again} lines={8}>
        {({ providers }) => (
          <>
            <Table
              name="providers"
              label={words.providers}
              columns={columns}
              idOf={({ n }) => n}
              rows={providers.map((one, n): Row => {
                const mine = spent.filter(({ of }) => of.startsWith(`${one.id}:`))
                const sum = (pick: (line: (typeof spent)[number]) => number) =>
                  mine.reduce((all, line) => all + pick(line), 0)
                return {
                  ...one,
                  n,
                  limit: limits.data?.limits.find(({ key }) => key === one.id),
                  calls: sum(({ calls }) => calls),
                  usd: usage.data === undefined || mine.length === 0 ? undefined : sum(({ costUsd }) => costUsd),
                }
              })}
            />
            <p className="border-t border-line px-4 py-2.5 text-sm text-dim">{words.providersNote}</p>
          </>
        )}
      </States>
      {changing === undefined ? null : (
        <LimitDialog of={changing.key} limit={changing.limit} onClose={() => setChanging(undefined)} />
      )}
    </Card>
  )
}

const rank = ({ configured, connected }: ProviderHealth) => (connected ? 0 : configured ? 1 : 2)

function StateBadge({ of: { configured, connected } }: { of: ProviderHealth }) {
  if (connected) return <Badge tone="good">{words.connected}</Badge>
  return configured ? <Badge tone="bad">{words.unwell}</Badge> : <Badge>{words.notConfigured}</Badge>
}
