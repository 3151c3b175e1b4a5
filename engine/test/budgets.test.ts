/** A budget is asked by every claim, from the moment at which it is set. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openApi } from '../src/access.ts'
import type { TaskSpec } from '../src/kinds.ts'
import { freshDatabase, member, type TestDatabase } from '../testing/index.ts'
import { serverIsSettled, startRun, workerByHand, type HandWorker } from './by-hand.ts'

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

async function setBudget(run: number, tokens: number | null, micros: number | null = null) {
  const api = openApi(db.api, 1)
  try {
    await api.as(member(), (tx) => tx.query('select engine.budget(1, $1, $2, $3)', [run, tokens, micros]))
  } finally {
    await api.close()
  }
}

test('a budget that is set later also asks what had nothing ready at that moment', async () => {
  const run = await startRun(db, [task({ tokens: 10 })])
  const [held] = await worker.claim(1)
  if (held === undefined) throw new Error('nothing was claimed')
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
