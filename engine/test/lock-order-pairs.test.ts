/** Orders of locks that meet too seldom for a storm: two, one statement after the other. */
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { apiSettings, ownerSettings, type Settings } from '../src/database.ts'
import { openEngine, startWorker } from '../src/index.ts'
import { freshDatabase, member, until, type TestDatabase } from '../testing/index.ts'
import { startRun, startRuns, tasksOf, workerByHand } from './by-hand.ts'
import { waitingRun } from './live-kinds.ts'

let db: TestDatabase
const open: pg.Client[] = []
beforeAll(async () => {
  db = await freshDatabase()
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.end()))
})
afterAll(async () => {
  await db?.drop()
})

async function connect(settings: Settings): Promise<pg.Client> {
  const client = new pg.Client({ ...settings, application_name: 'pair' })
  await client.connect()
  open.push(client)
  return client
}
/** Somebody in the middle of a transaction that goes on by hand. */
async function somebody(): Promise<pg.Client> {
  const client = await connect(ownerSettings(db.owner))
  await client.query('begin')
  return client
}
async function person(): Promise<pg.Client> {
  const client = await connect(apiSettings(db.api))
  const claims = JSON.stringify({ ...member(), operator: true })
  await client.query("select set_config('request.jwt.claims', $1, false)", [claims])
  return client
}
const lockRun = (client: pg.Client, run: number) =>
  client.query('select from engine.runs where id = $1 for no key update', [run])
const lockLane = (client: pg.Client, run: number, kind: string) =>
  client.query('select from engine.lanes where run_id = $1 and kind = $2 for no key update', [run, kind])
/** So many wait for another's lock. */
const waiting = (amount: number) =>
  until(
    () =>
      db.sql<{ n: number }>(
        `select count(*)::integer as n from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and application_name <> 'by hand'`,
      ),
    ([row]) => row?.n === amount,
  )
const deadlocks = async () => {
  const [row] = await db.sql('select deadlocks from pg_stat_database where datname = current_database()')
  return row?.['deadlocks']
}

test('a run that another is preferred to may ask for its next decision meanwhile', async () => {
  const run = await startRun(db, [], { kind: 'pair', next: true })
  const closer = await somebody()
  await lockRun(closer, run)
  const preferred = (await person()).query('select engine.prefer($1, 7::smallint)', [run])
  await waiting(1)
  // As the close does that asks: the lane of decisions after the run.
  await lockLane(closer, run, 'pair.next')
  await closer.query('commit')
  await preferred
  expect(await deadlocks()).toBe(0)
  expect(await db.sql('select distinct priority from engine.lanes where run_id = $1', [run])).toEqual([{ priority: 7 }])
})

test('a run whose decision brings a lane while it is being held is held with that lane', async () => {
  const run = await startRun(db, tasksOf(1, 'first'))
  const decider = await somebody()
  await lockRun(decider, run)
  const holder = await person()
  const held = holder.query('select engine.hold($1)', [run])
  await waiting(1)
  await decider.query(
    `insert into engine.lanes (run_id, workspace_id, kind, priority, last) values ($1, 1, 'second', 5, 1)`,
    [run],
  )
  const third = await somebody()
  const queued = lockRun(third, run)
  await waiting(2)
  await decider.query('commit')
  // Either has the run now; a task of the new lane comes back: the lane, then the run.
  const closer = await somebody()
  await lockLane(closer, run, 'second')
  const closed = lockRun(closer, run).then(() => closer.query('commit'))
  await queued
  await third.query('commit')
  await Promise.all([held, closed])
  expect(await deadlocks()).toBe(0)
  expect(await db.sql('select distinct stop from engine.lanes where run_id = $1', [run])).toEqual([{ stop: 'paused' }])
})

test('who ends what is left of several cancelled runs has no limit of one in hand while he waits for the next', async () => {
  const boss = await person()
  await boss.query("select engine.limit_key('narrow', null, null, 600000)")
  const tasks = tasksOf(2, 'metered').map((task) => ({ ...task, key: 'narrow', uses: { tokens: 10 } }))
  const [first = 0, second = 0] = await startRuns(db, [{ tasks }, { tasks }])
  const worker = await workerByHand(db, { kinds: ['metered'] })
  expect(await worker.claim(2)).toHaveLength(2)
  // Their ready tasks were on their way back when their end was asked.
  await db.sql('update engine.runs set cancel_asked_at = now(), cancelling = true where id = any($1)', [
    [first, second],
  ])
  const closer = await somebody()
  await lockRun(closer, second)
  const sweeper = await connect({ ...ownerSettings(db.owner) })
  const withdrawn = sweeper.query('select engine.withdraw()')
  await waiting(1)
  await closer.query("select from engine.limits where key = 'narrow' for no key update")
  await closer.query('commit')
  await withdrawn
  expect(await deadlocks()).toBe(0)
  expect(
    await db.sql("select count(*)::integer as n from engine.tasks where run_id = any($1) and state = 'cancelled'", [
      [first, second],
    ]),
  ).toEqual([{ n: 2 }])
  await worker.end()
})

test('a line that is being written holds no task: what ends meanwhile waits for its run alone', async () => {
  const run = await startRun(db, tasksOf(1, 'talks'))
  const worker = await workerByHand(db, { kinds: ['talks'] })
  const [held] = await worker.claim(1)
  if (held === undefined) throw new Error('nothing was claimed')
  const writer = await workerByHand(db, { kinds: ['none'] })
  await writer.client.query('begin')
  const line = [[run], [held.n], [held.attempt], ['log'], ['{}']]
  await writer.client.query('select * from engine.emit($1, $2, $3, $4, $5)', line)
  expect(await worker.fence(held)).toBe(1)
  const closed = worker.close({ held, outcome: 'succeeded' })
  await writer.client.query('commit')
  expect(await closed).toHaveLength(1)
  // The line stands before the end; one that comes later is not written.
  expect((await writer.client.query('select * from engine.emit($1, $2, $3, $4, $5)', line)).rows).toEqual([])
  expect(await db.sql('select kind from engine.events where run_id = $1 order by n', [run])).toEqual(
    ['run.queued', 'run.running', 'log', 'run.succeeded'].map((kind) => ({ kind })),
  )
  await Promise.all([worker.end(), writer.end()])
})

test('a claim that would have to wait gives up after a moment, and what was closed with it can be closed', async () => {
  const run = await startRun(db, tasksOf(2, 'blocked'))
  const worker = await workerByHand(db, { kinds: ['blocked'] })
  const [held] = await worker.claim(1)
  if (held === undefined) throw new Error('nothing was claimed')
  const inTheWay = await somebody()
  await inTheWay.query('select from engine.workers where id = $1 for update', [worker.id])
  const end = { held, outcome: 'succeeded' } as const
  await expect(worker.turn(1, end)).rejects.toMatchObject({ code: '55P03' })
  await expect(worker.turn(5, end)).rejects.toMatchObject({ code: '55P03' })
  expect(await worker.turn(0, end)).toMatchObject({ kept: 1 })
  await inTheWay.query('commit')
  expect(await worker.claim(1)).toMatchObject([{ run, n: 2 }])
  await worker.end()
})

test('a worker whose claim gave up claims again, and complains of nothing', async () => {
  const complaints: unknown[] = []
  const kind = waitingRun(async () => {})
  const report = (error: unknown) => complaints.push(error)
  const worker = await startWorker({ settings: db.worker, kinds: [kind], report })
  const inTheWay = await somebody()
  await inTheWay.query('select from engine.workers where id = $1 for update', [worker.id])
  const engine = openEngine(db.api)
  try {
    const { run } = await engine.start(member(), kind, { amount: 3 }, { workspace: 1 })
    // Long enough for some that give up.
    await inTheWay.query('select pg_sleep(0.5)')
    await inTheWay.query('commit')
    await until(
      () => engine.run(member(), run),
      ({ state }) => state === 'succeeded',
    )
    expect(complaints).toEqual([])
  } finally {
    await worker.drain(5)
    await engine.close()
  }
})
