/** R1: tasks a second, one at a time, with result, event and progress in one transaction, against raw1. */
import { RAW1 } from '../../raw/raw.ts'
import type { Measured } from '../results.ts'
import { foreignOf, interleave, ratio, summary, type Case, type Stage } from '../stage.ts'

const FLIGHT = RAW1.loops

export async function r1(stage: Stage): Promise<Measured[]> {
  const work = { tasks: stage.size(10_000), flight: FLIGHT, batch: 1, call: 0 }
  const less = { ...work, tasks: stage.size(3_000) }
  const cases: Case[] = [
    { name: 'raw1', contender: 'raw', drain: 'loops', work },
    { name: 'worker, a run each', contender: 'engine', drain: 'worker', work },
    { name: 'worker, one run', contender: 'engine', drain: 'worker', shape: 'one run', work },
    { name: 'loops, a run each', contender: 'engine', drain: 'loops', work },
    { name: 'loops, one run', contender: 'engine', drain: 'loops', shape: 'one run', work: less },
    { name: 'graphile (keeps no result)', contender: 'graphile', drain: 'singly', work: less },
    { name: 'bullmq on PostgreSQL', contender: 'bullmq', drain: 'singly', work: less },
    { name: 'pg-boss', contender: 'pg-boss', drain: 'singly', work: less },
  ]
  const rounds = await interleave(stage, cases, stage.quick ? 1 : 5)
  const detail = { in: 'tasks/s, ratio to raw1', tasks: work.tasks, cases: summary(rounds, 'raw1') }
  const gate = (id: string, name: string, bound: Measured['bound'], rest?: unknown): Measured => ({
    id,
    value: ratio(rounds, name, 'raw1'),
    bound,
    foreign: foreignOf(rounds, name, 'raw1'),
    detail: rest ?? { case: name },
  })
  return [
    gate('R1a-many', 'worker, a run each', { least: 1.2, stretch: 2 }, detail),
    gate('R1a-wide', 'worker, one run', { least: 1.2, stretch: 2 }),
    gate('R1b', 'loops, a run each', { least: 0.85 }),
  ]
}
