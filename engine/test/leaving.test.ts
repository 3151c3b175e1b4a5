/** Workers that go in order: what they say, and what they give back. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEngine, startWorker, type Engine } from '../src/index.ts'
import { openLiveness } from '../src/liveness.ts'
import { freshDatabase, member, until, type TestDatabase } from '../testing/index.ts'
import { serverIsSettled, startRun, tasksOf, workerByHand } from './by-hand.ts'
import { waitingRun } from './live-kinds.ts'

let db: TestDatabase
let engine: Engine
beforeAll(async () => {
  db = await freshDatabase()
  await serverIsSettled(db)
  engine = openEngine(db.api)
})
afterAll(async () => {
  await engine?.close()
  await db?.drop()
})

const attemptsOf = (run: number) =>
  db.sql('select attempt, outcome from engine.attempts where run_id = $1 order by n, attempt', [run])

describe('a worker that drains', () => {
  test('says so also when its session was cut just before', async () => {
    const worker = await startWorker({
      settings: db.worker,
      kinds: [waitingRun(async () => {})],
      name: 'cut and told to go',
    })
    await db.sql(
      `select pg_terminate_backend(l.pid) from pg_locks l
        where l.locktype = 'advisory' and l.classid = engine.liveness()::oid and l.objid::integer = $1
          and l.database = (select d.oid from pg_database d where d.datname = current_database())`,
      [worker.id],
    )
    await worker.drain(0)
    const [last] = await db.sql(
      "select gone_why from engine.workers where name = 'cut and told to go' order by id desc limit 1",
    )
    expect(last).toEqual({ gone_why: 'left' })
  })

  test('is believed when it says so, also where somebody had just taken it for dead', async () => {
    const worker = await workerByHand(db, { kinds: ['supposed.dead'] })
    const run = await startRun(db, tasksOf(1, 'supposed.dead'))
    await worker.claim(1)
    // What a sweep commits that looked before the worker had its session back.
    await db.sql("update engine.workers set gone_at = engine.clock(), gone_why = 'session' where id = $1", [worker.id])
    await worker.client.query('select engine.leave($1)', [worker.id])
    expect(await db.sql('select gone_why from engine.workers where id = $1', [worker.id])).toEqual([
      { gone_why: 'left' },
    ])
    await worker.client.query('select engine.rescue()')
    expect(await attemptsOf(run)).toEqual([{ attempt: 1, outcome: 'released' }])
    await worker.end()
  })

  test('does not come back under another number when it learns on its way that it was taken for dead', async () => {
    const name = 'dead and told to go'
    const counts = () => ({ closed: 0, failed: 0 })
    const nothing = () => {}
    const bells = { tasks: nothing, runs: nothing, cancelled: nothing, fenced: nothing, report: nothing }
    const liveness = await openLiveness(db.worker, { name, kinds: () => [], workspace: null, slots: 1, counts }, bells)
    await db.sql("update engine.workers set gone_at = engine.clock(), gone_why = 'session' where name = $1", [name])
    await liveness.close()
    expect(await db.sql('select gone_why from engine.workers where name = $1', [name])).toEqual([{ gone_why: 'left' }])
  })

  test('gives back what it cannot finish, without a try, and leaves', async () => {
    const worker = await startWorker({
      settings: db.worker,
      kinds: [waitingRun((hand) => new Promise((_, reject) => hand.signal.addEventListener('abort', reject)))],
    })
    const { run } = await engine.start(
      member(),
      waitingRun(async () => {}),
      { amount: 2 },
      { workspace: 1 },
    )
    await until(
      () => worker.performing,
      (seen) => seen === 2,
    )
    const { id } = worker
    await worker.drain(0)
    expect(
      await db.sql('select state, attempt, tries, crashes from engine.tasks where run_id = $1 and n = 1', [run]),
    ).toEqual([{ state: 'ready', attempt: 1, tries: 0, crashes: 0 }])
    expect(await attemptsOf(run)).toEqual([
      { attempt: 1, outcome: 'released' },
      { attempt: 1, outcome: 'released' },
    ])
    expect(await db.sql('select gone_why from engine.workers where id = $1', [id])).toEqual([{ gone_why: 'left' }])
  })
})
