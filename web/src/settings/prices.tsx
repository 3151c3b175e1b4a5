/** What models cost here, and by which table. */
import { Tags } from 'lucide-react'
import type { Answer } from '../api.ts'
import { useAsked } from '../asked.ts'
import { useFilters } from '../filters.ts'
import { Badge, Card, Empty, Filtered, SearchInput, States, Table, type Column } from '../ui/index.ts'
import { words } from '../words/settings.ts'

type Model = Answer<'get', '/api/models'>['models'][number]

const price = (usd: number | undefined) =>
  usd === undefined ? <span className="text-faint">{words.noPrice}</span> : `$${usd}`

const COLUMNS: readonly Column<Model>[] = [
  {
    id: 'model',
    name: words.model,
    fixed: true,
    by: ({ spec }) => spec,
    cell: ({ spec, description, price: known }) => (
      <div className="max-w-[min(28rem,44vw)] py-0.5">
        <span className="font-medium">{spec}</span>{' '}
        {known?.deprecated === true ? <Badge tone="warn">{words.deprecated}</Badge> : null}
        <p className="cut text-sm text-dim" title={description}>
          {description}
        </p>
      </div>
    ),
  },
  {
    id: 'input',
    name: words.inputPrice,
    right: true,
    by: ({ price: known }) => known?.input ?? -1,
    cell: ({ price: known }) => price(known?.input),
  },
  {
    id: 'output',
    name: words.outputPrice,
    right: true,
    by: ({ price: known }) => known?.output ?? -1,
    cell: ({ price: known }) => price(known?.output),
  },
  {
    id: 'table',
    name: words.table,
    wide: true,
    cell: ({ price: known }) => (
      <span className="text-dim">{known === null ? '' : `${known.table} ${known.version}`}</span>
    ),
  },
]

export default function Prices() {
  const [asked, again] = useAsked('/api/models', {})
  const [{ search: wanted = '' }, set] = useFilters('search')
  const all = asked.data?.models ?? []
  const rows = all.filter(({ spec, description }) =>
    `${spec} ${description}`.toLowerCase().includes(wanted.toLowerCase()),
  )
  return (
    <Card
      title={words.prices}
      flush
      actions={
        <div className="w-56 max-sm:w-40">
          <SearchInput label={words.search} value={wanted} onChange={(value) => set('search', value)} />
        </div>
      }
    >
      <States
        of={asked}
        again={again}
        lines={6}
        isEmpty={() => rows.length === 0}
        empty={
          wanted === '' ? (
            <Empty icon={Tags} title={words.noModels} />
          ) : (
            <Filtered title={words.noModelLike} clear={words.clear} onClear={() => set('search', '')} />
          )
        }
      >
        {() => (
          <>
            <Table name="prices" label={words.prices} columns={COLUMNS} rows={rows} idOf={(one) => all.indexOf(one)} />
            <p className="border-t border-line px-4 py-2.5 text-sm text-dim">{words.perMillion}</p>
          </>
        )}
      </States>
    </Card>
  )
}
