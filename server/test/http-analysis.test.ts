/** What is known about runs besides their answers, over HTTP: the same as on the command line. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { operator } from '../src/app.ts'
import { keptAnalysis } from '../src/domains/probe/analysis/kept-analysis.ts'
import { compareRuns } from '../src/domains/probe/compare/compare.ts'
import { efficiencyOf } from '../src/domains/probe/efficiency/efficiency.ts'
import { usageSince } from '../src/prices/usage.ts'
import { definition } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

let stage: HttpStage
const runs: number[] = []
beforeAll(async () => {
  stage = await openHttpStage()
  stage.person('member', 'member')
  await stage.work()
  for (const _ of [1, 2]) {
    const { body } = await stage.ask('/api/runs', {
      body: { definition: definition(definitionText(4)), models: ['fake:a', 'fake:b'] },
    })
    runs.push(body.run.id)
    await stage.ended(body.run.id)
  }
})
afterAll(() => stage?.close())

/** As it goes over the wire. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test('analysis, comparison, efficiency and usage are those of the command line, whole', async () => {
  const [first = 0, second = 0] = runs
  const { body } = await stage.ask(`/api/runs/${first}/analysis`)
  expect(body).toEqual(plain(await keptAnalysis(stage.engine, operator, first)))
  expect(body.state).toBe('current')
  expect((await stage.ask(`/api/compare?runs=${first},${second}&seed=7`)).body).toEqual(
    plain(await compareRuns(stage.engine, operator, runs, 7)),
  )
  expect((await stage.ask(`/api/compare?runs=${first}`)).body.pairing).toBe('models of the run')
  expect((await stage.ask(`/api/runs/${first}/efficiency`)).body).toEqual(
    plain(await efficiencyOf(stage.engine, operator, first)),
  )
  const usage = (await stage.ask('/api/usage?by=model&days=2')).body
  const { lines, total } = await usageSince(stage.engine, operator, new Date(usage.since), 'model')
  expect(usage).toMatchObject({ by: 'model', lines: plain(lines), total: plain(total) })
  expect(usage.total.calls).toBe(16)
})

test('an analysis is made anew when decisions were changed, and not otherwise', async () => {
  const [first = 0] = runs
  const current = await stage.ask(`/api/runs/${first}/analysis`, { method: 'POST' })
  expect([current.status, current.body]).toEqual([200, { run: null }])
  await stage.ask(`/api/runs/${first}/transcripts/1/decision`, { method: 'PUT', body: { decision: 'refusal' } })
  expect((await stage.ask(`/api/runs/${first}/analysis`)).body.state).toBe('outdated')
  const made = await stage.ask(`/api/runs/${first}/analysis`, { method: 'POST' })
  expect([made.status, made.body.run]).toMatchObject([201, { kind: 'probe.analysis', parent: first }])
  await stage.ended(made.body.run.id)
  const { body } = await stage.ask(`/api/runs/${first}/analysis`)
  expect([body.state, body.analysis.models[0].refusal]).toEqual(['current', 1])
})

test('a workspace has a budget that its admins set', async () => {
  const budget = { tokens: 5_000_000, micros: null }
  expect(
    (await stage.ask('/api/workspaces/1/budget', { method: 'PUT', body: { tokens: 5_000_000 } })).body,
  ).toMatchObject({
    budget,
  })
  expect((await stage.ask('/api/workspaces/1/budget', { as: 'member' })).body).toMatchObject({ budget })
  const refused = await stage.ask('/api/workspaces/1/budget', { as: 'member', method: 'PUT', body: {} })
  expect([refused.status, refused.body.code]).toEqual([403, 'NOT_ALLOWED'])
  expect((await stage.ask('/api/workspaces/1/budget', { method: 'PUT', body: {} })).body.budget.tokens).toBeNull()
})

test('models have their prices, and the key of a provider is kept and given to nobody', async () => {
  const { models, providers } = (await stage.ask('/api/models')).body
  expect(models).toContainEqual(
    expect.objectContaining({
      spec: 'fake:a',
      price: { input: 0, output: 0, deprecated: false, table: 'fake', version: '1' },
    }),
  )
  expect(providers).toContainEqual(
    expect.objectContaining({ id: 'openai', failure: expect.objectContaining({ code: 'MISSING_API_KEY' }) }),
  )
  const secret = 'sk-CANARY-0123456789'
  const path = '/api/provider-keys/openai'
  const put = await stage.ask(path, { method: 'PUT', body: { key: secret }, headers: { 'idempotency-key': 'key-1' } })
  expect(put.body).toEqual({ provider: 'openai', fingerprint: expect.stringMatching(/^[0-9a-f]{6}$/) })
  const listed = await stage.ask('/api/provider-keys')
  expect(listed.body.keys).toMatchObject([{ provider: 'openai', source: 'database', by: 'admin' }])
  expect([put.text, listed.text, ...stage.logged].join('')).not.toContain('CANARY')
  expect(await stage.db.sql("select key from doors.replays where key = 'key-1'")).toEqual([])
  const refused = await stage.ask(path, { as: 'member', method: 'PUT', body: { key: secret } })
  expect([refused.status, refused.body.code]).toEqual([403, 'NOT_ALLOWED'])
  expect((await stage.ask('/api/provider-keys/nobody', { method: 'PUT', body: { key: 'x' } })).status).toBe(404)
  expect((await stage.ask(path, { method: 'DELETE' })).status).toBe(204)
  expect((await stage.ask(path, { method: 'DELETE' })).body.code).toBe('NO_SUCH_KEY')
})

test('old runs are counted first, and thrown away by whoever may', async () => {
  const old = (await stage.ask('/api/retention?olderThanDays=0&kind=probe')).body
  expect(old).toMatchObject({ runs: 2, oldest: { id: runs[0], kind: 'probe' } })
  const prune = (body: object, as = 'admin') => stage.ask('/api/retention/prune', { as, body })
  expect((await prune({ olderThanDays: 0 }, 'member')).body.code).toBe('NOT_ALLOWED')
  expect((await prune({ olderThanDays: 1 })).body).toEqual({ pruned: 0, more: false })
  expect((await prune({ olderThanDays: 0, kind: 'probe' })).body).toEqual({ pruned: 2, more: false })
  expect((await stage.ask(`/api/runs/${runs[0]}/analysis`)).body.code).toBe('NO_SUCH_RUN')
})
