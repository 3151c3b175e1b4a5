/**
 * The door that opens the database: a PostgreSQL server of our own in a folder,
 * with nothing to install, or the one that DATABASE_URL names.
 */
import { createHmac } from 'node:crypto'
import { resolve } from 'node:path'
import { enterCluster, DATABASE } from './postgres/cluster.ts'
import { enterDatabase } from './postgres/database-url.ts'
import { Refusal } from './errors.ts'
import type { OwnerSettings } from './postgres/knock.ts'
import { errorCode } from './postgres/server-user.ts'

export { examine, holdsDatabase } from './postgres/examine.ts'
export { whatIsLogged } from './postgres/server-words.ts'
export type { Loud } from './postgres/server-words.ts'
export type { OwnerSettings } from './postgres/knock.ts'

export interface Postgres {
  /** We run the server ourselves. */
  readonly embedded: boolean
  /** The owner's login for a database of that server; by default `millrace`, or the URL's own. */
  owner(database?: string): OwnerSettings
  /** A stable secret for a name, derived from the owner's password; undefined if the owner has none. */
  secret(name: string): string | undefined
  /** One line for a person: where the data is. */
  readonly place: string
  /** Leave; the last program out of a folder stops its server.  May be called twice. */
  close(): Promise<void>
}

export interface PostgresOptions {
  /** Where everything of ours lies; `./.millrace` by default. */
  folder?: string
  /** DATABASE_URL: any PostgreSQL of version 15 or newer. */
  url?: string
  /** Told what takes long or lies elsewhere, one line each. */
  tell?: (line: string) => void
}

export async function openPostgres(options: PostgresOptions): Promise<Postgres> {
  if (options.url !== undefined && options.url !== '') return await openUrl(options.url)
  const folder = resolve(options.folder ?? '.millrace')
  try {
    const cluster = await enterCluster(folder, options.tell ?? (() => {}))
    return {
      embedded: true,
      owner: (database = DATABASE) => cluster.settings(database),
      secret: (name) => secretFrom(cluster.password, name),
      place: cluster.place,
      close: () => cluster.leave(),
    }
  } catch (error) {
    throw asRefusal(error, folder)
  }
}

async function openUrl(url: string): Promise<Postgres> {
  const { settings, place } = await enterDatabase(url)
  return {
    embedded: false,
    owner: (database = settings.database) => ({ ...settings, database }),
    secret: (name) => (settings.password === undefined ? undefined : secretFrom(settings.password, name)),
    place,
    close: async () => {},
  }
}

function secretFrom(password: string, name: string): string {
  return createHmac('sha256', password).update(name).digest('base64url')
}

const SQLITE_FULL = 13

/** What the file system refuses is told like everything else. */
function asRefusal(error: unknown, folder: string): unknown {
  if (error instanceof Refusal) return error
  const code = errorCode(error)
  const path = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : folder
  const sqlite = code === 'ERR_SQLITE_ERROR' && error instanceof Error && 'errcode' in error ? error.errcode : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT' || sqlite === SQLITE_FULL) {
    return new Refusal('DISK_FULL', `The disk that holds ${path} is full.`, {
      remedy: 'Make room there, then start again.',
      cause: error,
    })
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR' || sqlite !== undefined) {
    return new Refusal(
      'FOLDER_UNUSABLE',
      `Millrace may not read and write ${path} (${sqlite === undefined ? code : `file lock ${JSON.stringify(sqlite)}`}).`,
      {
        remedy: 'Start as the user who owns it, start in a folder of your own, or set DATABASE_URL.',
        cause: error,
      },
    )
  }
  return error
}
