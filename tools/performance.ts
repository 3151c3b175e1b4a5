/**
 * `docs/reference/performance.md`: every gate and what was measured of it last, from
 * `bench/results.json`.  What each gate measures stands in the table of `bench/README.md`.
 */
import { textOf } from './tree.ts'

interface Verdict {
  readonly id: string
  readonly value: number
  readonly gate: string
  readonly pass: boolean | null
  readonly reason?: string
  readonly foreignLoad: number
  readonly commit: string
  readonly date: string
  readonly detail?: {
    readonly in?: string
    readonly cases?: Readonly<Record<string, unknown>>
    readonly two?: unknown
  }
}

/** A case of a gate: tasks a second, and milliseconds of the server's processors a task. */
interface Rate {
  readonly rate: number
  readonly serverMs: number
}

interface Gate {
  readonly id: string
  readonly what: string
  readonly bound: string
}

/** Promised, and measured by no program of the bench: dropped as soon as its table has them. */
const WITHOUT_PROGRAM: readonly Gate[] = [{ id: 'R23-chain', what: 'cost of a hash chain over events', bound: '≤ 5 %' }]

export function gatesOf(readme: string): Gate[] {
  return Array.from(readme.matchAll(/^\| (R\d[^|]*?) \| (.*) \| ([^|]*?) \|$/gm)).flatMap(
    ([, ids = '', what = '', bounds = '']) => {
      const names = ids.split(', ')
      const each = bounds.split(', ')
      return names.map((id, at) => ({
        id,
        what: at === 0 ? what : `the same as ${names[0]}`,
        bound: each.length === names.length && names.length > 1 ? (each[at] ?? bounds) : bounds,
      }))
    },
  )
}

const SIGNS = { true: 'kept', false: '**missed**' } as const
const numberOf = (id: string) => Number.parseInt(id.slice(1), 10)

const RATES: readonly (readonly [
  gate: string,
  what: string,
  of: (detail: NonNullable<Verdict['detail']>) => unknown,
])[] = [
  ['R1a-many', 'one worker, 24 slots, a run for each task', ({ cases }) => cases?.['worker, a run each']],
  ['R1a-many', 'one worker, 24 slots, one run', ({ cases }) => cases?.['worker, one run']],
  ['R2-wide', 'one worker, 200 slots, a run for each task', ({ cases }) => cases?.['worker, a run each']],
  ['R2-wide', 'one worker, 200 slots, one run', ({ cases }) => cases?.['worker, one run']],
  ['R23-processes', 'two workers, 50 slots each, one run', ({ two }) => two],
]

const isRate = (value: unknown): value is Rate =>
  typeof value === 'object' && value !== null && 'rate' in value && 'serverMs' in value
const grouped = (number: number) => Math.round(number).toLocaleString('en-US')

/** What follows from a rate by multiplication. */
function ratesOf(measured: ReadonlyMap<string, Verdict>): string[] {
  return RATES.flatMap(([gate, what, of]) => {
    const found = of(measured.get(gate)?.detail ?? {})
    if (!isRate(found)) return []
    const { rate, serverMs } = found
    return `| ${what} | ${gate} | ${grouped(rate)} | ${serverMs} | ${serverMs.toFixed(2)} | ${grouped(rate * 10)} | ${grouped(rate * 86_400)} |`
  })
}

export function performancePage(readme: string, results: string): string {
  const { gates: verdicts } = JSON.parse(results) as { gates: readonly Verdict[] }
  const measured = new Map(verdicts.map((one) => [one.id, one]))
  const programs = gatesOf(readme)
  const known = new Set(programs.map(({ id }) => id))
  const all = [
    ...programs,
    ...WITHOUT_PROGRAM.filter(({ id }) => !known.has(id)),
    ...verdicts
      .filter(({ id }) => !known.has(id))
      .map(({ id, gate, detail }) => ({ id, what: detail?.in ?? '', bound: gate })),
  ]
  const rows = all
    .map((gate, at) => ({ ...gate, at }))
    .toSorted((a, b) => numberOf(a.id) - numberOf(b.id) || a.at - b.at)
    .map(({ id, what, bound }) => {
      const seen = measured.get(id)
      if (seen === undefined) return `| ${id} | ${what} | – | ${bound} | not measured | | | |`
      const verdict = seen.pass === null ? `none: ${seen.reason ?? ''}` : SIGNS[`${seen.pass}`]
      const unit = seen.detail?.in === undefined ? '' : ` (${seen.detail.in.split(';')[0]})`
      return `| ${id} | ${what} | ${seen.value}${unit} | ${seen.gate} | ${verdict} | ${seen.date.slice(0, 10)} | ${seen.foreignLoad} | \`${seen.commit}\` |`
    })
  const of = (wanted: boolean | null) => all.filter(({ id }) => measured.get(id)?.pass === wanted).length
  const absent = all.filter(({ id }) => !measured.has(id)).length
  return `# Performance

Made from \`bench/results.json\` by \`node tools/reference.ts --write\`. How each number is taken, against whom, and how to read it: [bench](../../bench/README.md). \`npm run bench -- R1 R5\` measures those gates again.

${all.length} gates: ${of(true)} kept, ${of(false)} missed, ${of(null)} without a verdict, ${absent} not measured. The commit is that of the code that was measured; *foreign load* is what others used of the machine meanwhile, in cores.

| gate | what | value | bound | verdict | date | foreign load | commit |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}

## What one PostgreSQL did

Tasks that do nothing, whose answers are kept, on a machine whose processors the server and the workers share. The columns behind *server* are the first two multiplied: what each thousand tasks a second take of the server's processors, how many calls of ten seconds would be under way at that rate, how many tasks that is in a day. [Scale](../scale.md) says what to do with them.

| case | gate | tasks a second | server, ms a task | processors for 1,000 a second | calls of 10 s under way | tasks a day |
|---|---|---|---|---|---|---|
${ratesOf(measured).join('\n')}
`
}

export const performance = (): string => performancePage(textOf('bench/README.md'), textOf('bench/results.json'))
