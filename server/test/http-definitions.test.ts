/** Definitions that are kept: versions, forks, files, and what is looked at. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { definition } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

let stage: HttpStage
const small = definition(definitionText(3))
beforeAll(async () => {
  stage = await openHttpStage()
  await stage.work()
})
afterAll(() => stage.close())

const keep = async (body: object = small) => (await stage.ask('/api/definitions', { body })).body

test('an edit makes a version, the old one stays, and who looked at an older one is told', async () => {
  const { id, hash } = await keep()
  const edit = (body: object) => stage.ask(`/api/definitions/${id}`, { method: 'PATCH', body })
  const second = await edit({ baseVersion: 1, set: { name: 'Smaller', tags: ['a', 'b'] } })
  expect(second.body).toMatchObject({ version: 2, shown: 2, name: 'Smaller', tags: ['a', 'b'], overridden: null })
  expect((await stage.ask(`/api/definitions/${id}?version=1`)).body).toMatchObject({
    shown: 1,
    hash,
    content: { name: 'Small' },
  })
  expect(await edit({ baseVersion: 1, set: { name: 'Smallest' } })).toMatchObject({
    status: 409,
    body: { code: 'DEFINITION_CHANGED' },
  })
  expect((await edit({ set: { name: 'Smaller' } })).body.version).toBe(2)
  const wrong = await edit({ set: { template: 'Rate [Nothing].' } })
  expect([wrong.status, wrong.body.code]).toEqual([422, 'INVALID_DEFINITION'])
  expect(wrong.body.causes.join()).toContain('[Nothing]')
  const versions = await stage.ask(`/api/definitions/${id}/versions?limit=1`)
  expect(versions.body.items.map((one: { version: number }) => one.version)).toEqual([2])
  const older = await stage.ask(`/api/definitions/${id}/versions?limit=1&cursor=${versions.body.next}`)
  expect(older.body).toMatchObject({ items: [{ version: 1, hash }], next: null })
})

test('of edits at the same moment from one version one wins, and no version is lost', async () => {
  const { id } = await keep()
  const edits = await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      stage.ask(`/api/definitions/${id}`, { method: 'PATCH', body: { baseVersion: 1, set: { name: `N${i}` } } }),
    ),
  )
  expect(edits.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 409, 409, 409, 409, 409])
  const rows = await stage.db.sql(
    'select array_agg(version order by version) as v from probe.definition_versions where definition_id = $1',
    [id],
  )
  expect(rows).toEqual([{ v: [1, 2] }])
})

test('a fork inherits what it does not override, follows its parent when told to, and gives fields back', async () => {
  const parent = await keep({ ...small, preamble: 'Be brief.' })
  const fork = await stage.ask(`/api/definitions/${parent.id}/fork`, {
    body: { set: { name: 'Fork', preamble: null } },
  })
  expect(fork.status).toBe(201)
  expect(fork.body).toMatchObject({
    parent: { id: parent.id, version: 1, latest: 1 },
    overridden: ['name', 'preamble'],
  })
  expect(fork.body.content.preamble).toBeUndefined()
  expect(fork.body.content.template).toBe(small.template)
  const edit = (id: number, body: object) => stage.ask(`/api/definitions/${id}`, { method: 'PATCH', body })

  await edit(parent.id, { set: { template: 'Judge [Case].', name: 'Parent' } })
  const behind = await stage.ask(`/api/definitions/${fork.body.id}`)
  expect(behind.body).toMatchObject({ parent: { version: 1, latest: 2 }, content: { template: small.template } })
  const moved = await edit(fork.body.id, { parentVersion: 2 })
  expect(moved.body).toMatchObject({
    version: 2,
    parent: { version: 2 },
    content: { name: 'Fork', template: 'Judge [Case].' },
  })
  const back = await edit(fork.body.id, { inherit: ['name', 'preamble'] })
  expect(back.body).toMatchObject({ overridden: [], content: { name: 'Parent', preamble: 'Be brief.' } })
  expect((await edit(fork.body.id, { parentVersion: 9 })).status).toBe(422)
  expect((await edit(parent.id, { inherit: ['name'] })).status).toBe(422)

  // A deleted parent is still what its fork stands on.
  expect((await stage.ask(`/api/definitions/${parent.id}`, { method: 'DELETE' })).status).toBe(204)
  expect((await stage.ask(`/api/definitions/${parent.id}`)).status).toBe(404)
  expect((await edit(fork.body.id, { set: { name: 'Orphan' } })).body).toMatchObject({
    overridden: ['name'],
    content: { template: 'Judge [Case].' },
  })
})

test.each([
  ['yaml', 'application/yaml'],
  ['markdown', 'text/markdown'],
])('taken out as %s and brought in again it is the same', async (format, type) => {
  const { id, hash } = await keep()
  const file = await stage.ask(`/api/definitions/${id}/export?format=${format}`)
  expect(file.headers.get('content-type')).toContain(type)
  const again = await stage.ask('/api/definitions/import', { body: file.text, headers: { 'content-type': type } })
  expect([again.status, again.body.hash]).toEqual([201, hash])
  const broken = await stage.ask('/api/definitions/import', { body: 'name: [', headers: { 'content-type': type } })
  expect([broken.status, broken.body.code]).toEqual([422, 'INVALID_DEFINITION'])
})

test('its scenarios are counted and listed before anything is created', async () => {
  const { id } = await keep()
  const first = await stage.ask(`/api/definitions/${id}/scenarios?limit=2`)
  expect(first.body).toMatchObject({
    count: 3,
    items: [{ index: 0, prompt: 'Rate case number 1 from 1 to 5.' }, { index: 1 }],
  })
  const rest = await stage.ask(`/api/definitions/${id}/scenarios?limit=2&cursor=${first.body.next}`)
  expect(rest.body).toMatchObject({ items: [{ index: 2 }], next: null })
  const levels = Array.from({ length: 100 }, (_, i) => ({ score: i, label: `l${i}` }))
  const dimensions = ['a', 'b', 'c', 'd'].map((name) => ({ name, levels }))
  const huge = await stage.ask('/api/definitions/check', {
    body: { name: 'Huge', template: '[a][b][c][d]', dimensions },
  })
  expect(huge.body.scenarios).toBe('100000000')
})

test('it is found by words and tags, and not by others', async () => {
  const { id } = await keep({ ...small, name: 'Zebra 100%_', tags: ['striped'] })
  const found = async (query: string, as = 'admin') =>
    (await stage.ask(`/api/definitions?${query}`, { as })).body.items.map((one: { id: number }) => one.id)
  expect(await found('search=zEbRa')).toEqual([id])
  expect(await found('search=100%25_')).toEqual([id])
  expect(await found('search=100__')).toEqual([])
  expect(await found('tag=striped')).toEqual([id])
  await stage.db.sql("insert into engine.workspaces (name) values ('other')")
  stage.person('stranger', 'admin', 2)
  expect(await found('', 'stranger')).toEqual([])
  for (const [method, path] of [
    ['GET', ''],
    ['PATCH', ''],
    ['DELETE', ''],
    ['POST', '/fork'],
    ['GET', '/versions'],
    ['GET', '/export'],
    ['GET', '/scenarios'],
  ] as const) {
    const body = method === 'PATCH' ? { set: {} } : method === 'POST' ? { set: {} } : undefined
    expect(await stage.ask(`/api/definitions/${id}${path}`, { method, body, as: 'stranger' })).toMatchObject({
      status: 404,
      body: { code: 'NO_SUCH_DEFINITION' },
    })
  }
})

test('a run keeps the version that it asked, whatever is edited later; a rerun begins with its configuration', async () => {
  const { id } = await keep()
  const start = await stage.ask('/api/runs', {
    body: {
      definitionId: id,
      models: ['fake:a', 'fake:a', 'fake:b'],
      temperature: 0.5,
      priority: 'HIGH',
      sampleSeed: -7,
    },
  })
  const run = start.body.run
  expect(run).toMatchObject({ definition: { id, version: 1 }, models: ['fake:a', 'fake:b'], priority: 10 })
  await stage.ask(`/api/definitions/${id}`, { method: 'PATCH', body: { set: { name: 'Later' } } })
  await stage.ended(run.id)
  expect((await stage.ask(`/api/runs/${run.id}`)).body).toMatchObject({ name: 'Small', status: 'succeeded' })
  expect((await stage.ask(`/api/runs?definition=${id}`)).body.items.map((one: { id: number }) => one.id)).toEqual([
    run.id,
  ])

  const again = await stage.ask(`/api/runs/${run.id}/rerun`, { body: { models: ['fake:a'] } })
  expect(again.body.run).toMatchObject({
    parent: run.id,
    models: ['fake:a'],
    definition: { id, version: 1 },
    priority: 10,
  })
  const [row] = await stage.db.sql<{ input: Record<string, unknown> }>(
    'select input from engine.run_bodies where run_id = $1',
    [again.body.run.id],
  )
  expect(row?.input).toMatchObject({ temperature: 0.5, sampleSeed: '-7', models: ['fake:a'] })
  const test = await stage.ask('/api/runs/test', { body: { definitionId: id, models: ['fake:b', 'fake:a'] } })
  expect(test.body.run).toMatchObject({ progress: { total: 1 }, models: ['fake:b'], definition: { version: 2 } })
})

test('what is looked at is noted once a minute, and moves nothing else', async () => {
  const { id } = await keep()
  const { body } = await stage.ask('/api/runs', { body: { definition: small, models: ['fake:a'] } })
  const run = body.run.id
  await stage.ended(run)
  const before = await stage.db.sql(
    'select r.xmin::text as x, b.xmin::text as y from engine.runs r join engine.run_bodies b on b.run_id = r.id where r.id = $1',
    [run],
  )
  for (let i = 0; i < 3; i += 1) {
    await stage.ask(`/api/runs/${run}`)
    await stage.ask(`/api/runs/${run}/transcripts/1`)
    await stage.ask(`/api/export/runs/${run}/csv`)
    await stage.ask(`/api/definitions/${id}`)
  }
  const noted = () =>
    stage.db.sql(
      'select run_id, task, definition_id, at from probe.accesses where run_id = $1 or definition_id = $2 order by task nulls first, definition_id nulls first',
      [run, id],
    )
  const seen = await until(noted, (rows) => rows.length === 3)
  expect(seen).toMatchObject([{ run_id: run, task: null }, { definition_id: id }, { run_id: run, task: 1 }])
  // The table says it too, not the program's memory alone.
  await stage.engine.as({ sub: 'x', workspaces: { 1: 'viewer' } }, (tx) =>
    tx.query('select probe.saw($1, $2, $3)', [[run], [null], [null]]),
  )
  expect(await noted()).toEqual(seen)
  await stage.engine.as({ sub: 'x', workspaces: { 2: 'admin' } }, (tx) =>
    tx.query('select probe.saw($1, $2, $3)', [[run], [2], [null]]),
  )
  expect(await noted()).toEqual(seen)
  expect(
    await stage.db.sql(
      'select r.xmin::text as x, b.xmin::text as y from engine.runs r join engine.run_bodies b on b.run_id = r.id where r.id = $1',
      [run],
    ),
  ).toEqual(before)
  expect((await stage.ask(`/api/runs/${run}`)).body.lastAccessedAt).not.toBeNull()
})

test('a start that cannot be is told with all that is wrong, and creates nothing', async () => {
  const { id } = await keep()
  const before = await stage.db.sql('select count(*)::int as n from engine.runs')
  const wrong = await stage.ask('/api/runs', { body: { definitionId: id, models: ['nobody:x', 'fake:zzz'] } })
  expect([wrong.status, wrong.body.code, wrong.body.causes.length]).toEqual([422, 'CANNOT_START', 2])
  expect(
    (await stage.ask('/api/runs', { body: { definitionId: id, definition: small, models: ['fake:a'] } })).status,
  ).toBe(400)
  expect((await stage.ask('/api/runs', { body: { definitionId: id, version: 9, models: ['fake:a'] } })).status).toBe(
    404,
  )
  expect(await stage.db.sql('select count(*)::int as n from engine.runs')).toEqual(before)
})

test('a draft is told as fields and as YAML, with what is wrong and where, and nothing is kept', async () => {
  const before = (await stage.ask('/api/definitions')).body.items.length as number
  const draft = async (body: object) => (await stage.ask('/api/definitions/draft', { body })).body
  const right = await draft({ yaml: definitionText(3) })
  expect(right).toMatchObject({ problems: [], scenarios: '3', draft: small })
  expect(right.first.map(({ key }: { key: string }) => key)).toHaveLength(3)
  expect((await draft({ definition: right.draft })).yaml).toBe(right.yaml)
  expect((await draft({ yaml: right.yaml })).draft).toEqual(right.draft)

  const wrong = await draft({
    yaml: 'name: ""\ntemplate: Rate [Nothing].\ndimensions: [{name: Case, values: [one, two]}]\n',
  })
  expect(wrong).toMatchObject({ scenarios: null, first: [], draft: { template: 'Rate [Nothing].' } })
  expect(wrong.draft.dimensions[0].levels.map(({ label }: { label: string }) => label)).toEqual(['one', 'two'])
  expect(wrong.problems).toMatchObject([
    { path: 'name', line: 1 },
    { path: 'template', line: 2, column: 16 },
  ])
  const same = await draft({ definition: wrong.draft })
  expect(same.problems.map(({ path }: { path: string }) => path)).toEqual(['name', 'template'])
  expect((await draft({ yaml: 'name: [' })).draft).toBeNull()
  const many = Array.from({ length: 6 }, (_, i) => ({ name: `D${i}`, levels: small.dimensions[0]!.levels }))
  const large = await draft({
    definition: {
      ...small,
      dimensions: [...small.dimensions, ...many, ...many.map((one) => ({ ...one, name: `${one.name}x` }))],
    },
  })
  expect([large.scenarios, large.problems[0].path]).toEqual(['1594323', 'dimensions'])
  expect((await stage.ask('/api/definitions')).body.items).toHaveLength(before)
})

test('who is to hold the conversations is kept with the run, and a rerun may leave out what was set', async () => {
  const { id } = await keep()
  const start = { definitionId: id, models: ['fake:a'], temperature: 0.5, worker: 'python', hold: true }
  const { run } = (await stage.ask('/api/runs', { body: start })).body
  const input = async (of: number) => (await stage.ask(`/api/runs/${of}/input`)).body.input
  expect(await input(run.id)).toMatchObject({ worker: 'python', temperature: 0.5 })
  const again = await stage.ask(`/api/runs/${run.id}/rerun`, { body: { temperature: null, hold: true } })
  expect(await input(again.body.run.id)).not.toHaveProperty('temperature')
})

test('a decision that was put in place is taken back, and the record keeps both', async () => {
  const { run } = (await stage.ask('/api/runs', { body: { definition: small, models: ['fake:a'] } })).body
  await stage.ended(run.id)
  const at = `/api/runs/${run.id}/transcripts/1`
  const was = (await stage.ask(at)).body
  expect(was).toMatchObject({ overridden: false, costUsd: 0, read: { outcome: 'decision', code: was.decision } })
  const decide = async (decision: string | null) =>
    (await stage.ask(`${at}/decision`, { method: 'PUT', body: { decision } })).body
  const key = encodeURIComponent(was.scenarioKey)
  const alone = (await stage.ask(`/api/runs/${run.id}/transcripts?scenarioKey=${key}`)).body.items
  expect(alone.map(({ n }: { n: number }) => n)).toEqual([1])
  expect(await decide('refusal')).toMatchObject({ decision: 'refusal', overridden: true, read: was.read })
  const back = await decide(null)
  expect(back).toMatchObject({ decision: was.decision, decisionLabel: was.decisionLabel, overridden: false })
  expect(back.overrides.map(({ outcome }: { outcome: string | null }) => outcome)).toEqual([null, 'refusal'])
  const results = (await stage.ask(`/api/runs/${run.id}/results`)).body.models
  expect(results[0]).toMatchObject({ answered: 3, costUsd: 0 })
  expect(results[0].decisions).not.toHaveProperty('refusal')
})
