/**
 * What somebody who uses a queue writes beside it: a row for each answer, a counter
 * for the run, in batches, one transaction a batch.
 */
import pg from 'pg'
import type { OwnerSettings } from '../../../engine/src/postgres.ts'

export const RESULTS = `
  create table if not exists results (n integer primary key, body jsonb not null);
  alter table results alter column body set storage external;
  create table if not exists progress (run integer primary key, done integer not null);
  insert into progress values (1, 0) on conflict do nothing`
export const RESULTS_RESET = 'truncate results; update progress set done = 0'

export interface Result {
  readonly n: number
  readonly body: unknown
}

const INSERT = {
  name: 'results',
  text: 'insert into results (n, body) select * from unnest($1::integer[], $2::jsonb[])',
}
const COUNT = { name: 'progress', text: 'update progress set done = done + $1 where run = 1' }

export async function keep(
  pool: pg.Pool,
  results: readonly Result[],
  alongside: (client: pg.PoolClient) => Promise<unknown> = async () => {},
): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query({ ...INSERT, values: [results.map((r) => r.n), results.map((r) => JSON.stringify(r.body))] })
    await alongside(client)
    await client.query({ ...COUNT, values: [results.length] })
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

export interface Flusher<T> {
  /** Resolves when the item's batch is committed. */
  add(item: T): Promise<void>
}

/** Up to 200 items or one millisecond; two batches under way. */
export function flusher<T>(flush: (items: T[]) => Promise<void>): Flusher<T> {
  let waiting: { item: T; done: () => void; failed: (error: unknown) => void }[] = []
  let under = 0
  let timer: NodeJS.Timeout | undefined
  async function flushBatch(batch: typeof waiting) {
    try {
      await flush(batch.map(({ item }) => item))
    } catch (error) {
      for (const { failed } of batch) failed(error)
      return
    }
    for (const { done } of batch) done()
  }
  function start() {
    timer = undefined
    while (under < 2 && waiting.length > 0) {
      const batch = waiting.slice(0, 200)
      waiting = waiting.slice(200)
      under += 1
      void flushBatch(batch).finally(() => {
        under -= 1
        start()
      })
    }
  }
  return {
    add: (item) =>
      new Promise((done, failed) => {
        waiting.push({ item, done, failed })
        timer ??= setTimeout(start, 1)
      }),
  }
}

export const openPool = (settings: OwnerSettings, max: number): pg.Pool => {
  const pool = new pg.Pool({ ...settings, max })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}
