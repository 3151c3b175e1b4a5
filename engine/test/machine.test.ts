/** From the start of a run to its end, and what is refused on the way. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineRun, defineTask, openEngine, startWorker, TaskFailed, type Engine, type TaskSpec } from '../src/index.ts'
import { freshDatabase, member, until, type TestDatabase } from '../testing/index.ts'

const double = defineTask({
  name: 'double',
  input: z.object({ x: z.number() }),
  output: z.object({ y: z.number() }),
  perform: async (hand) => {
    if (hand.input.x < 0) {
      throw new TaskFailed({ code: 'NEGATIVE', message: 'It is negative.', retryable: false, origin: 'task' })
    }
    return { y: hand.input.x * 2 }
  },
})
const plan = (input: { xs: number[] }): TaskSpec[] => input.xs.map((x) => ({ kind: 'double', input: { x } }))
const simple = defineRun({ name: 'simple', input: z.object({ xs: z.array(z.number()) }), tasks: [double], plan })
const summed = defineRun({
  name: 'summed',
  input: z.object({ xs: z.array(z.number()) }),
  tasks: [double],
  plan,
  next: async (soFar) => {
    const outputs = await soFar.outputs('double', double.output)
    if (soFar.total < 4) return { do: [{ kind: 'double', input: { x: 100 } }] }
    return { succeed: outputs.reduce((sum, one) => sum + one.output.y, 0) }
  },
})

let db: TestDatabase
let engine: Engine
beforeAll(async () => {
  db = await freshDatabase()
  engine = openEngine(db.api)
})
afterAll(async () => {
  await engine?.close()
  await db?.drop()
})

async function finished(run: number) {
  return await until(
    () => engine.run(member(), run),
    (seen) => seen.finishedAt !== null,
    3,
  )
}

describe('a run', () => {
  test('performs its tasks and ends with the close of the last one', async () => {
    const worker = await startWorker({ settings: db.worker, kinds: [simple, summed], report: console.error })
    const { run } = await engine.start(member(), simple, { xs: [1, 2, 3] }, { workspace: 1 })
    const seen = await finished(run)
    expect(seen).toMatchObject({ state: 'succeeded', progress: { total: 3, succeeded: 3, open: 0, percent: 100 } })
    const events = await db.sql('select n, kind from engine.events where run_id = $1 order by n', [run])
    expect(events[0]).toEqual({ n: 1, kind: 'run.queued' })
    expect(events.map((e) => e['n'])).toEqual(events.map((_, i) => i + 1))
    await worker.drain()
  })

  test('asks its kind what comes next, and ends in that decision', async () => {
    const worker = await startWorker({ settings: db.worker, kinds: [simple, summed], report: console.error })
    const { run } = await engine.start(member(), summed, { xs: [1, 2, 3] }, { workspace: 1 })
    const seen = await finished(run)
    expect(seen).toMatchObject({ state: 'succeeded', output: 212, progress: { total: 4, succeeded: 4 } })
    await worker.drain()
  })

  test('with one failure among successes succeeds; with nothing but failures it fails with the commonest', async () => {
    const worker = await startWorker({ settings: db.worker, kinds: [simple, summed], report: console.error })
    const some = await engine.start(member(), simple, { xs: [1, -1] }, { workspace: 1 })
    const none = await engine.start(member(), simple, { xs: [-1, -2] }, { workspace: 1 })
    expect(await finished(some.run)).toMatchObject({ state: 'succeeded', progress: { succeeded: 1, failed: 1 } })
    expect(await finished(none.run)).toMatchObject({ state: 'failed', failure: { code: 'NEGATIVE' } })
    await worker.drain()
  })

  test('that plans a task which its kind does not list is refused, and one that decides on it fails: neither waits for ever', async () => {
    const xs = z.object({ xs: z.array(z.number()) })
    const halve: TaskSpec = { kind: 'halve', input: { x: 1 } }
    const planned = defineRun({ name: 'planned', input: xs, tasks: [double], plan: () => [halve] })
    const decided = defineRun({ name: 'decided', input: xs, tasks: [double], plan, next: () => ({ do: [halve] }) })
    await expect(engine.start(member(), planned, { xs: [1] }, { workspace: 1 })).rejects.toMatchObject({
      code: 'UNLISTED_TASK_KIND',
      message: expect.stringContaining('halve'),
    })
    expect(await engine.runs(member(), { kind: 'planned' })).toEqual([])
    const worker = await startWorker({ settings: db.worker, kinds: [decided], report: console.error })
    const { run } = await engine.start(member(), decided, { xs: [1] }, { workspace: 1 })
    expect(await finished(run)).toMatchObject({ state: 'failed', failure: { code: 'UNLISTED_TASK_KIND' } })
    await worker.drain()
  })

  test('with an input that is not valid is refused with each cause by its path', async () => {
    const wrong = { xs: [1, 'two', null] } as unknown as { xs: number[] }
    await expect(engine.start(member(), simple, wrong, { workspace: 1 })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      causes: [expect.stringMatching(/^xs\.1: .*number.*string/), expect.stringMatching(/^xs\.2: .*number.*null/)],
    })
  })
})
