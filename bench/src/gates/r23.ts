/** R23: more than one process, tables that were never analysed, and closers that meet. */
import type { Performed } from '../acts/perform.ts'
import { wait } from '../contender.ts'
import { pour } from '../contenders/engine.ts'
import { hire } from '../crew.ts'
import { median, round } from '../numbers.ts'
import type { Measured } from '../results.ts'
import { ask } from '../server.ts'
import { storm } from '../storm.ts'
import { perTask, type Entered, type Stage } from '../stage.ts'

const PATIENCE = 120_000

interface Drained {
  readonly rate: number
  readonly serverMs: number
  readonly foreign: number
}

export async function r23(stage: Stage): Promise<Measured[]> {
  return [await processes(stage), await unanalysed(stage), await deadlocks(stage)]
}

const middle = (values: readonly Drained[], of: (one: Drained) => number) => round(median(values.map(of)))
const ratio = (ours: readonly Drained[], theirs: readonly Drained[]) =>
  round(median(ours.map((one, n) => one.rate / (theirs[n]?.rate ?? Number.NaN))))
const summary = (all: readonly Drained[]) => ({
  rate: Math.round(median(all.map((one) => one.rate))),
  serverMs: middle(all, (one) => one.serverMs),
})

async function processes(stage: Stage): Promise<Measured> {
  const tasks = stage.size(30_000)
  const entered = await stage.enter('engine')
  const [one, two]: [Drained[], Drained[]] = [[], []]
  for (let n = 0; n < (stage.quick ? 1 : 5); n += 1) {
    for (const crew of n % 2 === 0 ? [1, 2] : [2, 1]) {
      await entered.contender.fill(entered.place, { tasks, shape: 'one run' })
      const drained = await work(stage, entered, { tasks, crew, slots: 50 })
      const list = crew === 1 ? one : two
      list.push(drained)
      tell(stage, n, `${crew} processes, one run`, drained)
    }
  }
  return {
    id: 'R23-processes',
    value: ratio(two, one),
    bound: { least: 0.9 },
    foreign: middle([...one, ...two], (drained) => drained.foreign),
    detail: { in: 'tasks/s of two worker processes on one run / of one', tasks, one: summary(one), two: summary(two) },
  }
}

async function unanalysed(stage: Stage): Promise<Measured> {
  const tasks = stage.size(10_000)
  const analysed = await stage.enter('engine')
  const [fresh, known]: [Drained[], Drained[]] = [[], []]
  for (let n = 0; n < (stage.quick ? 1 : 5); n += 1) {
    for (const empty of n % 2 === 0 ? [true, false] : [false, true]) {
      const entered = empty ? await stage.fresh('engine') : analysed
      if (!empty) await entered.contender.fill(entered.place, { tasks, shape: 'a run each' })
      const drained = await work(stage, entered, { tasks, crew: 1, slots: 24, workersFirst: empty })
      const list = empty ? fresh : known
      list.push(drained)
      tell(stage, n, empty ? 'created empty' : 'analysed', drained)
      if (empty) await stage.leave(entered)
    }
  }
  return {
    id: 'R23-empty',
    value: ratio(fresh, known),
    bound: { least: 0.8 },
    foreign: middle([...fresh, ...known], (drained) => drained.foreign),
    detail: {
      in: 'runs/s of a worker that began on tables created empty / on analysed ones',
      runs: tasks,
      empty: summary(fresh),
      analysed: summary(known),
    },
  }
}

async function deadlocks(stage: Stage): Promise<Measured> {
  const entered = await stage.fresh('engine')
  const tasks = stage.quick ? 8_000 : 120_000
  await entered.contender.fill(entered.place, { tasks, shape: Math.ceil(tasks / 40) })
  await stage.quiet()
  const usage = stage.meter.start()
  const stormed = await storm(entered.place, stage.quick ? 3 : 30)
  const foreign = round(usage().foreign)
  // What a backend counted is seen by others after a second.
  await wait(1_500)
  const [row] = await ask<{ deadlocks: string }>(
    entered.place.owner,
    'select deadlocks from pg_stat_database where datname = current_database()',
  )
  stage.tell(`     ${JSON.stringify(stormed)}, deadlocks ${row?.deadlocks}; foreign ${foreign}`)
  await stage.leave(entered)
  return {
    id: 'R23-deadlocks',
    value: Number(row?.deadlocks),
    bound: { most: 0 },
    foreign,
    detail: { in: 'deadlocks that PostgreSQL counted; the hash chain does not exist yet', ...stormed },
  }
}

function tell(stage: Stage, n: number, name: string, { rate, serverMs, foreign }: Drained): void {
  const numbers = `${rate.toFixed(0)}/s, PG ${serverMs.toFixed(3)} ms, foreign ${foreign.toFixed(2)}`
  stage.tell(`  ${n + 1}  ${name.padEnd(36)} ${numbers}`)
}

interface Crew {
  readonly tasks: number
  readonly crew: number
  readonly slots: number
  /** They make their plans on tables in which nothing is. */
  readonly workersFirst?: boolean
}

/** From the moment when there are both, tasks and workers, until the last run has ended. */
async function work(stage: Stage, { contender, name, place }: Entered, { tasks, crew, slots, workersFirst }: Crew) {
  const children = await Promise.all(
    Array.from({ length: crew }, () => hire({ contender: name, place, act: 'perform', given: { slots } })),
  )
  const look = () => Promise.all(children.map((child) => child.act() as Promise<Performed>))
  try {
    if (workersFirst === true) {
      await look()
      // Until each has looked for work more than once.
      await wait(2_500)
      await pour(place, tasks, 1)
      await ask(place.owner, "notify millrace_tasks, ''")
    }
    const began = Date.now()
    const usage = stage.meter.start()
    const until = began + PATIENCE
    while ((await look()).reduce((sum, { closed }) => sum + closed, 0) < tasks) {
      if (Date.now() > until) throw new Error(`${crew} workers: not all of ${tasks} tasks in time`)
      await wait(20)
    }
    const used = perTask(usage(), tasks)
    await contender.check(place, tasks)
    const [row] = await ask<{ at: number }>(
      place.owner,
      'select extract(epoch from max(finished_at))::float8 * 1000 as at from engine.runs',
    )
    return { rate: (tasks * 1000) / ((row?.at ?? Number.NaN) - began), ...used } satisfies Drained
  } finally {
    await Promise.all(children.map((child) => child.close()))
  }
}
