/** Tools: how each does, how quick it is, and what was called lately. */
import { Wrench } from 'lucide-react'
import type { Tool } from '../api.ts'
import { useAsked } from '../asked.ts'
import { useFilters } from '../filters.ts'
import { count, duration } from '../shown.ts'
import { Empty, Filtered, Link, Page, SearchInput, States, Table, Time, type Column } from '../ui/index.ts'
import { words } from '../words/tools.ts'
import { Calls } from './calls.tsx'
import { ToolState } from './state.tsx'

const seconds = (ms: number | null) =>
  ms === null ? <span className="text-faint">—</span> : duration(Math.max(ms, 1) / 1_000)

const COLUMNS: readonly Column<Tool>[] = [
  {
    id: 'name',
    name: words.tool,
    fixed: true,
    by: ({ name }) => name,
    cell: ({ name, description }) => (
      <div className="max-w-[min(28rem,56vw)] py-0.5">
        <Link href={`/tools/${name}`}>{name}</Link>
        <p className="cut text-sm text-dim" title={description ?? ''}>
          {description}
        </p>
      </div>
    ),
  },
  {
    id: 'state',
    name: words.state,
    fixed: true,
    by: ({ state }) => state,
    cell: ({ state }) => <ToolState state={state} />,
  },
  number('success', words.success, ({ success_count: n }) => n),
  number('errors', words.errors, ({ error_count: n }) => n, true),
  number('callers', words.callerErrors, ({ caller_error_count: n }) => n),
  {
    id: 'avg',
    name: words.avg,
    right: true,
    wide: true,
    by: ({ avg_execution_time_ms: ms }) => ms ?? -1,
    cell: ({ avg_execution_time_ms: ms }) => seconds(ms),
  },
  {
    id: 'p95',
    name: words.p95,
    right: true,
    wide: true,
    by: ({ p95_execution_time_ms: ms }) => ms ?? -1,
    cell: ({ p95_execution_time_ms: ms }) => seconds(ms),
  },
  {
    id: 'used',
    name: words.lastUsed,
    right: true,
    wide: true,
    by: ({ last_used: at }) => at ?? '',
    cell: ({ last_used: at }) => <Time at={at} />,
  },
]

export default function Tools() {
  const [asked, again] = useAsked('/v1/tools', {}, { every: 10_000 })
  const [{ search: wanted = '' }, set] = useFilters('search')
  const all = asked.data?.tools ?? []
  const rows = all.filter(({ name, description }) =>
    `${name} ${description ?? ''}`.toLowerCase().includes(wanted.toLowerCase()),
  )
  return (
    <Page title={words.title} lead={words.lead}>
      <section className="overflow-clip rounded-lg border border-line bg-box shadow-low">
        {all.length === 0 ? null : (
          <div className="border-b border-line px-4 py-3">
            <div className="w-64 max-sm:w-full">
              <SearchInput label={words.search} value={wanted} onChange={(value) => set('search', value)} />
            </div>
          </div>
        )}
        <States
          of={asked}
          again={again}
          lines={6}
          isEmpty={() => rows.length === 0}
          empty={
            wanted === '' ? (
              <Empty icon={Wrench} title={words.empty} lead={words.emptyLead.replaceAll('`', '')} />
            ) : (
              <Filtered title={words.noneLike} clear={words.clear} onClear={() => set('search', '')} />
            )
          }
        >
          {() => (
            <Table name="tools" label={words.table} columns={COLUMNS} rows={rows} idOf={(one) => all.indexOf(one)} />
          )}
        </States>
      </section>
      <Calls tools={all.map(({ name }) => name)} />
    </Page>
  )
}

function number(id: string, name: string, of: (tool: Tool) => number, bad = false): Column<Tool> {
  return {
    id,
    name,
    right: true,
    wide: true,
    by: of,
    cell: (tool) => <span className={bad && of(tool) > 0 ? 'text-bad' : ''}>{count(of(tool))}</span>,
  }
}
