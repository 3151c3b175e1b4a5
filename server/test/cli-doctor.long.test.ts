/** Faults of an installation, each brought about for real, and found by the doctor with what to do. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import { openEngine, startWorker } from '@millrace/engine'
import { until, type TestDatabase } from '../../engine/testing/index.ts'
import { operator } from '../src/app.ts'
import { probeRun } from '../src/domains/probe/run.ts'
import { prepare, startProbe } from '../src/domains/probe/start.ts'
import { createFake } from '../src/providers/fake.ts'
import { failureOf } from '../src/providers/failures.ts'
import { definition } from '../testing/bench.ts'
import { install } from '../testing/cli.ts'
import { catalogueOf, definitionText, outside } from '../testing/probe.ts'
import { document, leave, left, stage } from './cli-stage.ts'

afterEach(leave)

interface Found {
  readonly what: string
  readonly state: string
  readonly says: string
  readonly remedy?: string
}

const SLOW = 90_000

/** Runs of the key `busy`, whose other side refuses the first call; one that ended, one that was paused, and others when they are asked for. */
async function work(db: TestDatabase) {
  const engine = openEngine(db.api)
  left.push(() => engine.close())
  const failure = failureOf('RATE_LIMIT', { status: 429, retryAfter: 0.01 })
  const catalogue = catalogueOf({ busy: createFake({ latencyMs: 0, script: [{ failure }] }), fake: createFake() })
  const probe = probeRun(catalogue, outside())
  const start = async (model: string) => {
    const { input } = await prepare({ definition: definition(definitionText(2)), models: [model] }, catalogue)
    return (await startProbe(engine, probe, operator, input, { workspace: 1 })).run
  }
  const refused = await start('busy:a')
  const worker = await startWorker({ settings: db.worker, kinds: [probe] })
  await until(
    () => engine.run(operator, refused),
    (run) => run.finishedAt !== null,
  )
  await worker.drain()
  const paused = await start('fake:a')
  await engine.hold(operator, paused)
  await engine.limits.stop(operator, 'fake')
  return { paused, start }
}

/** A session that began a transaction and forgot it, before very many others. */
async function forgottenSession(db: TestDatabase): Promise<void> {
  const client = new pg.Client(db.owner)
  client.on('error', () => {})
  await client.connect()
  left.push(() => client.end())
  await client.query('begin isolation level repeatable read; select count(*) from engine.runs')
  const busy = new pg.Client(db.owner)
  await busy.connect()
  try {
    await busy.query('set synchronous_commit = off')
    await busy.query('do $$ begin for i in 1..10100 loop perform pg_current_xact_id(); commit; end loop; end $$')
    await busy.query(
      `insert into engine.lanes (run_id, workspace_id, kind, priority, last, idle)
       select 1, 1, 'dead ' || i, 0, 1, true from generate_series(1, 5200) i`,
    )
    for (let i = 0; i < 3; i += 1) {
      await busy.query("update engine.lanes set last = last + 1 where kind like 'dead %'")
    }
    await busy.query('select pg_stat_force_next_flush()')
  } finally {
    await busy.end()
  }
}

test(
  'everything that is wrong at once is found, each with what to do, and nothing is changed',
  async () => {
    const { db, place } = await stage()
    const { paused, start } = await work(db)
    const worker = place.begin(['worker', '--name', 'doomed'])
    await worker.says(/Worker 2 performs/)
    await worker.kill()
    const waiting = await start('busy:b')
    await db.sql("update engine.events set at = at - interval '30 hours' where run_id = $1", [paused])
    await forgottenSession(db)
    await until(
      () => db.sql("select n_dead_tup as n from pg_stat_user_tables where relid = 'engine.lanes'::regclass"),
      ([row]) => (row?.['n'] as number) > 10_000,
    )
    const before = await db.sql('select * from engine.migrations order by name')
    // The one door of the engine's clock.
    await db.sql(`alter database ${db.name} set "millrace.clock" = '${new Date(Date.now() + 600_000).toISOString()}'`)

    const ran = await place.run(['doctor', '--json'])
    expect(ran).toMatchObject({ code: 1, stderr: '' })
    const found = document(ran.stdout) as Found[]
    const of = (what: string) => found.filter((one) => one.what === what && one.state !== 'well')
    expect(of('worker')).toMatchObject([
      { state: 'wrong', says: expect.stringMatching(/^2 \(doomed\) was last seen /) },
      { state: 'wrong', says: expect.stringMatching(/^3 \(doomed stages\) was last seen /) },
    ])
    expect(of('waiting')).toMatchObject([
      {
        state: 'wrong',
        says: '2 tasks of kind probe.ask.busy in 1 run have no worker',
        remedy: expect.stringContaining(`run ${waiting}`),
      },
    ])
    expect(of('stopped')).toMatchObject([
      {
        state: 'wrong',
        says: expect.stringMatching(/^nothing begins under fake \(PAUSED\) for .*; 2 tasks wait$/),
        remedy: expect.stringContaining('millrace limits release fake'),
      },
    ])
    expect(of('limit')).toMatchObject([
      {
        state: 'note',
        says: 'busy was refused 1 times in the last hour for its rate, and has no limit',
        remedy: expect.stringContaining('millrace limits set busy'),
      },
    ])
    expect(of('held')).toMatchObject([
      {
        state: 'note',
        says: expect.stringMatching(new RegExp(`^run ${paused} is paused for 30 h`)),
        remedy: expect.stringContaining(`millrace runs resume ${paused}`),
      },
    ])
    expect(of('vacuum')).toMatchObject([
      {
        state: 'wrong',
        says: expect.stringMatching(
          /^session \d+ is idle in a transaction for .*: nothing that died in 1\d,\d{3} trans/,
        ),
        remedy: expect.stringMatching(/pg_terminate_backend\(\d+\)/),
      },
    ])
    expect(of('bloat')).toMatchObject([
      {
        state: 'wrong',
        says: expect.stringMatching(/^engine\.lanes has 1\d,\d{3} dead rows for 5,\d{3} live ones; autovacuum /),
        remedy: expect.stringContaining('vacuum engine.lanes'),
      },
    ])
    expect(of('clock')).toMatchObject([
      { state: 'wrong', says: expect.stringMatching(/^the database's clock is (9|10) min .* ahead of this host's$/) },
    ])
    for (const one of found.filter(({ state }) => state === 'wrong')) expect(one.remedy).toBeTruthy()
    expect(await db.sql('select * from engine.migrations order by name')).toEqual(before)
  },
  SLOW,
)

test(
  'tables of an older or a newer version are told, and left as they are',
  async () => {
    const { db, place } = await stage()
    const names = () => db.sql<{ name: string }>('select name from engine.migrations order by name')
    const [gone] = await db.sql("delete from engine.migrations where name like 'probe/%' returning *")
    const before = await names()
    const older = await place.run(['doctor'])
    expect(older.code).toBe(1)
    expect(older.stdout).toMatch(
      /✗ tables +they are of an older Millrace \(probe\/0001_\S+, .* is to come\)\n.*millrace migrate/,
    )
    expect(await names()).toEqual(before)
    expect(gone).toBeDefined()

    await db.sql("insert into engine.migrations (name, hash) values ('engine/0099_future.sql', 'x')")
    const newer = await place.run(['doctor'])
    expect(newer.code).toBe(1)
    expect(newer.stdout).toMatch(/✗ tables +they are of a newer Millrace \(engine\/0099_future\.sql\)\n/)
    await db.sql('drop schema probe cascade; drop schema engine cascade; drop schema access cascade')
    const none = await place.run(['doctor'])
    expect(none.code).toBe(0)
    expect(none.stdout).toMatch(/· tables +none were made yet\n.*millrace migrate/)
    expect(await db.sql("select 1 from pg_namespace where nspname = 'engine'")).toEqual([])
  },
  SLOW,
)

test('where no database was made yet, none is made; who was given a restricted login alone is told what that may see', async () => {
  const { db } = await stage()
  const place = await install()
  left.push(() => place.remove())
  const login = new URL(db.url)
  login.username = 'millrace_worker'
  login.password = String(db.worker.password)
  const [none, restricted] = await Promise.all([
    place.run(['doctor']),
    place.run(['doctor'], { WORKER_DATABASE_URL: login.href }),
  ])
  expect(none).toMatchObject({ code: 0, stderr: '' })
  expect(none.stdout).toMatch(/· database +none was made in \S+ yet\n.*millrace up/)
  expect(existsSync(join(place.folder, '.millrace', 'pg'))).toBe(false)
  expect(restricted).toMatchObject({ code: 0, stderr: '' })
  expect(restricted.stdout).toMatch(/✓ tables +as this version needs them\n[^]*· worker +none is running/)
})

/** A disk of one megabyte; only root may bring one along. */
function smallDisk(folder: string): boolean {
  return (
    process.platform === 'linux' && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0
  )
}

test('a disk that is nearly full is told before it is full', async ({ skip }) => {
  const { place } = await stage({ empty: true })
  const folder = join(place.folder, 'small')
  await mkdir(folder)
  skip(!smallDisk(folder), 'nobody may mount here')
  left.push(async () => void spawnSync('umount', [folder]))
  const ran = await place.run(['doctor'], { MILLRACE_FOLDER: folder })
  expect(ran.code).toBe(1)
  expect(ran.stdout).toMatch(/✗ disk +\S+ has 1 MB free of 1\n.*runs prune/)
})

test('workers are listed with what they do, and those that went with the reason; without one it says how to start one', async () => {
  const { db, place } = await stage()
  expect((await place.run(['workers'])).stdout).toMatch(/^No worker is alive\. `millrace up` or `millrace worker`/)
  const worker = await startWorker({
    settings: db.worker,
    kinds: [probeRun(catalogueOf({ fake: createFake() }), outside())],
    slots: 7,
    name: 'first',
  })
  const told = await place.run(['workers'])
  expect(told.stdout).toMatch(
    /^worker +name +kinds +slots +running +seen +state\n +1 +first +probe\.ask\.fake +7 +0 +\S.* ago +alive\n$/,
  )
  await worker.drain()
  const [gone, json] = await Promise.all([place.run(['workers']), place.run(['workers', '--json'])])
  expect(gone.stdout).toMatch(/ gone: it drained\nNo worker is alive\./)
  expect(document(json.stdout)).toMatchObject([{ id: 1, name: 'first', slots: 7, state: 'gone', goneWhy: 'left' }])
})

test('a log of PostgreSQL into which words of people can come is told: worth knowing without records, wrong with them', async () => {
  const { db, place } = await stage()
  const logged = async () => {
    const ran = await place.run(['doctor', '--json'])
    const found = document(ran.stdout) as Found[]
    return { code: ran.code, log: found.filter(({ what }) => what === 'log') }
  }
  expect(await logged()).toMatchObject({ code: 0, log: [{ state: 'well' }] })

  // As its owner may want it, against what Millrace says for its logins.
  await db.sql(`alter role millrace_api in database ${db.name} set log_min_messages = 'warning'`)
  await db.sql(`alter role millrace_api in database ${db.name} set log_parameter_max_length = 0`)
  await db.sql(`alter role millrace_worker in database ${db.name} set log_parameter_max_length = 100`)
  await db.sql(`alter database ${db.name} set log_min_duration_statement = '250ms'`)
  const named = (state: string) => [
    { state, says: expect.stringContaining('log_min_messages = warning for millrace_api') },
    { state, says: expect.stringContaining('log_min_duration_statement = 250ms for millrace_worker') },
  ]
  expect(await logged()).toMatchObject({ code: 0, log: named('note') })
  expect(await place.run(['diagnosis', 'generate', '--patients', '2'])).toMatchObject({ code: 0 })
  const { code, log } = await logged()
  expect({ code, log }).toMatchObject({ code: 1, log: named('wrong') })

  for (const { remedy } of log) await db.sql(/^As a superuser: (alter role [^;]+);/.exec(remedy ?? '')?.[1] ?? '')
  expect(await logged()).toMatchObject({ code: 0, log: [{ state: 'well' }] })
}, 90_000)
