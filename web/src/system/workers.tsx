/** Workers: who performs what, how busy, and what a person may do where one is gone. */
import { Hammer } from 'lucide-react'
import { useState } from 'react'
import { ask, type Worker } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { may, useMe } from '../shell/me.ts'
import { count } from '../shown.ts'
import {
  Badge,
  Button,
  Card,
  ConfirmDialog,
  Empty,
  Link,
  States,
  Table,
  tell,
  tellProblem,
  Time,
  type Column,
} from '../ui/index.ts'
import { words } from '../words/system.ts'

const SHOWN = 3

const COLUMNS: readonly Column<Worker>[] = [
  {
    id: 'name',
    name: words.worker,
    fixed: true,
    by: ({ name }) => name,
    cell: ({ id, name }) => (
      <span className="cut block max-w-xs" title={name}>
        <span className="font-medium">{name}</span> <span className="text-faint">#{id}</span>
      </span>
    ),
  },
  {
    id: 'state',
    name: words.state,
    fixed: true,
    by: ({ state }) => state,
    cell: ({ state, goneWhy }) =>
      state === 'alive' ? (
        <Badge tone="good">{words.alive}</Badge>
      ) : state === 'stale' ? (
        <Badge tone="warn">{words.staleState}</Badge>
      ) : (
        <span title={words.why[goneWhy ?? '']}>
          <Badge>{words.gone}</Badge>
          <span className="ml-1.5 text-sm text-dim max-lg:hidden">{words.why[goneWhy ?? '']}</span>
        </span>
      ),
  },
  {
    id: 'slots',
    name: words.slots,
    right: true,
    by: ({ slots }) => slots,
    cell: ({ running, slots }) => (
      <span className="whitespace-nowrap">{words.busyOf(count(running), count(slots))}</span>
    ),
  },
  {
    id: 'doing',
    name: words.doing,
    wide: true,
    cell: ({ activeRuns }) => (
      <span className="flex flex-wrap gap-1.5">
        {activeRuns.slice(0, SHOWN).map((id) => (
          <Link key={id} href={`/runs/${id}`}>
            {words.run(id)}
          </Link>
        ))}
        {activeRuns.length > SHOWN ? (
          <span className="text-dim">{words.moreKinds(activeRuns.length - SHOWN)}</span>
        ) : null}
      </span>
    ),
  },
  {
    id: 'kinds',
    name: words.kinds,
    wide: true,
    cell: ({ kinds }) => (
      <span className="text-dim" title={kinds.join(', ')}>
        {kinds.slice(0, SHOWN).join(', ')}
        {kinds.length > SHOWN ? ` ${words.moreKinds(kinds.length - SHOWN)}` : ''}
      </span>
    ),
  },
  {
    id: 'done',
    name: words.done,
    right: true,
    wide: true,
    by: ({ processed }) => processed,
    cell: ({ processed }) => count(processed),
  },
  {
    id: 'failed',
    name: words.failedCount,
    right: true,
    wide: true,
    by: ({ failed }) => failed,
    cell: ({ failed }) => <span className={failed > 0 ? 'text-bad' : ''}>{count(failed)}</span>,
  },
  { id: 'seen', name: words.seen, right: true, by: ({ seenAt }) => seenAt, cell: ({ seenAt }) => <Time at={seenAt} /> },
  {
    id: 'since',
    name: words.since,
    right: true,
    wide: true,
    by: ({ registeredAt }) => registeredAt,
    cell: ({ registeredAt }) => <Time at={registeredAt} />,
  },
]

export function Workers() {
  const me = useMe()
  const [asked, again] = useAsked('/api/workers', {}, { every: 5_000 })
  const [asking, setAsking] = useState(false)
  const tend = (action: 'health_check' | 'rescue' | 'cleanup') =>
    void ask('post', '/api/workers', { body: { action } }).then(({ message }) => {
      tell(message)
      askAgain('/api/workers', '/api/health/')
    }, tellProblem)
  return (
    <Card
      title={words.workers}
      flush
      actions={
        may(me, 'admin') ? (
          <>
            <Button size="small" onClick={() => tend('health_check')}>
              {words.check}
            </Button>
            <Button size="small" onClick={() => tend('cleanup')}>
              {words.cleanup}
            </Button>
            <Button size="small" look="danger" onClick={() => setAsking(true)}>
              {words.rescue}
            </Button>
          </>
        ) : undefined
      }
    >
      <States
        of={asked}
        again={again}
        isEmpty={({ workers }) => workers.length === 0}
        empty={<Empty icon={Hammer} title={words.noWorkers} lead={words.noWorkersLead.replaceAll('`', '')} />}
      >
        {({ workers }) => (
          <Table name="workers" label={words.workers} columns={COLUMNS} rows={workers} idOf={({ id }) => id} />
        )}
      </States>
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={words.rescueAsk}
        lead={words.rescueLead}
        confirm={words.rescue}
        onConfirm={() => tend('rescue')}
      />
    </Card>
  )
}
