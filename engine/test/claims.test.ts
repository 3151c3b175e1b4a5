/** Who gets which task next: by priority, by turns, by number, and each task once. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, until, type TestDatabase } from '../testing/index.ts'
import {
  addWorkspace,
  serverIsSettled,
  startRun,
  startMany,
  startRuns,
  tasksOf,
  workerByHand,
  type HandOptions,
  type HandWorker,
  type Held,
} from './by-hand.ts'

let db: TestDatabase
let workers: HandWorker[] = []
/** Every test has a kind of its own, so none sees the work of another. */
let kind = ''
let tests = 0

beforeAll(async () => {
  db = await freshDatabase()
  await serverIsSettled(db)
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
const work = (amount: number) => tasksOf(amount, kind)
const ids = (held: readonly Held[]) => held.map((one) => `${one.run}/${one.n}`)
const ascending = (a: number, b: number) => a - b
const runsOf = (held: readonly Held[]) => held.map((one) => one.run)
const firstOf = (held: readonly Held[]): Held => {
  const [first] = held
  if (first === undefined) throw new Error('nothing was claimed')
  return first
}

/** Takes the work of a test away, so that no sweep has to rescue it. */
async function forget(of: string) {
  for (const table of ['inputs', 'tasks']) {
    await db.sql(
      `delete from engine.${table} where run_id = any(array(select l.run_id from engine.lanes l where l.kind = $1))`,
      [of],
    )
  }
  await db.sql('delete from engine.lanes where kind = $1', [of])
}

/** Nothing waits in a lane that says it has nothing, or under the number at which it begins to look. */
async function expectLanesCounted() {
  const wrong = await db.sql(
    `select l.id, count(t.n) as tasks from engine.lanes l
       left join engine.tasks t on t.lane_id = l.id and t.state = 'ready' and t.due_at is null
      where l.idle or t.n < l.first group by l.id having count(t.n) > 0`,
  )
  expect(wrong).toEqual([])
}

describe('a claim', () => {
  test('takes the higher priority first, whatever came first', async () => {
    const worker = await hire()
    const low = await startRun(db, work(3), { priority: 1 })
    const high = await startRun(db, work(3), { priority: 9 })
    const middle = await startRun(db, work(3), { priority: 5 })
    expect(runsOf(await worker.claim(2))).toEqual([high, high])
    expect(runsOf(await worker.claim(3)).toSorted(ascending)).toEqual([high, middle, middle].toSorted(ascending))
    expect(runsOf(await worker.claim(9)).toSorted(ascending)).toEqual([middle, low, low, low].toSorted(ascending))
  })

  test('goes through a lane by number', async () => {
    const worker = await hire()
    await startRun(db, work(30))
    const order: number[] = []
    for (const free of [1, 4, 1, 7, 17])
      order.push(...(await worker.claim(free)).map((one) => one.n).sort((a, b) => a - b))
    expect(order).toEqual(Array.from({ length: 30 }, (_, index) => index + 1))
  })

  test('shares what is free among lanes, and gives what one does not need to the others', async () => {
    const worker = await hire()
    const large = await startRun(db, work(50))
    const small = await startRun(db, work(2))
    const got = runsOf(await worker.claim(10))
    expect(got).toHaveLength(10)
    expect(got.filter((run) => run === small)).toHaveLength(2)
    expect(got.filter((run) => run === large)).toHaveLength(8)
  })

  test('lets a run of 100 behind a run of 20,000 finish early', async () => {
    const worker = await hire()
    const large = await startRun(db, work(20_000))
    firstOf(await worker.claim(200))
    const small = await startRun(db, work(100))
    let claimed = 0
    let left = 100
    while (left > 0) {
      const held = await worker.claim(50)
      claimed += held.length
      left -= held.filter((one) => one.run === small).length
      await worker.close(...held.map((one) => ({ held: one, outcome: 'succeeded' as const })))
    }
    expect(claimed).toBeLessThanOrEqual(250)
    const [row] = await db.sql('select state, succeeded from engine.runs where id = $1', [small])
    expect(row).toEqual({ state: 'succeeded', succeeded: 100 })
    const [other] = await db.sql('select open from engine.runs where id = $1', [large])
    expect(other?.['open']).toBeGreaterThan(19_000)
  })

  test('takes only the kinds that its worker serves', async () => {
    const worker = await hire({ kinds: [kind, `${kind}.also`] })
    await startRun(db, [
      { kind: `${kind}.foreign`, input: {} },
      { kind, input: {} },
      { kind: `${kind}.also`, input: {} },
    ])
    expect((await worker.claim(10)).map((one) => one.n).sort((a, b) => a - b)).toEqual([2, 3])
    expect(await worker.claim(10)).toEqual([])
  })

  test('takes only the workspace that its worker serves', async () => {
    const other = await addWorkspace(db, 'elsewhere')
    const bound = await hire({ workspace: other })
    const here = await startRun(db, work(2))
    const there = await startRun(db, work(2), { workspace: other })
    expect(runsOf(await bound.claim(10))).toEqual([there, there])
    const free = await hire()
    expect(runsOf(await free.claim(10))).toEqual([here, here])
  })

  test('leaves held runs and tasks that are not due alone', async () => {
    const worker = await hire()
    await startRun(db, work(5), { held: 'paused', priority: 9 })
    await startRun(db, [{ kind, input: {}, delay: 3_600 }], { priority: 8 })
    const free = await startRun(db, work(1))
    expect(runsOf(await worker.claim(10))).toEqual([free])
  })

  test('of a fenced worker is refused', async () => {
    const worker = await hire()
    const other = await hire()
    await startRun(db, work(1))
    await other.expire(20)
    await expect(worker.claim(1)).rejects.toMatchObject({ code: 'MR002' })
    await expect(worker.turn(1)).rejects.toMatchObject({ code: 'MR002' })
    await worker.register()
    expect(await worker.claim(1)).toHaveLength(1)
  })

  test('of nobody is refused', async () => {
    const worker = await hire()
    await expect(worker.client.query('select * from engine.claim(2000000000, 1)')).rejects.toMatchObject({
      code: 'MR002',
    })
  })
})

describe('two claimers at once', () => {
  test('never get one task, and together get all', async () => {
    await startRuns(
      db,
      [1, 10, 200, 1_500].map((amount, index) => ({ tasks: work(amount), priority: 4 + (index % 2) })),
    )
    const got = await drainWith(4, 37)
    expect(got).toHaveLength(1_711)
    expect(new Set(got).size).toBe(1_711)
    await expectLanesCounted()
    await forget(kind)
  })

  test('go through 4,000 runs of one task without ever seeing an empty queue too early', async () => {
    await startMany(db, 4_000, kind)
    const claimers = [await hire(), await hire()]
    const seen = new Set<string>()
    let doubles = 0
    await Promise.all(
      claimers.map(async (claimer) => {
        for (;;) {
          const held = await claimer.claim(200)
          // Looked at now, not before the claim: while it was under way the other may have gone through all of it.
          // What is left then, the other may hold in a claim that has not told us yet.
          if (held.length === 0 && 4_000 - seen.size > 200) throw new Error(`empty with ${seen.size} of 4,000 seen`)
          if (held.length === 0) return
          for (const id of ids(held)) {
            if (seen.has(id)) doubles += 1
            seen.add(id)
          }
        }
      }),
    )
    expect(doubles).toBe(0)
    expect(seen.size).toBe(4_000)
    await expectLanesCounted()
    await forget(kind)
  })

  test('get each task once also while others are given back', async () => {
    await startRuns(
      db,
      Array.from({ length: 20 }, () => ({ tasks: work(20) })),
    )
    const claimers = [await hire(), await hire(), await hire()]
    const done = new Set<string>()
    let rounds = 0
    await Promise.all(
      claimers.map(async (claimer, index) => {
        for (; done.size < 400; rounds += 1) {
          if (rounds > 3_000) throw new Error('this does not end')
          const held = await claimer.claim(13)
          const ends = held.map((one, at) => ({
            held: one,
            outcome: one.attempt === 1 && (at + index) % 3 === 0 ? ('released' as const) : ('succeeded' as const),
          }))
          const closed = await claimer.close(...ends)
          expect(closed.reduce((sum, row) => sum + row.kept, 0)).toBe(held.length)
          for (const end of ends) {
            if (end.outcome !== 'succeeded') continue
            const id = `${end.held.run}/${end.held.n}`
            expect(done.has(id)).toBe(false)
            done.add(id)
          }
        }
      }),
    )
    await expectLanesCounted()
  })

  async function drainWith(amount: number, free: number): Promise<string[]> {
    const claimers: HandWorker[] = []
    for (let at = 0; at < amount; at += 1) claimers.push(await hire())
    const got: string[] = []
    await Promise.all(
      claimers.map(async (claimer) => {
        for (let empty = 0; empty < 3;) {
          const held = await claimer.claim(free)
          empty = held.length === 0 ? empty + 1 : 0
          got.push(...ids(held))
        }
      }),
    )
    return got
  }
})

describe('a task that is to wait', () => {
  test('comes when it is due, and not before', async () => {
    const worker = await hire()
    const run = await startRun(db, [
      { kind, input: {}, delay: 60 },
      { kind, input: {}, delay: 120 },
    ])
    expect(await worker.expire(59)).toMatchObject({ due: 0 })
    await worker.register()
    expect(await worker.claim(5)).toEqual([])
    expect(await worker.expire(61)).toMatchObject({ due: 1 })
    await worker.register()
    expect(ids(await worker.claim(5))).toEqual([`${run}/1`])
    await worker.expire(121)
    await worker.register()
    expect((await worker.claim(5)).map((one) => one.n)).toContain(2)
    await expectLanesCounted()
  })

  test('spends a try when it failed, none when it waits for a limit, and none when it was given back', async () => {
    const worker = await hire()
    const run = await startRun(db, work(1))
    const tries: number[] = []
    for (const outcome of ['again', 'later', 'again', 'released', 'later'] as const) {
      const held = firstOf(await worker.claim(1))
      tries.push(held.tries)
      await worker.close({ held, outcome, delay: 0 })
    }
    const last = firstOf(await worker.claim(1))
    expect([...tries, last.tries]).toEqual([0, 1, 1, 2, 2, 2])
    expect(last).toMatchObject({ run, attempt: 6, crashes: 0 })
  })

  test('comes back after its delay', async () => {
    const worker = await hire()
    await startRun(db, work(1))
    const held = firstOf(await worker.claim(1))
    await worker.close({ held, outcome: 'again', delay: 5 })
    expect(await worker.claim(1)).toEqual([])
    await worker.expire(4)
    expect(await worker.claim(1)).toEqual([])
    await worker.expire(6)
    expect(await worker.claim(1)).toHaveLength(1)
  })
})

describe('a task under which workers die', () => {
  test('ends QUARANTINED after the third, and spends no try before', async () => {
    const undertaker = await hire({ kinds: ['nothing'] })
    const run = await startRun(db, work(2))
    for (const crashes of [0, 1, 2]) {
      const victim = await hire()
      const held = firstOf(await victim.claim(1))
      expect(held).toMatchObject({ n: 1, crashes, tries: 0 })
      await victim.end()
      workers = workers.filter((worker) => worker !== victim)
      await until(
        async () => {
          await undertaker.expire()
          return await db.sql('select state from engine.tasks where run_id = $1 and n = 1', [run])
        },
        ([task]) => task?.['state'] !== 'running',
      )
    }
    const [task] = await db.sql('select state, tries, worker from engine.tasks where run_id = $1 and n = 1', [run])
    expect(task).toEqual({ state: 'failed', tries: 1, worker: null })
    const failures = await db.sql('select outcome, failure from engine.attempts where run_id = $1 order by attempt', [
      run,
    ])
    expect(failures).toMatchObject([
      { outcome: 'expired' },
      { outcome: 'expired' },
      { outcome: 'failed', failure: { code: 'QUARANTINED', details: { crashes: 3 }, retryable: false } },
    ])
    // The other one is as good as new.
    const worker = await hire()
    await worker.close({ held: firstOf(await worker.claim(5)), outcome: 'succeeded' })
    const [ended] = await db.sql('select state, succeeded, failed from engine.runs where id = $1', [run])
    expect(ended).toEqual({ state: 'succeeded', succeeded: 1, failed: 1 })
  })
})
