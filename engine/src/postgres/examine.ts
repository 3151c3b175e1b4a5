/** Looking at a database as its owner sees it, without changing anything: for the doctor. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Client } from 'pg'
import { ownerSettings, told, type Tx } from '../database.ts'
import { leaveQuietly, type OwnerSettings } from './knock.ts'

/** Has a database of ours been made for this folder? */
export function holdsDatabase(folder: string): boolean {
  return ['pg', 'place'].some((name) => existsSync(join(resolve(folder), name)))
}

/** One transaction that may only read: the statistics of the server are not everybody's to see. */
export async function examine<T>(owner: OwnerSettings, look: (tx: Tx) => Promise<T>): Promise<T> {
  const client = new Client({ ...ownerSettings(owner), application_name: 'millrace doctor' })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query("begin read only; set local statement_timeout = '20s'")
    const seen = await look(client)
    await client.query('rollback')
    return seen
  } catch (error) {
    throw told(error)
  } finally {
    await leaveQuietly(client)
  }
}
