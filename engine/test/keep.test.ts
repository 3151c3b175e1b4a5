/** What outlives a task, and what is thrown away. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineRun, defineTask, openEngine, startWorker, TaskFailed, type Engine, type Worker } from '../src/index.ts'
import type { Content, Hand } from '../src/kinds.ts'
import { freshDatabase, member, until, type TestDatabase } from '../testing/index.ts'

let db: TestDatabase
let engine: Engine
let worker: Worker
let make: (hand: Hand<unknown>) => Promise<void> = async () => {}
const making = defineRun({
  name: 'making',
  input: z.object({}),
  tasks: [
    defineTask({
      name: 'make',
      input: z.unknown(),
      output: z.null(),
      async perform(hand) {
        await make(hand)
        return null
      },
    }),
  ],
  plan: () => [{ kind: 'make', input: {} }],
})

beforeAll(async () => {
  db = await freshDatabase()
  engine = openEngine(db.api)
  worker = await startWorker({ settings: db.worker, kinds: [making] })
})
afterAll(async () => {
  await worker?.drain()
  await engine?.close()
  await db?.drop()
})

const ended = (run: number, round = 1) =>
  until(
    () => engine.run(member(), run),
    (seen) => seen.finishedAt !== null && seen.round === round,
  )
async function runOf(content: (hand: Hand<unknown>) => Promise<void>) {
  make = content
  const { run } = await engine.start(member(), making, {}, { workspace: 1 })
  return ended(run)
}
async function contentOf(artifact: number, who = member()): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of engine.readArtifact(who, artifact)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('an artifact', () => {
  test('comes back byte for byte, with its size, type and digest', async () => {
    const bytes = Buffer.alloc(3_000_000, 'ab\0ß')
    async function* parts(): AsyncIterable<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 70_001) yield bytes.subarray(at, at + 70_001)
    }
    const { id } = await runOf(async (hand) => {
      await hand.artifact('report/big.bin', parts(), 'application/x-big')
      await hand.artifact('words', 'grüße 🙂')
      await hand.artifact('nothing', new Uint8Array())
    })
    const [nothing, big, words] = await engine.artifacts(member(), id)
    expect(big).toMatchObject({
      name: 'report/big.bin',
      mediaType: 'application/x-big',
      size: 3_000_000,
      task: 1,
      digest: createHash('sha256').update(bytes).digest('hex'),
    })
    expect((await contentOf(big?.id ?? 0)).equals(bytes)).toBe(true)
    expect([words?.mediaType, (await contentOf(words?.id ?? 0)).toString()]).toEqual([
      'text/plain; charset=utf-8',
      'grüße 🙂',
    ])
    expect([nothing?.size, (await contentOf(nothing?.id ?? 0)).length]).toEqual([0, 0])
  })

  test('of the same content is stored once in a workspace', async () => {
    const same = 'the same content twice'
    const first = await runOf((hand) => hand.artifact('a', same))
    const second = await runOf((hand) => hand.artifact('b', same))
    const blobs = await db.sql('select distinct blob_id from engine.artifacts where run_id = any($1)', [
      [first.id, second.id],
    ])
    expect(blobs).toHaveLength(1)
  })

  test('of a task that failed is seen by nobody', async () => {
    const failed = await runOf(async (hand) => {
      await hand.artifact('half', 'half done')
      throw new TaskFailed({ code: 'LATE', message: 'Too late.', retryable: false, origin: 'task' })
    })
    expect(failed.state).toBe('failed')
    expect(await engine.artifacts(member(), failed.id)).toEqual([])
  })

  test('that no close made visible is not to be found beside its row either', async () => {
    await runOf(async (hand) => {
      await hand.artifact('half', 'written, and never shown')
      throw new TaskFailed({ code: 'LATE', message: 'Too late.', retryable: false, origin: 'task' })
    })
    const unseen = `not exists (select from engine.artifacts a where a.blob_id = b.id)`
    const [there] = await db.sql<{ n: number }>(`select count(*)::integer as n from engine.blobs b where ${unseen}`)
    expect(there?.n).toBeGreaterThan(0)
    const seen = await engine.as(member(), async (tx) => [
      ...(await tx.query(`select id from engine.blobs b where ${unseen}`)).rows,
      ...(await tx.query(`select i from engine.chunks b where ${unseen.replace('b.id', 'b.blob_id')}`)).rows,
    ])
    expect(seen).toEqual([])
  })

  test('made anew in a later round replaces the one before', async () => {
    const { id } = await runOf((hand) => hand.artifact('a', 'first'))
    make = (hand) => hand.artifact('a', 'second')
    await engine.reopen(member(), id, { all: true })
    await ended(id, 2)
    const [only, ...more] = await engine.artifacts(member(), id)
    expect([(await contentOf(only?.id ?? 0)).toString(), more]).toEqual(['second', []])
  })

  test('is neither listed nor read by somebody of another workspace', async () => {
    const { id } = await runOf((hand) => hand.artifact('secret', 'mine'))
    const [mine] = await engine.artifacts(member(), id)
    expect(await engine.artifacts(member('admin', 99), id)).toEqual([])
    expect((await contentOf(mine?.id ?? 0, member('admin', 99))).length).toBe(0)
  })

  test.each([
    ['a name that climbs out', '../etc/passwd', 'x' as Content, 'INVALID_ARTIFACT_NAME'],
    ['an empty name', '', 'x' as Content, 'INVALID_ARTIFACT_NAME'],
    ['more than 64 MiB', 'huge', new Uint8Array(64 * 1024 * 1024 + 1), 'ARTIFACT_TOO_LARGE'],
  ])('with %s is refused as data, and leaves nothing to see', async (_, name, content, code) => {
    const seen = await runOf((hand) => hand.artifact(name, content))
    expect(seen).toMatchObject({ state: 'failed', failure: { code } })
  })
})

describe('retention', () => {
  const everywhere = async (run: number) => {
    const tables = await db.sql<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid
        where a.attname = 'run_id' and c.relkind = 'r' and c.relname <> 'archive'`,
    )
    const found: string[] = []
    for (const { name } of tables) {
      if ((await db.sql(`select 1 from ${name} where run_id = $1`, [run])).length > 0) found.push(name)
    }
    return found
  }

  test('throws away a run whole, with its artifacts’ content, and keeps one line of it', async () => {
    const { id, progress, lastEvent } = await runOf(async (hand) => {
      hand.log('here')
      await hand.remember('call', {}, async () => 1)
      await hand.artifact('a', `only here ${hand.run}`)
    })
    expect((await everywhere(id)).length).toBeGreaterThan(5)
    await db.sql("update engine.blobs set begun_at = begun_at - interval '2 days'")
    expect(
      await engine.prune({ ...member(), operator: true }, { before: new Date(Date.now() + 60_000) }),
    ).toBeGreaterThan(0)
    expect(await everywhere(id)).toEqual([])
    expect(await db.sql('select 1 from engine.runs where id = $1', [id])).toEqual([])
    expect(await db.sql('select state, total, events from engine.archive where run_id = $1', [id])).toEqual([
      { state: 'succeeded', total: progress.total, events: lastEvent },
    ])
    expect(await db.sql('select 1 from engine.chunks')).toEqual([])
  })

  test('leaves younger runs, runs of other kinds, and what has not ended', async () => {
    const young = await runOf(async () => {})
    const { run: open } = await engine.start(member(), making, {}, { workspace: 1, held: 'paused' })
    const who = { ...member(), operator: true }
    expect(await engine.prune(who, { before: new Date(Date.now() - 3_600_000) })).toBe(0)
    expect(await engine.prune(who, { before: new Date(Date.now() + 60_000), kind: 'other' })).toBe(0)
    await engine.prune(who, { before: new Date(Date.now() + 60_000) })
    await expect(engine.run(member(), young.id)).rejects.toMatchObject({ code: 'NO_SUCH_RUN' })
    expect(await engine.run(member(), open)).toMatchObject({ status: 'paused' })
    await engine.cancel(member(), open)
  })

  test('throws away large runs one by one, so that no lock is held for long', async () => {
    const tasks = Array.from({ length: 10_000 }, () => ({ kind: 'make', input: {} }))
    const large = { ...making, name: 'large', plan: () => tasks }
    for (let i = 0; i < 2; i += 1) {
      const { run } = await engine.start(member(), large, {}, { workspace: 1, held: 'paused' })
      await engine.cancel(member(), run)
    }
    const batch = () =>
      engine.as({ ...member(), operator: true }, async (tx) => {
        const { rows } = await tx.query("select engine.prune(clock_timestamp(), 1, 'large') as amount")
        return rows[0]?.['amount'] as number
      })
    expect([await batch(), await batch(), await batch()]).toEqual([1, 1, 0])
  })

  test('of a parent leaves its children, without a parent', async () => {
    const parent = await runOf(async () => {})
    const { run: child } = await engine.start(member(), making, {}, { workspace: 1, parent: parent.id, held: 'paused' })
    await engine.prune({ ...member(), operator: true }, { before: new Date(Date.now() + 60_000) })
    expect(await engine.run(member(), child)).toMatchObject({ parent: null })
    await engine.cancel(member(), child)
  })
})
