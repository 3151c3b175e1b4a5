/** What is told of health, and of a run while it goes on, is what the tables say. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { operator } from '../src/app.ts'
import { failureOf } from '../src/providers/failures.ts'
import { createFake } from '../src/providers/fake.ts'
import { createOpenAICompatible } from '../src/providers/openai-compatible.ts'
import { DOORS, STATUSES, statusAt } from '../src/http/words.ts'
import { definition } from '../testing/bench.ts'
import { catalogueOf, definitionText, startGatedServer, type GatedServer } from '../testing/probe.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

let gate: GatedServer
let stage: HttpStage
beforeAll(async () => {
  gate = await startGatedServer()
  const failure = failureOf('VALIDATION_ERROR', { status: 400 })
  const catalogue = catalogueOf({
    fake: createFake({ latencyMs: 0 }),
    wrong: createFake({ latencyMs: 0, script: Array.from({ length: 100 }, () => ({ failure })) }),
    'openai-compatible': createOpenAICompatible({ baseUrl: gate.url }),
  })
  stage = await openHttpStage({
    catalogue,
  })
})
afterAll(async () => {
  gate.open()
  await stage.close()
  await gate.close()
})

async function start(models: string[], more: object = {}, scenarios = 6): Promise<number> {
  const { body } = await stage.ask('/api/runs', {
    body: { definition: definition(definitionText(scenarios)), models, ...more },
  })
  return body.run.id
}

test('the counts of the queue, the workers and the metrics are those of SQL, while it moves and after', async () => {
  const quiet = await stage.ask('/api/health/queue')
  expect(quiet.body).toMatchObject({
    running: false,
    pending: 0,
    active: 0,
    successRate: null,
    oldestWaiting: null,
    runs: {},
  })
  expect((await stage.ask('/api/health/system')).body).toMatchObject({ status: 'degraded', problems: ['no_worker'] })

  gate.shut()
  const worker = await stage.work(4)
  const mixed = await start(['fake:a', 'wrong:x'], {}, 4)
  await stage.ended(mixed)
  const going = await start(['openai-compatible:m'])
  const held = await start(['fake:a'], { hold: true })
  await until(
    () => gate.held,
    (calls) => calls === 4,
  )
  const [open] = await stage.db.sql(
    `select count(*) filter (where t.state = 'ready')::int as pending, count(*) filter (where t.state = 'running')::int as active,
            count(*) filter (where t.state = 'ready' and l.stop is not null)::int as held
       from engine.tasks t join engine.lanes l on l.id = t.lane_id`,
  )
  const [ended] = await stage.db.sql(
    `select count(*) filter (where state = 'succeeded')::int as completed, count(*) filter (where state = 'failed')::int as failed from engine.tasks where n > 0`,
  )
  const { body } = await stage.ask('/api/health/queue')
  expect(open).toEqual({ pending: 8, active: 4, held: 6 })
  expect(body).toMatchObject({ running: true, ...open, runs: { running: 1, paused: 1 } })
  expect({ completed: body.completedLastHour, failed: body.failedLastHour }).toEqual(ended)
  expect({ completed: body.completedLastDay, failed: body.failedLastDay }).toEqual(ended)
  expect(ended?.['completed']).toBe(4)
  expect(body.successRate).toBe(0.5)
  expect((await stage.ask('/api/health/workers')).body).toMatchObject({
    alive: 1,
    stale: 0,
    slots: 4,
    busy: 4,
    workers: [{ id: worker.id, running: 4 }],
  })
  expect((await stage.ask('/api/health/system')).body).toMatchObject({ status: 'ok', problems: [] })

  const { text } = await stage.ask('/metrics', { as: null })
  const value = (line: string) =>
    Number(
      text
        .split('\n')
        .find((one) => one.startsWith(`${line} `))
        ?.split(' ')[1],
    )
  expect(value('millrace_tasks{state="ready"}')).toBe(8)
  expect(value('millrace_tasks{state="running"}')).toBe(4)
  expect(value('millrace_tasks{state="succeeded"}')).toBe(4)
  expect(value('millrace_tasks{state="failed"}')).toBe(4)
  expect(value('millrace_runs{state="running"}')).toBe(1)
  expect(value('millrace_runs{state="queued"}')).toBe(1)
  expect(value('millrace_workers_alive')).toBe(1)
  const claims = value('millrace_claims_total') - value('millrace_closes_total')
  expect(claims).toBe(4)

  // What failed is done once more: it is not counted twice, and nothing that succeeded is.
  gate.open()
  await stage.ended(going)
  await stage.engine.cancel(operator, held)
  await stage.ask(`/api/runs/${mixed}/retry`, { method: 'POST' })
  await stage.ended(mixed)
  const after = (await stage.ask('/api/health/queue')).body
  expect([after.completedLastHour, after.failedLastHour]).toEqual([10, 8])
  await worker.drain(0)
})

test('the numbers for Prometheus are such as Prometheus takes, and only for this machine or an admin', async () => {
  const { text, headers } = await stage.ask('/metrics', { as: null })
  expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  for (const line of text.split('\n')) {
    expect(line).toMatch(
      /^$|^# (HELP|TYPE) [a-z0-9_]+ .+$|^[a-z0-9_]+(\{([a-z_]+="[^"]*",?)+\})? (-?[\d.e+-]+|NaN|\+Inf)$/,
    )
  }
  if (existsSync('/usr/bin/promtool')) {
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    expect([checked.status, checked.stderr]).toEqual([0, expect.not.stringMatching(/error/i)])
  }
  const through = { 'x-forwarded-for': '203.0.113.9' }
  expect((await stage.ask('/metrics', { as: null, headers: through })).status).toBe(401)
  stage.person('narrow', 'admin', 1, ['runs:read'])
  expect((await stage.ask('/metrics', { as: 'narrow', headers: through })).status).toBe(403)
  expect((await stage.ask('/metrics', { headers: through })).status).toBe(200)
})

test('the providers are told without a paid call', async () => {
  const before = gate.calls.length
  const { body } = await stage.ask('/api/health/providers')
  const told = Object.fromEntries(
    body.providers.map((one: { id: string; configured: boolean; connected: boolean }) => [
      one.id,
      [one.configured, one.connected],
    ]),
  )
  expect(told).toMatchObject({ fake: [true, true], 'openai-compatible': [true, true] })
  expect(gate.calls.length).toBe(before)
})

describe('a run', () => {
  test('is paused, says why it waits, goes on and is cancelled; each verb may come twice', async () => {
    gate.shut()
    const worker = await stage.work(2)
    const run = await start(['openai-compatible:m', 'fake:a'], { hold: true })
    const verb = async (word: string) => {
      const first = await stage.ask(`/api/runs/${run}/${word}`, { method: 'POST' })
      const second = await stage.ask(`/api/runs/${run}/${word}`, { method: 'POST' })
      expect([first.status, second.status]).toEqual([200, 200])
      return second.body.run.status
    }
    expect((await stage.ask(`/api/runs/${run}/why`)).body.waiting.map((one: { reason: string }) => one.reason)).toEqual(
      ['paused', 'paused'],
    )
    expect(await verb('resume')).not.toBe('paused')
    const act = async (action: string) => (await stage.ask(`/api/runs/${run}`, { body: { action } })).body
    expect((await act('pause')).run.status).toBe('paused')
    expect((await act('retry')).code).toBe('NOT_ENDED')
    expect((await act('resume')).run.status).not.toBe('paused')
    await until(
      () => gate.held,
      (calls) => calls > 0,
    )
    const { body: progress } = await until(
      () => stage.ask(`/api/runs/${run}/progress?by=model`),
      ({ body }) => body.status === 'running',
    )
    expect(progress).toMatchObject({ status: 'running', total: 12, inFlight: expect.any(Number) })
    const [sql] = await stage.db.sql(
      `select json_object_agg(model, done) as done from (select i.input ->> 'model' as model, count(*) filter (where t.state = 'succeeded') as done
         from engine.tasks t join engine.inputs i using (run_id, n) where t.run_id = $1 and t.n > 0 group by 1) q`,
      [run],
    )
    const done = Object.fromEntries(
      progress.byModel.map((one: { model: string; completed: number }) => [one.model, one.completed]),
    )
    expect(Object.keys(done)).toEqual(
      Object.keys(sql?.['done'] as object)
        .sort()
        .toReversed(),
    )
    expect(await verb('pause')).toBe('paused')
    expect(['cancelled', 'running', 'paused']).toContain(await verb('cancel'))
    gate.open()
    await stage.ended(run)
    expect((await stage.ask(`/api/runs/${run}/pause`, { method: 'POST' })).body).toMatchObject({
      code: 'WRONG_STATE',
      detail: 'The run is cancelled, which does not allow this.',
    })
    await worker.drain(0)
  })

  test('is found by what it is, page by page, and steered with others at once', async () => {
    const runs = [
      await start(['fake:a'], { hold: true }),
      await start(['fake:a'], { hold: true }),
      await start(['fake:a'], { hold: true }),
    ]
    const paused: number[] = []
    for (let cursor = ''; ;) {
      const { body } = await stage.ask(`/api/runs?status=paused&kind=probe&search=small&limit=2${cursor}`)
      paused.push(...body.items.map((one: { id: number }) => one.id))
      if (body.next === null) break
      cursor = `&cursor=${body.next}`
    }
    expect(paused).toEqual(runs.toReversed())
    expect((await stage.ask(`/api/runs?search=${runs[0]}`)).body.items[0].id).toBe(runs[0])
    expect((await stage.ask('/api/runs?until=2001-01-01T00:00:00Z')).body.items).toEqual([])
    const { body } = await stage.ask('/api/runs/cancel', { body: { runs: [...runs, 999_999] } })
    expect(body.results).toEqual([
      ...runs.map((run) => ({ run, status: 'cancelled', code: null })),
      { run: 999_999, status: null, code: 'NO_SUCH_RUN' },
    ])
  })

  test('has tasks with their failures, a budget, results, a matrix and transcripts that agree with one another', async () => {
    const worker = await stage.work()
    const run = await start(['fake:a', 'wrong:x'], { budget: { tokens: 100_000 }, samplesPerScenario: 2 }, 3)
    await stage.ended(run)
    const failed = await stage.ask(`/api/runs/${run}/tasks?state=failed&limit=4`)
    expect(failed.body.items).toHaveLength(4)
    expect(failed.body.items[0].failure.code).toEqual(expect.any(String))
    const one = await stage.ask(`/api/runs/${run}/tasks/${failed.body.items[0].n}`)
    expect(one.body).toMatchObject({ input: { model: 'wrong:x' }, attempts: expect.any(Array) })
    const budget = (await stage.ask(`/api/runs/${run}/budget`)).body.budget
    expect(budget).toMatchObject({ tokens: 100_000, micros: null })
    expect(budget.usedTokens).toBeGreaterThan(0)

    const { models } = (await stage.ask(`/api/runs/${run}/results`)).body
    expect(models).toMatchObject([
      { model: 'fake:a', answered: 6, failed: 0 },
      { model: 'wrong:x', answered: 0, failed: 6 },
    ])
    const rows: {
      cells: Record<
        string,
        { answered: number; failed: number; decisions: Record<string, number>; transcripts: number[] }
      >
    }[] = []
    for (let cursor = ''; ;) {
      const { body } = await stage.ask(`/api/runs/${run}/matrix?limit=2${cursor}`)
      rows.push(...body.items)
      if (body.next === null) break
      cursor = `&cursor=${body.next}`
    }
    expect(rows.map(({ cells }) => [cells['fake:a']?.answered, cells['wrong:x']?.failed])).toEqual([
      [2, 2],
      [2, 2],
      [2, 2],
    ])
    const numbers = rows.flatMap(({ cells }) => cells['fake:a']?.transcripts ?? []).sort((a, b) => a - b)
    const listed = (await stage.ask(`/api/runs/${run}/transcripts?model=fake:a`)).body.items
    expect(listed.map(({ n }: { n: number }) => n)).toEqual(numbers)

    const [first, second] = numbers
    const opened = await stage.ask(`/api/runs/${run}/transcripts/${first}?model=fake:a`)
    expect(opened.body).toMatchObject({ previous: null, next: second, turns: [{ label: 'scenario' }] })
    const found = await stage.ask(`/api/runs/${run}/transcripts?search=${encodeURIComponent('CASE NUMBER 2')}`)
    expect(found.body.items.map(({ scenario }: { scenario: number }) => scenario)).toEqual([1, 1])

    const decided = await stage.ask(`/api/runs/${run}/transcripts/${first}/decision`, {
      method: 'PUT',
      body: { decision: 'refusal' },
    })
    expect(decided.body).toMatchObject({
      decision: 'refusal',
      overridden: true,
      overrides: [{ by: 'admin', outcome: 'refusal' }],
    })
    expect(
      (await stage.ask(`/api/runs/${run}/transcripts?decision=refusal`)).body.items.map(({ n }: { n: number }) => n),
    ).toContain(first)
    const off = await stage.ask(`/api/runs/${run}/transcripts/${first}/decision`, {
      method: 'PUT',
      body: { decision: '77' },
    })
    expect([off.status, off.body.code]).toEqual([422, 'NOT_ON_THE_SCALE'])
    const retry = await stage.ask(`/api/runs/${run}/retry`, { body: { what: 'all' } })
    expect([retry.status, retry.body.code]).toEqual([409, 'TRANSCRIPTS_STAY'])
    await worker.drain(0)
  })

  test('of any kind is started by its name, with what the kind says that it takes', async () => {
    const { kinds } = (await stage.ask('/api/kinds')).body
    expect(kinds).toMatchObject([
      {
        name: 'probe',
        tasks: ['probe.ask.fake', 'probe.ask.wrong', 'probe.ask.openai-compatible'],
        input: { type: 'object' },
      },
      { name: 'probe.analysis', tasks: ['analyze_basic'], input: { type: 'object' } },
      {
        name: 'chat',
        tasks: ['chat.answer.fake', 'chat.answer.wrong', 'chat.answer.openai-compatible'],
        input: { type: 'object' },
      },
      { name: 'diagnosis', input: { type: 'object' } },
      { name: 'tool', input: { type: 'object' } },
      { name: 'stage', input: { type: 'object' } },
    ])
    const input = {
      definition: definition(definitionText(1)),
      models: ['fake:a'],
      samplePercentage: 100,
      sampleSeed: '0',
      samplesPerScenario: 1,
      maxTurns: 10,
    }
    const started = await stage.ask('/api/kinds/probe/runs', { body: { input, hold: true } })
    expect([started.status, started.body.run.status]).toEqual([201, 'paused'])
    expect((await stage.ask('/api/kinds/probe/runs', { body: { input: {} } })).status).toBe(422)
    expect((await stage.ask('/api/kinds/nothing/runs', { body: { input: {} } })).body.code).toBe('UNKNOWN_KIND')
  })
})

test('each door has its own word for each status, and no other', () => {
  const rows = STATUSES.map((status) => [
    status,
    ...Object.keys(DOORS).map((door) => statusAt(door as keyof typeof DOORS, status)),
  ])
  expect(Object.keys(DOORS)).toEqual(['rest', 'probe', 'diagnosis', 'tool', 'mcp'])
  expect(rows).toEqual([
    ['queued', 'queued', 'PENDING', 'queued', 'PENDING', 'working'],
    ['running', 'running', 'RUNNING', 'in_progress', 'RUNNING', 'working'],
    ['paused', 'paused', 'PAUSED', 'queued', 'PENDING', 'working'],
    ['awaiting_approval', 'awaiting_approval', 'PAUSED', 'queued', 'PENDING', 'input_required'],
    ['succeeded', 'succeeded', 'COMPLETED', 'completed', 'SUCCESS', 'completed'],
    ['failed', 'failed', 'FAILED', 'failed', 'FAILED', 'failed'],
    ['cancelled', 'cancelled', 'CANCELLED', 'failed', 'FAILED', 'cancelled'],
  ])
})
