/** A run that was reopened is judged by what happened since. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openEngine, type Engine } from '../src/index.ts'
import { freshDatabase, member, type TestDatabase } from '../testing/index.ts'
import { serverIsSettled, startRun, workerByHand, type HandWorker } from './by-hand.ts'

let db: TestDatabase
let engine: Engine
let worker: HandWorker
beforeAll(async () => {
  db = await freshDatabase()
  await serverIsSettled(db)
  engine = openEngine(db.api)
  worker = await workerByHand(db, { kinds: ['hand.next'] })
})
afterAll(async () => {
  await worker?.end()
  await engine?.close()
  await db?.drop()
})

async function decide(body?: unknown) {
  const [held] = await worker.claim(1)
  if (held === undefined) throw new Error('nothing was claimed')
  await worker.close({ held, outcome: 'failed', body })
}

test('a run that fails in a later round does not show the failure of an earlier one', async () => {
  const run = await startRun(db, 0, { next: true })
  const failure = { code: 'BROKEN', message: 'It broke.', retryable: false }
  await decide(failure)
  expect(await engine.run(member(), run)).toMatchObject({ state: 'failed', failure })
  await engine.reopen(member(), run)
  await decide()
  expect(await engine.run(member(), run)).toMatchObject({ state: 'failed', failure: null })
})
