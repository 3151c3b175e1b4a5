/** What the worker's program stores of an attempt: what it bought is kept, and what cannot be saved fails alone. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineRun, defineTask, openEngine, startWorker, type AnyRunKind, type Engine } from '../src/index.ts'
import { freshDatabase, member, until, type TestDatabase } from '../testing/index.ts'
import { ANSWERS } from './answers.ts'
import { serverIsSettled } from './by-hand.ts'

let db: TestDatabase
let engine: Engine

beforeAll(async () => {
  db = await freshDatabase()
  await serverIsSettled(db)
  await db.sql(ANSWERS)
  engine = openEngine(db.api)
})
afterAll(async () => {
  await engine?.close()
  await db?.drop()
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
