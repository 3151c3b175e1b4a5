/** An attempt counts once, and only while it is the current one. */
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { workerSettings } from '../src/database.ts'
import { defineTask, openEngine, type Engine } from '../src/index.ts'
import { takeTurn } from '../src/turns.ts'
import { freshDatabase, member, until, type TestDatabase } from '../testing/index.ts'
import { ANSWERS } from './answers.ts'
import {
  serverIsSettled,
  startRun,
  tasksOf,
  workerByHand,
  type HandWorker,
  type Held,
  type Outcome,
} from './by-hand.ts'

const OUTCOMES: readonly Outcome[] = ['succeeded', 'failed', 'again', 'later', 'released', 'cancelled']

let db: TestDatabase
let engine: Engine
let turns: pg.Pool
/** Two workers of a kind that no other test has. */
let alice: HandWorker
let bob: HandWorker
let kind = ''
let tests = 0

beforeAll(async () => {
  db = await freshDatabase()
  await serverIsSettled(db)
  await db.sql(ANSWERS)
  engine = openEngine(db.api)
  turns = new pg.Pool({ ...workerSettings(db.worker), max: 2 })
  turns.on('error', () => {})
})
afterAll(async () => {
  await engine?.close()
  await turns?.end()
  await db?.drop()
})
beforeEach(async () => {
  kind = `work.${(tests += 1)}`
  alice = await workerByHand(db, { kinds: [kind] })
  bob = await workerByHand(db, { kinds: [kind] })
})
afterEach(async () => {
  await Promise.all([alice.end(), bob.end()])
})

const startOf = (amount: number) => startRun(db, tasksOf(amount, kind))

/** Everything that is stored about a run. */
async function picture(run: number): Promise<unknown> {
  const [row] = await db.sql(
    `select (select to_jsonb(r) from engine.runs r where r.id = $1) as run,
            (select jsonb_agg(t order by t.n) from engine.tasks t where t.run_id = $1) as tasks,
            (select jsonb_agg(l order by l.id) from engine.lanes l where l.run_id = $1) as lanes,
            (select jsonb_agg(o order by o.n) from engine.outputs o where o.run_id = $1) as outputs,
            (select jsonb_agg(a order by a.n, a.attempt) from engine.attempts a where a.run_id = $1) as attempts,
            (select jsonb_agg(e order by e.n) from engine.events e where e.run_id = $1) as events,
            (select jsonb_agg(a order by a.task) from public.answers a where a.run = $1) as answers`,
    [run],
  )
  return row
}

const claimed = (held: Held) => ({ ...held, task: held.n })

const answer = defineTask({
  name: 'answer',
  input: z.unknown(),
  output: z.object({ word: z.string() }),
  perform: async () => ({ word: 'good' }),
  async save(tx, finished) {
    await tx.query(
      'insert into public.answers select * from unnest($1::bigint[], $2::integer[], $3::integer[], $4::text[])',
      [
        finished.map((one) => one.run),
        finished.map((one) => one.task),
        finished.map((one) => one.attempt),
        finished.map((one) => one.output.word),
      ],
    )
  },
})
/** The turn a worker's program would take, `save` and all. */
function finish(worker: HandWorker, ...held: Held[]) {
  const ended = held.map((one) => {
    const output = { word: 'good' }
    const { run, attempt, workspace } = one
    const finished = { run, task: one.n, attempt, workspace, input: one.input, output }
    return { claimed: claimed(one), outcome: 'succeeded' as const, body: JSON.stringify(output), delay: 0, finished }
  })
  return takeTurn(turns, new Map([[kind, answer]]), worker.id, 0, ended)
}

async function one(worker: HandWorker): Promise<Held> {
  const [held] = await worker.claim(1)
  if (held === undefined) throw new Error('nothing was claimed')
  return held
}

/** Ways in which an attempt stops to count; each gives the attempt that is stale now. */
const stale: Record<string, () => Promise<Held>> = {
  'whose lease passed': async () => {
    const held = await one(alice)
    await alice.expire(20)
    await Promise.all([alice.register(), bob.register()])
    return held
  },
  'whose task another worker has': async () => {
    const held = await one(alice)
    await alice.expire(20)
    await Promise.all([alice.register(), bob.register()])
    await one(bob)
    return held
  },
  'that was given back': async () => {
    const held = await one(alice)
    await alice.close({ held, outcome: 'released' })
    return held
  },
  'whose worker left': async () => {
    const held = await one(alice)
    await alice.leave()
    await alice.register()
    return held
  },
}

describe.each(Object.entries(stale))('an attempt %s', (_name, make) => {
  test('writes no output, no state, no event and no row of its save', async () => {
    const run = await startOf(1)
    const held = await make()
    expect(held.run).toBe(run)
    const before = await picture(run)
    const turned = await finish(alice, held)
    expect(turned).toMatchObject({ fenced: 1, changed: [] })
    expect(await picture(run)).toEqual(before)
  })

  test.each(OUTCOMES)('cannot end as %s, and logs nothing', async (outcome) => {
    const run = await startOf(1)
    const held = await make()
    const before = await picture(run)
    const closed = await alice.close({ held, outcome, body: { code: 'X' }, delay: 1 })
    expect(closed).toEqual([])
    await alice.client.query(`select * from engine.emit($1, $2, $3, array['log'], array['{}'::jsonb])`, [
      [held.run],
      [held.n],
      [held.attempt],
    ])
    expect(await picture(run)).toEqual(before)
  })
})

describe('a close', () => {
  test('that arrives twice counts once', async () => {
    const run = await startOf(2)
    const [first, second] = await alice.claim(2)
    if (first === undefined || second === undefined) throw new Error('two tasks were to be claimed')
    const end = { held: first, outcome: 'succeeded' as const, body: { word: 'x' } }
    expect(await alice.close(end)).toMatchObject([{ kept: 1 }])
    const before = await picture(run)
    expect(await alice.close(end)).toEqual([])
    expect(await picture(run)).toEqual(before)
    await alice.close({ held: second, outcome: 'failed' })
    expect(await engine.run(member(), run)).toMatchObject({ state: 'succeeded', progress: { succeeded: 1, failed: 1 } })
  })

  test('that arrives twice at the same moment counts once', async () => {
    const run = await startOf(20)
    const held = await alice.claim(20)
    const all = held.map((one) => ({ held: one, outcome: 'succeeded' as const }))
    const closed = (await Promise.all([alice.close(...all), bob.close(...all.toReversed())])).flat()
    expect(closed.reduce((sum, row) => sum + row.kept, 0)).toBe(20)
    expect(await engine.run(member(), run)).toMatchObject({ state: 'succeeded', progress: { succeeded: 20, open: 0 } })
  })

  test.each(['succeeded', 'failed', 'again'] as const)(
    'that names an attempt twice in one breath counts it once (%s)',
    async (outcome) => {
      const run = await startOf(2)
      const [held] = await alice.claim(2)
      if (held === undefined) throw new Error('nothing was claimed')
      await alice.close({ held, outcome }, { held, outcome }).catch(() => {})
      const { progress, state } = await engine.run(member(), run)
      expect(state).toBe('running')
      expect(progress.open).toBeGreaterThanOrEqual(1)
      const [counted] = await db.sql(
        `select count(*) filter (where state = 'succeeded') as succeeded, count(*) filter (where state = 'failed') as failed,
                (select count(*) filter (where idle) from engine.lanes where run_id = $1) as idle,
                count(*) filter (where state = 'ready' and due_at is null) as ready
           from engine.tasks where run_id = $1`,
        [run],
      )
      expect(progress).toMatchObject({ succeeded: counted?.['succeeded'], failed: counted?.['failed'] })
      if (counted?.['ready'] !== 0) expect(counted?.['idle']).toBe(0)
    },
  )

  test('of a worker that holds nothing here changes nothing', async () => {
    const run = await startOf(1)
    const before = await picture(run)
    const held = { run, n: 1, attempt: 0 }
    for (const outcome of OUTCOMES) expect(await alice.close({ held, outcome })).toEqual([])
    expect(await picture(run)).toEqual(before)
  })
})

describe('what an attempt says', () => {
  test('stands before the end of its run, or nowhere', async () => {
    const run = await startOf(1)
    const held = await one(alice)
    await alice.client.query('begin')
    await alice.close({ held, outcome: 'succeeded' })
    const late = bob.client.query(`select * from engine.emit($1, $2, $3, array['log'], array['{}'::jsonb])`, [
      [held.run],
      [held.n],
      [held.attempt],
    ])
    await until(
      () => db.sql("select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"),
      (waiting) => waiting.length > 0,
    )
    await alice.client.query('commit')
    await late
    const events = await db.sql('select n, kind from engine.events where run_id = $1 order by n', [run])
    expect(events.at(-1)).toMatchObject({ kind: 'run.succeeded' })
  })
})
