/** R5: 2,000 calls of 200 ms at 200 in flight; the ideal is 2.0 s. */
import { median, round } from '../numbers.ts'
import { QUIET, type Measured } from '../results.ts'
import { interleave, summary, type Case, type Rounds, type Stage } from '../stage.ts'

const CALL = 200
const OURS = 'worker'

export async function r5(stage: Stage): Promise<Measured[]> {
  const tasks = stage.size(2_000)
  // Ten waves of calls; when small, two.
  const work = { tasks, flight: stage.quick ? tasks / 2 : 200, batch: 1, call: CALL }
  const cases: Case[] = [
    { name: OURS, contender: 'engine', drain: 'worker', shape: 'one run', work },
    { name: 'pg-boss by hand', contender: 'pg-boss', drain: 'paced', work },
    { name: 'graphile, results by hand (2 tx)', contender: 'graphile', drain: 'paced', work },
    { name: 'bullmq on PostgreSQL (no progress)', contender: 'bullmq', drain: 'paced', work },
  ]
  const ideal = ((tasks / work.flight) * CALL) / 1000
  const rounds: Rounds = await interleave(stage, cases, stage.quick ? 1 : 5)
  const ours = [...(rounds[OURS] ?? [])]
  // Only what was measured in a quiet moment counts, so a noisy round is tried again.
  const quiet = () => ours.filter((one) => one.foreign <= QUIET)
  for (let more = 0; !stage.quick && quiet().length < 5 && more < 5; more += 1) {
    ours.push(...((await interleave(stage, cases.slice(0, 1), 1))[OURS] ?? []))
  }
  const counted = quiet().length >= 5 ? quiet() : ours
  return [
    {
      id: 'R5',
      value: round(median(counted.map((one) => one.makespan)) / ideal),
      bound: { most: 1.05 },
      foreign: round(median(counted.map((one) => one.foreign))),
      absolute: true,
      detail: {
        in: `makespan / ${ideal} s`,
        all: ours.map((one) => ({ ratio: round(one.makespan / ideal), foreign: round(one.foreign) })),
        cases: Object.fromEntries(
          Object.entries(rounds).map(([name, all]) => [name, round(median(all.map((one) => one.makespan)) / ideal)]),
        ),
        numbers: summary(rounds),
      },
    },
  ]
}
