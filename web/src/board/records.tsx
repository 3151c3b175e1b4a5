/** What skills have left as rows: the verdict of the jury with its votes, hypotheses, the prototype, tickets. */
import type { CardRecords } from '../api.ts'
import { Badge, Card, Facts } from '../ui/index.ts'
import { count } from '../shown.ts'
import { work as words } from '../words/card.ts'
import { Priority } from './marks.tsx'

export function Records({ of: { hypotheses, prototypes, tickets, jury } }: { of: CardRecords }) {
  return (
    <>
      {jury === null ? null : <Jury jury={jury} />}
      {tickets.length === 0 ? null : <Tickets tickets={tickets} />}
      {prototypes.map((one) => (
        <Card key={one.n} title={`${words.prototypes}: ${one.name}`}>
          <Facts
            of={[
              [words.asks, <Said key="asks" text={one.question} />],
              [words.chosen, <Said key="chosen" text={one.chosen} />],
              ...[...one.components, ...one.stories].map(
                (part, n) => [nameIn(part, n), <Said key={n} text={restOf(part)} />] as const,
              ),
            ]}
          />
        </Card>
      ))}
      {hypotheses.length === 0 ? null : (
        <Card title={words.hypotheses} flush>
          <ul>
            {hypotheses.map((one) => (
              <li key={one.n} className="border-b border-line px-4 py-3 last:border-b-0">
                <div className="mb-1.5 flex flex-wrap items-center gap-2">
                  <span dir="auto" className="font-medium">
                    {one.title}
                  </span>
                  <Badge tone={one.confidence === 'high' ? 'good' : one.confidence === 'low' ? 'warn' : 'plain'}>
                    {words.confidence[one.confidence]}
                  </Badge>
                </div>
                <Facts
                  of={[
                    [words.belief, <Said key="b" text={one.belief} />],
                    [words.audience, <Said key="a" text={one.audience} />],
                    [words.because, <Said key="w" text={one.because} />],
                    [words.metric, <Said key="m" text={one.metric} />],
                    ...(one.evidence.length === 0
                      ? []
                      : [[words.evidence, <Said key="e" text={one.evidence.join('\n')} />] as const]),
                    ...(one.against === null ? [] : [[words.against, <Said key="x" text={one.against} />] as const]),
                  ]}
                />
              </li>
            ))}
          </ul>
        </Card>
      )}
    </>
  )
}

function Said({ text }: { text: string }) {
  return (
    <span dir="auto" className="whitespace-pre-wrap [overflow-wrap:anywhere]">
      {text}
    </span>
  )
}

type Part = Readonly<Record<string, unknown>>
const textIn = (part: Part, ...names: readonly string[]) =>
  names.map((name) => part[name]).find((value): value is string => typeof value === 'string')
const nameIn = (part: Part, n: number) =>
  textIn(part, 'name', 'title', 'persona', 'concern', 'suggestion', 'text') ?? String(n + 1)

/** All that is there besides its name; a number says what it is. */
function restOf(part: Part): string {
  const name = nameIn(part, -1)
  return Object.entries(part)
    .filter(([, value]) => value !== name && value !== null && value !== '')
    .map(([key, value]) => {
      if (typeof value === 'string') return value
      const text =
        Array.isArray(value) && value.every((one) => typeof one === 'string') ? value.join(', ') : JSON.stringify(value)
      return `${key.replaceAll('_', ' ')}: ${text}`
    })
    .join(' · ')
}

const VERDICTS = { pass: 'good', conditional: 'warn', fail: 'bad' } as const
const STANCES = { approve: 'good', conditional: 'warn', reject: 'bad' } as const

function Jury({ jury }: { jury: NonNullable<CardRecords['jury']> }) {
  const { score, low, high, method, verdict, votes, personas, concerns, suggestions } = jury
  const nice = (n: number) => n.toLocaleString('en', { maximumFractionDigits: 1 })
  return (
    <Card title={words.jury} flush actions={<Badge tone={VERDICTS[verdict]}>{words.verdicts[verdict]}</Badge>}>
      <div className="border-b border-line p-4">
        <div className="flex flex-wrap items-baseline gap-x-3">
          <span className="text-2xl font-semibold tracking-tight">{nice(score)}</span>
          <span className="text-dim">{words.ofHundred}</span>
          <span className="text-sm text-dim">
            {words.intervalSays}: {words.interval(nice(low), nice(high))} ({method}) ·{' '}
            {words.votes(count(votes.length))}
          </span>
        </div>
        <div
          role="img"
          aria-label={`${words.score} ${nice(score)}, ${words.intervalSays} ${words.interval(nice(low), nice(high))}`}
          className="relative mt-3 h-2 rounded-full bg-line"
        >
          <span
            className="absolute inset-y-0 rounded-full bg-accent/35"
            style={{ left: `${low}%`, width: `${Math.max(0.5, high - low)}%` }}
          />
          <span
            className="absolute -top-1 h-4 w-1 -translate-x-1/2 rounded-full bg-accent"
            style={{ left: `${score}%` }}
          />
        </div>
        {personas.length === 0 ? null : (
          <div className="mt-4">
            <Facts of={personas.map((one, n) => [nameIn(one, n), <Said key={n} text={restOf(one)} />] as const)} />
          </div>
        )}
      </div>
      <ul className="max-h-[32rem] overflow-y-auto" tabIndex={0} aria-label={words.votes(count(votes.length))}>
        {votes.map((one) => (
          <li key={`${one.persona} ${one.vote}`} className="border-b border-line px-4 py-2.5 last:border-b-0">
            <div className="flex flex-wrap items-center gap-2">
              <span className="font-medium">{one.persona}</span>
              <Badge tone={STANCES[one.stance]}>{words.stances[one.stance]}</Badge>
              {one.blocking ? <Badge tone="bad">{words.blocking}</Badge> : null}
              <span className="text-xs text-faint">
                {words.vote} {one.vote}
              </span>
            </div>
            <Said text={one.reason} />
            {one.concern === '' ? null : (
              <p className="text-sm text-dim">
                {words.concern}: {one.concern}
              </p>
            )}
            {one.suggestion === '' ? null : (
              <p className="text-sm text-dim">
                {words.suggestion}: {one.suggestion}
              </p>
            )}
          </li>
        ))}
      </ul>
      {concerns.length + suggestions.length === 0 ? null : (
        <div className="border-t border-line p-4">
          <Facts
            of={[
              ...concerns.map(
                (one, n) =>
                  [`${words.concern} ${n + 1}`, <Said key={n} text={`${nameIn(one, n)} ${restOf(one)}`} />] as const,
              ),
              ...suggestions.map(
                (one, n) =>
                  [`${words.suggestion} ${n + 1}`, <Said key={n} text={`${nameIn(one, n)} ${restOf(one)}`} />] as const,
              ),
            ]}
          />
        </div>
      )}
    </Card>
  )
}

function Tickets({ tickets }: { tickets: CardRecords['tickets'] }) {
  const points = tickets.reduce((n, one) => n + one.points, 0)
  return (
    <Card title={words.tickets} flush actions={<span className="text-sm text-dim">{words.pointsOf(points)}</span>}>
      <ul>
        {tickets.map((one) => (
          <li key={one.id} className="border-b border-line last:border-b-0">
            <details className="px-4 py-2.5">
              <summary className="flex cursor-pointer flex-wrap items-center gap-2">
                <span className="w-6 text-right text-faint">{one.n}</span>
                <Priority of={one.priority} />
                <span dir="auto" className="min-w-0 flex-1 font-medium [overflow-wrap:anywhere]">
                  {one.title}
                </span>
                <Badge>{words.ticketTypes[one.type]}</Badge>
                <span className="text-sm text-dim">{words.pointsOf(one.points)}</span>
              </summary>
              <div className="mt-2 flex flex-col gap-2 pl-8">
                <Said text={one.description} />
                {one.acceptance.length === 0 ? null : (
                  <div>
                    <p className="text-sm text-dim">{words.acceptance}</p>
                    <ul className="list-disc pl-5">
                      {one.acceptance.map((line) => (
                        <li key={line}>{line}</li>
                      ))}
                    </ul>
                  </div>
                )}
                {one.dependsOn.length === 0 ? null : (
                  <p className="text-sm text-dim">
                    {words.dependsOn} {one.dependsOn.join(', ')}
                  </p>
                )}
              </div>
            </details>
          </li>
        ))}
      </ul>
    </Card>
  )
}
