/** What a storm rages over: a server of its own, its engine, and a fleet of workers. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { ownerSettings } from '../src/database.ts'
import { engineRoom, migrate, openEngine, Refusal, type Engine } from '../src/index.ts'
import { openPostgres, type Postgres } from '../src/postgres.ts'
import { openFleet, type Fleet } from './storm-fleet.ts'
import { stormRoom } from './storm-kinds.ts'

export const WORKERS = 3

export type Row = Record<string, unknown>

export interface World {
  readonly engine: Engine
  readonly fleet: Fleet
  readonly effects: string
  /** Asks as the owner, again while the server is away. */
  sql(text: string, values?: unknown[]): Promise<Row[]>
  crash(): Promise<void>
  close(): Promise<void>
}

export async function openWorld(): Promise<World> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'millrace-storm-'))
  chmodSync(folder, 0o755)
  const effects = join(folder, 'effects')
  writeFileSync(effects, '')
  const servers: Postgres[] = [await openPostgres({ folder })]
  const [postgres] = servers
  if (postgres === undefined) throw new Error('no server')
  await migrate(postgres.owner(), [engineRoom, stormRoom], (login) => postgres.secret(login))
  const login = (user: string) => ({ ...postgres.owner(), user, password: postgres.secret(user) })
  const owner = new pg.Pool({ ...ownerSettings(postgres.owner()), max: 4 })
  owner.on('error', () => {})
  const engine = openEngine(login('millrace_api'))
  const fleet = openFleet({ settings: login('millrace_worker'), effects })
  for (let at = 1; at <= WORKERS; at += 1) await fleet.hire()

  return {
    engine,
    fleet,
    effects,
    sql: (text, values) => insist(async () => (await owner.query(text, values)).rows as Row[]),
    async crash() {
      await stopHard(folder)
      servers.push(await openPostgres({ folder }))
    },
    async close() {
      await fleet.close()
      await engine.close()
      await owner.end()
      for (const server of servers) await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Again until it works: for what stands outside of the storm. */
export async function insist<T>(work: () => Promise<T>, seconds = 20): Promise<T> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (error instanceof Refusal && error.code !== 'DATABASE_STARTING') throw error
      if (Date.now() > end) throw error
      await pause(20)
    }
  }
}

/** SIGQUIT: no checkpoint, no goodbye. */
async function stopHard(folder: string): Promise<void> {
  const file = join(folder, 'pg', 'postmaster.pid')
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
  process.kill(pid, 'SIGQUIT')
  for (let waited = 0; existsSync(`/proc/${pid}`) && waited < 5_000; waited += 5) await pause(5)
}
