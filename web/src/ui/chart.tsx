/**
 * Charts, drawn as SVG: bars of shares, values with intervals, lines over levels, dots on
 * a scale.  Colours are roles of the theme; series differ by shape, too.  Names that are
 * too long are cut, and whole on hover; what a mark is, its `title` says.
 */
import { count, percent } from '../shown.ts'
import { words } from '../words/chart.ts'
import { useWidth } from './chart-card.tsx'

const ROW = 34
const TEXT = 'fill-ink text-sm'
const SOFT = 'fill-dim text-xs'

/** The colour of a series by its place. */
export const seriesColour = (place: number) => `var(--series-${(place % 6) + 1})`
/** How much of the full colour a place on an ordered scale has: pale for long, so that text on it is read. */
const mixOf = (part: number) => 10 + 90 * part ** 1.6
/** From pale to full: codes of an ordered scale. */
export const rampColour = (part: number) => `color-mix(in srgb, var(--accent) ${Math.round(mixOf(part))}%, var(--box))`
/** Which ink is read on it, in either theme. */
export const inkOn = (part: number): Ink => (mixOf(part) > 80 ? 'light' : mixOf(part) > 55 ? 'middle' : 'plain')

type Ink = 'plain' | 'middle' | 'light'
export const FILLS: Readonly<Record<Ink, string>> = {
  plain: 'fill-ink',
  middle: 'fill-ink dark:fill-on-accent',
  light: 'fill-on-accent',
}

const labelWidth = (width: number, names: readonly string[]) =>
  Math.min(Math.max(60, 7.4 * Math.max(...names.map(({ length }) => length), 1) + 12), Math.floor(width * 0.36))

function Label({ name, y, width }: { name: string; y: number; width: number }) {
  const most = Math.max(4, Math.floor((width - 10) / 7.2))
  return (
    <text x={0} y={y} dominantBaseline="central" className={TEXT}>
      {name.length > most ? `${name.slice(0, most - 1)}…` : name}
      <title>{name}</title>
    </text>
  )
}

interface Part {
  readonly name: string
  readonly value: number
}

/** What a part is painted with: by its place in the scale, or as what is beside the scale. */
export interface Paint {
  readonly name: string
  readonly colour: string
  readonly ink?: Ink
}

export function Legend({ of }: { of: readonly Paint[] }) {
  return (
    <ul className="mt-3 flex flex-wrap gap-x-4 gap-y-1 text-sm text-dim">
      {of.map(({ name, colour }) => (
        <li key={name} className="flex items-center gap-1.5">
          <span aria-hidden className="size-3 shrink-0 rounded-sm border border-line" style={{ background: colour }} />
          <span className="max-w-60 truncate" title={name}>
            {name}
          </span>
        </li>
      ))}
    </ul>
  )
}

/** A bar a row, cut into shares of its whole. */
export function Shares({
  label,
  rows,
  paints,
}: {
  label: string
  rows: readonly { readonly name: string; readonly parts: readonly Part[] }[]
  paints: readonly Paint[]
}) {
  const [box, width] = useWidth()
  const left = labelWidth(
    width,
    rows.map(({ name }) => name),
  )
  const right = 52
  const across = Math.max(40, width - left - right)
  const byName = new Map(paints.map((one) => [one.name, one]))
  return (
    <div ref={box}>
      <svg role="img" aria-label={label} width={width} height={rows.length * ROW} className="block">
        {rows.map(({ name, parts }, i) => {
          const whole = parts.reduce((sum, { value }) => sum + value, 0)
          let x = left
          return (
            <g key={name}>
              <Label name={name} y={i * ROW + ROW / 2} width={left} />
              {parts.map((part) => {
                const wide = whole === 0 ? 0 : (across * part.value) / whole
                const at = x
                x += wide
                const paint = byName.get(part.name)
                return wide === 0 ? null : (
                  <g key={part.name}>
                    <rect
                      x={at}
                      y={i * ROW + 5}
                      width={Math.max(1, wide - 1)}
                      height={ROW - 10}
                      style={{ fill: paint?.colour }}
                    >
                      <title>{`${name} · ${part.name}: ${count(part.value)} (${percent(part.value / whole)})`}</title>
                    </rect>
                    {wide > 38 ? (
                      <text
                        x={at + wide / 2}
                        y={i * ROW + ROW / 2}
                        textAnchor="middle"
                        dominantBaseline="central"
                        className={`pointer-events-none text-xs ${FILLS[paint?.ink ?? 'plain']}`}
                      >
                        {percent(part.value / whole)}
                      </text>
                    ) : null}
                  </g>
                )
              })}
              <text x={width} y={i * ROW + ROW / 2} textAnchor="end" dominantBaseline="central" className={SOFT}>
                {words.of(count(whole))}
              </text>
            </g>
          )
        })}
      </svg>
      <Legend of={paints} />
    </div>
  )
}

export interface Interval {
  readonly name: string
  readonly value: number | null
  readonly low: number | null
  readonly high: number | null
  /** Said at the right. */
  readonly remark?: string
  readonly title?: string
  /** Its colour; the accent, if left out. */
  readonly colour?: string
}

/** A value with its interval, a row each, before a line that says where nothing is. */
export function Intervals({
  label,
  rows,
  domain: [from, to],
  reference,
  tick,
}: {
  label: string
  rows: readonly Interval[]
  domain: readonly [number, number]
  reference?: number
  tick: (value: number) => string
}) {
  const [box, width] = useWidth()
  const left = labelWidth(
    width,
    rows.map(({ name }) => name),
  )
  const right = rows.some(({ remark }) => remark !== undefined) ? 84 : 16
  const across = Math.max(40, width - left - right)
  const x = (value: number) => left + (across * (value - from)) / (to - from || 1)
  const ticks = ticksOf(from, to, across < 300 ? 3 : 5)
  const height = rows.length * ROW
  return (
    <div ref={box}>
      <svg role="img" aria-label={label} width={width} height={height + 22} className="block">
        {ticks.map((value) => (
          <g key={value}>
            <line x1={x(value)} x2={x(value)} y1={0} y2={height} className="stroke-line" />
            <text x={x(value)} y={height + 14} textAnchor="middle" className={SOFT}>
              {tick(value)}
            </text>
          </g>
        ))}
        {reference === undefined ? null : (
          <line x1={x(reference)} x2={x(reference)} y1={0} y2={height} className="stroke-faint" strokeDasharray="4 3" />
        )}
        {rows.map(({ name, value, low, high, remark, title, colour = 'var(--accent)' }, i) => {
          const y = i * ROW + ROW / 2
          return (
            <g key={name}>
              <Label name={name} y={y} width={left} />
              {low === null || high === null ? null : (
                <g style={{ stroke: colour }} strokeWidth={2}>
                  <line x1={x(low)} x2={x(high)} y1={y} y2={y} />
                  <line x1={x(low)} x2={x(low)} y1={y - 5} y2={y + 5} />
                  <line x1={x(high)} x2={x(high)} y1={y - 5} y2={y + 5} />
                </g>
              )}
              {value === null ? null : (
                <circle cx={x(value)} cy={y} r={5} style={{ fill: colour }}>
                  <title>{title ?? `${name}: ${tick(value)}`}</title>
                </circle>
              )}
              {remark === undefined ? null : (
                <text x={width} y={y} textAnchor="end" dominantBaseline="central" className={SOFT}>
                  {remark}
                </text>
              )}
            </g>
          )
        })}
      </svg>
    </div>
  )
}

/** Round values between two, about so many. */
export function ticksOf(from: number, to: number, about: number): number[] {
  const rough = (to - from) / about
  if (!(rough > 0)) return [from]
  const size = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((one) => one * size >= rough) ?? 10) * size
  const first = Math.ceil(from / step - 1e-9)
  return Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step)
}
