/** How far a run is, and what it is doing now. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openEngine, type Engine } from '../src/index.ts'
import { freshDatabase, member, type TestDatabase } from '../testing/index.ts'
import { startRun, workerByHand, type HandWorker } from './by-hand.ts'

let db: TestDatabase
let engine: Engine
let worker: HandWorker
beforeEach(async () => {
  db = await freshDatabase()
  engine = openEngine(db.api)
  worker = await workerByHand(db)
})
afterEach(async () => {
  await worker.end()
  await engine.close()
  await db.drop()
})

test('a run says what is under way, what was tried again, its pace and the time that is left', async () => {
  const run = await startRun(db, 20)
  expect(await engine.activity(member(), run)).toEqual({ inFlight: 0, retries: 0, rate: null, secondsLeft: null })
  const held = await worker.claim(8)
  const close = (from: number, to: number, outcome: 'succeeded' | 'again') =>
    worker.close(...held.slice(from, to).map((one) => ({ held: one, outcome, body: {}, delay: 60 })))
  await close(0, 2, 'succeeded')
  await close(2, 6, 'succeeded')
  await close(6, 7, 'again')
  // Between the first and the last of these closes lie ten seconds, in which four tasks ended.
  await db.sql(
    `update engine.events e set at = clock_timestamp() - interval '5 seconds' - case e.n
       when (select min(n) from engine.events where run_id = $1 and kind = 'tasks.closed') then interval '10 seconds'
       else interval '0' end where run_id = $1 and kind = 'tasks.closed'`,
    [run],
  )
  const seen = await engine.activity(member(), run)
  expect(seen).toMatchObject({ inFlight: 1, retries: 1 })
  expect(seen.rate).toBeCloseTo(0.4, 1)
  expect(seen.secondsLeft).toBeCloseTo(14 / 0.4, -1)

  // Where everything waits, for a budget say, no pace brings the end nearer.
  await close(7, 8, 'again')
  expect(await engine.activity(member(), run)).toMatchObject({ inFlight: 0, secondsLeft: null })
})

test('what a run is doing is told to nobody of another workspace', async () => {
  const run = await startRun(db, 1)
  await expect(engine.activity(member('admin', 99), run)).rejects.toMatchObject({ code: 'NO_SUCH_RUN' })
})
