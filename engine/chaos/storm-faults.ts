/** What the storm does to its world: eight ways in which a worker, a connection or the server falls. */
import { setTimeout as pause } from 'node:timers/promises'
import type { StormWorker } from './storm-fleet.ts'
import { WORKERS, type Row, type World } from './storm-world.ts'

export const FAULTS = [
  'kill',
  'kill in save',
  'kill at commit',
  'stop',
  'cut',
  'terminate',
  'crash',
  'kill backend',
] as const
export type Fault = (typeof FAULTS)[number]

/** Gives where the worker was when it hit; undefined: it did not hit. */
type Strike = (world: World, random: () => number) => Promise<string[] | undefined>

export const strike: Record<Fault, Strike> = {
  kill: (world, random) => killIn(world, random, undefined),
  'kill in save': (world, random) => killIn(world, random, 'S'),
  'kill at commit': (world, random) => killIn(world, random, 'C'),
  stop,
  async cut(world, random) {
    // Just after a fall of the server they may not be back yet.
    for (let waited = 0; waited < 3_000; waited += 20) {
      const worker = pick(world.fleet.living(), random)
      if (worker !== undefined && (await cutLiveness(world, worker))) return worker.phases()
      await pause(20)
    }
    return undefined
  },
  async terminate(world, random) {
    const rows = await world.sql(
      `select pg_terminate_backend(pid), state from pg_stat_activity where pid = (
         select pid from pg_stat_activity where application_name = 'millrace worker'
          order by (state = 'active')::integer + $1 * random() desc limit 1)`,
      [random()],
    )
    return rows.length === 0 ? undefined : [String(rows[0]?.['state'])]
  },
  async crash(world) {
    const phases = world.fleet.living().flatMap((worker) => worker.phases())
    await world.crash()
    return phases
  },
  async 'kill backend'(world) {
    let row: Row | undefined
    for (let waited = 0; row === undefined && waited < 3_000; waited += 20) {
      ;[row] = await world.sql(
        `select pid, state from pg_stat_activity where application_name = 'millrace worker'
          order by state = 'active' desc limit 1`,
      )
      if (row === undefined) await pause(20)
    }
    if (row === undefined) return undefined
    try {
      process.kill(Number(row['pid']), 'SIGKILL')
    } catch {
      return undefined
    }
    return [String(row['state'])]
  },
}

async function killIn(world: World, random: () => number, phase: string | undefined): Promise<string[] | undefined> {
  const busy = await world.fleet.find(phase, 2_000)
  const worker = phase === undefined ? pick(busy, random) : busy[0]
  if (worker === undefined) return undefined
  const phases = worker.phases()
  await worker.kill()
  // The next one comes while the storm goes on.
  void world.fleet.refill(WORKERS)
  return phases
}

/** Stopped, and taken for dead: what it does when it goes on must not count. */
async function stop(world: World, random: () => number): Promise<string[] | undefined> {
  const inSave = random() < 0.5 ? await world.fleet.find('S', 1_000) : []
  const worker = inSave[0] ?? pick(await world.fleet.find(undefined, 1_000), random)
  if (worker === undefined) return undefined
  worker.signal('SIGSTOP')
  const phases = worker.phases()
  try {
    const numbers = (
      await world.sql('select id from engine.workers where name = $1 and gone_at is null order by id desc', [
        worker.name,
      ])
    ).map((row) => row['id'])
    if (numbers.length === 0) return undefined
    await cutLiveness(world, worker)
    for (let waited = 0; ; waited += 20) {
      const alive = await world.sql('select 1 from engine.workers where id = any($1::integer[]) and gone_at is null', [
        numbers,
      ])
      if (alive.length === 0) break
      if (waited > 10_000) return undefined
      await pause(20)
    }
    await pause(random() * 150)
    return phases
  } finally {
    worker.signal('SIGCONT')
  }
}

async function cutLiveness(world: World, worker: StormWorker): Promise<boolean> {
  const rows = await world.sql(
    `select pg_terminate_backend(l.pid) from pg_locks l join engine.workers w on w.id = l.objid::integer
      where l.locktype = 'advisory' and l.classid = engine.liveness()::oid and l.objsubid = 2 and l.granted
        and w.name = $1 and w.gone_at is null`,
    [worker.name],
  )
  return rows.length > 0
}

function pick<T>(of: readonly T[], random: () => number): T | undefined {
  return of[Math.floor(random() * of.length)]
}
