/**
 * A table: sorted by its heads where that makes sense, its columns shown or hidden as
 * one left them, rows that are not seen not drawn.  It is a real `table`, so that who
 * does not see it can walk it.
 */
import {
  columnVisibilityFeature,
  createSortedRowModel,
  rowSortingFeature,
  sortFns,
  tableFeatures,
  useTable,
  type ColumnDef,
  type SortingState,
} from '@tanstack/react-table'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp, Columns3 } from 'lucide-react'
import { useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { useKept } from '../kept.ts'
import { words } from '../words/ui.ts'
import { IconButton } from './button.tsx'
import { Checkbox } from './field.tsx'
import { Menu, MenuChecks } from './menu.tsx'

const features = tableFeatures({
  columnVisibilityFeature,
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns,
})

export interface Column<T> {
  readonly id: string
  readonly name: string
  readonly cell: (row: T) => ReactNode
  /** What it is sorted by; left out, it is not. */
  readonly by?: (row: T) => string | number
  /** Numbers stand at the right. */
  readonly right?: boolean
  /** Classes of its width, such as `w-40`. */
  readonly width?: string
  /** Always shown. */
  readonly fixed?: boolean
  /** Not shown until somebody asks for it; or on narrow screens not at all. */
  readonly hidden?: boolean
  readonly wide?: boolean
}

export interface Selection {
  readonly chosen: ReadonlySet<number>
  readonly onChange: (chosen: ReadonlySet<number>) => void
}

interface TableProps<T> {
  /** Under this its columns are remembered. */
  readonly name: string
  readonly label: string
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly idOf: (row: T) => number
  readonly selection?: Selection
  readonly nameOf?: (row: T) => string
}

const ROW = 45
/** So many rows and fewer are all drawn: a page can be searched then. */
const ALL = 60

export function Table<T extends object>({ name, label, columns, rows, idOf, selection, nameOf }: TableProps<T>) {
  const [shown, setShown] = useKept<Record<string, boolean>>(`columns.${name}`, {})
  const [sorting, setSorting] = useState<SortingState>([])
  const definitions = useMemo(
    () =>
      columns.map(({ id, by }): ColumnDef<typeof features, T> => ({
        id,
        accessorFn: by ?? (() => 0),
        enableSorting: by !== undefined,
        sortFn: 'auto',
      })),
    [columns],
  )
  const visible = Object.fromEntries(
    columns.map(({ id, fixed, hidden }) => [id, fixed === true || (shown[id] ?? hidden !== true)]),
  )
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: (row) => String(idOf(row)),
    state: { sorting, columnVisibility: visible },
    onSortingChange: setSorting,
  })
  const byId = new Map(columns.map((one) => [one.id, one]))
  const all = table.getRowModel().rows
  // A head that stays in sight needs a box that does not scroll; only a table that is too wide has one that does.
  const box = useRef<HTMLDivElement>(null)
  const [wide, setWide] = useState(false)
  useLayoutEffect(() => {
    const { current } = box
    if (current === null) return undefined
    const watch = new ResizeObserver(() =>
      setWide((current.firstElementChild?.scrollWidth ?? 0) > current.clientWidth + 1),
    )
    watch.observe(current)
    if (current.firstElementChild !== null) watch.observe(current.firstElementChild)
    return () => watch.disconnect()
  }, [])
  const body = useRef<HTMLTableSectionElement>(null)
  const [top, setTop] = useState(0)
  useLayoutEffect(() => {
    if (body.current !== null) setTop(body.current.getBoundingClientRect().top + scrollY)
  }, [all.length === 0])
  const virtual = useWindowVirtualizer({
    count: all.length,
    estimateSize: () => ROW,
    overscan: 12,
    scrollMargin: top,
    enabled: all.length > ALL,
  })
  const items = all.length > ALL ? virtual.getVirtualItems() : undefined
  const drawn = items === undefined ? all : items.flatMap(({ index }) => all[index] ?? [])
  const before = items?.[0] === undefined ? 0 : items[0].start - top
  const last = items?.at(-1)
  const after = last === undefined ? 0 : virtual.getTotalSize() - (last.end - top)
  const ids = rows.map(idOf)
  const chosen = selection?.chosen ?? new Set<number>()
  const count = table.getVisibleLeafColumns().length + (selection === undefined ? 1 : 2)
  const toggle = (some: readonly number[], on: boolean) => {
    const next = new Set(chosen)
    for (const id of some) {
      if (on) next.add(id)
      else next.delete(id)
    }
    selection?.onChange(next)
  }
  const place = ({ right, wide, width }: Column<T>) =>
    `px-3 ${right === true ? 'text-right' : 'text-left'} ${wide === true ? 'max-lg:hidden' : ''} ${width ?? ''}`
  return (
    <div ref={box} className={wide ? 'overflow-x-auto' : ''}>
      <table aria-label={label} aria-rowcount={all.length + 1} className="w-full border-collapse">
        <thead className="sticky top-0 z-10 bg-box text-sm text-dim shadow-[0_1px_0_var(--line)]">
          <tr className="h-9">
            {selection === undefined ? null : (
              <th scope="col" className="w-10 pl-4 text-left">
                <Checkbox
                  label={words.selectAll}
                  checked={ids.length > 0 && ids.every((id) => chosen.has(id))}
                  some={ids.some((id) => chosen.has(id))}
                  onChange={(on) => toggle(ids, on)}
                />
              </th>
            )}
            {table.getVisibleLeafColumns().map((column) => {
              const one = byId.get(column.id)
              if (one === undefined) return null
              const sorted = column.getIsSorted()
              const order = sorted === false ? undefined : sorted === 'asc' ? 'ascending' : 'descending'
              return (
                <th
                  key={column.id}
                  scope="col"
                  aria-sort={order}
                  className={`${place(one)} font-medium whitespace-nowrap first:pl-4`}
                >
                  {column.getCanSort() ? (
                    <button
                      type="button"
                      onClick={column.getToggleSortingHandler()}
                      className="inline-flex items-center gap-1 hover:text-ink"
                    >
                      {one.name}
                      {sorted === 'asc' ? <ArrowUp aria-hidden size={13} /> : null}
                      {sorted === 'desc' ? <ArrowDown aria-hidden size={13} /> : null}
                    </button>
                  ) : (
                    one.name
                  )}
                </th>
              )
            })}
            <th scope="col" className="w-10 pr-2 text-right">
              <Menu trigger={<IconButton label={words.columns} icon={Columns3} size="small" />}>
                <MenuChecks
                  label={words.columns}
                  of={columns
                    .filter(({ fixed }) => fixed !== true)
                    .map(({ id, name }) => ({
                      name,
                      checked: visible[id] === true,
                      onChange: (checked) => setShown({ ...shown, [id]: checked }),
                    }))}
                />
              </Menu>
            </th>
          </tr>
        </thead>
        <tbody ref={body}>
          {before > 0 ? <Gap height={before} across={count} /> : null}
          {drawn.map((row) => {
            const id = idOf(row.original)
            return (
              <tr
                key={row.id}
                data-row={id}
                data-index={row.getDisplayIndex()}
                ref={items === undefined ? undefined : virtual.measureElement}
                className={`h-11 border-b border-line last:border-b-0 hover:bg-sunk ${chosen.has(id) ? 'bg-wash' : ''}`}
              >
                {selection === undefined ? null : (
                  <td className="pl-4">
                    <Checkbox
                      label={words.select(nameOf?.(row.original) ?? String(id))}
                      checked={chosen.has(id)}
                      onChange={(on) => toggle([id], on)}
                    />
                  </td>
                )}
                {table.getVisibleLeafColumns().map((column) => {
                  const one = byId.get(column.id)
                  return one === undefined ? null : (
                    <td key={column.id} className={`${place(one)} py-1.5 first:pl-4`}>
                      {one.cell(row.original)}
                    </td>
                  )
                })}
                <td />
              </tr>
            )
          })}
          {after > 0 ? <Gap height={after} across={count} /> : null}
        </tbody>
      </table>
    </div>
  )
}

const Gap = ({ height, across }: { height: number; across: number }) => (
  <tr aria-hidden>
    <td colSpan={across} style={{ height }} />
  </tr>
)
