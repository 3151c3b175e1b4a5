/** What the storm does to its world: each fault hits a worker, a connection, the server or a run, and says where. */
import { setTimeout as pause } from 'node:timers/promises'
import { activeReaders, burst, sustainedLoad } from './storm-load.ts'
import { blockByIdleSession, exhaust, holdOldSnapshot } from './storm-sessions.ts'
import type { People } from './storm-people.ts'
import type { StormWorker } from './storm-fleet.ts'
import type { Place } from './storm-worker.ts'
import { look, WORKERS, type Row, type World } from './storm-world.ts'

export const FAULTS = [
  'kill',
  'kill in save',
  'kill at commit',
  'stop',
  'stop in save',
  'stop at commit',
  'drain',
  'clock',
  'cut',
  'terminate',
  'lost answer',
  'exhaustion',
  'idle in transaction',
  'old snapshot',
  'pause',
  'cancel',
  'burst',
  'sustained load',
  'active readers',
  'restart',
  'crash',
  'kill backend',
] as const
export type Fault = (typeof FAULTS)[number]

/** Every seed lists one of these; so each fault comes in every third seed, and a seed stays short. */
const SKIES: readonly (readonly Fault[])[] = [
  ['kill', 'clock', 'lost answer', 'pause', 'cancel', 'active readers', 'crash', 'kill backend'],
  ['kill in save', 'drain', 'cut', 'terminate', 'exhaustion', 'idle in transaction', 'old snapshot', 'pause', 'burst'],
  [
    'kill at commit',
    'stop',
    'stop in save',
    'stop at commit',
    'drain',
    'clock',
    'cut',
    'cancel',
    'sustained load',
    'restart',
  ],
]

export const listedFor = (seed: number): readonly Fault[] => SKIES[seed % SKIES.length] ?? FAULTS

export interface Scene {
  readonly world: World
  readonly people: People
  readonly random: () => number
  /** What should not have been; the oracle tells it with its own. */
  readonly violations: string[]
  /** Done when the weather is over. */
  readonly after: (() => Promise<unknown>)[]
}

/** Gives where the workers were when it hit; undefined: it did not hit. */
type Strike = (scene: Scene) => Promise<string[] | undefined>

export const strike: Record<Fault, Strike> = {
  async kill(scene) {
    // A third dies anywhere, the others where nothing of theirs is stored yet.
    const places: (Place | undefined)[] = [undefined, 'before save', 'in a turn']
    const place = places[Math.floor(scene.random() * places.length)]
    if (place !== undefined) return killAt(scene, place)
    const worker = await someone(scene)
    return worker === undefined ? undefined : kill(scene, worker, worker.phases())
  },
  'kill in save': (scene) => killAt(scene, 'in save'),
  'kill at commit': (scene) => killAt(scene, 'at commit'),
  async stop(scene) {
    const worker = await someone(scene)
    if (worker === undefined) return undefined
    worker.signal('SIGSTOP')
    return stopped(scene, worker, worker.phases())
  },
  async 'stop in save'(scene) {
    const arrested = await arrest(scene, 'in save')
    if (arrested === undefined) return undefined
    // What the server does by itself after ten seconds: it ends the transaction of who is silent.
    if (scene.random() < 0.5) await scene.world.sql('select pg_terminate_backend($1)', [arrested.backend])
    return stopped(scene, arrested.worker, ['in save'])
  },
  async 'stop at commit'(scene) {
    const arrested = await arrest(scene, 'at commit')
    return arrested === undefined ? undefined : stopped(scene, arrested.worker, [COMMITTED])
  },
  drain,
  async clock(scene) {
    const { random } = scene
    const worker = await someone(scene)
    if (worker === undefined) return undefined
    const phases = worker.phases()
    const { closed } = worker
    const minutes = (1 + random() * 59) * (random() < 0.5 ? -1 : 1)
    worker.moveClock(minutes * 60_000)
    // It counts when it goes on with the wrong time.
    return await look(() => (worker.closed > closed ? phases : undefined), 3_000)
  },
  async cut({ world, random }) {
    // Just after a fall of the server they may not be back yet.
    return await look(async () => {
      const worker = pick(world.fleet.living(), random)
      return worker !== undefined && (await cutLiveness(world, worker)) ? worker.phases() : undefined
    }, 3_000)
  },
  async terminate({ world, random }) {
    const luck = random()
    // Just after a fall of the server there is none.
    const row = await look<Row>(async () => {
      const [found] = await world.sql(
        `select pg_terminate_backend(pid), state from pg_stat_activity where pid = (
           select pid from pg_stat_activity where application_name = 'millrace worker'
            order by (state = 'active')::integer + $1 * random() desc limit 1)`,
        [luck],
      )
      return found
    }, 3_000)
    return row === undefined ? undefined : [`backend ${String(row['state'])}`]
  },
  async 'lost answer'({ world, random }) {
    const where = await world.link.swallow(random() < 0.7 ? 'commit' : 'turn', 10_000)
    return where === undefined ? undefined : [where]
  },
  exhaustion: ({ world, random }) => exhaust(world, random, async (worker) => void (await cutLiveness(world, worker))),
  'idle in transaction': blockByIdleSession,
  'old snapshot': holdOldSnapshot,
  async pause({ world, people, random }) {
    const run = await people.startLarge()
    const phases = phasesOf(world)
    return run !== undefined && (await people.pause(run, 100 + random() * 800)) ? phases : undefined
  },
  async cancel({ world, people }) {
    const run = await people.startLarge()
    const phases = phasesOf(world)
    return run !== undefined && (await people.cancel(run)) ? phases : undefined
  },
  burst,
  'sustained load': sustainedLoad,
  'active readers': activeReaders,
  async restart({ world }) {
    const phases = phasesOf(world)
    await world.restart()
    return phases
  },
  async crash({ world }) {
    const phases = phasesOf(world)
    await world.crash()
    return phases
  },
  async 'kill backend'({ world }) {
    const row = await look<Row>(async () => {
      const [found] = await world.sql(
        `select pid, state from pg_stat_activity where application_name = 'millrace worker'
          order by state = 'active' desc limit 1`,
      )
      return found
    }, 3_000)
    if (row === undefined) return undefined
    try {
      process.kill(Number(row['pid']), 'SIGKILL')
    } catch {
      return undefined
    }
    return [`backend ${String(row['state'])}`]
  },
}

const COMMITTED = 'after commit before answer'

const phasesOf = (world: World) => world.fleet.living().flatMap((worker) => worker.phases())

////////////////////////////////////////////////////////////////////// one worker

/** Somebody who performs something, and whom nobody takes for dead at this moment. */
function someone({ world, random }: Scene): Promise<StormWorker | undefined> {
  return look(async () => {
    const worker = pick(await world.fleet.busy(1_000), random)
    return worker !== undefined && (await idsOf(world, worker)).length > 0 ? worker : undefined
  }, 3_000)
}

/** Stopped exactly there; at a commit when the server has done it and the worker does not know. */
async function arrest(scene: Scene, place: Place): Promise<{ worker: StormWorker; backend: number } | undefined> {
  const { world } = scene
  for (let tries = 0; tries < 5; tries += 1) {
    const worker = await someone(scene)
    const backend = await worker?.stopAt(place, 1_200)
    if (worker === undefined || backend === undefined) continue
    if (place !== 'at commit') return { worker, backend }
    const idle = await look(async () => {
      const rows = await world.sql("select from pg_stat_activity where pid = $1 and state = 'idle'", [backend])
      return rows.length > 0 ? true : undefined
    }, 1_000)
    if (idle === true) return { worker, backend }
    worker.signal('SIGCONT')
  }
  return undefined
}

async function killAt(scene: Scene, place: Place): Promise<string[] | undefined> {
  const arrested = await arrest(scene, place)
  if (arrested === undefined) return undefined
  return kill(scene, arrested.worker, [place === 'at commit' ? COMMITTED : place])
}

async function kill({ world }: Scene, worker: StormWorker, phases: string[]): Promise<string[]> {
  await worker.kill()
  // The next one comes while the storm goes on.
  void world.fleet.refill(WORKERS)
  return phases
}

const END_SILENT = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'millrace worker'
   and state = 'idle in transaction' and state_change < clock_timestamp() - interval '1 second'`

/** It was stopped, and is taken for dead: what it does when it goes on must not count. */
async function stopped({ world, random }: Scene, worker: StormWorker, phases: string[]): Promise<string[] | undefined> {
  try {
    const ids = await idsOf(world, worker)
    if (ids.length === 0) return undefined
    await cutLiveness(world, worker)
    const since = Date.now()
    const gone = await look(async () => {
      const alive = await world.sql('select from engine.workers where id = any($1::integer[]) and gone_at is null', [
        ids,
      ])
      // A claim that it stands in is ended by the server after ten seconds; here sooner.
      if (alive.length > 0 && Date.now() - since > 1_000) await world.sql(END_SILENT)
      return alive.length === 0 ? true : undefined
    }, 8_000)
    if (gone === undefined) return undefined
    await pause(random() * 150)
    return phases
  } finally {
    worker.signal('SIGCONT')
  }
}

/** SIGTERM: it goes in order, and nothing of it is left. */
async function drain(scene: Scene): Promise<string[] | undefined> {
  const { world, violations } = scene
  const worker = await someone(scene)
  if (worker === undefined) return undefined
  const phases = worker.phases()
  const how = await worker.drain(15_000)
  if (how !== '0') {
    violations.push(`“a worker that is sent home goes in order”: ${worker.name} ended with ${how}`)
    if (how !== 'SIGKILL') await worker.kill()
  }
  violations.push(...(await leftBehind(world, worker.name)))
  void world.fleet.refill(WORKERS)
  return phases
}

/** What a worker who went in order has left: nothing that it holds, and its word. */
export async function leftBehind({ sql }: Pick<World, 'sql'>, name: string): Promise<string[]> {
  const held = await sql(
    `select t.run_id, t.n, w.id as worker from engine.tasks t join engine.workers w on w.id = t.worker
      where w.name = $1`,
    [name],
  )
  // Under earlier numbers it may have been taken for dead.
  const [last] = await sql('select id, gone_why from engine.workers where name = $1 order by id desc limit 1', [name])
  return [
    ...held.map((row) => `“who went in order holds nothing”: ${JSON.stringify(row)}`),
    ...(last?.['gone_why'] === 'left' ? [] : [`“who goes in order says so”: ${JSON.stringify(last)}`]),
  ]
}

const SESSION = `select l.pid, w.id from pg_locks l join engine.workers w on w.id = l.objid::integer
  where l.locktype = 'advisory' and l.classid = engine.liveness()::oid and l.objsubid = 2 and l.granted
    and w.name = $1 and w.gone_at is null`

/** The number under which it is alive for everybody; none while it looks for a connection. */
async function idsOf({ sql }: Pick<World, 'sql'>, worker: StormWorker): Promise<number[]> {
  return (await sql(SESSION, [worker.name])).map((row) => Number(row['id']))
}

/** Ends the session in which it says that it is alive; when that is gone, gives true. */
async function cutLiveness({ sql }: Pick<World, 'sql'>, worker: StormWorker): Promise<boolean> {
  const rows = await sql(`select pid, pg_terminate_backend(pid) from (${SESSION}) s`, [worker.name])
  const pids = rows.map((row) => row['pid'])
  const gone = await look(async () => {
    const left = await sql('select from pg_stat_activity where pid = any($1::integer[])', [pids])
    return left.length === 0 ? true : undefined
  }, 3_000)
  return rows.length > 0 && gone === true
}

function pick<T>(of: readonly T[], random: () => number): T | undefined {
  return of[Math.floor(random() * of.length)]
}
