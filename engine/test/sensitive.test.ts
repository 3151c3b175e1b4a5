/** Sensitive kinds: whatever their code does, the engine's tables hold no word of a person. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  defineRun,
  defineTask,
  openEngine,
  startWorker,
  TaskFailed,
  type Engine,
  type Hand,
  type Worker,
} from '../src/index.ts'
import { freshDatabase, member, until, type TestDatabase } from '../testing/index.ts'

const CANARY = 'Wilhelmine Canary, born 1971'
const ids = z.object({ assessment: z.uuid(), level: z.enum(['low', 'high']).optional() })
const kept = z.object({ band: z.enum(['A', 'B']), score: z.number() })
const ID = '5c1f7b3a-9d5e-4a60-8f6e-0a9b6f1f2c11'

describe('the schemas of a sensitive kind', () => {
  const define = (input: z.ZodType, of: z.ZodType = kept) =>
    defineTask({ name: 'x', input, output: z.unknown(), perform: async () => null, sensitive: { kept: of, words: [] } })

  test('may hold numbers, ids, dates, closed words, and lists and objects of these', () => {
    const closed = z.object({
      id: z.uuid(),
      at: z.iso.datetime(),
      n: z.number().int(),
      on: z.boolean().nullable(),
      word: z.enum(['a', 'b']),
      literal: z.literal('x').optional(),
      list: z.array(z.union([z.literal('q'), z.number()])),
      pair: z.tuple([z.number(), z.uuid()]),
      map: z.record(z.enum(['k']), z.number()),
    })
    expect(() => define(closed, closed)).not.toThrow()
  })

  test.each([
    ['any text', z.object({ name: z.string() }), 'input.name'],
    ['text in a list', z.object({ notes: z.array(z.string().max(3)) }), 'input.notes[]'],
    ['text in one branch', z.union([z.number(), z.object({ deep: z.string().optional() })]), 'input.deep'],
    ['anything', z.unknown(), 'input'],
    ['more fields than it names', z.looseObject({ n: z.number() }), 'input.*'],
    ['keys of any kind', z.record(z.string(), z.number()), 'input.*'],
    ['what a transform makes', z.number().transform(String), 'input'],
  ])('with %s are refused when the kind is defined, by their place', (_, schema, place) => {
    expect(() => define(schema)).toThrow(`${place} may hold any text`)
    expect(() => define(z.number(), schema)).toThrow(place.replace('input', 'kept'))
  })

  test('of all its tasks must be closed too', () => {
    const open = defineTask({ name: 'open', input: z.string(), output: z.string(), perform: async () => 'x' })
    expect(() =>
      defineRun({ name: 'r', input: ids, tasks: [open], plan: () => [], sensitive: { kept, words: [] } }),
    ).toThrow('open must be too')
  })
})

describe('a sensitive run', () => {
  let db: TestDatabase
  let engine: Engine
  let worker: Worker
  let act: (hand: Hand<z.infer<typeof ids>>) => Promise<unknown>
  const vault = new Map<number, unknown>()
  const calls: string[] = []
  const reported: string[] = []
  const look = defineTask({
    name: 'look',
    input: ids,
    output: z.unknown(),
    keep: (output) => output,
    perform: (hand) => act(hand),
    sensitive: { kept, words: ['begun', 'score', 'at', 'of', 'age', 'ask'] },
  })
  const careful = defineRun({
    name: 'careful',
    input: ids,
    tasks: [look],
    plan: (input) => [{ kind: 'look', input: { ...input, note: CANARY } }],
    next: (soFar) =>
      soFar.succeeded > 0
        ? { succeed: { band: 'A' as const, score: 1, note: CANARY } }
        : { fail: { code: 'NONE', message: CANARY, retryable: false, origin: 'task' } },
    sensitive: { kept, words: [] },
  })

  beforeAll(async () => {
    db = await freshDatabase()
    engine = openEngine(db.api)
    worker = await startWorker({
      settings: db.worker,
      kinds: [careful],
      report: (error) => reported.push(error instanceof Error ? `${error.stack}` : String(error)),
    })
  })
  afterAll(async () => {
    await worker?.drain()
    await engine?.close()
    await db?.drop()
  })

  async function run(perform: typeof act) {
    act = perform
    const { run } = await engine.start(member(), careful, { assessment: ID, level: 'low' }, { workspace: 1 })
    return until(
      () => engine.run(member(), run),
      (seen) => seen.finishedAt !== null,
    )
  }
  /** Every text of every table of the engine. */
  async function everything(): Promise<string> {
    const tables = await db.sql<{ name: string }>(
      "select c.oid::regclass::text as name from pg_class c where c.relnamespace = 'engine'::regnamespace and c.relkind = 'r'",
    )
    const texts = await Promise.all(tables.map(({ name }) => db.sql(`select x::text as row from ${name} x`)))
    return texts
      .flat()
      .map((row) => String(row['row']))
      .join('\n')
  }

  test('stores nothing of what its code says in logs, progress, outputs and decisions', async () => {
    const seen = await run(async (hand) => {
      hand.log('begun', { score: 3, name: CANARY })
      hand.log(`looking at ${CANARY}`)
      hand.progress({ at: 1, of: 2, who: CANARY })
      return { band: 'B', score: 2, note: CANARY }
    })
    expect(seen).toMatchObject({ state: 'succeeded', output: { band: 'A', score: 1 } })
    const all = await everything()
    expect(all).not.toContain('Canary')
    expect(all).toContain(ID)
    expect(all).toMatch(/begun.*3/)
  })

  test('fails with a code and numbers, whatever the failure carries', async () => {
    const seen = await run(() => {
      throw new TaskFailed({
        code: 'TOO_YOUNG',
        message: `${CANARY} is too young`,
        retryable: false,
        origin: 'task',
        details: { age: 7, name: CANARY },
      })
    })
    expect(seen).toMatchObject({ state: 'failed', failure: { code: 'NONE', message: 'The task failed: NONE.' } })
    expect(await db.sql('select failure from engine.attempts where run_id = $1 and n > 0', [seen.id])).toEqual([
      {
        failure: expect.objectContaining({
          code: 'TOO_YOUNG',
          message: 'The task failed: TOO_YOUNG.',
          details: { age: 7 },
        }),
      },
    ])
    expect(await everything()).not.toContain('Canary')
  })

  test('keeps an answer in its own vault, and finds it there instead of asking again', async () => {
    let failOnce = true
    const seen = await run(async (hand) => {
      const answer = await hand.remember(
        'ask',
        { pack: 1 },
        async () => {
          calls.push('asked')
          return { text: CANARY }
        },
        {
          vault: {
            put: async (tx, value) => {
              await tx.query('select 1')
              vault.set(vault.size + 1, value)
              return vault.size
            },
            get: async (_, place) => vault.get(place) as { text: string },
          },
        },
      )
      if (failOnce) {
        failOnce = false
        throw new TaskFailed({ code: 'ONCE', message: '', retryable: true, retryAfter: 0, origin: 'task' })
      }
      return { band: answer.text === CANARY ? 'A' : 'B', score: 1 }
    })
    expect([seen.state, calls]).toEqual(['succeeded', ['asked']])
    expect(await db.sql('select output from engine.outputs where run_id = $1 and n = 1', [seen.id])).toEqual([
      { output: { band: 'A', score: 1 } },
    ])
    expect(await everything()).not.toContain('Canary')
  })

  test('stores nothing of names either: of fields, of remembered calls, of idempotency keys, of limits', async () => {
    const seen = await run(async (hand) => {
      hand.log('begun', { [CANARY]: 1 })
      hand.progress({ [CANARY]: 1 })
      await hand.remember(CANARY, {}, async () => 1).catch(() => {})
      throw new TaskFailed({ code: 'ODD', message: '', retryable: false, origin: 'task', details: { [CANARY]: 1 } })
    })
    expect(seen.state).toBe('failed')
    const options = { workspace: 1, key: CANARY, held: 'paused' as const }
    const input = { assessment: ID }
    const first = await engine.start(member(), careful, input, options)
    expect(await engine.start(member(), careful, input, options)).toEqual({ run: first.run, created: false })
    expect(await everything()).not.toContain('Canary')
    const named = { ...careful, plan: () => [{ kind: 'look', input, key: CANARY }] }
    await expect(engine.start(member(), named, input, { workspace: 1 })).rejects.toThrow('look')
    expect(await everything()).not.toContain('Canary')
  })

  test('tells the program’s own log no text of what was thrown', async () => {
    await run(() => {
      throw new Error(`cannot read the band of ${CANARY}`)
    })
    expect(JSON.stringify(reported)).not.toContain('Canary')
    expect(reported.length).toBeGreaterThan(0)
  }, 60_000)

  test.each([
    [
      'a remembered answer without a vault',
      (hand: Hand<unknown>) => hand.remember('ask', {}, async () => ({ text: CANARY })),
    ],
    ['an artifact', (hand: Hand<unknown>) => hand.artifact('a', CANARY)],
  ])('refuses %s, and stores none of it', async (_, perform) => {
    const seen = await run(async (hand) => {
      await perform(hand)
      return { band: 'A', score: 1 }
    })
    expect(
      await db.sql("select failure ->> 'code' as code from engine.attempts where run_id = $1 and n > 0", [seen.id]),
    ).toEqual([{ code: 'CONTENT_WITHHELD' }])
    expect(await everything()).not.toContain('Canary')
  })
})
