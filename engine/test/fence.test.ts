/** An attempt counts once, and only while it is the current one; what it bought is kept all the same. */
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { workerSettings } from '../src/database.ts'
import { defineRun, defineTask, openEngine, startWorker, type AnyRunKind, type Engine } from '../src/index.ts'
import { takeTurn } from '../src/turns.ts'
import { freshDatabase, member, until, type TestDatabase } from '../testing/index.ts'
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
  await db.sql(`create table public.answers (run bigint, task integer, attempt integer, word text check (word <> 'bad'),
      primary key (run, task));
    grant select, insert on public.answers to millrace_worker`)
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

describe('the worker’s program', () => {
  async function perform(kind: AnyRunKind, amount: number) {
    const reported: unknown[] = []
    const worker = await startWorker({ settings: db.worker, kinds: [kind], report: (error) => reported.push(error) })
    try {
      const { run } = await engine.start(member(), kind as never, { amount } as never, { workspace: 1 })
      const seen = await until(
        () => engine.run(member(), run),
        (seen) => seen.finishedAt !== null,
        4,
      )
      return { run: seen, reported, outputs: await outputsOf(run), failures: await failuresOf(run) }
    } finally {
      await Promise.race([worker.drain(1), new Promise((resolve) => setTimeout(resolve, 2_000))])
    }
  }
  const outputsOf = async (run: number) =>
    (await db.sql('select output from engine.outputs where run_id = $1 order by n', [run])).map((row) => row['output'])
  const failuresOf = (run: number) =>
    db.sql('select n, failure from engine.attempts where run_id = $1 order by n', [run])
  const amounts = z.object({ amount: z.number() })
  const planned = (kind: string) => (input: { amount: number }) =>
    Array.from({ length: input.amount }, (_, index) => ({ kind, input: { at: index + 1 } }))
  const at = z.object({ at: z.number() })

  test('uses the receipt that a fenced attempt left, and does not call again', async () => {
    let calls = 0
    let open = () => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const buy = defineTask({
      name: 'buy',
      input: at,
      output: z.unknown(),
      perform: (hand) =>
        hand.remember('call', { say: 'hi' }, async () => {
          calls += 1
          await gate
          return { bought: calls }
        }),
    })
    const shop = defineRun({ name: 'shop', input: amounts, tasks: [buy], plan: planned('buy') })
    const worker = await startWorker({ settings: db.worker, kinds: [shop], report: console.error })
    const { run } = await engine.start(member(), shop, { amount: 1 }, { workspace: 1 })
    await until(
      () => calls,
      (seen) => seen === 1,
    )
    const first = worker.id
    await db.sql("update engine.workers set gone_at = now(), gone_why = 'lease' where id = $1", [first])
    await db.sql('select engine.rescue()')
    open()
    await until(
      () => engine.run(member(), run),
      (seen) => seen.finishedAt !== null,
    )
    await worker.drain()
    expect(calls).toBe(1)
    expect(worker.counts.fenced).toBe(1)
    expect(await outputsOf(run)).toEqual([{ bought: 1 }])
    expect(await db.sql('select attempt, entry from engine.ledger where run_id = $1 order by at', [run])).toEqual([
      { attempt: 1, entry: 'intent' },
      { attempt: 1, entry: 'receipt' },
    ])
  })

  const refusing = (name: string, refuse: () => never) =>
    defineTask({
      name,
      input: at,
      output: z.object({ word: z.string() }),
      perform: async (hand) => ({ word: hand.input.at === 3 ? 'bad' : 'good' }),
      async save(tx, finished) {
        for (const one of finished) {
          if (one.output.word === 'bad') refuse()
          await tx.query('insert into public.answers values ($1, $2, $3, $4)', [
            one.run,
            one.task,
            one.attempt,
            one.output.word,
          ])
        }
      },
    })
  const system = (message: string, code: string) => Object.assign(new Error(message), { code })
  const reasons: Record<string, () => never> = {
    'a plain error': () => {
      throw new Error('I do not like it')
    },
    'an error that speaks of a connection': () => {
      throw new Error('the connection between word and answer is missing')
    },
    'a missing file': () => {
      throw system('ENOENT: no such file or directory', 'ENOENT')
    },
  }
  test.each(Object.entries(reasons))('fails one row alone whose save throws %s', async (name, refuse) => {
    const kind = refusing(`save.${name.replaceAll(' ', '-')}`, refuse)
    const saving = defineRun({ name: `saving.${name}`, input: amounts, tasks: [kind], plan: planned(kind.name) })
    const { run, outputs, failures } = await perform(saving, 5)
    expect(run).toMatchObject({ state: 'succeeded', progress: { succeeded: 4, failed: 1 } })
    expect(outputs).toHaveLength(4)
    expect(failures).toMatchObject([{ n: 3, failure: { code: 'PERSISTENCE_ERROR', origin: 'storage' } }])
    const rows = await db.sql('select task from public.answers where run = $1 order by task', [run.id])
    expect(rows.map((row) => row['task'])).toEqual([1, 2, 4, 5])
  })

  test('fails one row alone that the database refuses, and undoes what its save wrote before', async () => {
    const kind = defineTask({
      name: 'refused',
      input: at,
      output: z.object({ word: z.string() }),
      perform: async (hand) => ({ word: hand.input.at === 2 ? 'bad' : 'good' }),
      async save(tx, finished) {
        for (const one of finished) {
          // A row that is fine, then the one that its table refuses.
          const words = one.output.word === 'bad' ? ['good', 'bad'] : ['good']
          for (const [index, word] of words.entries()) {
            await tx.query('insert into public.answers values ($1, $2, $3, $4)', [
              one.run,
              one.task + index * 1000,
              one.attempt,
              word,
            ])
          }
        }
      },
    })
    const refused = defineRun({ name: 'refusing', input: amounts, tasks: [kind], plan: planned('refused') })
    const { run, failures } = await perform(refused, 3)
    expect(failures).toMatchObject([
      { n: 2, failure: { code: 'PERSISTENCE_ERROR', details: { sqlstate: '23514' }, retryable: false } },
    ])
    const rows = await db.sql('select task from public.answers where run = $1 order by task', [run.id])
    expect(rows.map((row) => row['task'])).toEqual([1, 3])
  })

  test('keeps NUL and lone surrogates of an output visibly', async () => {
    const kind = defineTask({
      name: 'odd',
      input: at,
      output: z.unknown(),
      perform: async () => ({ nul: 'a\0b', high: 'a\uD800b', low: '\uDC00', pair: '😀', said: '\\u0000 \\ud800' }),
    })
    const odd = defineRun({ name: 'oddities', input: amounts, tasks: [kind], plan: planned('odd') })
    const { outputs } = await perform(odd, 1)
    expect(outputs).toEqual([{ nul: 'a␀b', high: 'a�b', low: '�', pair: '😀', said: '\\u0000 \\ud800' }])
  })

  test('fails one task alone whose output is no JSON', async () => {
    const kind = defineTask({
      name: 'big',
      input: at,
      output: z.unknown(),
      perform: async (hand) => (hand.input.at === 2 ? { big: 10n } : { small: 1 }),
    })
    const big = defineRun({ name: 'bigger', input: amounts, tasks: [kind], plan: planned('big') })
    const { run, failures } = await perform(big, 3)
    expect(run.progress).toMatchObject({ succeeded: 2, failed: 1 })
    expect(failures).toMatchObject([{ n: 2, failure: { retryable: false } }])
  })

  test('survives a kind whose `retry` throws', async () => {
    const kind = defineTask({
      name: 'stubborn',
      input: at,
      output: z.unknown(),
      retry() {
        throw new Error('no idea')
      },
      perform: async () => {
        throw new Error('no')
      },
    })
    const stubborn = defineRun({ name: 'stubborn.run', input: amounts, tasks: [kind], plan: planned('stubborn') })
    const lost: unknown[] = []
    const listen = (error: unknown) => lost.push(error)
    process.prependListener('unhandledRejection', listen)
    try {
      const { run } = await perform(stubborn, 1)
      expect(run.state).toBe('failed')
    } finally {
      process.off('unhandledRejection', listen)
    }
    expect(lost).toEqual([])
  })
})
