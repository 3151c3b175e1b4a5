/** The feed of a run: every event, in order, once, whatever breaks. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openApi, type Api } from '../src/access.ts'
import { apiSettings } from '../src/database.ts'
import { openFeedReader } from '../src/feed.ts'
import { defineRun, defineTask, openEngine, startWorker, type Engine, type Event } from '../src/index.ts'
import { freshDatabase, member, until, type TestDatabase } from '../testing/index.ts'
import { addWorkspace, connectWorker, startRun, tasksOf, workerByHand, type Held } from './by-hand.ts'

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

const EMIT = 'select * from engine.emit($1, $2, $3, $4, $5)'
function emit(client: pg.Client, held: Held, amount: number, kind = 'log') {
  const each = Array.from({ length: amount })
  return client.query(EMIT, [
    each.map(() => held.run),
    each.map(() => held.n),
    each.map(() => held.attempt),
    each.map(() => kind),
    each.map((_, at) => JSON.stringify({ at })),
  ])
}

/** Reads a feed to its end, or until so many have come. */
async function read(run: number, after = 0, most = Infinity, from: Engine = engine): Promise<Event[]> {
  const events: Event[] = []
  for await (const event of from.follow(member(), run, after)) {
    events.push(event)
    if (events.length >= most) break
  }
  return events
}
const numbers = (events: readonly Event[]) => events.map((event) => event.n)
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, at) => first + at)

/** A run with so many events, and ended. */
async function talkative(events: number): Promise<number> {
  const kind = `talk.${Math.random()}`
  const worker = await workerByHand(db, { kinds: [kind] })
  const run = await startRun(db, tasksOf(1, kind))
  const [held] = await worker.claim(1)
  if (held === undefined) throw new Error('nothing was claimed')
  // Queued and running came before, the end comes after.
  for (let left = events - 3; left > 0; left -= 200) await emit(worker.client, held, Math.min(200, left))
  await worker.close({ held, outcome: 'succeeded' })
  await worker.end()
  return run
}

describe('the events of a run', () => {
  test('are numbered 1, 2, 3 … without gaps while eight write at the same time', async () => {
    const worker = await workerByHand(db, { kinds: ['many'] })
    const run = await startRun(db, tasksOf(80, 'many'))
    const held = await worker.claim(80)
    const clients = await Promise.all(Array.from({ length: 8 }, () => connectWorker(db)))
    const following = read(run)
    await Promise.all(
      clients.map(async (client, index) => {
        for (const one of held.filter((_, at) => at % 8 === index)) {
          await emit(client, one, 3)
          await client.query(
            "select * from engine.close($1, $2, $3, array['succeeded'], array['{}'::jsonb], array[0.0])",
            [[one.run], [one.n], [one.attempt]],
          )
        }
      }),
    )
    const events = await following
    // Queued, running, three lines and a close a task; the last close is the end.
    expect(numbers(events)).toEqual(upTo(2 + 80 * 4))
    expect(events.at(-1)?.kind).toBe('run.succeeded')
    expect(events.filter((event) => event.kind === 'log')).toHaveLength(240)
    await Promise.all([...clients.map((client) => client.end()), worker.end()])
  })

  test('are numbered without gaps also where a writer rolls back', async () => {
    const worker = await workerByHand(db, { kinds: ['back'] })
    const run = await startRun(db, tasksOf(2, 'back'))
    const held = await worker.claim(2)
    const [first, second] = held
    if (first === undefined || second === undefined) throw new Error('two were to be claimed')
    await worker.client.query('begin')
    await emit(worker.client, first, 5)
    await worker.close({ held: first, outcome: 'succeeded' })
    await worker.client.query('rollback')
    await worker.close({ held: first, outcome: 'succeeded' }, { held: second, outcome: 'succeeded' })
    expect(numbers(await read(run))).toEqual([1, 2, 3])
    await worker.end()
  })
})

describe('a follower', () => {
  test('of many runs is answered together with all that he asks meanwhile, and each as his rights are', async () => {
    const runs = await Promise.all(Array.from({ length: 40 }, () => talkative(5)))
    const api = openApi(db.api)
    let transactions = 0
    const as: Api['as'] = (...given) => {
      transactions += 1
      return api.as(...given)
    }
    const reader = openFeedReader({ ...api, as })
    const pages = await Promise.all(runs.map((run, at) => reader.page(member(), run, at % 4)))
    expect(pages.map(({ events }) => numbers(events))).toEqual(runs.map((_, at) => upTo(5, 1 + (at % 4))))
    expect(pages.every(({ ended }) => ended)).toBe(true)
    // The first alone, for it did not wait; then all who came meanwhile.
    expect(transactions).toBe(2)
    const [one, none, other] = await Promise.allSettled([
      reader.page(member(), runs[0] ?? 0, 0),
      reader.page(member(), 987_654_321, 0),
      reader.page(member('admin', 2), runs[0] ?? 0, 0),
    ])
    expect(one).toMatchObject({ status: 'fulfilled' })
    for (const refused of [none, other]) {
      expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'NO_SUCH_RUN' } })
    }
    await api.close()
  })

  test('begins after any number, gets each event once, and ends after the end', async () => {
    const run = await talkative(1_203)
    for (const after of [0, 1, 499, 500, 501, 1_000, 1_202]) {
      expect(numbers(await read(run, after))).toEqual(upTo(1_203, after + 1))
    }
    expect(await read(run, 1_203)).toEqual([])
  })

  test('that goes away and comes back misses nothing and sees nothing twice', async () => {
    const run = await talkative(300)
    const seen: number[] = []
    for (const most of [1, 2, 50, 100, Infinity]) seen.push(...numbers(await read(run, seen.length, most)))
    expect(seen).toEqual(upTo(300))
  })

  test('hears of the end at once, not at its next look', async () => {
    const worker = await workerByHand(db, { kinds: ['soon'] })
    const run = await startRun(db, tasksOf(1, 'soon'))
    const [held] = await worker.claim(1)
    if (held === undefined) throw new Error('nothing was claimed')
    const following = read(run)
    await until(
      () =>
        db.sql(
          "select 1 from pg_stat_activity where application_name = 'millrace feed' and datname = current_database()",
        ),
      (sessions) => sessions.length === 1,
    )
    const since = performance.now()
    await worker.close({ held, outcome: 'succeeded' })
    await worker.client.query("select pg_notify('millrace_runs', $1)", [`${run}:3`])
    await following
    expect(performance.now() - since).toBeLessThan(700)
    await worker.end()
  })

  test('ends when its signal is aborted, also while it waits', async () => {
    const run = await startRun(db, tasksOf(1, 'nobody'))
    const abort = new AbortController()
    const events: Event[] = []
    const following = (async () => {
      for await (const event of engine.follow(member(), run, 0, abort.signal)) events.push(event)
    })()
    await until(
      () => events.length,
      (length) => length === 1,
    )
    abort.abort()
    await following
    expect(numbers(events)).toEqual([1])
  })

  test('survives the cut of its listening connection and of its pool', async () => {
    const worker = await workerByHand(db, { kinds: ['cut'] })
    const run = await startRun(db, tasksOf(20, 'cut'))
    const held = await worker.claim(20)
    const seen: number[] = []
    const following = (async () => {
      for await (const event of engine.follow(member(), run)) seen.push(event.n)
    })()
    let cut = 0
    for (const [index, one] of held.entries()) {
      await emit(worker.client, one, 2)
      await worker.close({ held: one, outcome: 'succeeded' })
      await worker.client.query("select pg_notify('millrace_runs', $1)", [`${run}:0`])
      if (index % 4 !== 3) continue
      // At any moment: also in the middle of a read.
      const rows = await db.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name in ('millrace feed', 'millrace api')`,
      )
      cut += rows.length
    }
    await following
    expect(cut).toBeGreaterThan(0)
    expect(seen).toEqual(upTo(2 + 20 * 3))
    await worker.end()
  })

  test('survives the loss of the connection in the very statement that reads', async () => {
    const run = await startRun(db, tasksOf(1, 'nobody'))
    const own = openEngine(db.api)
    const seen: number[] = []
    const abort = new AbortController()
    const following = (async () => {
      for await (const event of own.follow(member(), run, 0, abort.signal)) seen.push(event.n)
    })()
    const failed = following.catch((error: unknown) => error)
    await until(
      () => seen.length,
      (length) => length === 1,
    )
    // Readers wait for this lock, and die while they wait.
    const blocker = new pg.Client(db.owner)
    blocker.on('error', () => {})
    await blocker.connect()
    await blocker.query('begin; lock table engine.runs, engine.events in access exclusive mode')
    const waiting = await until(
      () =>
        db.sql(
          "select pid from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'millrace api' and datname = current_database()",
        ),
      (rows) => rows.length > 0,
    )
    for (const { pid } of waiting) await db.sql('select pg_terminate_backend($1)', [pid])
    await blocker.query('commit')
    await blocker.end()
    await engine.cancel(member(), run)
    await until(
      () => seen.length,
      (length) => length === 3,
      4,
    )
    abort.abort()
    expect(await failed).toBeUndefined()
    expect(seen).toEqual([1, 2, 3])
    await own.close()
  })

  test('of another workspace is told that there is no such run', async () => {
    const other = await addWorkspace(db, 'foreign')
    const run = await talkative(5)
    for (const who of [member('admin', other), { sub: 'nobody', workspaces: {} }]) {
      const reading = (async () => {
        for await (const event of engine.follow(who, run)) throw new Error(`saw ${event.n}`)
      })()
      await expect(reading).rejects.toMatchObject({ code: 'NO_SUCH_RUN' })
    }
  })

  test('of a run that is not there is told so', async () => {
    await expect(read(1_999_999_999)).rejects.toMatchObject({ code: 'NO_SUCH_RUN' })
  })
})

describe('what a task says', () => {
  test('becomes events: every line and every change of state; progress is thinned', async () => {
    const talk = defineTask({
      name: 'talk',
      input: z.object({}),
      output: z.object({}),
      async perform(hand) {
        for (let at = 0; at < 200; at += 1) {
          hand.log(`line ${at}`, { at })
          hand.progress({ at })
        }
        return {}
      },
    })
    const talking = defineRun({
      name: 'talking',
      input: z.object({}),
      tasks: [talk],
      plan: () => Array.from({ length: 5 }, () => ({ kind: 'talk', input: {} })),
    })
    const worker = await startWorker({ settings: db.worker, kinds: [talking], report: console.error })
    const { run } = await engine.start(member(), talking, {}, { workspace: 1 })
    const events = await read(run)
    await worker.drain()
    const of = (kind: string) => events.filter((event) => event.kind === kind)
    expect(numbers(events)).toEqual(upTo(events.length))
    expect(of('log')).toHaveLength(1_000)
    for (const task of [1, 2, 3, 4, 5]) {
      const lines = of('log').filter((event) => event.task === task)
      expect(lines.map((event) => event.data['at'])).toEqual(upTo(200).map((at) => at - 1))
    }
    expect(of('progress').length).toBeGreaterThanOrEqual(5)
    expect(of('progress').length).toBeLessThanOrEqual(15)
    const states = events.filter((event) => event.kind.startsWith('run.')).map((event) => event.kind)
    expect(states).toEqual(['run.queued', 'run.running', 'run.succeeded'])
  })

  test('of hold, release and cancel is never thinned', async () => {
    const run = await startRun(db, tasksOf(3, 'nobody'))
    for (let times = 0; times < 5; times += 1) {
      await engine.hold(member(), run)
      await engine.release(member(), run)
    }
    await engine.cancel(member(), run)
    const kinds = (await read(run)).map((event) => event.kind)
    const both = ['run.held', 'run.released']
    expect(kinds).toEqual([
      'run.queued',
      ...both,
      ...both,
      ...both,
      ...both,
      ...both,
      'run.cancel_asked',
      'run.cancelled',
    ])
  })
})

describe('who listens', () => {
  test('hears on a connection of the api’s own login, which sees no rows by itself', async () => {
    const client = new pg.Client(apiSettings(db.api))
    await client.connect()
    expect((await client.query('select * from engine.events')).rows).toEqual([])
    await client.end()
  })
})
