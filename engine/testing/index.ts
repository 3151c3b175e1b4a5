/**
 * What tests of the engine and of the domains stand on: a database of their own,
 * cloned from a migrated template, with the real logins and the real policies.
 */
import { createHash, randomUUID } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import pg from 'pg'
import { ownerSettings, type Settings } from '../src/database.ts'
import type { Principal } from '../src/access.ts'
import { engineRoom, migrate, type Room } from '../src/migrate.ts'

export interface TestDatabase {
  readonly name: string
  /** The superuser: for looking behind the walls, never for what is tested. */
  readonly owner: Settings
  readonly api: Settings
  readonly worker: Settings
  /** The owner's, as DATABASE_URL; the server's socket folder stands in `host`, as `psql` takes it. */
  readonly url: string
  /** Ask as the owner. */
  sql<R extends pg.QueryResultRow = pg.QueryResultRow>(text: string, values?: unknown[]): Promise<R[]>
  drop(): Promise<void>
}

interface Given {
  owner: Settings
  secrets: Record<string, string>
}

function given(): Given {
  const text = process.env['MILLRACE_TEST_POSTGRES']
  if (text === undefined) throw new Error('no test cluster: start through vitest')
  return JSON.parse(text) as Given
}

/** Settings of the three logins for a database of the test cluster. */
export function loginsOf(database: string): { owner: Settings; api: Settings; worker: Settings } {
  const { owner, secrets } = given()
  const login = (user: string): Settings => ({ ...owner, database, user, password: secrets[user] })
  return { owner: { ...owner, database }, api: login('millrace_api'), worker: login('millrace_worker') }
}

export const secretOf = (login: string): string | undefined => given().secrets[login]

/** An empty database, migrated; `rooms` beside the engine's. */
export async function freshDatabase(
  rooms: readonly Room[] = [],
  options: { empty?: boolean } = {},
): Promise<TestDatabase> {
  const name = `t_${randomUUID().replaceAll('-', '').slice(0, 20)}`
  const template = options.empty === true ? 'template0' : await templateFor([engineRoom, ...rooms])
  await asOwner('postgres', (client) => client.query(`create database ${name} template ${template}`))
  const logins = loginsOf(name)
  const pool = new pg.Pool({ ...ownerSettings(logins.owner), max: 2 })
  pool.on('error', () => {})
  return {
    name,
    ...logins,
    url: urlOf(logins.owner),
    sql: async <R extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
      (await pool.query<R>(text, values)).rows,
    async drop() {
      await pool.end()
      await asOwner('postgres', (client) => client.query(`drop database ${name} with (force)`))
    },
  }
}

function urlOf({ user, password, host, port, database }: Settings): string {
  const login = `${encodeURIComponent(String(user))}:${encodeURIComponent(String(password))}`
  return `postgresql://${login}@localhost:${port}/${database}?host=${encodeURIComponent(String(host))}`
}

/** Somebody with a role in the workspace `default`. */
export function member(role: 'admin' | 'member' | 'viewer' = 'admin', workspace = 1): Principal {
  return { sub: `test-${role}`, workspaces: { [workspace]: role } }
}

/** Waits until something is true; fails with what was last seen. */
export async function until<T>(look: () => Promise<T> | T, wanted: (seen: T) => boolean, seconds = 20): Promise<T> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const seen = await look()
    if (wanted(seen)) return seen
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain; last seen: ${JSON.stringify(seen)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function templateFor(rooms: readonly Room[]): Promise<string> {
  const name = `template_${(await fingerprint(rooms)).slice(0, 20)}`
  await asOwner('postgres', async (client) => {
    await client.query('select pg_advisory_lock(77)')
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name])
    if (rowCount !== 0) return
    const making = `${name}_making`
    await client.query(`drop database if exists ${making} with (force)`)
    await client.query(`create database ${making} template template0`)
    await migrate(loginsOf(making).owner, rooms, secretOf)
    await client.query(`alter database ${making} rename to ${name}`)
  })
  return name
}

async function fingerprint(rooms: readonly Room[]): Promise<string> {
  const hash = createHash('sha256')
  for (const room of rooms) {
    const names = (await readdir(room.migrations)).sort()
    for (const url of [...names.map((name) => new URL(name, room.migrations)), ...room.texts]) {
      hash.update(await readFile(url, 'utf8'))
    }
  }
  return hash.digest('hex')
}

async function asOwner<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(ownerSettings(loginsOf(database).owner))
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
