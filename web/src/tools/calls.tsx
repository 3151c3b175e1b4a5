/** Calls of tools, the newest first: of one, or of all. */
import { History } from 'lucide-react'
import { ask, type ToolJob } from '../api.ts'
import { askAgain } from '../asked.ts'
import { useFilters } from '../filters.ts'
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
  usePages,
  type Column,
} from '../ui/index.ts'
import { words } from '../words/tools.ts'

const PAGE = 30
const TONES = { PENDING: 'plain', RUNNING: 'busy', SUCCESS: 'good', FAILED: 'bad' } as const
const STATUSES = Object.keys(TONES) as (keyof typeof TONES)[]

/** @param tool whose calls; left out, all, with a filter for it */
export function Calls({ tool, tools = [] }: { tool?: string; tools?: readonly string[] }) {
  const me = useMe()
  const [filter, set, clear] = useFilters('status', 'tool')
  const status = STATUSES.find((one) => one === filter.status)
  const chosen = tool ?? filter.tool
  const query = {
    limit: PAGE,
    ...(status === undefined ? {} : { status }),
    ...(chosen === undefined ? {} : { tool: chosen }),
  }
  const [asked, again, pages] = usePages('/v1/analyze-execution/jobs', { query }, ({ id }) => id, { every: 5_000 })
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
            <Filtered title={words.noCallLike} clear={words.clear} onClear={clear} />
          ) : (
            <Empty icon={History} title={words.noCalls} lead={words.noCallsLead} />
          )
        }
      >
        {() => (
          <>
            <Table name="calls" label={words.calls} columns={columns} rows={pages.items} idOf={({ id }) => id} />
            <LoadMore of={pages} />
          </>
        )}
      </States>
    </Card>
  )
}
