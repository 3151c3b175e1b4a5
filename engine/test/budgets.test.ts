/** Limits and budgets are asked by every claim, from the moment at which they are set; what comes back is what was set aside. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openApi } from '../src/access.ts'
import type { TaskSpec } from '../src/kinds.ts'
import { freshDatabase, member, type TestDatabase } from '../testing/index.ts'
import { serverIsSettled, startRun, workerByHand, type HandWorker, type Held } from './by-hand.ts'

let db: TestDatabase
let worker: HandWorker
let kind = ''
let tests = 0

beforeAll(async () => {
  db = await freshDatabase()
  await serverIsSettled(db)
})
afterAll(async () => {
  await db?.drop()
})
beforeEach(async () => {
  kind = `work.${(tests += 1)}`
  worker = await workerByHand(db, { kinds: [kind] })
})
afterEach(async () => {
  await worker.end()
})

const task = (uses: TaskSpec['uses'] = {}, more: Partial<TaskSpec> = {}): TaskSpec => ({
  kind,
  input: {},
  uses,
  ...more,
})

async function say(sentence: string, values: unknown[]) {
  const api = openApi(db.api, 1)
  try {
    return (await api.as({ ...member(), operator: true }, (tx) => tx.query(sentence, values))).rows
  } finally {
    await api.close()
  }
}
const setBudget = (run: number, tokens: number | null, micros: number | null = null) =>
  say('select engine.budget(1, $1, $2, $3)', [run, tokens, micros])
const setLimit = (key: string, concurrency: number | null, tokens: number | null) =>
  say('select engine.limit_key($1, $2, null, $3)', [key, concurrency, tokens])

/** A receipt of what an attempt bought. */
const note = (held: Held, tokens: number, micros: number) =>
  worker.client.query(
    "select engine.note($1, $2, $3, array['call'], array['receipt'], array['\\x00'::bytea], array['{}'::jsonb], $4, $5)",
    [[held.run], [held.n], [held.attempt], [tokens], [micros]],
  )

async function one(): Promise<Held> {
  const [held] = await worker.claim(1)
  if (held === undefined) throw new Error('nothing was claimed')
  return held
}

test('a budget that is set later also asks what had nothing ready at that moment', async () => {
  const run = await startRun(db, [task({ tokens: 10 })])
  const held = await one()
  // The lane is empty now; then the task comes back.
  await setBudget(run, 5)
  await worker.close({ held, outcome: 'released' })
  expect(await worker.claim(1)).toEqual([])
  await setBudget(run, 10)
  expect(await worker.claim(1)).toHaveLength(1)
})

test('a budget that is set later also asks what is due later', async () => {
  const run = await startRun(db, [task({ tokens: 10 }, { delay: 5 })])
  expect(await worker.claim(5)).toEqual([])
  await setBudget(run, 5)
  await worker.expire(6)
  expect(await worker.claim(1)).toEqual([])
})

test('a purse that a claim empties has enough for nothing more, in the same claim', async () => {
  const run = await startRun(db, [task({ tokens: 10 }), { kind: `${kind}.free`, input: {} }])
  await worker.end()
  worker = await workerByHand(db, { kinds: [kind, `${kind}.free`] })
  await setBudget(run, 10)
  expect((await worker.claim(2)).map((one) => one.n)).toEqual([1])
})

test('what a task has paid for counts once while it runs, in tokens and in money', async () => {
  const run = await startRun(db, [task({ tokens: 6, micros: 6 }), task({ tokens: 4, micros: 4 }, { key: `${kind}.k` })])
  await setBudget(run, 10, 10)
  await note(await one(), 6, 6)
  expect(await worker.claim(1)).toHaveLength(1)
})

test('tokens that a task used beyond what it set aside use up the rate, also after a quiet time', async () => {
  const key = `${kind}.k`
  await startRun(db, [task({ tokens: 1 }, { key }), task({ tokens: 1 }, { key })])
  await setLimit(key, null, 60_000)
  const held = await one()
  await worker.client.query(
    "select set_config('millrace.clock', (clock_timestamp() + interval '10 minutes')::text, false)",
  )
  await note(held, 100_000, 0)
  await worker.close({ held, outcome: 'succeeded' })
  expect(await worker.claim(1)).toEqual([])
})

test.each([null, 6_000_000])(
  'what is running when a rate is set counts under it, and no more comes back than it set aside (rate before: %s)',
  async (before) => {
    const key = `${kind}.k`
    const tasks = Array.from({ length: 3 }, () => task({ tokens: 1000 }, { key }))
    await startRun(db, tasks)
    await setLimit(key, 5, before)
    const held = await one()
    await setLimit(key, 5, 60)
    expect(await worker.claim(1)).toEqual([])
    // It used nothing, so there is room for one, and not for two.
    await worker.close({ held, outcome: 'succeeded' })
    expect(await worker.claim(2)).toHaveLength(1)
    expect(await worker.claim(1)).toEqual([])
  },
)
test('a run whose decision is due later says so', async () => {
  const run = await startRun(db, 0, { kind, next: true })
  await worker.end()
  worker = await workerByHand(db, { kinds: [`${kind}.next`] })
  await worker.close({ held: await one(), outcome: 'again', delay: 60 })
  expect(await worker.claim(5)).toEqual([])
  expect(await say('select due::integer, reason from engine.why($1)', [run])).toEqual([
    { due: 1, reason: 'nothing_ready' },
  ])
})
