/** Calls of tools, the newest first: of one, or of all. */
import { History } from 'lucide-react'
import { useState } from 'react'
import { useSearchParams } from 'wouter'
import { ask, type ToolJob } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { may, useMe } from '../shell/me.ts'
import { duration } from '../shown.ts'
import {
  Badge,
  Button,
  Card,
  Empty,
  Filtered,
  Link,
  LoadMore,
  Select,
  States,
  Table,
  tellProblem,
  Time,
  type Column,
} from '../ui/index.ts'
import { words } from '../words/tools.ts'

const PAGE = 30
const TONES = { PENDING: 'plain', RUNNING: 'busy', SUCCESS: 'good', FAILED: 'bad' } as const
const STATUSES = Object.keys(TONES) as (keyof typeof TONES)[]

/** @param tool whose calls; left out, all, with a filter for it */
export function Calls({ tool, tools = [] }: { tool?: string; tools?: readonly string[] }) {
  const me = useMe()
  const [params, setParams] = useSearchParams()
  const status = STATUSES.find((one) => one === params.get('status'))
  const chosen = tool ?? params.get('tool') ?? undefined
  const query = {
    limit: PAGE,
    ...(status === undefined ? {} : { status }),
    ...(chosen === undefined ? {} : { tool: chosen }),
  }
  const [asked, again] = useAsked('/v1/analyze-execution/jobs', { query }, { every: 5_000 })
  const key = JSON.stringify(query)
  const [older, setOlder] = useState<{ key: string; items: readonly ToolJob[]; next: string | null }>()
  const [busy, setBusy] = useState(false)
  const more = older?.key === key ? older : undefined
  const next = more === undefined ? (asked.data?.next ?? null) : more.next
  async function load() {
    if (next === null) return
    setBusy(true)
    try {
      const page = await ask('get', '/v1/analyze-execution/jobs', { query: { ...query, cursor: next } })
      setOlder({ key, items: [...(more?.items ?? []), ...page.items], next: page.next })
    } catch (error) {
      tellProblem(error)
    }
    setBusy(false)
  }
  const set = (name: string, value: string) =>
    setParams(
      (before) => {
        const changed = new URLSearchParams(before)
        if (value === '') changed.delete(name)
        else changed.set(name, value)
        return changed
      },
      { replace: true },
    )
  const cancel = (id: number) =>
    void ask('delete', '/v1/analyze-execution/jobs/{id}', { path: { id } }).then(
      () => askAgain('/v1/analyze-execution'),
      tellProblem,
    )
  const columns: readonly Column<ToolJob>[] = [
    {
      id: 'run',
      name: words.number,
      fixed: true,
      cell: ({ id }) => <Link href={`/runs/${id}`}>#{id}</Link>,
    },
    ...(tool === undefined
      ? [{ id: 'tool', name: words.tool, fixed: true, cell: (job: ToolJob) => <span>{job.tool}</span> }]
      : []),
    {
      id: 'status',
      name: words.status,
      fixed: true,
      cell: ({ status: now }) => <Badge tone={TONES[now]}>{words.statuses[now]}</Badge>,
    },
    {
      id: 'error',
      name: words.error,
      cell: ({ error }) => (
        <span className="cut block max-w-md text-dim" title={error?.code}>
          {error?.message}
        </span>
      ),
    },
    {
      id: 'took',
      name: words.duration,
      right: true,
      wide: true,
      cell: ({ startedAt, finishedAt }) =>
        startedAt === null || finishedAt === null
          ? ''
          : duration(Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000),
    },
    { id: 'asked', name: words.asked, right: true, cell: ({ createdAt }) => <Time at={createdAt} /> },
    {
      id: 'do',
      name: '',
      fixed: true,
      right: true,
      cell: ({ id, finishedAt }) =>
        finishedAt === null && may(me, 'runs:write') ? (
          <Button size="small" onClick={() => cancel(id)}>
            {words.cancel}
          </Button>
        ) : null,
    },
  ]
  const filtered = status !== undefined || (tool === undefined && chosen !== undefined)
  return (
    <Card
      title={words.calls}
      flush
      actions={
        <>
          {tool === undefined ? (
            <Select
              label={words.tool}
              value={chosen ?? ''}
              onChange={(value) => set('tool', value)}
              of={[{ value: '', label: words.anyTool }, ...tools.map((value) => ({ value, label: value }))]}
            />
          ) : null}
          <Select
            label={words.status}
            value={status ?? ''}
            onChange={(value) => set('status', value)}
            of={[
              { value: '', label: words.anyStatus },
              ...STATUSES.map((value) => ({ value, label: words.statuses[value] })),
            ]}
          />
        </>
      }
    >
      <States
        of={asked}
        again={again}
        isEmpty={({ items }) => items.length === 0}
        empty={
          filtered ? (
            <Filtered
              title={words.noCallLike}
              clear={words.clear}
              onClear={() => setParams(new URLSearchParams(), { replace: true })}
            />
          ) : (
            <Empty icon={History} title={words.noCalls} lead={words.noCallsLead} />
          )
        }
      >
        {({ items }) => (
          <>
            <Table
              name="calls"
              label={words.calls}
              columns={columns}
              rows={[...items, ...(more?.items ?? [])].filter(
                (job, i, all) => all.findIndex(({ id }) => id === job.id) === i,
              )}
              idOf={({ id }) => id}
            />
            <LoadMore more={next !== null} busy={busy} onMore={() => void load()} />
          </>
        )}
      </States>
    </Card>
  )
}
