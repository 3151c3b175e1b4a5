/** Money as a person meets it: prices, a forecast, usage, and budgets. */
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { startAnswering } from '../testing/probe.ts'
import { document, leave, left, stage } from './cli-stage.ts'

afterEach(leave)

const usage = { prompt_tokens: 12, completion_tokens: 20 }

async function priced() {
  const wire = await startAnswering((call) => call.say({ usage }))
  left.push(() => wire.close())
  const { db, place } = await stage({ scenarios: 20 })
  await place.file('prices.yaml', 'openai-compatible:well: {input: 1000, output: 1000}\n')
  const settings = { OPENAI_COMPATIBLE_URL: wire.url, MILLRACE_PRICES: join(place.folder, 'prices.yaml') }
  return { wire, db, place, settings }
}

describe('a model', () => {
  test('is listed with its price; one without a provider is refused with what may have been meant', async () => {
    const { place, settings } = await priced()
    const wrong = { ...settings, MILLRACE_PRICES: await place.file('wrong.yaml', 'x: 1') }
    const [models, guess, refused] = await Promise.all([
      place.run(['models'], { ...settings, OPENAI_COMPATIBLE_MODELS: 'well,drip' }),
      place.run(['probe', 'd.yaml', '-m', 'gpt-5.4,gemini:x', '--dry-run'], settings),
      place.run(['models'], wrong),
    ])
    expect(models.stdout).toMatch(/^fake:a +free /m)
    expect(models.stdout).toMatch(/^openai-compatible:well +1,000\.00 in, 1,000\.00 out +Served/m)
    expect(models.stdout).toMatch(/^openai-compatible:drip +no price is known +Served/m)
    expect(guess).toMatchObject({ code: 2, stdout: '' })
    expect(guess.stderr).toMatch(/gpt-5\.4: .* Did you mean openai:gpt-5\.4\?/)
    expect(guess.stderr).toMatch(/gemini:x: .* Did you mean google:x\?/)
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toMatch(/no list of prices[^]*"x": a model is named as provider:model/)
  })
})

describe('a run with a budget of money', () => {
  test('is forecast, stops before it, says so, goes on when it is raised, and is accounted for', async () => {
    const { wire, db, place, settings } = await priced()
    const args = ['probe', 'd.yaml', '-m', 'openai-compatible:well', '--max-tokens', '20']
    const [dry, endless] = await Promise.all([
      place.run([...args, '-m', 'openai-compatible:well,openai-compatible:drip,fake:a', '--dry-run'], settings),
      place.run(
        ['probe', 'd.yaml', '-m', 'openai-compatible:drip', '--budget-usd', '1', '--max-tokens', '5'],
        settings,
      ),
    ])
    expect(dry.stdout).toMatch(/cost, about +0\.\d+ .*US dollars, and no price is known of openai-compatible:drip\n/)
    expect(dry.stdout).toMatch(/assumed, since too few answers were seen/)
    expect(endless).toMatchObject({ code: 2, stdout: '' })
    expect(endless.stderr).toMatch(/openai-compatible:drip: no price is known[^]*budget of tokens/)

    // The one that was refused has taken the number 1 along.
    const probe = place.begin([...args, '--budget-usd', '0.3', '--json'], settings)
    await probe.says(/It will take about .* tokens in, .* out; 0\.\d+.* US dollars\./)
    await probe.says(/Waiting: .*: money of the run\. \(`millrace runs budget 2 --usd X`\)/)
    const shown = await place.run(['runs', 'budget', '2'], settings)
    expect(shown.stdout).toMatch(/^Run 2: 0\.2\d* of 0\.3 US dollars are used\.\n$/)
    expect(wire.requests.filter(({ path }) => path.endsWith('completions')).length * 0.032).toBeLessThanOrEqual(0.3)
    // One after the other: the run is not to end between the two.
    const whole = await place.run(['budget', 'set', '--usd', '0.32'], settings)
    const raised = await place.run(['runs', 'budget', '2', '--usd', '5'], settings)
    expect(whole.stdout).toMatch(/^All runs together: 0\.2\d* of 0\.32 US dollars are used/)
    expect(raised.stdout).toMatch(/of 5\.00 US dollars/)
    await probe.says(/Waiting: .*: money of the workspace\. \(`millrace budget set --usd X`\)/)
    expect((await place.run(['budget', 'lift'], settings)).stdout).toBe(
      'All runs together: no budget holds anything up.\n',
    )
    expect(document((await probe.ended).stdout)).toMatchObject({ run: { progress: { succeeded: 20 } } })

    const [table, json, run] = await Promise.all([
      place.run(['usage', '--by', 'model'], settings),
      place.run(['usage', '--days', '1', '--json'], settings),
      place.run(['runs', 'show', '2'], settings),
    ])
    const [sum] = await db.sql("select sum(micros)::int as micros from engine.ledger where entry = 'receipt'")
    expect(sum).toEqual({ micros: 640_000 })
    expect(table.stdout).toMatch(/^openai-compatible:well +20 +640 +0\.64$/m)
    expect(document(json.stdout)).toMatchObject({ by: 'day', total: { calls: 20, tokens: 640, costUsd: 0.64 } })
    expect(run.stdout).toMatch(/openai-compatible:well +20 .* 0\.64 [^]*20 calls: 640 tokens, 0\.64 US dollars\./)
  }, 120_000)
})
