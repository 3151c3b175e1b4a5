/** R12: after a hold nothing begins; and what is held stands in nobody's way. */
import { openEngine, type Engine } from '../../../engine/src/index.ts'
import type { Performed } from '../acts/perform.ts'
import { claim, type Claims } from '../claims.ts'
import { answer, now, wait } from '../contender.ts'
import { kindThat, WHO } from '../contenders/engine.ts'
import { hire, type Child } from '../crew.ts'
import { median, quantile, round } from '../numbers.ts'
import { QUIET, type Measured } from '../results.ts'
import { settle } from '../server.ts'
import type { Entered, Stage } from '../stage.ts'

const FLIGHT = 50
/** Milliseconds of a task. */
const CALL = 20
const HELD = 100_000

const kind = kindThat(async ({ n }) => answer(n))

export async function r12(stage: Stage): Promise<Measured[]> {
  return [await pause(stage), await behind(stage)]
}

async function pause(stage: Stage): Promise<Measured> {
  const { contender, place } = await stage.enter('engine')
  await contender.fill(place, { tasks: 1, shape: 'one run' })
  const engine = openEngine(place.api)
  const child = await hire({ contender: 'engine', place, act: 'perform', given: { slots: FLIGHT, call: CALL } })
  const rounds: { after: number[]; foreign: number }[] = []
  try {
    const { run } = await engine.start(WHO, kind, { n: 0, tasks: HELD }, { workspace: 1 })
    await child.act()
    await wait(500)
    const enough = () => rounds.filter((one) => one.foreign <= QUIET).length >= 5
    for (let n = 0; n < (stage.quick ? 1 : 8) && !enough(); n += 1) {
      const usage = stage.meter.start()
      const after: number[] = []
      for (let one = 0; one < stage.size(20); one += 1) after.push(await hold(engine, child, run))
      const foreign = round(usage().foreign)
      rounds.push({ after, foreign })
      stage.tell(`  ${n + 1}  last start after hold: p50 ${p(after, 0.5)} ms, max ${p(after, 1)}; foreign ${foreign}`)
    }
  } finally {
    await child.close()
    await engine.close()
  }
  const quiet = rounds.filter((one) => one.foreign <= QUIET)
  const counted = quiet.length > 0 ? quiet : rounds
  const all = counted.flatMap((one) => one.after)
  return {
    id: 'R12-pause',
    value: p(all, 0.99),
    bound: { most: 20 },
    foreign: round(median(counted.map((one) => one.foreign))),
    absolute: true,
    detail: {
      in: 'ms from the call of hold until the last task began, p99',
      samples: all.length,
      flight: FLIGHT,
      ms: { p50: p(all, 0.5), p95: p(all, 0.95), p99: p(all, 0.99), max: p(all, 1) },
    },
  }
}

/** Milliseconds from the call until the last task began. */
async function hold(engine: Engine, child: Child, run: number): Promise<number> {
  await engine.release(WHO, run)
  const before = (await child.act()) as Performed
  await wait(150 + Math.random() * 50)
  const called = now()
  await engine.hold(WHO, run)
  await wait(150)
  const held = (await child.act()) as Performed
  await wait(50)
  const still = (await child.act()) as Performed
  if (held.begun === before.begun) throw new Error('the released run did not go on')
  if (still.begun !== held.begun) throw new Error(`a held run began ${still.begun - held.begun} tasks`)
  return Math.max(0, held.last - called)
}

const p = (values: readonly number[], share: number) => round(quantile(values, share))

async function behind(stage: Stage): Promise<Measured> {
  const rounds = stage.quick ? 1 : 5
  const [ones, fifties] = [stage.size(200), stage.size(40)]
  const tasks = rounds * (ones + fifties * 50)
  const sides: Entered[] = []
  for (const held of [true, false]) {
    const entered = await stage.fresh('engine')
    await entered.contender.fill(entered.place, { tasks, shape: 10 })
    if (held) await holdMany(entered, stage.size(HELD))
    await settle(entered.place)
    sides.push(entered)
  }
  const ratios: Claims[] = []
  const all: { behindIt: Claims; without: Claims }[] = []
  const foreign: number[] = []
  for (let n = 0; n < rounds; n += 1) {
    await stage.quiet()
    const usage = stage.meter.start()
    const times: Claims[] = []
    for (const side of n % 2 === 0 ? [0, 1] : [1, 0]) {
      times[side] = await claim((sides[side] as Entered).place, { one: ones, fifty: fifties })
    }
    foreign.push(round(usage().foreign))
    const [behindIt, without] = times as [Claims, Claims]
    all.push({ behindIt, without })
    ratios.push({ one: behindIt.one / without.one, fifty: behindIt.fifty / without.fifty })
    stage.tell(
      `  ${n + 1}  claim behind a held run and without, ms: ${JSON.stringify(times, (_, one: unknown) => (typeof one === 'number' ? round(one) : one))}; foreign ${foreign[n]}`,
    )
  }
  for (const entered of sides) await stage.leave(entered)
  const times = (what: keyof Claims) => round(median(ratios.map((one) => one[what])))
  const ms = (of: (one: (typeof all)[number]) => number) => round(median(all.map(of)))
  return {
    id: 'R12-behind',
    value: Math.max(times('one'), times('fifty')),
    bound: { most: 2 },
    foreign: round(median(foreign)),
    detail: {
      in: `time of other runs' claims behind a held run of ${stage.size(HELD)} ready tasks / without it`,
      one: times('one'),
      fifty: times('fifty'),
      ms: {
        one: { behind: ms((one) => one.behindIt.one), without: ms((one) => one.without.one) },
        fifty: { behind: ms((one) => one.behindIt.fifty), without: ms((one) => one.without.fifty) },
      },
    },
  }
}

/** Very many that are ready, and held. */
async function holdMany({ place }: Entered, tasks: number): Promise<void> {
  const engine = openEngine(place.api)
  const { run } = await engine.start(WHO, kind, { n: 0, tasks }, { workspace: 1 })
  await engine.hold(WHO, run)
  await engine.close()
}
