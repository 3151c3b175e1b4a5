import pg from 'pg'
import { openStage, interleave, summary, ratio, type Case } from './stage.ts'
import type { Place } from './server.ts'
async function pin({ owner }: Place): Promise<() => Promise<void>> {
  const client = new pg.Client(owner)
  await client.connect()
  await client.query('begin isolation level repeatable read')
  await client.query('select count(*) from pg_class')
  return () => client.end()
}
const [, , names = '', roundsText = '1', scale = '1'] = process.argv
const s = Number(scale)
const w1 = { tasks: 6_000 * s, flight: 24, batch: 1, call: 0 }
const w50 = { tasks: 20_000 * s, flight: 200, batch: 50, call: 0 }
const all: Record<string, Case> = {
  raw1: { name: 'raw1', contender: 'raw', drain: 'loops', work: w1 },
  raw50: { name: 'raw50', contender: 'raw', drain: 'loops', work: w50 },
  loops1: { name: 'loops1', contender: 'engine', drain: 'loops', work: w1 },
  loops50: { name: 'loops50', contender: 'engine', drain: 'loops', work: w50 },
  w1many: { name: 'w1many', contender: 'engine', drain: 'worker', work: w1 },
  w1wide: { name: 'w1wide', contender: 'engine', drain: 'worker', shape: 'one run', work: w1 },
  w50many: { name: 'w50many', contender: 'engine', drain: 'worker', work: w50 },
  w50wide: { name: 'w50wide', contender: 'engine', drain: 'worker', shape: 'one run', work: w50 },
  r6a: { name: 'r6a', contender: 'engine', drain: 'worker', shape: 5, work: { ...w1, tasks: 20_000 * s } },
  r6b: { name: 'r6b', contender: 'engine', drain: 'worker', shape: Math.ceil((20_000 * s) / 12), work: { ...w50, tasks: 20_000 * s } },
  rawpin1: { name: 'rawpin1', contender: 'raw', drain: 'loops', work: { ...w1, tasks: 20_000 * s } },
}
all['r6aP'] = { ...all['r6a']!, name: 'r6aP', beside: pin }
all['r6bP'] = { ...all['r6b']!, name: 'r6bP', beside: pin }
const stage = await openStage(true)
console.log('postmaster', stage.meter)
try {
  const cases = names.split(',').map((n) => all[n]!)
  const rounds = await interleave(stage, cases, Number(roundsText))
  const sum = summary(rounds, cases[0]!.name)
  for (const [n, v] of Object.entries(sum)) console.log(n, JSON.stringify(v))
  for (const n of ['r6a', 'r6b']) if (rounds[n] && rounds[n + 'P']) {
    console.log(n, 'kept', ratio(rounds, n + 'P', n))
    const t = (xs: readonly number[]) => xs.map((x, i) => (x - (i ? xs[i - 1]! : 0)))
    const a = t(rounds[n]![0]!.tenths), b = t(rounds[n + 'P']![0]!.tenths)
    console.log('  tenths', a.map((x, i) => (x / b[i]!).toFixed(2)).join(' '))
  }
} finally { await stage.close() }
