/**
 * What every chart has: a title, what it says in a sentence, the numbers behind it as a
 * table, and its download as CSV, SVG and PNG, coloured as it is seen.
 */
import { ChartColumn, Download, Table2 } from 'lucide-react'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { words } from '../words/chart.ts'
import { IconButton } from './button.tsx'
import { Card } from './card.tsx'
import { csvOf, save, svgOf, toPng, type Cell } from './chart-file.ts'
import { Menu, MenuItems } from './menu.tsx'
import { tellProblem } from './toast.tsx'

export interface Numbers {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

interface ChartCardProps {
  readonly title: string
  /** How it is read. */
  readonly lead?: ReactNode
  /** Of the downloaded file, without its ending. */
  readonly file: string
  readonly numbers: Numbers
  /** Set beside the title. */
  readonly choice?: ReactNode
  readonly children: ReactNode
}

export function ChartCard({ title, lead, file, numbers, choice, children }: ChartCardProps) {
  const [table, setTable] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  const drawn = () => box.current?.querySelector('svg') ?? undefined
  const svg = () => {
    const found = drawn()
    if (found !== undefined) save(`${file}.svg`, 'image/svg+xml', svgOf(found))
  }
  const png = () => {
    const found = drawn()
    if (found !== undefined) toPng(found).then((blob) => save(`${file}.png`, 'image/png', blob), tellProblem)
  }
  return (
    <Card
      title={title}
      actions={
        <>
          {choice}
          <IconButton
            size="small"
            label={table ? words.chart(title) : words.table(title)}
            icon={table ? ChartColumn : Table2}
            aria-pressed={table}
            onClick={() => setTable(!table)}
          />
          <Menu trigger={<IconButton size="small" label={words.download(title)} icon={Download} />}>
            <MenuItems
              of={[
                { name: words.csv, onSelect: () => save(`${file}.csv`, 'text/csv', csvOf(numbers)) },
                ...(table
                  ? []
                  : [
                      { name: words.svg, onSelect: svg },
                      { name: words.png, onSelect: png },
                    ]),
              ]}
            />
          </Menu>
        </>
      }
    >
      {lead === undefined ? null : <p className="mb-3 max-w-prose text-sm text-dim">{lead}</p>}
      {table ? <NumbersTable title={title} of={numbers} /> : <div ref={box}>{children}</div>}
    </Card>
  )
}

export function NumbersTable({ title, of }: { title: string; of: Numbers }) {
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={title}>
      <table className="w-full border-collapse text-sm">
        <caption className="sr-only">{title}</caption>
        <thead>
          <tr className="border-b border-line text-dim">
            {of.columns.map((name, i) => (
              <th key={name} scope="col" className={`px-2 py-1 font-medium ${i === 0 ? 'text-left' : 'text-right'}`}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {of.rows.map((row, i) => (
            <tr key={i} className="border-b border-line last:border-b-0">
              {row.map((value, j) =>
                j === 0 ? (
                  <th key={j} scope="row" className="px-2 py-1 text-left font-normal">
                    {value}
                  </th>
                ) : (
                  <td key={j} className={`px-2 py-1 ${typeof value === 'string' ? 'text-left' : 'text-right'}`}>
                    {typeof value === 'number' ? Number(value.toPrecision(4)) : (value ?? words.none)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** The width that there is to draw in, in pixels: text keeps its size, only the space changes. */
export function useWidth(otherwise = 640): [React.RefObject<HTMLDivElement | null>, number] {
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(otherwise)
  useEffect(() => {
    const { current } = box
    if (current === null) return undefined
    const watch = new ResizeObserver(([entry]) => {
      const now = Math.round(entry?.contentRect.width ?? 0)
      if (now > 0) setWidth(now)
    })
    watch.observe(current)
    return () => watch.disconnect()
  }, [])
  return [box, width]
}
