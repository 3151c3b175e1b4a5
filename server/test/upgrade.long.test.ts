/** A database of an earlier version, with runs under way and workers at it, becomes one of this version. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrate, openEngine, startWorker, type Engine, type Worker } from '@millrace/engine'
import { freshDatabase, secretOf, until, type TestDatabase } from '@millrace/engine/testing'
import { schemaPicture } from '../../engine/test/schema-picture.ts'
import { operator, productKinds, rooms, type Served } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { exportRun } from '../src/domains/probe/export.ts'
import { resultsOf } from '../src/domains/probe/results.ts'
import { databaseOf, RELEASES, type Restored } from '../testing/releases.ts'

const SCHEMAS = [...rooms.map((room) => room.name), 'access']
const pictureOf = (db: TestDatabase) => schemaPicture((text) => db.sql(text), SCHEMAS)

let fresh: TestDatabase
beforeAll(async () => {
  fresh = await freshDatabase(rooms.slice(1))
})
afterAll(() => fresh?.drop())

/** Runs of each: one that had ended, and one whose program was killed in the middle. */
const KILLED: Record<string, number> = { 'runs-and-probes': 2, 'people-records-tools': 5 }

describe.each(RELEASES)('a database with %s', (release) => {
  let db: Restored
  let engine: Engine
  let served: Served
  let worker: Worker | undefined
  let old: pg.Client
  let claimed: { run: number; task: number } | undefined
  const run = KILLED[release] ?? 0
  let kept: { task: number; turns: string }[]
  const turnsOf = () =>
    db.sql<{ task: number; turns: string }>(
      'select task, turns::text from probe.transcripts where run_id = $1 order by task',
      [run],
    )

  beforeAll(async () => {
    db = await databaseOf(release)
    // A worker of then: its session is alive, and it is at work while the tables change.
    old = new pg.Client({ ...db.worker, options: '-c plan_cache_mode=force_generic_plan' })
    old.on('error', () => {})
    await old.connect()
    const { rows: me } = await old.query<{ id: string }>(
      "select engine.register('of then', array['probe.ask', 'probe.ask.fake'], null, 1) as id",
    )
    claimed = await until(
      async () => {
        // What the killed one held is taken back first, by the rules of then.
        await old.query('select engine.expire()')
        await old.query('select engine.rescue()')
        const { rows } = await old.query<{ claimed: [number, number][] | null }>(
          "select claimed from engine.turn($1, 1, '{}', '{}', '{}', '{}', '{}', '{}')",
          [me[0]?.id],
        )
        const [of, task] = rows[0]?.claimed?.[0] ?? []
        return of === undefined || task === undefined ? undefined : { run: of, task }
      },
      (one) => one !== undefined,
    )
    kept = await turnsOf()
    await migrate(db.owner, rooms, secretOf)
    engine = openEngine(db.api)
    served = productKinds({ ...readConfig({}), fakeLatency: 0 })
  }, 60_000)
  afterAll(async () => {
    await worker?.drain(5)
    await Promise.all([served?.leave(), engine?.close(), old?.end()])
    await db?.drop()
  })

  test('has the tables, functions and policies of one that was made anew', async () => {
    expect(await pictureOf(db)).toBe(await pictureOf(fresh))
    expect(await migrate(db.owner, rooms, secretOf)).toEqual({ applied: [], refreshed: false })
  })

  test('keeps every row, and what had ended is read as before', async () => {
    for (const [table, rows] of Object.entries(db.counts)) {
      const [seen] = await db.sql<{ n: number }>(`select count(*)::int as n from ${table}`)
      expect([table, seen?.n]).toEqual([table, expect.toSatisfy((n: number) => n >= rows)])
    }
    expect(await engine.run(operator, 1)).toMatchObject({
      kind: 'probe',
      state: 'succeeded',
      progress: { succeeded: 4 },
    })
    const events = await Array.fromAsync(engine.follow(operator, 1))
    expect(events.map(({ n }) => n)).toEqual(events.map((_, at) => at + 1))
    expect(await resultsOf(engine, operator, 1)).toMatchObject([{ answered: 4 }])
    let csv = ''
    await exportRun(engine, operator, 1, { format: 'csv' }, async (text) => void (csv += text))
    expect(csv.trim().split('\n')).toHaveLength(5)
  })

  test('lets the worker of then hold its task as long as it lives, and goes on where the killed one was', async () => {
    expect(claimed?.run).toBe(run)
    // The limit of then, one at a time, is in force.
    const [fake] = (await engine.limits.list(operator)).filter(({ key }) => key === 'fake')
    expect(fake?.concurrency ?? null).toBe(release === 'runs-and-probes' ? null : 1)
    await engine.limits.set(operator, 'fake', { concurrency: 4 })
    worker = await startWorker({ settings: db.worker, kinds: served.kinds })
    await until(
      () => engine.run(operator, run),
      ({ progress }) => progress.succeeded === 7,
    )
    const [held] = await db.sql<{ state: string }>(
      'select state::text from engine.tasks where run_id = $1 and n = $2',
      [run, claimed?.task],
    )
    expect(held?.state).toBe('running')
    await old.end()
    const ended = await until(
      () => engine.run(operator, run),
      ({ finishedAt }) => finishedAt !== null,
    )
    expect(ended).toMatchObject({ state: 'succeeded', progress: { succeeded: 8, failed: 0 } })
    // What had been answered then is the same now, and each other question has one answer.
    const transcripts = await turnsOf()
    expect(transcripts.map(({ task }) => task)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(kept.length).toBeGreaterThan(0)
    expect(transcripts).toEqual(expect.arrayContaining(kept))
  })
})
