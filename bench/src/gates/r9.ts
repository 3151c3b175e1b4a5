/** R9: from the call of cancel until the code of the task, in another process, is told; and until a process group is dead. */
import { openEngine, type Engine } from '../../../engine/src/index.ts'
import { answer, now, wait } from '../contender.ts'
import { kindThat, WHO } from '../contenders/engine.ts'
import { hire, type Child } from '../crew.ts'
import { median, quantile, round } from '../numbers.ts'
import { QUIET, type Measured } from '../results.ts'
import { ask } from '../server.ts'
import type { Stage } from '../stage.ts'
import { r9Group } from './r9-group.ts'

/** Tasks of the wide run that is cancelled once a round. */
const WIDE = 100

interface Sampled {
  /** Milliseconds of each cancel; and of the wide run's last task. */
  readonly told: readonly number[]
  readonly wide: number
  readonly foreign: number
}

const kind = kindThat(async ({ n }) => answer(n))

export const r9 = async (stage: Stage): Promise<Measured[]> => [...(await r9Abort(stage)), await r9Group(stage)]

async function r9Abort(stage: Stage): Promise<Measured[]> {
  const { contender, place } = await stage.enter('engine')
  await contender.fill(place, { tasks: 1, shape: 'one run' })
  const engine = openEngine(place.api)
  const child = await hire({ contender: 'engine', place, act: 'perform', given: { slots: 200 } })
  const rounds: Sampled[] = []
  try {
    await child.act()
    const enough = () => rounds.filter((one) => one.foreign <= QUIET).length >= 5
    for (let n = 0; n < (stage.quick ? 1 : 8) && !enough(); n += 1) {
      const sampled = await sample(stage, engine, child)
      rounds.push(sampled)
      const { told, wide, foreign } = sampled
      stage.tell(
        `  ${n + 1}  p50 ${p(told, 0.5)} ms, p99 ${p(told, 0.99)}, ${WIDE} at once ${wide}; foreign ${foreign}`,
      )
    }
    await wait(500)
    const [row] = await ask<{ open: string }>(
      place.owner,
      `select count(*) as open from engine.runs where cancel_asked_at is not null and state <> 'cancelled'`,
    )
    if (Number(row?.open) > 0) throw new Error(`${row?.open} cancelled runs are still open`)
  } finally {
    await child.close()
    await engine.close()
  }
  const quiet = rounds.filter((one) => one.foreign <= QUIET)
  const counted = quiet.length > 0 ? quiet : rounds
  const all = counted.flatMap((one) => one.told)
  return [
    {
      id: 'R9-abort',
      value: p(all, 0.99),
      bound: { most: 50 },
      foreign: round(median(counted.map((one) => one.foreign))),
      absolute: true,
      detail: {
        in: 'ms from the call of cancel to the AbortSignal in another process, p99',
        samples: all.length,
        ms: { p50: p(all, 0.5), p95: p(all, 0.95), p99: p(all, 0.99), max: p(all, 1) },
        [`lastOf${WIDE}`]: round(median(counted.map((one) => one.wide))),
      },
    },
  ]
}

const p = (values: readonly number[], share: number) => round(quantile(values, share))

let number = 0

async function sample(stage: Stage, engine: Engine, child: Child): Promise<Sampled> {
  async function one(tasks?: number): Promise<number> {
    number += 1
    // The tasks of a wide run are numbered by their plan.
    const ns = tasks === undefined ? [1_000 + number] : Array.from({ length: tasks }, (_, n) => n + 1)
    const begun = ns.map((n) => child.heard(n))
    const input = { n: 1_000 + number, hold: true, ...(tasks === undefined ? {} : { tasks }) }
    const { run } = await engine.start(WHO, kind, input, { workspace: 1 })
    await Promise.all(begun)
    await wait(20 + Math.random() * 30)
    const told = ns.map((n) => child.heard(-n))
    const called = now()
    await engine.cancel(WHO, run)
    const last = Math.max(...(await Promise.all(told)).map(({ at }) => at))
    return last - called
  }
  for (let warm = 0; warm < 3; warm += 1) await one()
  await stage.quiet()
  const usage = stage.meter.start()
  const told: number[] = []
  for (let n = 0; n < stage.size(100); n += 1) told.push(await one())
  return { told, foreign: round(usage().foreign), wide: round(await one(WIDE)) }
}
