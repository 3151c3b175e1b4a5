/** R6: tasks a second while another session of the database holds an old snapshot, against the same without it. */
import pg from 'pg'
import { RAW1, RAW50 } from '../../raw/raw.ts'
import { median, round } from '../numbers.ts'
import type { Measured } from '../results.ts'
import type { Place } from '../server.ts'
import { foreignOf, interleave, ratio, summary, type Case, type Drained, type Rounds, type Stage } from '../stage.ts'

/** Slower than ours and told for comparison alone: fewer rounds. */
const PEER_ROUNDS = 1

export async function r6(stage: Stage): Promise<Measured[]> {
  const tasks = stage.size(50_000)
  const work1 = { tasks, flight: RAW1.loops, batch: RAW1.batch, call: 0 }
  const work50 = { tasks, flight: RAW50.loops * RAW50.batch, batch: RAW50.batch, call: 0 }
  const ours = [
    ...twice({ name: 'worker, runs of 5', contender: 'engine', drain: 'worker', shape: 5, work: work1 }),
    ...twice({
      name: 'worker 200, 12 runs',
      contender: 'engine',
      drain: 'worker',
      shape: Math.ceil(tasks / 12),
      work: work50,
    }),
  ]
  const others = [
    ...twice({ name: 'worker, one run', contender: 'engine', drain: 'worker', shape: 'one run', work: work1 }),
    ...twice({ name: 'raw1', contender: 'raw', drain: 'loops', work: work1 }),
    ...twice({ name: 'raw50', contender: 'raw', drain: 'loops', work: work50 }),
    ...twice({ name: 'pg-boss', contender: 'pg-boss', drain: 'batched', work: work50 }),
  ]
  const rounds = await interleave(stage, ours, stage.quick ? 1 : 5)
  const compared = await interleave(stage, others, PEER_ROUNDS)
  const all = { ...rounds, ...compared }
  const names = Object.keys(all).filter((name) => !name.endsWith(PINNED))
  const detail = {
    in: 'tasks/s beside an idle REPEATABLE READ session / without it',
    tasks,
    kept: Object.fromEntries(names.map((name) => [name, ratio(all, name + PINNED, name)])),
    tenths: Object.fromEntries(names.map((name) => [name, slices(all, name)])),
    peerRounds: PEER_ROUNDS,
    cases: summary(all),
  }
  for (const name of names) stage.tell(`     ${name}, by tenths: ${slices(all, name).join(' ')}`)
  return [
    ...judged(rounds, 'R6-1', 'worker, runs of 5', 0.95, detail),
    ...judged(rounds, 'R6-50', 'worker 200, 12 runs', 0.85),
  ]
}

function judged(rounds: Rounds, id: string, name: string, least: number, rest?: unknown): Measured[] {
  const foreign = foreignOf(rounds, name, name + PINNED)
  const tenths = slices(rounds, name)
  return [
    { id, value: ratio(rounds, name + PINNED, name), bound: { least }, foreign, detail: rest ?? { case: name } },
    {
      id: `${id}-worst`,
      value: Math.min(...tenths),
      bound: { least },
      foreign,
      detail: { in: 'the worst tenth of the tasks', median: round(median(tenths)), tenths },
    },
  ]
}

const PINNED = ', pinned'

/** Without the snapshot, and beside it. */
function twice(one: Case): Case[] {
  return [one, { ...one, name: one.name + PINNED, beside: pin }]
}

async function pin({ owner }: Place): Promise<() => Promise<void>> {
  const client = new pg.Client(owner)
  await client.connect()
  await client.query('begin isolation level repeatable read')
  await client.query('select count(*) from pg_class')
  return () => client.end()
}

/** Each tenth of the tasks: its rate beside the snapshot / without it in the same round; medians. */
function slices(rounds: Rounds, name: string): number[] {
  const [free = [], pinned = []] = [rounds[name], rounds[name + PINNED]]
  return Array.from({ length: 10 }, (_, n) =>
    round(median(free.map((one, at) => lasted(one, n) / lasted(pinned[at], n)))),
  )
}

function lasted(one: Drained | undefined, n: number): number {
  return (one?.tenths[n] ?? Number.NaN) - (n === 0 ? 0 : (one?.tenths[n - 1] ?? Number.NaN))
}
