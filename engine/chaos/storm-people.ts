/** The people in the storm: they start runs, pause and cancel some, and remember what they were promised. */
import { setTimeout as pause } from 'node:timers/promises'
import { Refusal } from '../src/index.ts'
import { stormKinds, type Work } from './storm-kinds.ts'
import { insist, look, somebody, type World } from './storm-world.ts'

/** A run that was held: how often each of its tasks had been claimed when that was true, and when it was let go. */
export interface Pause {
  readonly run: number
  readonly held: ReadonlyMap<number, number>
  readonly freed: ReadonlyMap<number, number>
}

export interface People {
  readonly pauses: readonly Pause[]
  /** Runs whose cancellation was accepted. */
  readonly cancelled: ReadonlySet<number>
  /** A run with more tasks than can be performed at once; given when some of it is being performed. */
  startLarge(): Promise<number | undefined>
  /** So many runs of short tasks at the same moment. */
  startMany(amount: number, tasks: number): Promise<void>
  /** True if something was left that could have been started; it is let go after so many milliseconds. */
  pause(run: number, ms: number): Promise<boolean>
  /** False: it had ended before. */
  cancel(run: number): Promise<boolean>
  /** They start nothing more; when all that they had begun is done, gives what should not have been refused. */
  goHome(): Promise<string[]>
}

/** More than the slots of all workers. */
const LARGE = 48

export function openPeople(world: World, seed: number, random: () => number): People {
  const { flat, rounds } = stormKinds(world.effects)
  const pauses: Pause[] = []
  const cancelled = new Set<number>()
  const errands: Promise<void>[] = []
  const violations: string[] = []
  let home = false

  async function allowed(work: () => Promise<void>): Promise<boolean> {
    try {
      await insist(work)
      return true
    } catch (error) {
      // It may have ended before.
      if (!(error instanceof Refusal) || error.code !== 'WRONG_STATE') violations.push(`refused: ${String(error)}`)
      return false
    }
  }
  const claims = async (run: number) => {
    const rows = await world.sql('select n, attempt, state from engine.tasks where run_id = $1 and n > 0', [run])
    return {
      attempts: new Map(rows.map((row) => [Number(row['n']), Number(row['attempt'])])),
      ready: rows.some((row) => row['state'] === 'ready'),
    }
  }
  async function hold(run: number, ms: number): Promise<boolean> {
    if (!(await allowed(() => world.engine.hold(somebody, run)))) return false
    const [since] = await world.sql('select clock_timestamp()::text as at')
    const { ready } = await claims(run)
    const letGo = async () => {
      // A claim that was under way when it was held takes no notice; what begins later must.
      const quiet = await look(() => untouched(world, since?.['at']), 5_000)
      const { attempts: held } = await claims(run)
      await pause(ms)
      const { attempts: freed } = await claims(run)
      if (quiet === true) pauses.push({ run, held, freed })
      await allowed(() => world.engine.release(somebody, run))
    }
    errands.push(letGo())
    return ready
  }
  async function cancel(run: number): Promise<boolean> {
    const accepted = await allowed(() => world.engine.cancel(somebody, run))
    if (accepted) cancelled.add(run)
    return accepted
  }
  async function start(kind: typeof flat, tasks: Work[], turns: number, priority: number, name: string | number) {
    const options = { workspace: 1, key: `${seed}/${name}/${Date.now()}`, priority }
    return (await insist(() => world.engine.start(somebody, kind, { tasks, rounds: turns }, options))).run
  }

  async function feed() {
    for (let at = 0; !home; at += 1) {
      const again = at % 4 === 3
      const amount = at % 3 === 0 ? 1 : 4 + Math.floor(random() * 14)
      const tasks = Array.from({ length: amount }, () => workFrom(random))
      const run = await start(again ? rounds : flat, tasks, again ? 2 : 1, random() < 0.2 ? 7 : 5, at)
      const [luck, soon, long] = [random(), random(), random()]
      if (luck < 0.1) errands.push(pause(soon * 150).then(async () => void (await cancel(run))))
      else if (luck < 0.25) errands.push(pause(soon * 50).then(async () => void (await hold(run, long * 200))))
      await pause(50)
    }
  }
  const feeding = feed().catch((error: unknown) => void violations.push(`starting runs failed: ${String(error)}`))

  let large = 0
  return {
    pauses,
    cancelled,
    async startLarge() {
      const tasks = Array.from({ length: LARGE }, (_, at): Work => ({ ms: 60 + at, ends: 'well', buys: at % 4 === 0 }))
      const run = await start(flat, tasks, 1, 7, `large ${(large += 1)}`)
      return await look(async () => {
        const rows = await world.sql('select from engine.tasks where run_id = $1 and attempt > 0 limit 1', [run])
        return rows.length > 0 ? run : undefined
      }, 8_000)
    },
    async startMany(amount, tasks) {
      const short = (): Work[] => Array.from({ length: tasks }, () => ({ ms: 1, ends: 'well', buys: false }))
      const name = `many ${(large += 1)}`
      await Promise.all(Array.from({ length: amount }, (_, at) => start(flat, short(), 1, 5, `${name}/${at}`)))
    },
    pause: hold,
    cancel,
    async goHome() {
      home = true
      await feeding
      // An errand may bring another.
      while (errands.length > 0) await Promise.all(errands.splice(0))
      return violations
    },
  }
}

async function untouched(world: World, since: unknown): Promise<true | undefined> {
  const older = await world.sql(
    "select from pg_stat_activity where application_name = 'millrace worker' and xact_start < $1::timestamptz",
    [since],
  )
  return older.length === 0 ? true : undefined
}

/** Tasks of a run that was held and that somebody claimed all the same. */
export function startedWhileHeld({ run, held, freed }: Pause): string[] {
  return [...freed]
    .filter(([task, attempts]) => attempts !== (held.get(task) ?? 0))
    .map(([task, attempts]) => `task ${task} of run ${run}: attempt ${held.get(task)} became ${attempts}`)
}

function workFrom(random: () => number): Work {
  const luck = random()
  const ends = luck < 0.05 ? 'badly' : luck < 0.12 ? 'second' : luck < 0.15 ? 'poison' : 'well'
  return { ms: Math.floor(10 + random() * 110), ends, buys: random() < 0.4 }
}
