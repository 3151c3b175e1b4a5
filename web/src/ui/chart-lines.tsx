/** Lines over the levels of something, a series each; and dots of several on one scale. */
import { decimal } from '../shown.ts'
import { useWidth } from './chart-card.tsx'
import { Legend, seriesColour, ticksOf } from './chart.tsx'

const SOFT = 'fill-dim text-xs'

/** A series has a colour and a shape: circle, square, triangle, diamond. */
export function Mark({
  place,
  x,
  y,
  title,
  size = 5,
}: {
  place: number
  x: number
  y: number
  title: string
  size?: number
}) {
  const shapes = [
    `M${x - size},${y}a${size},${size} 0 1,0 ${2 * size},0a${size},${size} 0 1,0 ${-2 * size},0`,
    `M${x - size},${y - size}h${2 * size}v${2 * size}h${-2 * size}z`,
    `M${x},${y - size - 1}L${x + size + 1},${y + size}H${x - size - 1}z`,
    `M${x},${y - size - 2}L${x + size + 1},${y}L${x},${y + size + 2}L${x - size - 1},${y}z`,
  ]
  return (
    <path d={shapes[place % shapes.length]} style={{ fill: seriesColour(place) }} className="stroke-box">
      <title>{title}</title>
    </path>
  )
}

export interface Series {
  readonly name: string
  /** A value a level; null where there is none. */
  readonly values: readonly (number | null)[]
}

export function Lines({
  label,
  levels,
  series,
  domain: [from, to],
  reference,
  tick,
  height = 200,
}: {
  label: string
  levels: readonly string[]
  series: readonly Series[]
  domain: readonly [number, number]
  reference?: number
  tick: (value: number) => string
  height?: number
}) {
  const [box, width] = useWidth(420)
  const left = 40
  const across = width - left - 14
  const down = height - 34
  const x = (level: number) =>
    left + (levels.length < 2 ? across / 2 : 14 + ((across - 28) * level) / (levels.length - 1))
  const y = (value: number) => 8 + (down - 8) * (1 - (value - from) / (to - from || 1))
  const room = Math.max(3, Math.floor(across / Math.max(1, levels.length) / 6.6))
  return (
    <div ref={box}>
      <svg role="img" aria-label={label} width={width} height={height} className="block">
        {ticksOf(from, to, 4).map((value) => (
          <g key={value}>
            <line x1={left} x2={width} y1={y(value)} y2={y(value)} className="stroke-line" />
            <text x={left - 8} y={y(value)} textAnchor="end" dominantBaseline="central" className={SOFT}>
              {tick(value)}
            </text>
          </g>
        ))}
        {reference === undefined ? null : (
          <line
            x1={left}
            x2={width}
            y1={y(reference)}
            y2={y(reference)}
            className="stroke-faint"
            strokeDasharray="4 3"
          />
        )}
        {levels.map((name, i) => (
          <text key={name} x={x(i)} y={height - 12} textAnchor="middle" className={SOFT}>
            {name.length > room ? `${name.slice(0, room - 1)}…` : name}
            <title>{name}</title>
          </text>
        ))}
        {series.map(({ name, values }, place) => (
          <g key={name}>
            <path
              d={pathOf(values, x, y)}
              fill="none"
              strokeWidth={2}
              strokeDasharray={place % 2 === 0 ? undefined : '6 3'}
              style={{ stroke: seriesColour(place) }}
            />
            {values.map((value, i) =>
              value === null ? null : (
                <Mark key={i} place={place} x={x(i)} y={y(value)} title={`${name} · ${levels[i]}: ${decimal(value)}`} />
              ),
            )}
          </g>
        ))}
      </svg>
      <Legend of={series.map(({ name }, place) => ({ name, colour: seriesColour(place) }))} />
    </div>
  )
}

/** A gap where a value is missing. */
function pathOf(values: readonly (number | null)[], x: (i: number) => number, y: (value: number) => number): string {
  return values
    .map((value, i) => {
      if (value === null) return ''
      const before = values[i - 1]
      return `${before === undefined || before === null ? 'M' : 'L'}${x(i).toFixed(1)},${y(value).toFixed(1)}`
    })
    .join('')
}

/** One scale, a dot a series on it: how far apart they are. */
export function Dots({
  label,
  of,
  domain: [from, to],
}: {
  label: string
  of: readonly { readonly name: string; readonly value: number; readonly place: number }[]
  domain: readonly [number, number]
}) {
  const [box, width] = useWidth(240)
  const x = (value: number) => 10 + ((width - 20) * (value - from)) / (to - from || 1)
  const values = of.map(({ value }) => value)
  return (
    <div ref={box} className="min-w-32">
      <svg role="img" aria-label={label} width={width} height={24} className="block">
        <line x1={10} x2={width - 10} y1={12} y2={12} className="stroke-edge" />
        <line
          x1={x(Math.min(...values))}
          x2={x(Math.max(...values))}
          y1={12}
          y2={12}
          strokeWidth={4}
          className="stroke-edge"
        />
        {of.map(({ name, value, place }) => (
          <Mark key={name} place={place} x={x(value)} y={12} title={`${name}: ${decimal(value)}`} />
        ))}
      </svg>
    </div>
  )
}
