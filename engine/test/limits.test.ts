/** Limits and budgets: what all workers together may do under a key, and what a run may use. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openApi } from '../src/access.ts'
import { freshDatabase, type TestDatabase } from '../testing/index.ts'
import { atClock, startRun, workerByHand, type Held, type HandWorker } from './by-hand.ts'
import type { TaskSpec, Uses } from '../src/kinds.ts'
import { askWhy } from '../src/why.ts'

let db: TestDatabase
let one: HandWorker
let two: HandWorker
beforeEach(async () => {
  db = await freshDatabase()
  one = await workerByHand(db)
  two = await workerByHand(db)
})
afterEach(async () => {
  await Promise.all([one.end(), two.end()])
  await db.drop()
})

const under = (key: string, amount: number, uses?: Uses): TaskSpec[] =>
  Array.from({ length: amount }, (_, at) => ({
    kind: 'work',
    key,
    input: { at },
    ...(uses === undefined ? {} : { uses }),
  }))

const OPERATOR = { sub: 'op', workspaces: { 1: 'admin' as const }, operator: true }

async function ask(text: string, values: unknown[] = []): Promise<void> {
  const api = openApi(db.api, 1)
  try {
    await api.as(OPERATOR, (tx) => tx.query(text, values))
  } finally {
    await api.close()
  }
}
const limit = (key: string, concurrency: number | null, requests: number | null = null, tokens: number | null = null) =>
  ask('select engine.limit_key($1, $2, $3, $4)', [key, concurrency, requests, tokens])

/** A claim so many seconds after the first one of the test, however long the test takes. */
async function claimAt(worker: HandWorker, seconds: number, free: number): Promise<Held[]> {
  began ??= Date.now()
  return await atClock(worker.client, (began - Date.now()) / 1000 + seconds, () =>
    worker.client.query(
      'select run_id as run, n, attempt, tries, crashes, workspace_id as workspace, kind, input from engine.claim($1, $2)',
      [worker.id, free],
    ),
  )
}
let began: number | undefined
beforeEach(() => (began = undefined))
const reasons = async (run: number) =>
  (
    await db.sql<{ reason: string | null }>(
      'select engine.blocked(l) as reason from engine.lanes l where l.run_id = $1 order by id',
      [run],
    )
  ).map((row) => row.reason)
const done = (held: Held) => ({ held, outcome: 'succeeded' as const, body: {} })

describe('a limit of how many at a time', () => {
  test('holds for all workers and all runs together, and lets the next in when one ends', async () => {
    await limit('m', 3)
    await startRun(db, under('m', 4))
    await startRun(db, under('m', 4))
    const first = await one.claim(2)
    const second = await two.claim(10)
    expect([first.length, second.length]).toEqual([2, 1])
    expect(await one.claim(10)).toEqual([])
    const [ended] = first
    if (ended === undefined) throw new Error('nothing claimed')
    const turned = await one.turn(10, done(ended))
    expect([turned.claimed.length, turned.lookAgain]).toEqual([1, expect.closeTo(0.05, 1)])
  })

  test('does not touch what stands under other keys or none', async () => {
    await limit('m', 0)
    const stuck = await startRun(db, under('m', 3), { priority: 9 })
    await startRun(db, [...under('n', 2), ...under('', 2)])
    expect((await one.claim(50)).map((held) => held.run)).not.toContain(stuck)
    expect(await reasons(stuck)).toEqual(['concurrency'])
  })

  test('counts what was running when it was set', async () => {
    await startRun(db, under('m', 5))
    expect(await one.claim(2)).toHaveLength(2)
    await limit('m', 3)
    expect(await two.claim(5)).toHaveLength(1)
  })

  test('is freed by a death as by an end', async () => {
    await limit('m', 1)
    await startRun(db, under('m', 2))
    expect(await one.claim(5)).toHaveLength(1)
    await one.leave()
    expect(await two.claim(5)).toHaveLength(1)
    expect(await db.sql('select 1 from engine.reservations')).toHaveLength(1)
  })

  test('that is taken away stops nobody', async () => {
    await limit('m', 1)
    await startRun(db, under('m', 5))
    expect(await one.claim(5)).toHaveLength(1)
    await limit('m', null)
    expect(await two.claim(5)).toHaveLength(4)
  })
})

describe('a bound, the second key of a task,', () => {
  const bounded = (key: string, bound: string, amount: number, uses?: Uses) =>
    under(key, amount, uses).map((spec) => ({ ...spec, bound }))

  test('holds beside the limit of the first key, also in one claim', async () => {
    await limit('house', 2)
    await limit('m', 5)
    await startRun(db, bounded('m', 'house', 4))
    await startRun(db, bounded('n', 'house', 4))
    await startRun(db, under('m', 9))
    const first = await one.claim(50)
    expect(first.filter(({ run }) => run <= 2)).toHaveLength(2)
    expect(first).toHaveLength(2 + 5 - first.filter(({ run }) => run === 1).length)
    expect(await two.claim(50)).toEqual([])
    const ended = first.find(({ run }) => run <= 2)
    if (ended === undefined) throw new Error('nothing claimed')
    expect((await one.turn(50, done(ended))).claimed.filter(({ run }) => run <= 2)).toHaveLength(1)
  })

  test('counts with tasks that have it as their first key', async () => {
    await limit('house', 3)
    await startRun(db, under('house', 2))
    await startRun(db, bounded('m', 'house', 4))
    expect(await one.claim(50)).toHaveLength(3)
    expect(await two.claim(50)).toEqual([])
  })

  test('leaves what stands under the same first key alone', async () => {
    await limit('house', 0)
    const stuck = await startRun(db, bounded('m', 'house', 2), { priority: 9 })
    const free = await startRun(db, under('m', 2))
    expect((await one.claim(50)).map(({ run }) => run)).toEqual([free, free])
    expect(await reasons(stuck)).toEqual(['concurrency'])
  })

  test('that is stopped begins nothing, and says by which key', async () => {
    const run = await startRun(db, bounded('m', 'house', 2))
    await ask('select engine.stop_key($1)', ['house'])
    expect(await one.claim(5)).toEqual([])
    const api = openApi(db.api, 1)
    const waiting = await api.as(OPERATOR, (tx) => askWhy(tx, run))
    await api.close()
    expect(waiting.map(({ key, reason }) => [key, reason])).toEqual([['house', 'stopped']])
    await ask('select engine.release_key($1)', ['house'])
    expect(await one.claim(5)).toHaveLength(2)
  })

  test('keeps its rate and its pause to those that have it as their first key', async () => {
    await limit('house', 9, 60, 60)
    await startRun(db, under('house', 2, { tokens: 60 }))
    const [first] = await one.claim(50)
    if (first === undefined) throw new Error('nothing claimed')
    const early = await startRun(db, bounded('m', 'house', 2, { tokens: 60 }))
    expect(await reasons(early)).toEqual([null])
    expect(await two.claim(50)).toHaveLength(2)
    await one.turn(0, { held: first, outcome: 'throttled', delay: 60 })
    const late = await startRun(db, bounded('m', 'house', 2))
    expect(await reasons(late)).toEqual([null])
    expect(await two.claim(50)).toHaveLength(2)
  })

  test('takes no pause and no stop from its tasks: those are of the account', async () => {
    await startRun(db, bounded('m', 'house', 2))
    await startRun(db, bounded('n', 'house', 1))
    const [first] = await one.claim(1)
    if (first === undefined) throw new Error('nothing claimed')
    await one.turn(0, { held: first, outcome: 'stopped', body: { code: 'BILLING' } })
    const stops = await db.sql<{ key: string; stop: string | null }>('select key, stop from engine.limits order by key')
    expect(stops).toEqual([
      { key: 'house', stop: null },
      { key: 'm', stop: 'BILLING' },
      { key: 'n', stop: null },
    ])
    expect(await two.claim(5)).toHaveLength(1)
  })

  test('counts what was running when it was set', async () => {
    await startRun(db, bounded('m', 'house', 5))
    expect(await one.claim(2)).toHaveLength(2)
    await limit('house', 3)
    expect(await two.claim(5)).toHaveLength(1)
  })
})

describe('a limit of requests a minute', () => {
  test('lets begin what the rate allows, for all workers', async () => {
    await limit('m', null, 600)
    await startRun(db, under('m', 60))
    let claimed = 0
    // Ten a second, and a burst of six tenths of a second.
    for (let at = 0; at < 50; at += 1) claimed += (await claimAt(at % 2 === 0 ? one : two, at / 10, 50)).length
    expect(claimed).toBeGreaterThanOrEqual(50)
    expect(claimed).toBeLessThanOrEqual(57)
  })

  test('says when to look again', async () => {
    await limit('m', null, 60)
    await startRun(db, under('m', 3))
    const { claimed, lookAgain } = await one.turn(50)
    expect([claimed.length, lookAgain]).toEqual([1, expect.closeTo(1, 0)])
  })

  test('counts a task for as many requests as it makes', async () => {
    await limit('m', null, 600)
    await startRun(db, under('m', 50, { requests: 10 }))
    expect(await claimAt(one, 0, 50)).toHaveLength(1)
    expect(await claimAt(two, 0.2, 50)).toHaveLength(0)
    expect(await claimAt(two, 0.6, 50)).toHaveLength(1)
  })
})

describe('a limit of tokens a minute', () => {
  test('sets aside the most that a task can use, and gives back what it did not', async () => {
    await limit('m', null, null, 60_000)
    await startRun(db, under('m', 5, { tokens: 5_000 }))
    const [held] = await claimAt(one, 0, 5)
    if (held === undefined) throw new Error('nothing claimed')
    expect(await claimAt(two, 2, 5)).toHaveLength(0)
    await one.client.query('select engine.note($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
      [held.run],
      [held.n],
      [held.attempt],
      ['call'],
      ['receipt'],
      ['\\x01'],
      ['{"value": 1}'],
      [1_000],
      [0],
    ])
    await one.close(done(held))
    expect(await claimAt(two, 2, 5)).toHaveLength(1)
  })
})

describe('a key', () => {
  test('that was throttled begins nothing before the pause is over, and no try is spent', async () => {
    const run = await startRun(db, under('m', 3))
    const [held] = await one.claim(1)
    if (held === undefined) throw new Error('nothing claimed')
    await one.close({ held, outcome: 'throttled', body: { code: 'RATE_LIMIT' }, delay: 10 })
    expect(await claimAt(two, 1, 5)).toEqual([])
    expect(await reasons(run)).toEqual(['throttled'])
    await two.expire(11)
    expect(await claimAt(two, 11, 5)).toHaveLength(3)
    expect(await db.sql('select max(tries) as tries from engine.tasks')).toEqual([{ tries: 0 }])
  })

  test('that was throttled goes on slower, and faster again as time passes', async () => {
    await limit('m', 29)
    await startRun(db, under('m', 90))
    const [held, ...rest] = await one.claim(50)
    if (held === undefined) throw new Error('nothing claimed')
    expect(rest).toHaveLength(28)
    await one.close({ held, outcome: 'throttled', body: { code: 'RATE_LIMIT' } }, ...rest.map(done))
    expect(await two.claim(50)).toHaveLength(24)
    // A fifth of the pace comes back in eighteen seconds.
    await db.sql("update engine.limits set paced_at = paced_at - interval '9 seconds'")
    expect(await two.claim(50)).toHaveLength(3)
    await db.sql("update engine.limits set paced_at = paced_at - interval '60 seconds'")
    expect(await two.claim(50)).toHaveLength(2)
  })

  test('that a failure stopped waits for somebody’s word; others go on', async () => {
    const run = await startRun(db, under('broke', 3))
    const other = await startRun(db, under('rich', 1))
    const held = await one.claim(1)
    await one.close(...held.map((each) => ({ held: each, outcome: 'stopped' as const, body: { code: 'BILLING' } })))
    expect((await two.claim(9)).map((each) => each.run)).toEqual([other])
    expect(await reasons(run)).toEqual(['stopped'])
    expect(await db.sql("select stop from engine.limits where key = 'broke'")).toEqual([{ stop: 'BILLING' }])
    await ask("select engine.release_key('broke')")
    expect(await two.claim(9)).toHaveLength(3)
  })

  test('that there is none of makes a stop a failure', async () => {
    const run = await startRun(db, 1)
    const [held] = await one.claim(1)
    if (held === undefined) throw new Error('nothing claimed')
    await one.close({ held, outcome: 'stopped', body: { code: 'BILLING' } })
    expect(await db.sql('select state from engine.runs where id = $1', [run])).toEqual([{ state: 'failed' }])
  })
})

describe('a budget', () => {
  const used = (held: Held, tokens: number) =>
    one.client.query('select engine.note($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
      [held.run],
      [held.n],
      [held.attempt],
      ['call'],
      ['receipt'],
      ['\\x01'],
      ['{"value": 1}'],
      [tokens],
      [0],
    ])

  test('of a run stops it before it is passed, and goes on with what came back', async () => {
    const run = await startRun(db, under('m', 5, { tokens: 400 }), { budget: { tokens: 1_000 } })
    const held = await one.claim(9)
    expect(held).toHaveLength(2)
    expect(await reasons(run)).toEqual(['budget'])
    for (const each of held) await used(each, 100)
    await one.close(...held.map(done))
    // Who sweeps is told, for nobody rings for it else.
    expect(await one.expire()).toMatchObject({ due: 1 })
    // 200 are used, so two more fit.
    expect(await two.claim(9)).toHaveLength(2)
  })

  test('that is raised lets go on at once', async () => {
    const run = await startRun(db, under('m', 3, { tokens: 400 }), { budget: { tokens: 0 } })
    expect(await one.claim(9)).toEqual([])
    await ask('select engine.budget(null, $1, 800, null)', [run])
    expect(await one.claim(9)).toHaveLength(2)
    await ask('select engine.budget(null, $1, null, null)', [run])
    expect(await one.claim(9)).toHaveLength(1)
  })

  test('of a workspace holds for its runs together, with what was used before', async () => {
    const first = await startRun(db, under('m', 1, { micros: 300 }))
    const [held] = await one.claim(1)
    if (held === undefined) throw new Error('nothing claimed')
    await ask('select engine.budget(1, null, null, 1000)')
    const second = await startRun(db, under('n', 5, { micros: 300 }))
    expect(await two.claim(9)).toHaveLength(3)
    expect([await reasons(first), await reasons(second)]).toEqual([['nothing_ready'], ['budget']])
  })

  test('of one run takes nothing from another', async () => {
    await startRun(db, under('m', 5, { tokens: 400 }), { budget: { tokens: 400 } })
    const free = await startRun(db, under('m', 5, { tokens: 400 }))
    const claimed = await one.claim(50)
    expect(claimed.filter((held) => held.run === free)).toHaveLength(5)
    expect(claimed).toHaveLength(6)
  })

  test('counts a receipt once, whoever brings it, also after the lease was lost', async () => {
    const run = await startRun(db, under('m', 2, { tokens: 10 }), { budget: { tokens: 100 } })
    const [held] = await one.claim(1)
    if (held === undefined) throw new Error('nothing claimed')
    await one.leave()
    await used(held, 7)
    await used(held, 7)
    expect(await db.sql('select used_tokens from engine.budgets where run_id = $1', [run])).toEqual([
      { used_tokens: 7 },
    ])
  })
})
