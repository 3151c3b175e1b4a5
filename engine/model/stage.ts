/** The database under the model: one call a verb. */
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { sqlState, workerSettings, type Settings } from '../src/database.ts'
import type { Ending } from './settle.ts'

/** A verb with what it is called with. */
export interface Action {
  readonly verb: string
  readonly worker?: number
  readonly free?: number
  readonly endings?: readonly Ending[]
  readonly rest?: Record<string, unknown>
}

/** id, run, kind, key, bound, idle, stop, first; in the order of their turns */
export type SeenLane = readonly [number, number, string, string, string, boolean, string | null, number]

export interface Answer {
  readonly said: unknown
  /** SQLSTATE of a refusal. */
  readonly wrong: string | null
  readonly lanes?: readonly SeenLane[] | null
  readonly picture: Record<string, readonly unknown[] | null> | null
}

export interface Stage {
  step(now: number, action: Action, look: boolean): Promise<Answer>
  clear(): Promise<void>
  vacuum(): Promise<void>
  sql(text: string): Promise<void>
  close(): Promise<void>
}

const BEGINNING = Date.UTC(2040, 0, 1)
/** Of the model's clock, in microseconds, as the database reads it. */
export const dateOf = (now: number): string => new Date(BEGINNING + now / 1000).toISOString()

const CLAIMS = { sub: 'model', workspaces: { 1: 'admin', 2: 'admin' }, operator: true }

/** `owner`: a database with the engine in it, and nothing else. */
export async function openStage(owner: Settings): Promise<Stage> {
  const settings = workerSettings(owner)
  const options = `${settings.options ?? ''} -c synchronous_commit=off -c client_min_messages=warning`
  const client = new pg.Client({ ...settings, options, application_name: 'model' })
  client.on('error', () => {})
  await client.connect()
  await client.query(await readFile(new URL('stage.sql', import.meta.url), 'utf8'))
  await client.query("insert into engine.workspaces (id, name) values (2, 'second') on conflict do nothing")
  await client.query("select set_config('request.jwt.claims', $1, false)", [JSON.stringify(CLAIMS)])
  // For some seconds after its start the server counts nobody as dead.
  await client.query(
    'select pg_sleep(greatest(0, 3.2 - extract(epoch from clock_timestamp() - greatest(pg_postmaster_start_time(), (select max(at) from engine.server_up)))::float8))',
  )
  const text =
    'select model.step($1, $2, $3, $4, $5, $6::bigint[], $7::integer[], $8::integer[], $9::text[], $10::jsonb[], $11::float8[], $12) as answer'
  return {
    async step(now, { verb, worker, free, endings = [], rest }, look) {
      const values = [
        dateOf(now),
        verb,
        look,
        worker ?? null,
        free ?? null,
        endings.map((one) => one.run),
        endings.map((one) => one.n),
        endings.map((one) => one.attempt),
        endings.map((one) => one.outcome),
        endings.map((one) => (one.body === null || one.body === undefined ? null : JSON.stringify(one.body))),
        endings.map((one) => one.delay),
        rest === undefined ? null : JSON.stringify(rest),
      ]
      try {
        const { rows } = await client.query<{ answer: Answer }>({ name: 'step', text, values })
        const [row] = rows
        if (row === undefined) throw new Error('the stage said nothing')
        return row.answer
      } catch (error) {
        return { said: null, wrong: sqlState(error) ?? String(error), picture: null }
      }
    },
    async clear() {
      await client.query('select model.clear()')
    },
    async vacuum() {
      await client.query(
        'vacuum engine.runs, engine.run_bodies, engine.lanes, engine.tasks, engine.inputs, engine.outputs, engine.attempts, engine.ledger, engine.events, engine.workers, engine.limits, engine.budgets, engine.reservations, engine.run_keys, engine.artifacts, engine.blobs, engine.chunks, engine.archive',
      )
    },
    async sql(text) {
      await client.query(text)
    },
    close: () => client.end(),
  }
}
