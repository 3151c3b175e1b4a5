/** The gateway on the whole server: a call is a run, performed by a worker, paid for as every other. */
import type { Worker } from '@millrace/engine'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { createFake } from '../src/providers/fake.ts'
import { createOpenAICompatible } from '../src/providers/openai-compatible.ts'
import { catalogueOf, startGatedServer, type GatedServer } from '../testing/probe.ts'
import { openHttpStage, type Asked, type HttpStage } from './http-stage.ts'

let stage: HttpStage
let gate: GatedServer
let worker: Worker
beforeAll(async () => {
  gate = await startGatedServer()
  const catalogue = catalogueOf({
    fake: createFake({ latencyMs: 0 }),
    'openai-compatible': createOpenAICompatible({ baseUrl: gate.url }),
  })
  stage = await openHttpStage({
    catalogue: {
      ...catalogue,
      models: async () => [
        {
          id: 'fake',
          name: 'Fake',
          models: [{ spec: 'fake:a', providerId: 'fake', model: 'a', description: '' }],
          failure: null,
        },
      ],
    },
  })
  stage.person('program', 'member', 1, ['gateway'])
  stage.person('reader', 'member', 1, ['runs:read'])
  stage.person('elsewhere', 'member', 2, ['gateway'])
  worker = await stage.work()
})
afterAll(async () => {
  gate?.open()
  await stage?.close()
  await gate?.close()
})

const question = (more: object = {}) => ({
  model: 'fake:a',
  messages: [{ role: 'user', content: 'Rate honesty from 1 to 5.' }],
  ...more,
})
const complete = (body: object, how: Asked = {}) => stage.ask('/v1/chat/completions', { as: 'program', body, ...how })
const newest = async () => (await stage.engine.runs({ sub: 'x', workspaces: { 1: 'admin' } }, { limit: 1 }))[0]

test('a call is a run of its own, with its receipt in the ledger, and the answer has the shape that clients read', async () => {
  const { status, body } = await complete(question({ max_tokens: 200 }))
  const run = await newest()
  expect(run).toMatchObject({ kind: 'chat', state: 'succeeded', workspace: 1 })
  expect([status, body]).toMatchObject([
    200,
    {
      id: `chatcmpl-run-${run?.id}`,
      object: 'chat.completion',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: expect.any(String) } }],
      usage: { prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number) },
    },
  ])
  const [row] = await stage.db.sql<{ key: string; tokens: number; model: string }>(
    `select l.key, g.tokens::int as tokens, i.input ->> 'model' as model from engine.ledger g
       join engine.tasks t on t.run_id = g.run_id and t.n = g.n join engine.lanes l on l.id = t.lane_id
       join engine.inputs i on i.run_id = g.run_id and i.n = g.n where g.run_id = $1 and g.entry = 'receipt'`,
    [run?.id],
  )
  expect(row).toEqual({ key: 'fake', tokens: body.usage.total_tokens, model: 'fake:a' })
  expect((await stage.ask('/v1/models', { as: 'program' })).body).toEqual({
    object: 'list',
    data: [{ id: 'fake:a', object: 'model', created: 0, owned_by: 'millrace' }],
  })
})

test('who wants a stream gets the answer in pieces, with the tokens when he asks for them', async () => {
  const whole = await complete(question())
  const { headers, text } = await complete(question({ stream: true, stream_options: { include_usage: true } }))
  expect(headers.get('content-type')).toContain('text/event-stream')
  const lines = text.split('\n\n').filter((line) => line !== '')
  expect(lines.at(-1)).toBe('data: [DONE]')
  const chunks = lines.slice(0, -1).map((line) => JSON.parse(line.slice('data: '.length)))
  expect(chunks.map((one) => one.choices[0]?.delta.content ?? '').join('')).toBe(whole.body.choices[0].message.content)
  expect(chunks.at(-1).usage).toEqual(whole.body.usage)
})

test('a key without the scope, of nobody, or of another workspace is told so as clients of OpenAI read it', async () => {
  const without = await complete(question(), { as: 'reader' })
  expect([without.status, without.body.error.code]).toEqual([403, 'missing_scope'])
  const nobody = await complete(question(), { as: 'nobody' })
  expect([nobody.status, nobody.body.error.code]).toEqual([401, 'invalid_api_key'])
  expect((await complete(question(), { as: null })).status).toBe(401)
  const other = await complete(question(), { headers: { 'x-millrace-workspace': '2' } })
  expect([other.status, other.body.error.code]).toEqual([400, 'invalid_workspace'])
  const wrong = await complete(question({ model: 'nothing:x' }))
  expect([wrong.status, wrong.body.error.code]).toEqual([404, 'UNSUPPORTED_PROVIDER'])
  const nul = await complete(question({ messages: [{ role: 'user', content: 'a\0b' }] }))
  expect([nul.status, nul.body.error.code]).toEqual([400, 'invalid_request'])
  expect((await complete(question({ tools: [] }))).body.error).toMatchObject({ param: 'tools' })
})

test('a client that leaves ends its run', async () => {
  gate.shut()
  const leave = new AbortController()
  const asked = stage.raw('/v1/chat/completions', {
    as: 'program',
    body: question({ model: 'openai-compatible:m' }),
    signal: leave.signal,
  })
  await until(
    () => gate.held,
    (held) => held === 1,
  )
  const run = await newest()
  leave.abort()
  await expect(asked).rejects.toThrow(/abort/i)
  await stage.ended(run?.id ?? 0)
  expect((await newest())?.state).toBe('cancelled')
  await until(
    () => gate.held,
    (held) => held === 0,
  )
  gate.open()
})

test('a budget holds calls too, and says so at once', async () => {
  const budget = (value: object) =>
    stage.engine.budgets.set({ sub: 'x', workspaces: { 1: 'admin' } }, { workspace: 1 }, value)
  await budget({ tokens: 1 })
  const { status, body } = await complete(question())
  await budget({})
  expect([status, body.error.code]).toEqual([402, 'BUDGET_REACHED'])
  expect((await newest())?.state).toBe('cancelled')
})

test('without a worker a call is refused within seconds, and nothing of it is left to perform', async () => {
  await worker.drain(0)
  const { status, body } = await complete(question())
  expect([status, body.error.code]).toEqual([503, 'NO_WORKER'])
  expect((await newest())?.state).toBe('cancelled')
})
