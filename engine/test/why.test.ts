/** Why is this not running?  One sentence for each part that waits, from what the claim itself asks. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openEngine, type Engine } from '../src/index.ts'
import { freshDatabase, member, type TestDatabase } from '../testing/index.ts'
import { startRun, tasksOf, workerByHand, type HandWorker } from './by-hand.ts'

let db: TestDatabase
let engine: Engine
let worker: HandWorker | undefined
beforeEach(async () => {
  db = await freshDatabase()
  engine = openEngine(db.api)
  worker = undefined
})
afterEach(async () => {
  await worker?.end()
  await engine.close()
  await db.drop()
})

const sentences = async (run: number) => (await engine.why(member(), run)).map((waiting) => waiting.sentence)
const OPERATOR = { ...member(), operator: true }
const ask = (text: string, values: unknown[] = []) => engine.as(OPERATOR, (tx) => tx.query(text, values))
const keyed = (amount: number, key: string) => tasksOf(amount).map((spec) => ({ ...spec, key }))

describe('a run that waits says', () => {
  test('that no worker knows its kind', async () => {
    const run = await startRun(db, 3)
    expect(await sentences(run)).toEqual(['3 tasks of work: no worker that knows this kind is alive.'])
    worker = await workerByHand(db, { kinds: ['other'] })
    expect(await sentences(run)).toEqual(['3 tasks of work: no worker that knows this kind is alive.'])
  })

  test('that it is next, or how many are before it', async () => {
    worker = await workerByHand(db)
    const first = await startRun(db, 3)
    const second = await startRun(db, 1)
    expect(await sentences(first)).toEqual(['3 tasks of work: next in turn, as soon as a worker has a free slot.'])
    expect(await sentences(second)).toEqual(['1 task of work: behind 3 others.'])
  })

  test('who holds it, or that somebody must approve', async () => {
    const run = await startRun(db, 1)
    await engine.hold(member(), run)
    expect(await sentences(run)).toEqual(['1 task of work: paused by test-admin.'])
    const asking = await startRun(db, 1, { held: 'awaiting_approval' })
    expect(await sentences(asking)).toEqual(['1 task of work: waiting for an approval.'])
  })

  test('when it is due', async () => {
    worker = await workerByHand(db)
    const run = await startRun(db, [{ kind: 'work', input: {}, delay: 3_600 }])
    expect(await sentences(run)).toEqual([expect.stringMatching(/^1 task of work: due at 20\d\d-.*Z\.$/)])
  })

  test('which limit stands in its way, and until when', async () => {
    worker = await workerByHand(db)
    const run = await startRun(db, keyed(3, 'm'))
    await ask("select engine.limit_key('m', 0, null, null)")
    expect(await sentences(run)).toEqual(['3 tasks of work (m): as many as m allows at a time are running.'])
    await ask("select engine.limit_key('m', null, 1, null)")
    await worker.claim(1)
    expect(await sentences(run)).toEqual([
      expect.stringMatching(/^2 tasks of work \(m\): the requests a minute of m are used up until 20.*Z\.$/),
    ])
    await ask("select engine.stop_key('m')")
    expect(await sentences(run)).toEqual([
      '2 tasks of work (m): everything under m is stopped (PAUSED), until somebody releases it.',
    ])
  })

  test('that its budget is reached', async () => {
    worker = await workerByHand(db)
    const run = await startRun(db, [{ kind: 'work', input: {}, uses: { tokens: 10 } }], { budget: { tokens: 5 } })
    await worker.claim(1)
    expect(await sentences(run)).toEqual([
      '1 task of work: the budget is reached, or does not cover what one more could use: tokens of the run.',
    ])
  })

  test('each part by itself, and nothing of parts that do not wait', async () => {
    worker = await workerByHand(db, { kinds: ['work'] })
    const run = await startRun(db, [...tasksOf(1), ...tasksOf(2, 'rest')])
    await worker.claim(1)
    expect(await sentences(run)).toEqual(['2 tasks of rest: no worker that knows this kind is alive.'])
  })

  test('nothing to those who may not see it', async () => {
    const run = await startRun(db, 1)
    await expect(engine.why(member('admin', 99), run)).rejects.toMatchObject({ code: 'NO_SUCH_RUN' })
  })
})
