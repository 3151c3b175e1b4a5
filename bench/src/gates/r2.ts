/** R2: tasks a second in batches, results kept, against raw50. */
import { RAW50 } from '../../raw/raw.ts'
import type { Measured } from '../results.ts'
import { foreignOf, interleave, ratio, summary, type Case, type Stage } from '../stage.ts'

const FLIGHT = RAW50.loops * RAW50.batch

export async function r2(stage: Stage): Promise<Measured[]> {
  const work = { tasks: stage.size(20_000), flight: FLIGHT, batch: RAW50.batch, call: 0 }
  const cases: Case[] = [
    { name: 'raw50', contender: 'raw', drain: 'loops', work },
    { name: 'worker, one run', contender: 'engine', drain: 'worker', shape: 'one run', work },
    { name: 'worker, a run each', contender: 'engine', drain: 'worker', work },
    { name: 'loops, one run', contender: 'engine', drain: 'loops', shape: 'one run', work },
    { name: 'loops, a run each', contender: 'engine', drain: 'loops', work },
    { name: 'pg-boss', contender: 'pg-boss', drain: 'batched', work },
    { name: 'graphile (keeps no result)', contender: 'graphile', drain: 'batched', work: { ...work, flight: 24 } },
  ]
  const rounds = await interleave(stage, cases, stage.quick ? 1 : 5)
  const detail = { in: 'tasks/s, ratio to raw50', tasks: work.tasks, cases: summary(rounds, 'raw50') }
  return [
    {
      id: 'R2-wide',
      value: ratio(rounds, 'worker, one run', 'raw50'),
      bound: { least: 0.95, stretch: 1.2 },
      foreign: foreignOf(rounds, 'worker, one run', 'raw50'),
      detail,
    },
    {
      id: 'R2-many',
      value: ratio(rounds, 'worker, a run each', 'raw50'),
      bound: { least: 0.9 },
      foreign: foreignOf(rounds, 'worker, a run each', 'raw50'),
      detail: { case: 'worker, a run each' },
    },
  ]
}
