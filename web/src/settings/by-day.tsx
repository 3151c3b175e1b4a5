/** Cost by day as bars, those without any in their place; the table below has the numbers. */
import { count, dollars } from '../shown.ts'
import { words } from '../words/settings.ts'

interface Line {
  readonly of: string
  readonly calls: number
  readonly costUsd: number
}

const DAY = 86_400_000
const HIGH = 100

export function ByDay({ lines, since, days }: { lines: readonly Line[]; since: string; days: number }) {
  const first = Date.parse(since)
  const by = new Map(lines.map((line) => [line.of, line]))
  const all = Array.from({ length: days }, (_, i) => {
    const day = new Date(first + i * DAY).toISOString().slice(0, 10)
    return { day, usd: by.get(day)?.costUsd ?? 0, calls: by.get(day)?.calls ?? 0 }
  })
  // What costs nothing is told by its calls.
  const free = all.every(({ usd }) => usd === 0)
  const of = ({ usd, calls }: (typeof all)[number]) => (free ? calls : usd)
  const most = Math.max(...all.map(of), Number.MIN_VALUE)
  return (
    <figure className="border-b border-line p-4">
      <figcaption className="mb-2 flex justify-between text-sm text-dim">
        <span>{free ? words.calls : words.perDay}</span>
        <span>{free ? count(most) : dollars(most)}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${days} ${HIGH}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={words.perDay}
        className="h-28 w-full rounded-md bg-sunk"
      >
        {all.map((one, i) => (
          <rect
            key={one.day}
            x={i + 0.1}
            width={0.8}
            y={HIGH - (HIGH * of(one)) / most}
            height={(HIGH * of(one)) / most}
            className="fill-accent"
          >
            <title>{`${one.day}: ${dollars(one.usd)}, ${count(one.calls)}`}</title>
          </rect>
        ))}
      </svg>
      <div className="mt-1 flex justify-between text-xs text-faint">
        <span>{all[0]?.day}</span>
        <span>{all.at(-1)?.day}</span>
      </div>
    </figure>
  )
}
