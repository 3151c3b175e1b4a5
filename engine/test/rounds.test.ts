/** A run once more: what failed or was cancelled becomes ready again, under a new round. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  defineRun,
  defineTask,
  openEngine,
  startWorker,
  TaskFailed,
  type AnyRunKind,
  type Engine,
  type Worker,
} from '../src/index.ts'
import { freshDatabase, member, until, type TestDatabase } from '../testing/index.ts'

let db: TestDatabase
let engine: Engine
let worker: Worker
let broken = true
const asked: number[] = []

const fragile = defineTask({
  name: 'fragile',
  input: z.object({ x: z.number() }),
  output: z.object({ x: z.number() }),
  async perform({ input }) {
    if (broken && input.x % 2 === 0) {
      throw new TaskFailed({ code: 'EVEN', message: 'It is even.', retryable: false, origin: 'task' })
    }
    return { x: input.x }
  },
})
const xs = z.object({ xs: z.array(z.number()) })
const plan = ({ xs }: { xs: number[] }) => xs.map((x) => ({ kind: 'fragile', input: { x } }))
const plain = defineRun({ name: 'plain', input: xs, tasks: [fragile], plan })
const strict = defineRun({
  name: 'strict',
  input: xs,
  tasks: [fragile],
  plan,
  next(soFar) {
    asked.push(soFar.run)
    if (soFar.failed > 0) return { fail: { code: 'SOME_FAILED', message: 'x', retryable: false, origin: 'task' } }
    return { succeed: soFar.succeeded }
  },
})

beforeAll(async () => {
  db = await freshDatabase()
  engine = openEngine(db.api)
  worker = await startWorker({ settings: db.worker, kinds: [plain, strict] as AnyRunKind[] })
})
afterAll(async () => {
  await worker?.drain()
  await engine?.close()
  await db?.drop()
})

const ended = (run: number, round = 1) =>
  until(
    () => engine.run(member(), run),
    (seen) => seen.finishedAt !== null && seen.round === round,
  )
const kindsOf = async (run: number) =>
  (
    await db.sql<{ n: number; kind: string }>('select n, kind from engine.events where run_id = $1 order by n', [run])
  ).map((row, at) => (row.n === at + 1 ? row.kind : `gap before ${row.n}`))

describe('a run that is reopened', () => {
  test('does again what failed, and nothing that succeeded, and asks for its decision anew', async () => {
    broken = true
    const { run } = await engine.start(member(), strict, { xs: [1, 2, 3, 4] }, { workspace: 1 })
    expect(await ended(run)).toMatchObject({
      state: 'failed',
      failure: { code: 'SOME_FAILED' },
      progress: { failed: 2 },
    })
    broken = false
    const before = await db.sql('select n, attempt from engine.tasks where run_id = $1 and n in (1, 3) order by n', [
      run,
    ])
    expect(await engine.reopen(member(), run)).toBe(2)
    expect(await ended(run, 2)).toMatchObject({
      state: 'succeeded',
      output: 4,
      failure: null,
      progress: { total: 4, succeeded: 4, failed: 0, open: 0 },
    })
    expect(
      await db.sql('select n, attempt from engine.tasks where run_id = $1 and n in (1, 3) order by n', [run]),
    ).toEqual(before)
    expect(asked.filter((id) => id === run)).toHaveLength(2)
    const kinds = await kindsOf(run)
    expect(kinds.filter((kind) => /^run\.(failed|reopened|succeeded)$/.test(kind))).toEqual([
      'run.failed',
      'run.reopened',
      'run.succeeded',
    ])
  })

  test('does everything again when all is asked, with outputs of the last round alone', async () => {
    broken = false
    const { run } = await engine.start(member(), plain, { xs: [1, 2] }, { workspace: 1 })
    await ended(run)
    await engine.reopen(member(), run, { all: true })
    expect(await ended(run, 2)).toMatchObject({ state: 'succeeded', progress: { total: 2, succeeded: 2 } })
    expect(await db.sql('select n, attempt from engine.tasks where run_id = $1 order by n', [run])).toEqual([
      { n: 1, attempt: 2 },
      { n: 2, attempt: 2 },
    ])
    expect(await db.sql('select 1 from engine.outputs where run_id = $1', [run])).toHaveLength(2)
  })

  test('after it was cancelled performs what was cancelled', async () => {
    broken = false
    const { run } = await engine.start(member(), plain, { xs: [1, 2, 3] }, { workspace: 1, held: 'paused' })
    await engine.cancel(member(), run)
    expect(await ended(run)).toMatchObject({ state: 'cancelled', cancelAsked: true })
    await engine.reopen(member(), run)
    expect(await ended(run, 2)).toMatchObject({
      state: 'succeeded',
      cancelAsked: false,
      progress: { succeeded: 3, cancelled: 0 },
    })
  })

  test('has all its tries again, also what was quarantined', async () => {
    broken = true
    const { run } = await engine.start(member(), plain, { xs: [2] }, { workspace: 1 })
    await ended(run)
    await db.sql('update engine.tasks set tries = 4, crashes = 3 where run_id = $1', [run])
    await engine.reopen(member(), run)
    await ended(run, 2)
    expect(await db.sql('select tries, crashes from engine.tasks where run_id = $1', [run])).toEqual([
      { tries: 1, crashes: 0 },
    ])
  })

  test('is refused while it goes on, when nothing can be done again, and for those who may not', async () => {
    broken = false
    const { run } = await engine.start(member(), plain, { xs: [1] }, { workspace: 1 })
    await ended(run)
    await expect(engine.reopen(member(), run)).rejects.toMatchObject({ code: 'WRONG_STATE' })
    const held = await engine.start(member(), plain, { xs: [1] }, { workspace: 1, held: 'paused' })
    await expect(engine.reopen(member(), held.run)).rejects.toMatchObject({ code: 'WRONG_STATE' })
    await expect(engine.reopen(member('viewer'), run, { all: true })).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(engine.reopen(member('admin', 99), run)).rejects.toMatchObject({ code: 'NO_SUCH_RUN' })
  })
})
