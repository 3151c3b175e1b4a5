/** What follows an end: the domain's rows about it, in the transaction that ends the run. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineRun, defineTask, openEngine, startWorker, type Engine, type Worker } from '../src/index.ts'
import { freshDatabase, member, until, type TestDatabase } from '../testing/index.ts'

let db: TestDatabase
let engine: Engine
let worker: Worker
const signals: AbortSignal[] = []

const nothing = defineTask({ name: 'nothing', input: z.object({}), output: z.object({}), perform: async () => ({}) })
const telling = defineRun({
  name: 'telling',
  input: z.object({ made: z.string().optional() }),
  tasks: [nothing],
  plan: () => [{ kind: 'nothing', input: {} }],
  next({ input, signal, succeeded }) {
    signals.push(signal)
    return input.made === undefined ? { succeed: succeeded } : { succeed: succeeded, made: { text: input.made } }
  },
  async save(tx, ended) {
    for (const { run, workspace, made } of ended) {
      await tx.query('insert into mine.ends (run_id, workspace_id, text) values ($1, $2, $3)', [
        run,
        workspace,
        (made as { text: string }).text,
      ])
    }
  },
})

beforeAll(async () => {
  db = await freshDatabase()
  await db.sql('create schema mine')
  await db.sql("create table mine.ends (run_id bigint, workspace_id bigint, text text check (text <> 'bad'))")
  await db.sql('grant usage on schema mine to millrace_worker')
  await db.sql('grant insert on mine.ends to millrace_worker')
  engine = openEngine(db.api)
  worker = await startWorker({ settings: db.worker, kinds: [telling] })
})
afterAll(async () => {
  await worker?.drain()
  await engine?.close()
  await db?.drop()
})

async function ended(made?: string) {
  const { run } = await engine.start(member(), telling, made === undefined ? {} : { made }, { workspace: 1 })
  return until(
    () => engine.run(member(), run),
    (seen) => seen.finishedAt !== null,
  )
}
const rowsOf = (run: number) => db.sql('select workspace_id, text from mine.ends where run_id = $1', [run])

test('what the end of a run made is there with the end, and is not kept a second time as its output', async () => {
  const run = await ended('a word')
  expect(run).toMatchObject({ state: 'succeeded', output: 1, progress: { total: 1, succeeded: 1 } })
  expect(await rowsOf(run.id)).toEqual([{ workspace_id: 1, text: 'a word' }])
  const kept = await db.sql<{ output: unknown }>('select output from engine.outputs where run_id = $1 and n < 0', [
    run.id,
  ])
  expect(kept).toEqual([{ output: { succeed: 1 } }])
  expect(signals.at(-1)).toBeInstanceOf(AbortSignal)
})

test('a run that made nothing at its end writes nothing', async () => {
  const run = await ended()
  expect(run.state).toBe('succeeded')
  expect(await rowsOf(run.id)).toEqual([])
})

test('a run whose rows about its end are refused has not ended well', async () => {
  const run = await ended('bad')
  expect(run).toMatchObject({ state: 'failed', failure: { code: 'PERSISTENCE_ERROR', details: { sqlstate: '23514' } } })
  expect(await rowsOf(run.id)).toEqual([])
})

test('a further round writes about its own end', async () => {
  const run = await ended('again')
  await engine.reopen(member(), run.id)
  await until(
    () => engine.run(member(), run.id),
    (seen) => seen.finishedAt !== null && seen.round === 2,
  )
  expect(await rowsOf(run.id)).toHaveLength(2)
})
