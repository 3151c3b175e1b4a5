/** What a storm rages over: a server of its own, its engine, and a fleet of workers. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { ownerSettings } from '../src/database.ts'
import { engineRoom, migrate, openEngine, Refusal, type Engine, type Principal, type Settings } from '../src/index.ts'
import { openPostgres, type Postgres } from '../src/postgres.ts'
import { openFleet, type Fleet } from './storm-fleet.ts'
import { stormRoom } from './storm-kinds.ts'
import { openLink, type Link } from './storm-link.ts'

export const WORKERS = 3

export const somebody: Principal = { sub: 'storm', workspaces: { 1: 'admin' } }

export type Row = Record<string, unknown>

export interface World {
  readonly engine: Engine
  readonly fleet: Fleet
  readonly link: Link
  readonly effects: string
  /** For sessions that belong to nobody here. */
  readonly api: Settings
  /** Asks as the owner, again while the server is away or has no connection left. */
  sql(text: string, values?: unknown[]): Promise<Row[]>
  /** Looks behind the walls, and leaves nothing behind. */
  undone<T>(work: (sql: World['sql']) => Promise<T>): Promise<T>
  crash(): Promise<void>
  /** Stopped in order, with everybody's sessions ended, and started. */
  restart(): Promise<void>
  /** Deadlocks since it was asked last, as far as PostgreSQL has counted and not forgotten them by a fall. */
  takeDeadlocks(): Promise<number>
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
  const owner = new pg.Pool({ ...ownerSettings(postgres.owner()), max: 4, idleTimeoutMillis: 0 })
  owner.on('error', () => {})
  owner.on('connect', (client) => client.on('error', () => {}))
  const engine = openEngine(login('millrace_api'))
  const link = await openLink(join(folder, 'link'), login('millrace_worker'))
  const fleet = openFleet({ settings: login('millrace_worker'), link: link.settings, effects })
  for (let at = 1; at <= WORKERS; at += 1) await fleet.hire()

  const sql: World['sql'] = (text, values) => insist(async () => (await owner.query(text, values)).rows as Row[])
  let deadlocks = 0
  return {
    engine,
    fleet,
    link,
    effects,
    api: login('millrace_api'),
    sql,
    async undone(work) {
      const client = await owner.connect()
      try {
        await client.query('begin')
        return await work(async (text, values) => (await client.query(text, values)).rows as Row[])
      } finally {
        await client.query('rollback')
        client.release()
      }
    },
    async crash() {
      await stop(folder, 'SIGQUIT')
      servers.push(await openPostgres({ folder }))
    },
    async restart() {
      await stop(folder, 'SIGINT')
      servers.push(await openPostgres({ folder }))
    },
    async takeDeadlocks() {
      const before = deadlocks
      const [row] = await sql('select deadlocks from pg_stat_database where datname = current_database()')
      deadlocks = Number(row?.['deadlocks'] ?? 0)
      return deadlocks < before ? deadlocks : deadlocks - before
    },
    async close() {
      await fleet.close()
      link.close()
      await engine.close()
      await owner.end()
      for (const server of servers) await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const AWAY = new Set(['DATABASE_STARTING', 'DATABASE_FULL'])

/** Again until it works: for what stands outside of the storm. */
export async function insist<T>(work: () => Promise<T>, seconds = 20): Promise<T> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (error instanceof Refusal && !AWAY.has(error.code)) throw error
      if (Date.now() > end) throw error
      await pause(20)
    }
  }
}

/** Looks again and again until there is something; undefined when it is late. */
export async function look<T>(
  at: () => Promise<T | undefined> | T | undefined,
  within: number,
): Promise<T | undefined> {
  for (const end = Date.now() + within; ; await pause(10)) {
    const seen = await at()
    if (seen !== undefined || Date.now() > end) return seen
  }
}

/** SIGQUIT: no checkpoint, no goodbye. SIGINT: whoever is there is sent away, and all is written down. */
async function stop(folder: string, how: 'SIGQUIT' | 'SIGINT'): Promise<void> {
  const file = join(folder, 'pg', 'postmaster.pid')
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
  process.kill(pid, how)
  for (let waited = 0; existsSync(`/proc/${pid}`) && waited < 15_000; waited += 5) await pause(5)
}
