/** Limits: how much at a time and a minute under each key, changed while all goes on. */
import { Gauge, Plus } from 'lucide-react'
import { useState } from 'react'
import { ask, type Limit } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { count } from '../shown.ts'
import {
  Badge,
  Button,
  Card,
  ConfirmDialog,
  Empty,
  States,
  Table,
  tellProblem,
  Time,
  type Column,
} from '../ui/index.ts'
import { words } from '../words/system.ts'
import { stoppedBy } from './findings.ts'
import { LimitDialog } from './limit-dialog.tsx'

export function Limits() {
  const [asked, again] = useAsked('/api/limits', {}, { every: 5_000 })
  const [changing, setChanging] = useState<Limit | 'another'>()
  const [stopping, setStopping] = useState<string>()
  const act = (key: string, word: 'stop' | 'release') =>
    void ask('post', `/api/limits/{key}/${word}`, { path: { key } }).then(() => askAgain('/api/limits'), tellProblem)
  const columns: readonly Column<Limit>[] = [
    {
      id: 'key',
      name: words.limitKey,
      fixed: true,
      by: ({ key }) => key,
      cell: ({ key, stopped }) => (
        <div className="max-w-xs [overflow-wrap:anywhere] max-sm:min-w-28">
          <span className="font-medium">{key}</span>
          {stopped === null ? null : <p className="text-sm text-bad">{stoppedBy(stopped)}</p>}
        </div>
      ),
    },
    {
      id: 'state',
      name: words.state,
      fixed: true,
      cell: ({ stopped, until }) =>
        stopped !== null ? (
          <Badge tone="bad">{words.stopped}</Badge>
        ) : until === null || Date.parse(until) < Date.now() ? (
          <Badge tone="good">{words.flows}</Badge>
        ) : (
          <Badge tone="warn">
            {words.until} <Time at={until} />
          </Badge>
        ),
    },
    number('concurrency', words.concurrency, ({ concurrency }) => concurrency),
    number('requests', words.requests, ({ requestsPerMinute }) => requestsPerMinute),
    number('tokens', words.tokens, ({ tokensPerMinute }) => tokensPerMinute),
    {
      id: 'running',
      name: words.running,
      right: true,
      wide: true,
      by: ({ running }) => running,
      cell: ({ running }) => count(running),
    },
    {
      id: 'waiting',
      name: words.waiting,
      right: true,
      wide: true,
      by: ({ waiting }) => waiting,
      cell: ({ waiting }) => count(waiting),
    },
    {
      id: 'do',
      name: '',
      fixed: true,
      right: true,
      cell: (limit) => (
        <span className="inline-flex flex-wrap justify-end gap-1.5">
          <Button size="small" onClick={() => setChanging(limit)}>
            {words.change}
          </Button>
          {limit.stopped === null ? (
            <Button size="small" look="danger" onClick={() => setStopping(limit.key)}>
              {words.stop}
            </Button>
          ) : (
            <Button size="small" look="primary" onClick={() => act(limit.key, 'release')}>
              {words.release}
            </Button>
          )}
        </span>
      ),
    },
  ]
  return (
    <Card
      title={words.limits}
      flush
      actions={
        <Button size="small" icon={Plus} onClick={() => setChanging('another')}>
          {words.addLimit}
        </Button>
      }
    >
      <States
        of={asked}
        again={again}
        isEmpty={({ limits }) => limits.length === 0}
        empty={
          <Empty icon={Gauge} title={words.noLimits} lead={words.noLimitsLead.replaceAll('`', '')}>
            <Button onClick={() => setChanging('another')}>{words.addLimit}</Button>
          </Empty>
        }
      >
        {({ limits }) => (
          <Table
            name="limits"
            label={words.limits}
            columns={columns}
            rows={limits}
            idOf={(one) => limits.indexOf(one)}
          />
        )}
      </States>
      <p className="border-t border-line px-4 py-2.5 text-sm text-dim">{words.limitsLead}</p>
      {changing === undefined ? null : (
        <LimitDialog
          {...(changing === 'another' ? {} : { of: changing.key, limit: changing })}
          onClose={() => setChanging(undefined)}
        />
      )}
      <ConfirmDialog
        open={stopping !== undefined}
        onClose={() => setStopping(undefined)}
        title={words.stopAsk(stopping ?? '')}
        lead={words.stopLead}
        confirm={words.stop}
        onConfirm={() => act(stopping ?? '', 'stop')}
      />
    </Card>
  )
}

const number = (id: string, name: string, of: (limit: Limit) => number | null): Column<Limit> => ({
  id,
  name,
  right: true,
  wide: true,
  by: (limit) => of(limit) ?? Number.MAX_SAFE_INTEGER,
  cell(limit) {
    const n = of(limit)
    return n === null ? <span className="text-faint">{words.unlimited}</span> : count(n)
  },
})
