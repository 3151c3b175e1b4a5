/** `millrace up` in the hands of the real world: on every address, under npm, killed. */
import { spawn } from 'node:child_process'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { listenTo, REPOSITORY } from '../testing/cli.ts'
import { leave, left } from './cli-stage.ts'
import { stage, urlOf } from './up-stage.ts'

afterEach(leave)

describe('up', () => {
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
})
