/** How lanes take turns, and how far each has come. */
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TaskSpec } from '../src/kinds.ts'
import { freshDatabase, type TestDatabase } from '../testing/index.ts'
import { startRun, startRuns, workerByHand, type HandOptions, type HandWorker, type Held } from './by-hand.ts'

let db: TestDatabase
let workers: HandWorker[] = []
/** Every test has a kind of its own, so none sees the work of another. */
let kind = ''
let tests = 0

beforeAll(async () => {
  db = await freshDatabase()
})
afterAll(async () => {
  await db?.drop()
})
beforeEach(() => {
  kind = `work.${(tests += 1)}`
})
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.end()))
  workers = []
})

async function hire(options: HandOptions = {}): Promise<HandWorker> {
  const worker = await workerByHand(db, { kinds: [kind], ...options })
  workers.push(worker)
  return worker
}
const specs = (of: string, amount: number): TaskSpec[] =>
  Array.from({ length: amount }, () => ({ kind: of, input: {} }))
const work = (amount: number) => specs(kind, amount)
const ids = (held: readonly Held[]) => held.map((one) => `${one.run}/${one.n}`)
const runsOf = (held: readonly Held[]) => held.map((one) => one.run)
const firstOf = (held: readonly Held[]): Held => {
  const [first] = held
  if (first === undefined) throw new Error('nothing was claimed')
  return first
}

describe('a claim', () => {
  test('gives lanes their turns, one after the other', async () => {
    const worker = await hire()
    const runs = [await startRun(db, work(4)), await startRun(db, work(4)), await startRun(db, work(4))]
    const order: number[] = []
    for (let at = 0; at < 12; at += 1) order.push(...runsOf(await worker.claim(1)))
    expect(order).toEqual([...runs, ...runs, ...runs, ...runs])
  })

  test('gives a lane its turn again, however many others come meanwhile', async () => {
    const worker = await hire()
    const large = await startRun(db, work(100))
    let turns = 0
    // As many come as are served: a round is twice as long as the one before, and ends.
    for (let at = 0; at < 31; at += 1) {
      await startRun(db, work(1))
      if (firstOf(await worker.claim(1)).run === large) turns += 1
    }
    expect(turns).toBeGreaterThanOrEqual(5)
  })

  test('gives all lanes as many turns, but for one with each worker that claims', async () => {
    const crew = await Promise.all(Array.from({ length: 3 }, () => hire()))
    const runs = await startRuns(
      db,
      Array.from({ length: 4 }, () => ({ tasks: work(40) })),
    )
    const turns = new Map(runs.map((run) => [run, 0]))
    for (let at = 0; at < 60; at += 1) {
      const { run } = firstOf((await crew[(at * at) % 3]?.claim(1)) ?? [])
      turns.set(run, (turns.get(run) ?? 0) + 1)
      expect(Math.max(...turns.values()) - Math.min(...turns.values())).toBeLessThanOrEqual(crew.length)
    }
  })

  test('takes first what came back, however far the lane has come since', async () => {
    const worker = await hire()
    const run = await startRun(db, work(2_000))
    const [first] = await worker.claim(200)
    for (let at = 0; at < 6; at += 1) await worker.claim(200)
    const looksFrom = async () =>
      (await db.sql('select first from engine.lanes where run_id = $1', [run]))[0]?.['first']
    expect(await looksFrom()).toBeGreaterThan(500)
    if (first === undefined) throw new Error('nothing was claimed')
    await worker.close({ held: first, outcome: 'released' })
    expect(await looksFrom()).toBe(1)
    expect(firstOf(await worker.claim(1))).toMatchObject({ n: 1, attempt: 2 })
    await worker.claim(200)
    expect(await looksFrom()).toBeGreaterThan(500)
  })
})

describe('the order of claims', () => {
  test('is that of a small model, for any runs', async () => {
    const lane = fc.record({ tasks: fc.integer({ min: 1, max: 6 }), priority: fc.integer({ min: 1, max: 3 }) })
    let round = 0
    await fc.assert(
      fc.asyncProperty(fc.array(lane, { minLength: 1, maxLength: 6 }), async (lanes) => {
        const own = `${kind}.${(round += 1)}`
        const worker = await hire({ kinds: [own] })
        const runs = await startRuns(
          db,
          lanes.map(({ tasks, priority }) => ({ tasks: specs(own, tasks), priority })),
        )
        // The model: lanes wait in a queue; who was served goes to the end of it.  For
        // lanes that all are there from the beginning that is to go round.
        let queue = runs.map((run, index) => ({
          run,
          priority: lanes[index]?.priority ?? 0,
          left: lanes[index]?.tasks ?? 0,
          next: 1,
        }))
        const total = lanes.reduce((sum, { tasks }) => sum + tasks, 0)
        for (let at = 0; at < total; at += 1) {
          const tier = Math.max(...queue.filter((one) => one.left > 0).map((one) => one.priority))
          const turn = queue.find((one) => one.left > 0 && one.priority === tier)
          if (turn === undefined) throw new Error('the model is empty')
          expect(ids(await worker.claim(1))).toEqual([`${turn.run}/${turn.next}`])
          turn.left -= 1
          turn.next += 1
          queue = [...queue.filter((one) => one !== turn), turn]
        }
        expect(await worker.claim(1)).toEqual([])
      }),
      { numRuns: 12 },
    )
  })
})
