/** `millrace up`: an empty database becomes a place where something is to be seen. */
import { spawn } from 'node:child_process'
import { afterEach, describe, expect, test } from 'vitest'
import { freshDatabase, until, type TestDatabase } from '../../engine/testing/index.ts'
import { rooms } from '../src/app.ts'
import { install, listenTo, REPOSITORY, type Command, type Installation } from '../testing/cli.ts'

const left: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const leave of left.splice(0).toReversed()) await leave()
})

async function stage(empty: boolean): Promise<{ db: TestDatabase; place: Installation }> {
  const db = await freshDatabase(rooms.slice(1), { empty })
  left.push(() => db.drop())
  const place = await install(db, { PORT: '0' })
  left.push(() => place.remove())
  return { db, place }
}

async function urlOf(up: Command): Promise<string> {
  await up.says(/serves on http:\/\/\S+/)
  return /serves on (http:\/\/\S+)/.exec(up.stdout)?.[1] ?? ''
}

async function ask(url: string) {
  const response = await fetch(url)
  const body: unknown = await response.json()
  return { status: response.status, body }
}

describe('up', () => {
  test('on an empty database runs the example once, shows its results and what to try next, and serves; the next start only serves', async () => {
    const { db, place } = await stage(true)
    const up = place.begin(['up'])
    const url = await urlOf(up)
    await up.says(/Try next/)
    expect(up.stdout).toMatch(/This database is empty, so here is an example: /)
    expect(up.stdout).toMatch(/Run 1 succeeded in /)
    expect(up.stdout).toMatch(/fake:a +25 .*\nfake:b +25 /)
    expect(up.stdout).toMatch(/50 transcripts are in the database and in \S+run_1_\d{4}-\d\d-\d\d\.csv/)
    expect(up.stdout.indexOf('Run 1 succeeded')).toBeLessThan(up.stdout.indexOf('Try next'))
    expect(await ask(`${url}/health/live`)).toEqual({ status: 200, body: { status: 'ok' } })
    expect(await ask(`${url}/health/ready`)).toEqual({ status: 200, body: { status: 'ok', missing: [] } })
    expect(await ask(`${url}/nowhere`)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })

    // What it says to try next can be typed.
    const [show, models] = await Promise.all([place.run(['runs', 'show', '1']), place.run(['models'])])
    expect([show.code, models.code]).toEqual([0, 0])

    up.tell('SIGTERM')
    expect(await up.ended).toMatchObject({ code: 0, signal: null })
    await expect(fetch(`${url}/health/live`)).rejects.toThrow('fetch failed')

    const again = place.begin(['up'])
    await again.says(/Try next/)
    expect(again.stdout).not.toContain('example:')
    expect(await ask(`${await urlOf(again)}/health/ready`)).toMatchObject({ status: 200 })
    again.tell('SIGINT')
    expect(await again.ended).toMatchObject({ code: 0, signal: null })
    expect(await db.sql('select count(*)::int as n from engine.runs')).toEqual([{ n: 1 }])
  })

  test('without the example leaves an empty database empty, and performs what others start', async () => {
    const { db, place } = await stage(false)
    const up = place.begin(['up', '--no-example'], { HOST: '0.0.0.0' })
    await up.says(/Try next/)
    // An address that can be opened, also where it listens on all of them.
    expect(await urlOf(up)).toMatch(/^http:\/\/localhost:/)
    expect(up.stdout).not.toContain('runs show 1')
    expect(await db.sql('select count(*)::int as n from engine.runs')).toEqual([{ n: 0 }])
    up.tell('SIGTERM')
    expect(await up.ended).toMatchObject({ code: 0, signal: null })
  })

  test('started by npm stops when npm is told to, and leaves nothing behind', async () => {
    const { place } = await stage(false)
    const env = { ...place.environment, npm_config_update_notifier: 'false' }
    const npm = spawn('npm', ['start', '--', '--no-example'], {
      cwd: REPOSITORY,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const up = listenTo(npm)
    left.push(() => up.kill())
    const url = await urlOf(up)
    up.tell('SIGTERM')
    await up.ended
    expect(up.stdout + up.stderr).toContain('Stopping: what is under way is finished first.')
    await expect(fetch(`${url}/health/live`)).rejects.toThrow('fetch failed')
  })

  test('that is killed in the middle of the example goes on with it at the next start, and begins no second one', async () => {
    const { db, place } = await stage(false)
    const slow = { MILLRACE_FAKE_LATENCY_MS: '300', WORKER_SLOTS: '10' }
    const up = place.begin(['up'], slow)
    await until(
      () => db.sql('select count(*)::int as n from probe.transcripts'),
      ([row]) => (row?.['n'] as number) > 0,
    )
    await up.kill()
    const again = place.begin(['up'])
    await again.says(/Try next/)
    await until(
      () => db.sql('select state, succeeded from engine.runs'),
      (runs) => runs.length === 1 && runs[0]?.['state'] === 'succeeded',
    )
    const [counted] = await db.sql(
      'select count(*)::int as n, count(distinct (scenario, model))::int as slots from probe.transcripts',
    )
    expect(counted).toEqual({ n: 50, slots: 50 })
    again.tell('SIGTERM')
    expect(await again.ended).toMatchObject({ code: 0 })
  })

  test('is alive but not ready while its database is away', async () => {
    const { db, place } = await stage(false)
    const up = place.begin(['up', '--no-example'])
    const url = await urlOf(up)
    await up.says(/Try next/)
    await db.sql(`alter database ${db.name} connection limit 0`)
    await db.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename like 'millrace\\_%'",
    )
    expect(
      await until(
        () => ask(`${url}/health/ready`),
        ({ status }) => status === 503,
      ),
    ).toMatchObject({
      body: { status: 'unavailable', missing: ['database'] },
    })
    expect(await ask(`${url}/health/live`)).toMatchObject({ status: 200 })
    await db.sql(`alter database ${db.name} connection limit -1`)
    await until(
      () => ask(`${url}/health/ready`),
      ({ status }) => status === 200,
    )
    up.tell('SIGTERM')
    expect(await up.ended).toMatchObject({ code: 0, signal: null })
  })
})
