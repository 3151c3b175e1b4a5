/** A probe over the six vendors, spoken to in their own formats at the simulator. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operator } from '../src/app.ts'
import { openProviders } from '../src/providers/catalogue.ts'
import { startSimulator, type Simulator } from '../src/simulator/simulator.ts'
import { until } from '../../engine/testing/index.ts'
import { definition, openBench, type Bench } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'

const MODELS = [
  'openai:gpt-5.5',
  'anthropic:claude-opus-5-5',
  'google:gemini-3.8-flash',
  'xai:grok-4.6',
  'deepseek:deepseek-chat',
  'mistral:mistral-small-latest',
]

let simulator: Simulator
let bench: Bench
beforeAll(async () => {
  // Of the second case each vendor has something to say of its own.
  simulator = await startSimulator({
    latencyMs: 0,
    plan({ provider, turns }) {
      if (turns.at(-1)?.content.includes('number 2') !== true) return undefined
      return TROUBLE[provider]
    },
  })
  bench = await openBench(simulator, { catalogue: openProviders({ simulator: simulator.url }) })
  await bench.work()
})
afterAll(async () => {
  await bench.close()
  await simulator.close()
})

const TROUBLE: Partial<Record<string, 'forbidden' | 'not-found' | 'content-filter' | 'unprocessable' | 'too-large'>> = {
  openai: 'not-found',
  anthropic: 'forbidden',
  google: 'content-filter',
  xai: 'unprocessable',
  deepseek: 'too-large',
}

describe('a probe over six vendors', () => {
  test('keeps of each who answered, what it used and what became of the settings', async () => {
    const run = await bench.ask({
      definition: definition(definitionText(1, 1)),
      models: MODELS,
      temperature: 0.5,
      maxTokens: 600,
    })
    expect(run.state).toBe('succeeded')
    const rows = await bench.transcripts(run.id)
    const told = rows.map((row) => ({
      provider: row['provider'],
      version: row['model_version'],
      turns: row['turn_count'],
      reported: row['tokens_reported'],
      reasons: row['reasoning_tokens'] === null ? null : Number(row['reasoning_tokens']) > 0,
      settings: row.turns[0]?.settings,
    }))
    const asked = { temperature: 0.5, maxTokens: 600 }
    const all = { asked, sent: asked, dropped: [] }
    const without = { asked, sent: { maxTokens: 600 }, dropped: ['temperature'] }
    const each = { turns: 2, reported: true }
    expect(told).toEqual([
      { provider: 'openai', version: 'gpt-5.5-2026-04-23', reasons: true, settings: without, ...each },
      { provider: 'anthropic', version: 'claude-opus-5-5-20260915', reasons: null, settings: without, ...each },
      { provider: 'google', version: 'gemini-3.8-flash-001', reasons: true, settings: all, ...each },
      { provider: 'xai', version: 'grok-4.6-0912', reasons: true, settings: all, ...each },
      { provider: 'deepseek', version: 'deepseek-chat-0731', reasons: null, settings: all, ...each },
      { provider: 'mistral', version: 'mistral-small-2603', reasons: null, settings: all, ...each },
    ])
    expect(rows.every(({ turns }) => turns.every(({ answer }) => answer.length > 10))).toBe(true)
  })

  test('calls what goes wrong at each by its code, and keeps the other answers', async () => {
    const run = await bench.ask({ definition: definition(definitionText(2)), models: MODELS })
    expect(run.state).toBe('succeeded')
    expect(await bench.transcripts(run.id)).toHaveLength(7)
    const failed = await bench.db.sql(
      `select failure ->> 'code' as code from engine.attempts where run_id = $1 and failure is not null order by 1`,
      [run.id],
    )
    expect(failed.map(({ code }) => code)).toEqual([
      'AUTH_ERROR',
      'CONTENT_FILTER',
      'NOT_FOUND',
      'VALIDATION_ERROR',
      'VALIDATION_ERROR',
    ])
  })

  test('does not start where a vendor has no such model or no key, and names each cause', async () => {
    const keyless = openProviders({ addresses: { openai: simulator.baseUrls.openai } })
    const checked = await keyless.check(['openai:gpt-5.5'])
    expect(checked[0]?.failure).toMatchObject({ code: 'MISSING_API_KEY', details: { setting: 'OPENAI_API_KEY' } })
    await expect(
      bench.start({ definition: definition(definitionText(1)), models: ['google:gemini-3.8-flash', 'google:nothing'] }),
    ).rejects.toMatchObject({ code: 'CANNOT_START', causes: ['google:nothing: The provider has no such model.'] })
  })
})

describe('a worker without a key that the start had', () => {
  test('leaves its tasks to one that has it', async () => {
    const own = await openBench(simulator, { catalogue: openProviders({ simulator: simulator.url }) })
    try {
      await own.work(openProviders({}))
      const asked = own.start({ definition: definition(definitionText(4)), models: ['mistral:mistral-small-latest'] })
      const run = await asked
      const [waiting] = await own.engine.why(operator, run)
      expect(waiting).toMatchObject({ reason: 'no_worker', ready: 4 })
      await own.work()
      const ended = await until(
        () => own.engine.run(operator, run),
        ({ finishedAt }) => finishedAt !== null,
      )
      expect([ended.state, ended.progress]).toEqual(['succeeded', expect.objectContaining({ succeeded: 4, failed: 0 })])
      expect(await own.db.sql('select 1 from engine.attempts where run_id = $1', [run])).toEqual([])
    } finally {
      await own.close()
    }
  })

  test('performs them from the moment that it has the key', async () => {
    let key: string | undefined
    const own = await openBench(simulator, { catalogue: openProviders({ simulator: simulator.url }) })
    try {
      const later = openProviders({ addresses: { mistral: simulator.baseUrls.mistral }, keyOf: () => key })
      await own.work(later)
      const run = await own.start({
        definition: definition(definitionText(2)),
        models: ['mistral:mistral-small-latest'],
      })
      expect(await own.engine.why(operator, run)).toMatchObject([{ reason: 'no_worker' }])
      key = 'given'
      const ended = await until(
        () => own.engine.run(operator, run),
        ({ finishedAt }) => finishedAt !== null,
      )
      expect(ended.progress).toMatchObject({ succeeded: 2, failed: 0 })
    } finally {
      await own.close()
    }
  })
})
