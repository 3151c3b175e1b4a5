/**
 * The yardstick.  raw1: 24 loops claim one task, then complete it with its result:
 * two statements, two commits a task.  raw50: 4 loops do the same by 50.  Frozen:
 * touched only in a commit of its own, and never together with the engine.
 */
import { readFile } from 'node:fs/promises'
import pg from 'pg'

export const RAW1 = { loops: 24, batch: 1 }
export const RAW50 = { loops: 4, batch: 50 }

export const rawSchema = (): Promise<string> => readFile(new URL('raw.sql', import.meta.url), 'utf8')

export const RAW_RESET = 'truncate raw.tasks, raw.results restart identity'
export const RAW_FILL = `insert into raw.tasks (input) select jsonb_build_object('n', n) from generate_series(1, $1::integer) n`

const CLAIM_ONE = {
  name: 'claim one',
  text: `update raw.tasks set state = 'running', epoch = epoch + 1, lease_until = now() + interval '15 seconds'
    where id = (select id from raw.tasks where state = 'ready' order by id for update skip locked limit 1)
    returning id, epoch, input`,
}

const COMPLETE_ONE = {
  name: 'complete one',
  text: `with done as (
      update raw.tasks set state = 'done', lease_until = null
       where id = $1 and epoch = $2 and state = 'running' returning id)
    insert into raw.results (task_id, body) select id, $3::jsonb from done`,
}

const CLAIM_MANY = {
  name: 'claim many',
  text: `update raw.tasks set state = 'running', epoch = epoch + 1, lease_until = now() + interval '15 seconds'
    where id = any(array(select id from raw.tasks where state = 'ready' order by id for update skip locked limit $1))
    returning id, epoch, input`,
}

const COMPLETE_MANY = {
  name: 'complete many',
  text: `with given as (
      select * from unnest($1::bigint[], $2::integer[], $3::jsonb[]) as g(id, epoch, body)
    ), done as (
      update raw.tasks t set state = 'done', lease_until = null from given g
       where t.id = g.id and t.epoch = g.epoch and t.state = 'running' returning t.id)
    insert into raw.results (task_id, body) select g.id, g.body from given g join done on done.id = g.id`,
}

interface Claimed {
  id: string
  epoch: number
  input: { n: number }
}

export interface Raw {
  /** Works until nothing is ready; gives the number of completed tasks. */
  work(): Promise<number>
  close(): Promise<void>
}

export async function openRaw(
  settings: pg.ClientConfig,
  { loops, batch }: { loops: number; batch: number },
  answer: (n: number) => unknown,
): Promise<Raw> {
  const clients = await Promise.all(
    Array.from({ length: loops }, async () => {
      const client = new pg.Client(settings)
      await client.connect()
      return client
    }),
  )
  const loop = batch === 1 ? one : many
  return {
    async work() {
      const done = await Promise.all(clients.map((client) => loop(client, batch, answer)))
      return done.reduce((sum, count) => sum + count, 0)
    },
    async close() {
      await Promise.all(clients.map((client) => client.end()))
    },
  }
}

async function one(client: pg.Client, _batch: number, answer: (n: number) => unknown): Promise<number> {
  for (let done = 0; ; done += 1) {
    const { rows } = await client.query<Claimed>(CLAIM_ONE)
    const [task] = rows
    if (task === undefined) return done
    const body = answer(task.input.n)
    await client.query(COMPLETE_ONE, [task.id, task.epoch, JSON.stringify(body)])
  }
}

async function many(client: pg.Client, batch: number, answer: (n: number) => unknown): Promise<number> {
  for (let done = 0; ;) {
    const { rows } = await client.query<Claimed>({ ...CLAIM_MANY, values: [batch] })
    if (rows.length === 0) return done
    const bodies = rows.map((task) => JSON.stringify(answer(task.input.n)))
    await client.query(COMPLETE_MANY, [rows.map((task) => task.id), rows.map((task) => task.epoch), bodies])
    done += rows.length
  }
}
