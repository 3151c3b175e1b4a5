/** What becomes of the answers that models give or do not give: failures, records of turns, results and decisions. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Refusal, type Principal, type Run } from '@millrace/engine'
import { member } from '../../engine/testing/index.ts'
import { override, resultsOf } from '../src/domains/probe/results.ts'
import { definition, type Bench } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'
import type { WireServer } from '../testing/wire.ts'
import { openProbeStage, type ProbeStage } from './probe-stage.ts'

const who = member('admin')

let stage: ProbeStage
let wire: WireServer
let bench: Bench
beforeAll(async () => {
  stage = await openProbeStage()
  ;({ wire, bench } = stage)
})
afterAll(async () => {
  await stage?.close()
})

const asked = (model: string) => stage.asked(model)

describe('failures are data', () => {
  /** Model, code of the failure, requests that were made. */
  const rows: [string, string, number][] = [
    ['wire:status-400', 'VALIDATION_ERROR', 1],
    ['wire:status-401', 'AUTH_ERROR', 1],
    ['wire:status-403', 'AUTH_ERROR', 1],
    ['wire:status-404', 'NOT_FOUND', 1],
    ['wire:status-413', 'VALIDATION_ERROR', 1],
    ['wire:status-422', 'VALIDATION_ERROR', 1],
    ['wire:filtered', 'CONTENT_FILTER', 1],
    ['wire:filtered-prompt', 'CONTENT_FILTER', 1],
    ['wire:status-408', 'TIMEOUT', 4],
    ['wire:status-425', 'TIMEOUT', 4],
    ['wire:hang-before', 'TIMEOUT', 4],
    ['wire:hang-midway', 'TIMEOUT', 4],
    ['wire:status-409', 'SERVER_ERROR', 4],
    ['wire:status-500', 'SERVER_ERROR', 4],
    ['wire:status-529', 'SERVER_ERROR', 4],
    ['wire:status-599', 'SERVER_ERROR', 4],
    ['wire:bad-gateway', 'SERVER_ERROR', 4],
    ['wire:reset', 'NETWORK_ERROR', 4],
    ['wire:cut-midway', 'NETWORK_ERROR', 4],
    ['wire:status-418', 'UNKNOWN', 4],
    ['wire:not-json', 'INVALID_RESPONSE', 2],
    ['wire:fields-missing', 'INVALID_RESPONSE', 2],
    ['wire:no-choices', 'INVALID_RESPONSE', 2],
    ['wire:error-in-200', 'INVALID_RESPONSE', 2],
    ['wire:empty', 'INVALID_RESPONSE', 2],
    ['wire:blank', 'INVALID_RESPONSE', 2],
    ['dead:refused', 'NETWORK_ERROR', 0],
    ['fake:nobody', 'UNKNOWN_MODEL', 0],
  ]
  let run: Run
  let seen: Map<string, number>
  beforeAll(async () => {
    const models = [...rows.map(([model]) => model), 'fake:a']
    const before = wire.requests.length
    run = await bench.ask({ definition: definition(definitionText(1, 0, 'Failures')), models }, 40)
    const made = Map.groupBy(wire.requests.slice(before), (request) => request.body?.model ?? '')
    seen = new Map([...made].map(([model, requests]) => [model, requests.length]))
  }, 60_000)

  test.each(rows)('%s ends as %s after %i requests', async (model, code, requests) => {
    const [result] = await bench.db.sql(
      `select a.failure, a.outcome, k.state, k.tries from engine.inputs i
         join engine.tasks k on k.run_id = i.run_id and k.n = i.n
         join engine.attempts a on a.run_id = k.run_id and a.n = k.n and a.attempt = k.attempt
        where i.run_id = $1 and i.input ->> 'model' = $2`,
      [run.id, model],
    )
    expect(result).toMatchObject({ outcome: 'failed', state: 'failed', failure: { code } })
    expect(seen.get(model.slice(5)) ?? 0).toBe(requests)
    if (requests > 0) expect(result?.['tries']).toBe(requests)
  })

  test('and some of them leave a run that succeeded, with its errors counted by model and code', async () => {
    expect(run).toMatchObject({ state: 'succeeded', progress: { succeeded: 1, failed: rows.length } })
    const results = await resultsOf(bench.engine, who, run.id)
    expect(Object.fromEntries(results.map((one) => [one.model, one.failures]))).toEqual({
      ...Object.fromEntries(rows.map(([model, code]) => [model, { [code]: 1 }])),
      'fake:a': {},
    })
  })

  test('and nothing but them is a run that failed with the commonest cause', async () => {
    const models = ['wire:status-401', 'wire:status-403', 'wire:status-404']
    const failed = await bench.ask({ definition: definition(definitionText(1)), models })
    expect(failed).toMatchObject({ state: 'failed', failure: { code: 'AUTH_ERROR' }, progress: { failed: 3 } })
  })

  test('but a rate limit is only a wait: it costs no try, however often it comes', async () => {
    const waited = await bench.ask({ definition: definition(definitionText(1)), models: ['wire:limited'] })
    expect(waited.state).toBe('succeeded')
    expect(asked('limited')).toHaveLength(6)
    const [task] = await bench.db.sql('select attempt, tries from engine.tasks where run_id = $1 and n = 1', [
      waited.id,
    ])
    expect(task).toEqual({ attempt: 6, tries: 0 })
    const times = asked('limited').map((request) => request.at)
    for (const [index, at] of times.slice(1).entries()) expect(at - (times[index] ?? 0)).toBeGreaterThanOrEqual(19)
  })
})

describe('what a turn records', () => {
  test('is the answer whole: a megabyte, scripts, emoji; NUL and half characters replaced by signs for them', async () => {
    const run = await bench.ask({
      definition: definition(definitionText(1)),
      models: ['wire:large', 'wire:odd', 'wire:split-letters', 'fake:long', 'fake:odd'],
    })
    expect(run.progress).toMatchObject({ succeeded: 5, failed: 0 })
    const rows = await bench.transcripts(run.id)
    const answer = (model: string) => rows.find((row) => row['model'] === model)?.turns[0]?.answer ?? ''
    expect(answer('large')).toBe(`Rating: 2\n\n${'All work and no play. '.repeat(50_000)}`)
    expect(answer('split-letters')).toBe('Größe 🙃 雪')
    expect(
      rows.find((row) => row['provider'] === 'openai-compatible' && row['model'] === 'odd')?.turns[0]?.answer,
    ).toBe('NUL ␀ lone \ufffd end')
    expect(answer('long').length).toBeGreaterThan(190_000)
  })

  test('names the version that answered, and null only when the response has none', async () => {
    const models = ['wire:other-version', 'wire:late-version', 'wire:no-version']
    const run = await bench.ask({ definition: definition(definitionText(1)), models })
    const rows = await bench.transcripts(run.id)
    expect(Object.fromEntries(rows.map((row) => [row['model'], row['model_version']]))).toEqual({
      'other-version': 'other-version-2026-03-01',
      'late-version': 'late-version-2026-03-01',
      'no-version': null,
    })
  })

  test('says which settings were asked for, which were sent, and which the model did not take', async () => {
    const run = await bench.ask({
      definition: definition(definitionText(1)),
      models: ['wire:no-temperature', 'wire:whole'],
      temperature: 0.5,
      maxTokens: 50,
    })
    const rows = await bench.transcripts(run.id)
    const asks = { temperature: 0.5, maxTokens: 50 }
    const settings = Object.fromEntries(rows.map((row) => [row['model'], row.turns[0]?.settings]))
    expect(settings).toEqual({
      'no-temperature': { asked: asks, sent: { maxTokens: 50 }, dropped: ['temperature'] },
      whole: { asked: asks, sent: asks, dropped: [] },
    })
    expect(asked('no-temperature').map((request) => request.body?.temperature)).toEqual([0.5, undefined])
    expect(asked('whole')[0]?.body).toMatchObject({ temperature: 0.5, max_tokens: 50 })
  })

  test('counts tokens as reported, reasoning and cached apart, and says when they are estimated', async () => {
    const run = await bench.ask({
      definition: definition(definitionText(1)),
      models: ['wire:rich-usage', 'wire:no-usage', 'wire:cut'],
    })
    const rows = new Map((await bench.transcripts(run.id)).map((row) => [row['model'], row]))
    expect(rows.get('rich-usage')).toMatchObject({
      input_tokens: 1200,
      output_tokens: 340,
      reasoning_tokens: 256,
      cached_tokens: 1024,
      tokens_reported: true,
    })
    expect(rows.get('no-usage')).toMatchObject({
      tokens_reported: false,
      reasoning_tokens: null,
      turns: [{ tokens: 'estimated' }],
    })
    expect(rows.get('cut')).toMatchObject({ turns: [{ finishReason: 'length', truncated: true }] })
  })
})

describe('results and decisions', () => {
  const refusalOf = async (work: Promise<unknown>): Promise<Refusal> => {
    const error: unknown = await work.then(
      () => undefined,
      (caught: unknown) => caught,
    )
    if (!(error instanceof Refusal)) throw new Error(`not refused: ${String(error)}`)
    return error
  }
  let run: Run
  beforeAll(async () => {
    run = await bench.ask({ definition: definition(definitionText(6)), models: ['wire:mixed'] })
  })

  test('are counted per model by the scale; refusal, other and unparsed are outcomes of their own', async () => {
    expect(await resultsOf(bench.engine, who, run.id)).toEqual([
      expect.objectContaining({
        model: 'wire:mixed',
        answered: 6,
        failed: 0,
        open: 0,
        decisions: { 2: 1, 4: 2, refusal: 1, other: 1, unparsed: 1 },
        mean: 10 / 3,
        failures: {},
      }),
    ])
  })

  test('of a person stand before those that were read, with who and when; the last one counts and all are kept', async () => {
    const own = await bench.ask({ definition: definition(definitionText(6)), models: ['wire:mixed'] })
    const since = Date.now()
    await override(bench.engine, who, own.id, 5, '1')
    await override(bench.engine, who, own.id, 5, 'refusal')
    await override(bench.engine, member('member'), own.id, 5, '5')
    expect((await resultsOf(bench.engine, who, own.id))[0]).toMatchObject({
      decisions: { 2: 1, 4: 2, 5: 1, refusal: 1, other: 1 },
      mean: 15 / 4,
    })
    const kept = await bench.db.sql(
      'select outcome, code, label, by, at from probe.overrides where run_id = $1 order by id',
      [own.id],
    )
    expect(kept).toMatchObject([
      { outcome: 'decision', code: '1', label: 'one', by: 'test-admin' },
      { outcome: 'refusal', code: null, label: null, by: 'test-admin' },
      { outcome: 'decision', code: '5', label: 'five', by: 'test-member' },
    ])
    for (const row of kept) expect(Math.abs((row['at'] as Date).getTime() - since)).toBeLessThan(10_000)
    const [untouched] = await bench.db.sql(
      'select outcome, decision_code from probe.transcripts where run_id = $1 and task = 5',
      [own.id],
    )
    expect(untouched).toEqual({ outcome: 'unparsed', decision_code: null })
  })

  test('off the scale, on nothing, or by somebody who may not are refused, and nothing is written', async () => {
    const [before] = await bench.db.sql('select count(*)::int from probe.overrides')
    const refusals = [
      await refusalOf(override(bench.engine, who, run.id, 1, '9')),
      await refusalOf(override(bench.engine, who, run.id, 99, '1')),
      await refusalOf(override(bench.engine, who, 999_999, 1, '1')),
      await refusalOf(override(bench.engine, who, run.id, 99_999_999_999, '1')),
      await refusalOf(override(bench.engine, member('viewer'), run.id, 1, '1')),
      await refusalOf(override(bench.engine, member('admin', 7), run.id, 1, '1')),
    ]
    expect(refusals.map((refusal) => refusal.code)).toEqual([
      'NOT_ON_THE_SCALE',
      'NO_SUCH_TRANSCRIPT',
      'NO_SUCH_TRANSCRIPT',
      'NO_SUCH_TRANSCRIPT',
      'NOT_ALLOWED',
      'NO_SUCH_TRANSCRIPT',
    ])
    expect(refusals[0]?.remedy).toContain('1, 2, 3, 4, 5, refusal, other, unparsed')
    expect((await bench.db.sql('select count(*)::int from probe.overrides'))[0]).toEqual(before)
  })

  test('of another workspace are nobody’s to see', async () => {
    const stranger: Principal = member('admin', 7)
    expect((await refusalOf(bench.engine.run(stranger, run.id))).code).toBe('NO_SUCH_RUN')
    expect(await resultsOf(bench.engine, stranger, run.id)).toEqual([])
  })
})
