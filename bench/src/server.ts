/** A PostgreSQL of our own in a temporary folder, defaults, one database a contender. */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { openPostgres, type OwnerSettings } from '../../engine/src/postgres.ts'

/** The logins for one database; passed to children as JSON. */
export interface Place {
  readonly owner: OwnerSettings
  readonly api: OwnerSettings
  readonly worker: OwnerSettings
}

export interface Server {
  readonly postmaster: number
  readonly version: string
  secret(login: string): string | undefined
  /** An empty database. */
  database(name: string): Promise<Place>
  drop(place: Place): Promise<void>
  close(): Promise<void>
}

export async function openServer(): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  // As root the server runs as another user, who must be able to reach it there.
  await chmod(folder, 0o755)
  const postgres = await openPostgres({ folder })
  const root = postgres.owner('postgres')
  const [{ file, version }] = (await ask<{ file: string; version: string }>(
    root,
    `select current_setting('data_directory') || '/postmaster.pid' as file, current_setting('server_version') as version`,
  )) as [{ file: string; version: string }]
  return {
    postmaster: Number.parseInt(await readFile(file, 'utf8'), 10),
    version,
    secret: (login) => postgres.secret(login),
    async database(name) {
      await ask(root, `create database ${name} template template0`)
      const owner = postgres.owner(name)
      const login = (user: string): OwnerSettings => ({ ...owner, user, password: postgres.secret(user) ?? '' })
      return { owner, api: login('millrace_api'), worker: login('millrace_worker') }
    },
    async drop({ owner }) {
      await ask(root, `drop database ${owner.database} with (force)`)
    },
    async close() {
      await postgres.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** One question on a connection of its own. */
export async function ask<R extends pg.QueryResultRow>(
  settings: OwnerSettings,
  text: string,
  values: readonly unknown[] = [],
): Promise<R[]> {
  const client = new pg.Client(settings)
  await client.connect()
  try {
    return (await client.query<R>(text, [...values])).rows
  } finally {
    await client.end()
  }
}

/** After a fill: what a database that has lived for a while would have done by itself. */
export async function settle(place: Place): Promise<void> {
  await ask(place.owner, 'vacuum analyze')
  await ask(place.owner, 'checkpoint')
}
