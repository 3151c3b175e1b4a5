/** One short visit to a server: does it answer, and what does it say? */
import { Client, escapeIdentifier } from 'pg'
import type { ConnectionOptions } from 'node:tls'
import { refusalFrom } from './server-log.ts'
import { Refusal } from '../errors.ts'
import { errorCode } from './server-user.ts'

/** Settings of the owner's login, in the words of pg's ClientConfig. */
export interface OwnerSettings {
  host: string
  port: number
  user: string
  database: string
  password?: string
  ssl: boolean | ConnectionOptions
  /** Command-line options for the server session, from a URL. */
  options?: string
}

/** `refused`: it does not accept our password. */
export type Answer = 'open' | 'starting' | 'refused' | 'none'

/** Ask our own server, and make the database in it that is to be there. */
export async function knock(settings: OwnerSettings, patience: number, database: string): Promise<Answer> {
  const client = visitor(settings, patience)
  try {
    await client.connect()
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database])
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${escapeIdentifier(database)}`)
    return 'open'
  } catch (error) {
    const code = errorCode(error)
    if (code === '28P01' || code === '28000') return 'refused'
    if (code === '57P03') return 'starting'
    // Too many connections: it lives, and has our database since it was first started.
    if (code === '53300') return 'open'
    if (code === '53100')
      throw new Refusal('DISK_FULL', `PostgreSQL could not make database ${database}: the disk is full.`, {
        remedy: 'Make room on the disk that holds it, then start again.',
        cause: error,
      })
    if (code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('57')) {
      throw refusalFrom(
        error instanceof Error ? error.message : '',
        `PostgreSQL could not make database ${database}`,
        'DATABASE_NOT_MADE',
      )
    }
    return 'none'
  } finally {
    await leaveQuietly(client)
  }
}

/** A client that dies with its server must not take the program along. */
export function visitor(settings: OwnerSettings, patience: number): Client {
  const client = new Client({ ...settings, connectionTimeoutMillis: patience, application_name: 'millrace' })
  client.on('error', () => {})
  return client
}

export async function leaveQuietly(client: Client): Promise<void> {
  try {
    await client.end()
  } catch {
    // It had already gone.
  }
}
