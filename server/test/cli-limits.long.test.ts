/** Limits and budgets as a person sets them, sees them and is held up by them. */
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { startAnswering } from '../testing/probe.ts'
import { document, gated, leave, left, stage } from './cli-stage.ts'

afterEach(leave)

describe('limits', () => {
  test('are listed, set one by one, taken away, and hold for a run that is under way; a stopped key says so until it is released', async () => {
    const server = await gated()
    const { place } = await stage({ server, scenarios: 6 })
    const set = await place.run(['limits', 'set', 'openai-compatible', '--concurrency', '2', '--tokens', '900000'])
    expect(set.code).toBe(0)
    expect(set.stdout).toMatch(/openai-compatible +2 +0 +– +900,000 +0\n$/)
    expect(set.stderr).toMatch(/No task has had this key yet/)

    server.shut()
    const probe = place.begin(['probe', 'd.yaml', '-m', 'openai-compatible:m', '--json'])
    await until(
      () => server.held,
      (held) => held === 2,
    )
    const [list, json, stopped] = await Promise.all([
      place.run(['limits', 'list']),
      place.run(['limits', '--json']),
      place.run(['limits', 'stop', 'openai-compatible']),
    ])
    expect(list.stdout).toMatch(
      /^key +at a time +running +requests\/min +tokens\/min +waiting\nopenai-compatible +2 +2 +– +900,000 +4/,
    )
    expect(document(json.stdout)).toMatchObject([
      { key: 'openai-compatible', concurrency: 2, requestsPerMinute: null, running: 2, waiting: 4 },
    ])
    expect(stopped.stdout).toBe('Nothing begins under openai-compatible from now on. 2 that are under way will end.\n')
    server.open()
    await probe.says(/Waiting: 4 tasks .* is stopped \(PAUSED\).*\(`millrace limits release openai-compatible`\)/)
    expect(server.calls).toHaveLength(2)
    expect((await place.run(['limits'])).stdout).toMatch(/ 4 +stopped \(PAUSED\) since \d{4}-/)

    server.shut()
    const lifted = await place.run(['limits', 'set', 'openai-compatible', '--concurrency', 'none'])
    expect(lifted.stderr).toBe('')
    expect(lifted.stdout).toMatch(/openai-compatible +– +0 +– +900,000 +4/)
    const released = await place.run(['limits', 'release', 'openai-compatible'])
    expect(released.stdout).toBe('openai-compatible goes on; 4 tasks wait under it.\n')
    await until(
      () => server.held,
      (held) => held === 4,
    )
    server.open()
    expect(document((await probe.ended).stdout)).toMatchObject({ run: { progress: { succeeded: 6 } } })
  }, 90_000)

  test('that make no sense are refused, and a key that nobody has cannot be released', async () => {
    const { place } = await stage()
    const [none, nothing, wrong, nobody, both] = await Promise.all([
      place.run(['limits']),
      place.run(['limits', 'set', 'fake']),
      place.run(['limits', 'set', 'fake', '--requests', '0']),
      place.run(['limits', 'release', 'nobody']),
      place.run(['runs', 'budget', '1', '--none', '--tokens', '5']),
    ])
    expect(none.stdout).toMatch(/^There are no keys yet/)
    expect(both.stderr).toMatch(/Either a budget or none\.\nLeave out --none/)
    expect(nothing.stderr).toMatch(/Say --concurrency, --requests or --tokens/)
    expect(wrong.stderr).toMatch(/--requests.*above 0/)
    expect(nobody.stderr).toMatch(/No task and no limit has this key\.\n.*limits list/)
    for (const ran of [nothing, wrong, nobody, both]) expect(ran).toMatchObject({ code: 2, stdout: '' })
  })

  test('credit that is used up is named by why, and after a release the run goes on where it stood', async () => {
    let broke = true
    const wire = await startAnswering((call) => (broke ? call.error(402, { message: 'no' }) : call.say()))
    left.push(() => wire.close())
    const { db, place } = await stage({ scenarios: 3 })
    const probe = place.begin(['probe', 'd.yaml', '-m', 'openai-compatible:well', '--json'], {
      OPENAI_COMPATIBLE_URL: wire.url,
    })
    await until(
      () => db.sql("select 1 from engine.limits where stop = 'BILLING'"),
      (rows) => rows.length === 1,
    )
    await until(
      () => db.sql("select count(*)::int as n from engine.tasks where state = 'ready'"),
      ([row]) => row?.['n'] === 3,
    )
    const why = await place.run(['runs', 'why', '1'])
    expect(why.stdout).toBe(
      '3 tasks of probe.ask.openai-compatible (openai-compatible): everything under openai-compatible is stopped (BILLING), until somebody releases it. (`millrace limits release openai-compatible`)\n',
    )
    broke = false
    expect((await place.run(['limits', 'release', 'openai-compatible'])).code).toBe(0)
    expect(document((await probe.ended).stdout)).toMatchObject({ run: { progress: { succeeded: 3, failed: 0 } } })
  })
})

describe('a budget', () => {
  test('holds a run up before it is passed, is shown with what was used, and raised by the same command or its own', async () => {
    const { place } = await stage({ scenarios: 40 })
    const args = ['probe', 'd.yaml', '-m', 'fake:a', '--max-tokens', '100', '--json']
    const probe = place.begin([...args, '--budget-tokens', '1000'])
    await probe.says(/Waiting: \d+ tasks .*: the budget is reached.*\(`millrace runs budget 1 --tokens N`\)/)
    const shown = await place.run(['runs', 'budget', '1', '--json'])
    const { budget } = document(shown.stdout) as { budget: { tokens: number; usedTokens: number } }
    expect(budget.tokens).toBe(1_000)
    expect(budget.usedTokens).toBeGreaterThan(0)
    expect(budget.usedTokens).toBeLessThanOrEqual(1_000)

    const money = await place.run(['runs', 'budget', '1', '--usd', '2.5'])
    expect(money.stdout).toMatch(/^Run 1: \d+ of 1,000 tokens are used, 0 of 2\.50 US dollars are used\.\n$/)
    expect(money.stderr).toMatch(/do not say that they cost anything/)
    const none = await place.run(['runs', 'budget', '1', '--none'])
    expect(none.stdout).toBe('Run 1: no budget holds anything up.\n')
    expect(document((await probe.ended).stdout)).toMatchObject({ run: { progress: { succeeded: 40 } } })
  }, 90_000)
})
