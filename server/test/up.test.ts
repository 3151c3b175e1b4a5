/** `millrace up`: an empty database becomes a place where something is to be seen. */
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { leave } from './cli-stage.ts'
import { ask, stage, urlOf } from './up-stage.ts'

afterEach(leave)

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
