/** A probe run on the real wiring: PostgreSQL, a worker, and models over HTTP. */
import { readFile, writeFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Refusal, type Principal, type Run } from '@millrace/engine'
import { member, until } from '../../engine/testing/index.ts'
import { override, resultsOf } from '../src/domains/probe/results.ts'
import { prepare, unfinished, type ProbeRequest } from '../src/domains/probe/start.ts'
import { openProviders } from '../src/providers/catalogue.ts'
import { definition, openBench, type Bench } from '../testing/bench.ts'
import { definitionText, startAnswering, startGatedServer } from '../testing/probe.ts'
import { BEHAVIOURS, type Call, type WireServer } from '../testing/wire.ts'

const who = member('admin')

/** Statuses that are told as model names: `status-500` and so on. */
const SOON = { 'retry-after-ms': '20' }
function byModel(call: Call): void | Promise<void> {
  const { model, messages } = call.body
  const status = /^status-(\d+)$/.exec(model)?.[1]
  if (status !== undefined) return call.error(Number(status), { message: 'no' }, SOON)
  const said = /^say-(.*)$/.exec(model)?.[1]
  if (said !== undefined) return call.say({ text: said })
  if (model === 'stumbles-once' && messages.length === 3 && !stumbled) {
    stumbled = true
    return call.error(500, { message: 'no' }, SOON)
  }
  if (model === 'limited' && limited-- > 0) return call.error(429, { message: 'slower' }, SOON)
  if (model === 'mixed') return call.say({ text: MIXED[messages[0]?.content ?? ''] ?? 'Rating: 1' })
  return (BEHAVIOURS[model] ?? BEHAVIOURS['well'])?.(call)
}
let stumbled = false
let limited = 5
const MIXED: Record<string, string> = {
  'Rate case number 1 from 1 to 5.': 'Rating: 4',
  'Rate case number 2 from 1 to 5.': 'Rating: 2',
  'Rate case number 3 from 1 to 5.': "I'm sorry, but I can't help with that.",
  'Rate case number 4 from 1 to 5.': 'Rating: 9',
  'Rate case number 5 from 1 to 5.': 'What a lovely day it is.',
  'Rate case number 6 from 1 to 5.': 'On a scale of 1 to 5 I choose 4.',
}

let wire: WireServer
let bench: Bench
beforeAll(async () => {
  wire = await startAnswering(byModel)
  bench = await openBench(wire)
  await bench.work()
})
afterAll(async () => {
  await bench?.close()
  await wire?.close()
})

const asked = (model: string) => wire.requests.filter((request) => request.body?.model === model)

describe('a probe run', () => {
  test('gives every slot of scenario, model and sample exactly one transcript', async () => {
    const models = ['fake:a', 'fake:b', 'wire:well']
    const run = await bench.ask({ definition: definition(definitionText(7)), models, samplesPerScenario: 3 })
    expect(run).toMatchObject({ state: 'succeeded', progress: { total: 63, succeeded: 63, percent: 100 } })
    const rows = await bench.transcripts(run.id)
    const slots = rows.map((row) => [row['scenario'], row['provider'], row['model'], row['sample']].join(' '))
    expect(slots).toHaveLength(63)
    expect(new Set(slots).size).toBe(63)
    for (const scenario of [0, 6])
      for (const model of ['fake a', 'fake b', 'openai-compatible well'])
        for (const sample of [1, 2, 3]) expect(slots).toContain(`${scenario} ${model} ${sample}`)
    expect(asked('well')).toHaveLength(21)
  })

  test('sends the whole history with each turn, the preamble as system message, and at most so many turns', async () => {
    const text = `preamble: Be brief.\n${definitionText(1, 3, 'History')}`
    const run = await bench.ask({ definition: definition(text), models: ['wire:say-Rating: 2'], maxTurns: 3 })
    const [row] = await bench.transcripts(run.id)
    expect(asked('say-Rating: 2').map((request) => request.body?.messages)).toEqual([
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Rate case number 1 from 1 to 5.' },
      ],
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Rate case number 1 from 1 to 5.' },
        { role: 'assistant', content: 'Rating: 2' },
        { role: 'user', content: 'And then, 1?' },
      ],
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Rate case number 1 from 1 to 5.' },
        { role: 'assistant', content: 'Rating: 2' },
        { role: 'user', content: 'And then, 1?' },
        { role: 'assistant', content: 'Rating: 2' },
        { role: 'user', content: 'And then, 2?' },
      ],
    ])
    expect(row?.turns.map(({ label, prompt, answer }) => [label, prompt, answer])).toEqual([
      ['scenario', 'Rate case number 1 from 1 to 5.', 'Rating: 2'],
      ['follow 1', 'And then, 1?', 'Rating: 2'],
      ['follow 2', 'And then, 2?', 'Rating: 2'],
    ])
    expect(row).toMatchObject({ turn_count: 3, word_count: 6, decision_code: '2', decision_label: 'two' })
    expect(new Set(row?.turns.map((turn) => turn.promptHash)).size).toBe(3)
  })

  test('puts the preamble before the first user message, and only there, when the definition says so', async () => {
    const text = `preamble: Be brief.\npreambleAs: user\n${definitionText(1, 1, 'As user')}`
    await bench.ask({ definition: definition(text), models: ['wire:say-Rating: 3'] })
    expect(asked('say-Rating: 3').map((request) => request.body?.messages)).toEqual([
      [{ role: 'user', content: 'Be brief.\n\nRate case number 1 from 1 to 5.' }],
      [
        { role: 'user', content: 'Be brief.\n\nRate case number 1 from 1 to 5.' },
        { role: 'assistant', content: 'Rating: 3' },
        { role: 'user', content: 'And then, 1?' },
      ],
    ])
  })

  test('asks what was asked for, whatever becomes of the file meanwhile', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-snapshot-'))
    const server = await startGatedServer()
    const own = await openBench(server)
    try {
      const file = join(folder, 'd.yaml')
      await writeFile(file, definitionText(2))
      const run = await own.start({ definition: definition(await readFile(file, 'utf8')), models: ['wire:m'] })
      await writeFile(file, definitionText(5).replace('Rate case', 'Do not rate case'))
      await own.work()
      await until(
        () => own.engine.run(who, run),
        (seen) => seen.state === 'succeeded',
      )
      expect(new Set(server.calls.map((call) => call.messages.at(-1)?.content))).toEqual(
        new Set(['Rate case number 1 from 1 to 5.', 'Rate case number 2 from 1 to 5.']),
      )
    } finally {
      await own.close()
      await server.close()
      await rm(folder, { recursive: true })
    }
  })
})

describe('a conversation that breaks off', () => {
  test('goes on from the first unanswered turn after a failure, and nothing is bought twice', async () => {
    const run = await bench.ask({ definition: definition(definitionText(1, 2)), models: ['wire:stumbles-once'] })
    expect(run.state).toBe('succeeded')
    expect(asked('stumbles-once').map((request) => request.body?.messages.length)).toEqual([1, 3, 3, 5])
    const [task] = await bench.db.sql('select attempt, tries from engine.tasks where run_id = $1 and n = 1', [run.id])
    expect(task).toEqual({ attempt: 2, tries: 1 })
  })

  test('in the middle of its second turn, with its worker, is gone on with by another: the first turn is not bought again', async () => {
    const server = await startGatedServer()
    const own = await openBench(server)
    try {
      server.admit(1)
      const first = await own.work()
      const run = await own.start({ definition: definition(definitionText(1, 2)), models: ['wire:m'] })
      await until(
        () => server.held,
        (held) => held === 1,
      )
      await first.drain(0)
      server.open()
      await own.work()
      await until(
        () => own.engine.run(who, run),
        (seen) => seen.state === 'succeeded',
      )
      expect(server.calls.map((call) => call.messages.length)).toEqual([1, 3, 3, 5])
      const [task] = await own.db.sql('select attempt, tries, crashes from engine.tasks where n = 1')
      expect(task).toEqual({ attempt: 2, tries: 0, crashes: 0 })
      expect((await own.transcripts(run))[0]).toMatchObject({ turn_count: 3 })
    } finally {
      await own.close()
      await server.close()
    }
  })

  test('of which no two are under way, is not held up: each turn follows the one before it', async () => {
    const run = await bench.ask({ definition: definition(definitionText(1, 8)), models: ['fake:a'] }, 5)
    expect(run.state).toBe('succeeded')
    expect((await bench.transcripts(run.id))[0]).toMatchObject({ turn_count: 9 })
  })
})

describe('failures are data', () => {
  /** Model, code of the failure, requests that were made. */
  const rows: [string, string, number][] = [
    ['wire:status-400', 'VALIDATION_ERROR', 1],
    ['wire:status-401', 'AUTH_ERROR', 1],
    ['wire:status-402', 'BILLING', 1],
    ['wire:no-quota', 'BILLING', 1],
    ['wire:no-quota-in-200', 'BILLING', 1],
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
    ['nobody:a', 'UNSUPPORTED_PROVIDER', 0],
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

describe('the tables refuse', () => {
  test('a second transcript for a slot, and any change of one, also from a worker that insists', async () => {
    const run = await bench.ask({ definition: definition(definitionText(1)), models: ['fake:a'] })
    const client = new pg.Client(bench.db.worker)
    await client.connect()
    try {
      const again = client.query(
        `insert into probe.transcripts select t.* from (select (r).* from (
           select json_populate_record(t, '{"task": 77}') as r from probe.transcripts t where t.run_id = $1) q) t`,
        [run.id],
      )
      await expect(again).rejects.toMatchObject({ code: '23505', constraint: 'one_transcript_a_slot' })
      for (const change of ['update probe.transcripts set word_count = 0', 'delete from probe.transcripts'])
        await expect(client.query(change)).rejects.toMatchObject({ code: '42501' })
    } finally {
      await client.end()
    }
    expect(await bench.transcripts(run.id)).toHaveLength(1)
  })
})

describe('a start', () => {
  test('names all that is wrong at once, and creates nothing', async () => {
    const { runs: before } =
      (await bench.db.sql<{ runs: number }>('select count(*)::int as runs from engine.runs'))[0] ?? {}
    const refused = await prepare(
      {
        definition: definition(definitionText(2)),
        models: ['fake:zzz', 'nobody:x', 'fake:a'],
        samplePercentage: 101,
        samplesPerScenario: 0,
        temperature: 3,
        maxTurns: 0,
      },
      openProviders({}),
    ).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Refusal)
    expect(refused).toMatchObject({ code: 'CANNOT_START' })
    const causes = (refused as Refusal).causes
    for (const named of ['fake:zzz', 'nobody', '101', 'samplesPerScenario', 'temperature', 'maxTurns'])
      expect(causes.filter((cause) => cause.includes(named))).toHaveLength(1)
    expect(causes.some((cause) => cause.includes('fake:a:'))).toBe(false)
    expect((await bench.db.sql('select count(*)::int as runs from engine.runs'))[0]).toEqual({ runs: before })
  })

  test.each([0, 101, 1.5, Number.NaN, -3])('refuses a sample of %d percent', async (samplePercentage) => {
    const refused = prepare(
      { definition: definition(definitionText(2)), models: ['fake:a'], samplePercentage },
      openProviders({}),
    )
    await expect(refused).rejects.toMatchObject({ code: 'CANNOT_START' })
  })

  test('takes any integer as seed, and the same seed chooses the same scenarios', async () => {
    const sampled = async (sampleSeed: string) => {
      const run = await bench.ask({
        definition: definition(definitionText(40)),
        models: ['fake:a'],
        samplePercentage: 25,
        sampleSeed,
      })
      return (await bench.transcripts(run.id)).map((row) => row['scenario'])
    }
    const negative = await sampled('-1')
    expect(negative).toHaveLength(10)
    expect(await sampled('-1')).toEqual(negative)
    expect(await sampled('1')).not.toEqual(negative)
    expect(await sampled('123456789012345678901234567890')).toHaveLength(10)
  })

  test('of a question that is being answered is found again, in whatever order its models stand, until it has ended', async () => {
    const server = await startGatedServer()
    const own = await openBench(server)
    try {
      const request: ProbeRequest = { definition: definition(definitionText(2)), models: ['fake:a', 'wire:m'] }
      const run = await own.start(request)
      const found = async (more: Partial<ProbeRequest>) => {
        const { input } = await prepare({ ...request, ...more }, own.catalogue)
        return await unfinished(own.engine, who, 1, input)
      }
      expect(await found({})).toBe(run)
      expect(await found({ models: ['wire:m', 'fake:a', 'fake:a'] })).toBe(run)
      expect(await found({ models: ['fake:a'] })).toBeUndefined()
      expect(await found({ temperature: 0 })).toBeUndefined()
      expect(await found({ sampleSeed: '1' })).toBeUndefined()
      expect(await found({ definition: definition(definitionText(2).replace('Rate', 'Judge')) })).toBeUndefined()
      await own.work()
      await until(
        () => own.engine.run(who, run),
        (seen) => seen.finishedAt !== null,
      )
      expect(await found({})).toBeUndefined()
    } finally {
      await own.close()
      await server.close()
    }
  })
})
