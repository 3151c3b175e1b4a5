/** Locks are taken child first: tasks, lanes, runs.  Everybody at once, on the same runs, in any order. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiSettings, sqlState } from '../src/database.ts'
import { freshDatabase, member, type TestDatabase } from '../testing/index.ts'
import {
  serverIsSettled,
  startRuns,
  sweepOnce,
  tasksOf,
  workerByHand,
  type End,
  type HandWorker,
  type Held,
} from './by-hand.ts'

const SECONDS = 4
const EVERYTHING = ['turn', 'person', 'sweep', 'log', 'leave', 'limit', 'reopen']
const RUNS = 40

let db: TestDatabase
beforeAll(async () => {
  db = await freshDatabase()
  await serverIsSettled(db)
})
afterAll(async () => {
  await db?.drop()
})

/** What each did, and which errors it saw. */
const done: Record<string, number> = {}
const count = (what: string, amount = 1) => (done[what] = (done[what] ?? 0) + amount)
const chance = (of: number) => Math.random() < of
const anyOf = <T>(of: readonly T[]): T | undefined => of[Math.floor(Math.random() * of.length)]
function shuffled<T>(of: readonly T[]): T[] {
  return of
    .map((one) => ({ one, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one)
}

/** Does something again and again until the time is over; errors that belong to the game are counted. */
async function repeat(
  name: string,
  over: () => boolean,
  work: () => Promise<unknown>,
  expected: readonly string[] = [],
) {
  while (!over()) {
    try {
      await work()
      count(name)
    } catch (error) {
      const state = sqlState(error) ?? ''
      if (state !== '40P01' && !expected.includes(state)) throw error
      count(`${name} ${state}`)
    }
  }
}

let runs: number[] = []
const START = { kind: 'storm', next: true }
const startSome = async (amount: number) => {
  const under = (key: string) => tasksOf(4, 'a').map((spec) => ({ ...spec, key, uses: { tokens: 10 } }))
  const specs = () => [...tasksOf(4, 'a'), ...tasksOf(4, 'b'), ...under('x'), ...under('y')]
  return await startRuns(
    db,
    Array.from({ length: amount }, () => ({
      ...START,
      tasks: specs(),
      ...(chance(0.5) ? { budget: { tokens: 5_000 } } : {}),
    })),
  )
}

function endOf(held: Held): End {
  if (held.n < 0) {
    const luck = Math.random()
    if (luck < 0.1) return { held, outcome: 'released' }
    if (luck < 0.8) return { held, outcome: 'succeeded', body: { do: [...tasksOf(3, 'a'), ...tasksOf(2, 'c')] } }
    return { held, outcome: 'succeeded', body: { succeed: 1 } }
  }
  const luck = Math.random()
  if (luck < 0.15) return { held, outcome: 'again', delay: luck < 0.08 ? 0.02 : 0 }
  if (luck < 0.25) return { held, outcome: 'later', delay: 0.01 }
  if (luck < 0.3) return { held, outcome: 'released' }
  if (luck < 0.33) return { held, outcome: 'throttled', delay: 0.01, body: { code: 'SLOW' } }
  if (luck < 0.35) return { held, outcome: 'stopped', body: { code: 'BILLING' } }
  if (luck < 0.45) return { held, outcome: 'failed', body: { code: 'X' } }
  return { held, outcome: 'succeeded', body: { ok: true } }
}

async function work(worker: HandWorker, hands: Held[][], over: () => boolean) {
  let held: Held[] = []
  hands.push(held)
  await repeat(
    'turn',
    over,
    async () => {
      if (chance(0.03)) {
        await worker.leave()
        await worker.register()
        count('leave')
      }
      const ending = shuffled(held).slice(0, Math.ceil(held.length * Math.random()))
      const ends = ending.map(endOf)
      const saving = chance(0.4)
      let claimed: Held[] = []
      try {
        if (saving) {
          await worker.client.query('begin')
          await worker.fence(...ending)
        }
        ;({ claimed } = await worker.turn(1 + Math.floor(Math.random() * 25), ...ends))
        if (saving) await worker.client.query('commit')
      } catch (error) {
        if (saving) await worker.client.query('rollback')
        if (sqlState(error) === 'MR002') {
          held = []
          await worker.register()
        }
        throw error
      }
      held = [...held.filter((one) => !ending.includes(one)), ...claimed]
      hands[hands.length - 1] = held
    },
    ['MR002'],
  )
}

test('a storm of turns, decisions, holds, cancels, logs and sweeps on the same runs never deadlocks', async () => {
  runs = await startSome(RUNS)
  const workers = await Promise.all(
    Array.from({ length: 5 }, () => workerByHand(db, { kinds: ['a', 'b', 'c', 'storm.next'] })),
  )
  const [sweeper, logger] = await Promise.all([
    workerByHand(db, { kinds: ['none'] }),
    workerByHand(db, { kinds: ['none'] }),
  ])
  const people = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const client = new pg.Client(apiSettings(db.api))
      await client.connect()
      await client.query("select set_config('request.jwt.claims', $1, false)", [
        JSON.stringify({ ...member(), operator: true }),
      ])
      return client
    }),
  )
  const hands: Held[][] = []
  // On a busy machine it takes longer until it was a storm.
  const [end, latest] = [SECONDS, 5 * SECONDS].map((seconds) => Date.now() + seconds * 1000) as [number, number]
  const over = () => Date.now() >= end && (EVERYTHING.every((what) => (done[what] ?? 0) >= 5) || Date.now() >= latest)
  const verbs = ['hold', 'release', 'release', 'hold', 'release', 'cancel']
  try {
    await Promise.all([
      ...workers.map((worker) => work(worker, hands, over)),
      ...people.map((client) =>
        repeat(
          'person',
          over,
          async () => {
            const verb = anyOf(verbs)
            if (verb === 'cancel' && !chance(0.4)) return
            await client.query(`select engine.${verb}($1)`, [anyOf(runs)])
          },
          ['MR004'],
        ),
      ),
      repeat('limit', over, async () => {
        const [client] = people
        const key = anyOf(['x', 'y'])
        await client?.query('select engine.limit_key($1, $2, $3, $4)', [
          key,
          anyOf([null, 2, 20]),
          anyOf([null, 60_000]),
          anyOf([null, 600_000]),
        ])
        await client?.query('select engine.release_key($1)', [key])
        if (chance(0.2))
          await client?.query('select engine.budget(null, $1, $2, null)', [anyOf(runs), anyOf([100, 9_000])])
        if (chance(0.05)) await client?.query('select engine.budget(1, null, $1, null)', [anyOf([null, 1_000_000])])
        if (chance(0.2)) await client?.query("select engine.prune(clock_timestamp() - interval '1 second', 1, null, 3)")
        await new Promise((resolve) => setTimeout(resolve, 2))
      }),
      repeat(
        'reopen',
        over,
        async () => {
          const over = await db.sql<{ id: number }>(
            'select id from engine.runs where finished_at is not null order by id desc limit 5',
          )
          await people[1]?.query('select engine.reopen($1, $2)', [anyOf(over)?.id ?? 0, chance(0.3)])
          await new Promise((resolve) => setTimeout(resolve, 10))
        },
        ['MR003', 'MR004'],
      ),
      repeat('sweep', over, () => sweepOnce(sweeper.client, chance(0.02) ? 20 : 0)),
      repeat('log', over, async () => {
        const held = shuffled(hands.flat()).slice(0, 20)
        await logger.client.query('select * from engine.emit($1, $2, $3, $4, $5)', [
          held.map((one) => one.run),
          held.map((one) => one.n),
          held.map((one) => one.attempt),
          held.map(() => 'log'),
          held.map(() => '{}'),
        ])
        await logger.client.query('select engine.note($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
          held.map((one) => one.run),
          held.map((one) => one.n),
          held.map((one) => one.attempt),
          held.map(() => 'call'),
          held.map(() => 'receipt'),
          held.map(() => '\\x01'),
          held.map(() => '{"value":1}'),
          held.map(() => 7),
          held.map(() => 1),
        ])
      }),
      repeat('start', over, async () => {
        const open = await db.sql<{ id: number }>('select id from engine.runs where finished_at is null')
        const alive = new Set(open.map((row) => row.id))
        runs = runs.filter((run) => alive.has(run))
        if (runs.length < RUNS) runs.push(...(await startSome(RUNS - runs.length)))
        await new Promise((resolve) => setTimeout(resolve, 20))
      }),
    ])
  } finally {
    await Promise.all([...workers, sweeper, logger].map((worker) => worker.end()))
    await Promise.all(people.map((client) => client.end()))
  }
  console.log(JSON.stringify(done))
  const [stat] = await db.sql('select deadlocks from pg_stat_database where datname = current_database()')
  const seen = Object.entries(done).filter(([what]) => what.endsWith('40P01'))
  expect({ seen, deadlocks: stat?.['deadlocks'] }).toEqual({ seen: [], deadlocks: 0 })
  // It was a storm, not a breeze, and what it left is whole.
  for (const what of EVERYTHING) expect([what, (done[what] ?? 0) >= 5]).toEqual([what, true])
  const wrong = await db.sql(
    `select r.id from engine.runs r join engine.tasks t on t.run_id = r.id and t.n > 0
      group by r.id having (r.total, r.succeeded, r.failed, r.cancelled) is distinct from
        (count(*), count(*) filter (where t.state = 'succeeded'), count(*) filter (where t.state = 'failed'),
         count(*) filter (where t.state = 'cancelled'))
      union all
     select l.run_id from engine.lanes l left join engine.tasks t on t.lane_id = l.id and t.state = 'ready' and t.due_at is null
      where l.idle or t.n < l.first group by l.id having count(t.n) > 0
      union all
     select v.run_id from engine.reservations v join engine.tasks t on t.run_id = v.run_id and t.n = v.n where t.state <> 'running'
      union all
     select e.run_id from engine.events e join engine.runs r on r.id = e.run_id
      group by e.run_id, r.last_event having count(*) <> r.last_event or max(e.n) <> r.last_event`,
  )
  expect(wrong).toEqual([])
})
