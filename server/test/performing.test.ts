/** S22: what a worker process keeps to: so many stage runs at a time, beside everything else, and how often it looks by itself. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineRun, defineTask, openEngine, type Engine, type Principal } from '@millrace/engine'
import { freshDatabase, until, type TestDatabase } from '@millrace/engine/testing'
import { readConfig } from '../src/config.ts'
import { performanceOf, startPerforming } from '../src/performing.ts'

const who: Principal = { sub: 'operator', workspaces: { 1: 'admin' }, operator: true }
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

/** A kind of run of one task, which waits until it is let go. */
function waiting(name: string) {
  const inside: (() => void)[] = []
  const task = defineTask({
    name: `${name}.wait`,
    input: z.object({}),
    output: z.object({}),
    async perform() {
      await new Promise<void>((resolve) => inside.push(resolve))
      return {}
    },
  })
  const kind = defineRun({ name, input: z.object({}), tasks: [task], plan: () => [{ kind: task.name, input: {} }] })
  return { kind, inside, letGo: () => inside.splice(0).forEach((go) => go()) }
}

/** The same verb as always, and no bell after it. */
async function startSilently(kind: string): Promise<void> {
  const text = `select engine.start(1, $1, '{}', $2, false, 5::smallint, null, null, null, null)`
  await engine.as(who, (tx) => tx.query(text, [kind, JSON.stringify([{ kind: `${kind}.wait`, input: {} }])]))
}

test('of stage runs no more than MAX_CONCURRENT are performed at a time, and others beside them', async () => {
  const [stage, other] = [waiting('stage'), waiting('other')]
  const worker = await startPerforming({
    settings: db.worker,
    kinds: [stage.kind, other.kind],
    report: console.error,
    slots: 4,
    maxConcurrent: 2,
    pollIntervalMs: 1_000,
    workerId: 'mine',
  })
  const runs: number[] = []
  for (const kind of [stage.kind, stage.kind, stage.kind, stage.kind, other.kind, other.kind, other.kind]) {
    runs.push((await engine.start(who, kind, {}, { workspace: 1 })).run)
  }
  await until(
    () => [stage.inside.length, other.inside.length],
    ([stages = 0, others = 0]) => stages === 2 && others === 3,
  )
  expect(worker.performing).toBe(5)
  const held = await db.sql<{ name: string; slots: number; running: number }>(
    `select w.name, w.slots, (select count(*)::int from engine.tasks t where t.worker = w.id) as running
       from engine.workers w where w.gone_at is null order by w.name`,
  )
  expect(held).toEqual([
    { name: 'mine', slots: 4, running: 3 },
    { name: 'mine stages', slots: 2, running: 2 },
  ])
  const letting = setInterval(() => {
    expect(stage.inside.length).toBeLessThanOrEqual(2)
    stage.letGo()
    other.letGo()
  }, 10)
  for (const run of runs) {
    await until(
      () => engine.run(who, run),
      ({ finishedAt }) => finishedAt !== null,
    )
  }
  clearInterval(letting)
  expect(worker.counts).toMatchObject({ closed: 7, failed: 0 })
  await worker.drain()
})

test('is drained once, however often it is told to', async () => {
  const worker = await startPerforming({
    settings: db.worker,
    kinds: [waiting('stage').kind, waiting('other').kind],
    report: console.error,
    slots: 1,
    maxConcurrent: 1,
    pollIntervalMs: 1_000,
  })
  await Promise.all([worker.drain(0), worker.drain(1)])
  await worker.drain()
  const [left] = await db.sql('select count(*)::int as n from engine.workers where gone_at is null')
  expect(left).toEqual({ n: 0 })
})

test('work that nobody rang for is found by a worker that looks by itself', async () => {
  const { kind, inside, letGo } = waiting('quiet')
  const worker = await startPerforming({
    settings: db.worker,
    kinds: [kind],
    report: console.error,
    slots: 1,
    maxConcurrent: 1,
    pollIntervalMs: 20,
  })
  await startSilently('quiet')
  await until(
    () => inside.length,
    (one) => one === 1,
  )
  letGo()
  await worker.drain()
  expect(worker.counts.closed).toBe(1)
})

test('the seed’s variables are what a worker process begins with, and wrong ones are refused by name', () => {
  expect(
    performanceOf(readConfig({ WORKER_ID: 'w-1', POLL_INTERVAL: '50', MAX_CONCURRENT: '3', WORKER_SLOTS: '7' })),
  ).toEqual({ workerId: 'w-1', pollIntervalMs: 50, maxConcurrent: 3, slots: 7 })
  expect(performanceOf(readConfig({}))).toEqual({
    workerId: undefined,
    pollIntervalMs: 5_000,
    maxConcurrent: 1,
    slots: 200,
  })
  for (const [name, value] of Object.entries({ MAX_CONCURRENT: '0', POLL_INTERVAL: 'soon', WORKER_ID: 'a b' })) {
    expect(() => readConfig({ [name]: value })).toThrow(name)
  }
})
