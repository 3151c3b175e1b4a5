/** What other sessions do to the database while the storm goes on: take all connections, hold locks, hold a snapshot. */
import { connect, Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import type { Settings } from '../src/index.ts'
import type { StormWorker } from './storm-fleet.ts'
import type { Scene } from './storm-faults.ts'
import { look, somebody, type World } from './storm-world.ts'

/** Sessions that are asked for at a time. */
const GREED = 12

/** Somebody takes every connection that the server has, and whatever becomes free, while workers lose theirs. */
export async function exhaust(
  world: World,
  random: () => number,
  cutLiveness: (worker: StormWorker) => Promise<void>,
): Promise<string[] | undefined> {
  const taken: Socket[] = []
  let full = false
  let over = false
  const take = async () => {
    while (!over) {
      const answer = await knock(world.api)
      if (answer instanceof Socket) taken.push(answer)
      else {
        full ||= answer === '53300'
        await pause(10)
      }
    }
  }
  const taking = Promise.all(Array.from({ length: GREED }, take))
  try {
    if ((await look(() => (full ? true : undefined), 15_000)) === undefined) return undefined
    const before = world.fleet.refused()
    const workers = world.fleet.living()
    const phases = workers.flatMap((worker) => worker.phases())
    // What it loses it may still get back before the other takes it: so it loses it again.
    const hit = await look(async () => {
      for (const worker of workers.slice(0, 2)) await cutLiveness(worker)
      await world.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'millrace worker' order by state = 'active' desc limit 2`,
      )
      await pause(60)
      return world.fleet.refused() > before ? phases : undefined
    }, 8_000)
    await pause(100 + random() * 400)
    return hit
  } finally {
    over = true
    await taking
    for (const socket of taken) socket.destroy()
  }
}

/** A session that never says its password: it has its place, and costs little. Otherwise the SQLSTATE. */
function knock(to: Settings): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = connect(join(String(to.host), `.s.PGSQL.${to.port ?? 5432}`))
    const words = Buffer.from(`\0\x03\0\0user\0${to.user}\0database\0${to.database}\0\0`, 'latin1')
    const length = Buffer.alloc(4)
    length.writeInt32BE(words.length + 4)
    socket.write(Buffer.concat([length, words]))
    // It asks for the password, or says what it lacks.
    socket.on('data', (answer) => {
      const refused = /\0C(\w{5})\0/.exec(answer.toString('latin1'))
      resolve(refused?.[1] ?? socket)
    })
    for (const end of ['error', 'close']) socket.on(end, () => resolve('none'))
  })
}

/** A program stalls in the middle of its change of a run: whoever closes there waits. */
export async function blockByIdleSession(scene: Scene): Promise<string[] | undefined> {
  const { world, people, random } = scene
  const run = await people.startLarge()
  if (run === undefined) return undefined
  const undo = new Error('never mind')
  let hit: string[] | undefined
  const stall = world.engine.as(somebody, async (tx) => {
    await tx.query('select engine.hold($1)', [run])
    const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
    hit = await look(async () => {
      const waiting = await world.sql('select from pg_stat_activity where $1::integer = any(pg_blocking_pids(pid))', [
        rows[0]?.pid,
      ])
      return waiting.length > 0 ? world.fleet.living().flatMap((worker) => worker.phases()) : undefined
    }, 3_000)
    await pause(random() * 400)
    throw undo
  })
  await stall.catch((error: unknown) => {
    if (error !== undo) hit = undefined
  })
  return hit
}

/** Transactions that must have come and gone beside it. */
const OLD = 60

/** Somebody reads what was, and goes on reading it until the weather is over: nothing may be cleaned up meanwhile. */
export async function holdOldSnapshot({ world, after }: Scene): Promise<string[] | undefined> {
  const client = new pg.Client({ ...world.api, application_name: 'storm reader' })
  client.on('error', () => {})
  await client.connect()
  after.push(() => client.end().catch(() => {}))
  await client.query('begin isolation level repeatable read')
  const { rows } = await client.query<{ at: string }>('select pg_snapshot_xmax(pg_current_snapshot())::text as at')
  const phases = world.fleet.living().flatMap((worker) => worker.phases())
  return await look(async () => {
    const [now] = await world.sql('select pg_snapshot_xmax(pg_current_snapshot())::text as at')
    return Number(now?.['at']) - Number(rows[0]?.at) >= OLD ? phases : undefined
  }, 5_000)
}
