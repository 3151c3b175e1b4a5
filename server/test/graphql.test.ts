/** GraphQL on the whole server: the contract that a client was written against, who may ask what, and how much. */
import { buildSchema, getNamedType, isObjectType, type GraphQLObjectType } from 'graphql'
import { serverAudits } from 'graphql-http'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { schema } from '../src/graphql/schema.ts'
import { definition } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'
import { openHttpStage, type Asked, type HttpStage } from './http-stage.ts'

let stage: HttpStage
let run: number
beforeAll(async () => {
  stage = await openHttpStage()
  stage.person('viewer', 'viewer')
  stage.person('elsewhere', 'admin', 2)
  stage.person('definitions', 'admin', 1, ['definitions:read'])
  stage.person('keyless', 'admin', 1, [])
  await stage.db.sql("insert into engine.workspaces (name) values ('second') on conflict do nothing")
  await stage.ask('/api/definitions', { body: definition(definitionText(3)) })
  const worker = await stage.work()
  const started = await ask(
    'mutation ($input: StartRunInput!) { startRun(input: $input) { jobCount run { id status definition { id name } } } }',
    { input: { definitionId: '1', models: ['fake:a', 'fake:b'] } },
  )
  expect(started).toMatchObject({
    data: { startRun: { jobCount: 6, run: { definition: { id: '1', name: 'Small' } } } },
  })
  run = Number(started.data.startRun.run.id)
  await stage.ended(run)
  await worker.drain(0)
})
afterAll(() => stage?.close())

async function ask(query: string, variables: object = {}, how: Asked = {}) {
  const { status, body } = await stage.ask('/graphql', { body: { query, variables }, ...how })
  return { status, ...body }
}

/** As the console of the probe was written against it. */
const SDL = `
  scalar JSON
  type Query {
    run(id: ID!): Run
    runs(definitionId: ID, status: String, limit: Int, offset: Int): [Run!]!
    availableModels: [AvailableModel!]!
  }
  type Mutation {
    startRun(input: StartRunInput!): StartRunPayload!
    pauseRun(runId: ID!): Run!
    resumeRun(runId: ID!): Run!
    cancelRun(runId: ID!): Run!
  }
  input StartRunInput { definitionId: ID!, models: [String!]!, samplePercentage: Int, sampleSeed: String, priority: String }
  type StartRunPayload { run: Run!, jobCount: Int! }
  type AvailableModel {
    id: ID!
    providerId: String!
    displayName: String!
    versions: [String!]!
    defaultVersion: String
    isAvailable: Boolean!
  }
  type Run {
    id: ID!
    status: String!
    progress: JSON
    runProgress: RunProgress
    transcripts(modelId: String): [Transcript!]!
    definition: Definition!
    recentTasks(limit: Int): [TaskResult!]!
  }
  type RunProgress { total: Int!, completed: Int!, failed: Int!, percentComplete: Float! }
  type Definition { id: ID!, name: String! }
  type Transcript { id: ID! }
  type TaskResult { id: ID!, scenarioId: String!, modelId: String!, status: String!, error: String, completedAt: String }
`

/** What a client may read of it: the same fields with the same arguments, and nothing null that was promised. */
function differences(): string[] {
  const wanted = buildSchema(SDL)
  const said: string[] = []
  const soft = (type: string) => type.replace(/DateTime|ID/g, 'String').replace(/!$/, '')
  for (const type of Object.values(wanted.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    const here = schema.getType(type.name) as GraphQLObjectType | undefined
    for (const field of Object.values(type.getFields())) {
      const found = here?.getFields()[field.name]
      const place = `${type.name}.${field.name}`
      if (found === undefined) said.push(`${place} is not there`)
      else if (soft(String(found.type)) !== soft(String(field.type))) said.push(`${place} is ${String(found.type)}`)
      else if (String(field.type).endsWith('!') && !String(found.type).endsWith('!')) said.push(`${place} may be null`)
      for (const argument of field.args) {
        const given = found?.args.find(({ name }) => name === argument.name)
        if (given === undefined) said.push(`${place}(${argument.name}) is not taken`)
        else if (getNamedType(given.type).name !== getNamedType(argument.type).name)
          said.push(`${place}(${argument.name})`)
        if (
          given !== undefined &&
          String(given.type).endsWith('!') &&
          given.default === undefined &&
          !String(argument.type).endsWith('!')
        )
          said.push(`${place}(${argument.name}) must be given`)
      }
    }
  }
  return said
}

test('a client of the probe that was written against its contract is answered', async () => {
  expect(differences()).toEqual([])
  for (const name of [
    'definitions',
    'scenarios',
    'transcript',
    'transcripts',
    'providerHealth',
    'queueHealth',
    'workerHealth',
    'systemHealth',
  ])
    expect(Object.keys(schema.getQueryType()?.getFields() ?? {})).toContain(name)
  expect(Object.keys(schema.getMutationType()?.getFields() ?? {}).toSorted()).toEqual([
    'cancelRun',
    'pauseRun',
    'resumeRun',
    'startRun',
  ])
  expect(schema.getSubscriptionType()).toBeUndefined()
  const { data } = await ask(
    `query ($id: ID!) {
      run(id: $id) {
        id status progress runProgress { total completed failed percentComplete }
        transcripts(modelId: "fake:a") { id modelId turns { answer } }
        definition { id name content }
        recentTasks(limit: 2) { id scenarioId modelId status error completedAt }
      }
      availableModels { id providerId displayName versions defaultVersion isAvailable }
      providerHealth { providers { id name configured connected error } }
      queueHealth { pending active completedLastHour }
      workerHealth { alive busy python { healthy version } }
      systemHealth { status problems postgres }
      scenarios(definitionId: "1", limit: 2) { id prompt dimensions }
      definitions { id name }
    }`,
    { id: String(run) },
  )
  expect(data).toMatchObject({
    run: {
      id: String(run),
      status: 'COMPLETED',
      progress: { total: 6, completed: 6 },
      runProgress: { total: 6, completed: 6, failed: 0, percentComplete: 100 },
      definition: { id: '1', name: 'Small', content: { template: expect.stringContaining('Rate') } },
      recentTasks: [{ status: 'COMPLETED', error: null }, { status: 'COMPLETED' }],
    },
    queueHealth: { pending: 0, active: 0, completedLastHour: 6 },
    scenarios: [{ prompt: expect.stringContaining('number 1') }, { prompt: expect.stringContaining('number 2') }],
    definitions: [{ id: '1', name: 'Small' }],
  })
  expect(data.run.transcripts).toHaveLength(3)
  expect(data.run.transcripts[0].turns[0].answer.length).toBeGreaterThan(0)
  expect(data.availableModels).toContainEqual({
    id: 'a',
    providerId: 'fake',
    displayName: 'a',
    versions: [],
    defaultVersion: null,
    isAvailable: true,
  })
  const one = data.run.transcripts[0].id
  expect((await ask(`{ transcript(id: "${one}") { id modelId } }`)).data).toEqual({
    transcript: { id: one, modelId: 'fake:a' },
  })
})

test('a run is held, goes on and ends by its own words, once for the same key', async () => {
  const input = { definitionId: '1', models: ['fake:a'], hold: true, idempotencyKey: 'graphql-1' }
  const start = 'mutation ($input: StartRunInput!) { startRun(input: $input) { run { id status } } }'
  const first = await ask(start, { input })
  const again = await ask(start, { input })
  const id = first.data.startRun.run.id
  expect([first.data.startRun.run.status, again.data.startRun.run.id]).toEqual(['PAUSED', id])
  expect((await ask('{ runs(status: "PAUSED") { id } }')).data.runs).toEqual([{ id }])
  const steer = async (verb: string) =>
    (await ask(`mutation ($id: ID!) { ${verb}(runId: $id) { status } }`, { id })).data[verb].status
  expect(await steer('resumeRun')).toBe('PENDING')
  expect(await steer('pauseRun')).toBe('PAUSED')
  expect(await steer('cancelRun')).toBe('CANCELLED')
  expect(await ask(`mutation { pauseRun(runId: "${id}") { id } }`)).toMatchObject({
    data: null,
    errors: [{ extensions: { code: 'WRONG_STATE', correlationId: expect.any(String) } }],
  })
})

test('pages by offset and by cursor bring each run once', async () => {
  const all = (await ask('{ runs(limit: 100) { id cursor } }')).data.runs
  expect(all.length).toBeGreaterThan(1)
  const [first] = all
  const rest = (await ask(`{ runs(limit: 100, after: "${first.cursor}") { id cursor } }`)).data.runs
  expect(rest).toEqual(all.slice(1))
  expect((await ask('{ runs(limit: 100, offset: 1) { id cursor } }')).data.runs).toEqual(all.slice(1))
})

test('nobody who is not signed in is answered, and each field asks for its scope', async () => {
  for (const query of ['{ __typename }', '{ __schema { types { name } } }', '{ runs { id } }']) {
    const { status, body } = await stage.ask('/graphql', { as: null, body: { query } })
    expect([status, body.code, body.data]).toEqual([401, 'NOT_SIGNED_IN', undefined])
  }
  const code = (answer: Awaited<ReturnType<typeof ask>>) => answer.errors?.[0]?.extensions.code
  expect(code(await ask('{ runs { id } }', {}, { as: 'keyless' }))).toBe('MISSING_SCOPE')
  expect(code(await ask('{ runs { id } }', {}, { as: 'definitions' }))).toBe('MISSING_SCOPE')
  expect((await ask('{ definitions { id } }', {}, { as: 'definitions' })).data.definitions).toEqual([{ id: '1' }])
  expect(
    (await ask(`{ run(id: ${run}) { id } runs { id } definition(id: 1) { id } }`, {}, { as: 'elsewhere' })).data,
  ).toEqual({
    run: null,
    runs: [],
    definition: null,
  })
  const cancel = `mutation { cancelRun(runId: ${run}) { id } }`
  expect(code(await ask(cancel, {}, { as: 'elsewhere' }))).toBe('NO_SUCH_RUN')
  expect(code(await ask(cancel, {}, { as: 'viewer' }))).toBe('NOT_ALLOWED')
  const start = 'mutation { startRun(input: {definitionId: 1, models: ["fake:a"]}) { jobCount } }'
  expect(code(await ask(start, {}, { as: 'viewer' }))).toBe('NOT_ALLOWED')
  expect(code(await ask(start, {}, { as: 'elsewhere' }))).toBe('NO_SUCH_DEFINITION')
})

test('what asks for too much is refused before anything is read, and nothing of what is behind is told', async () => {
  const many = (amount: number, what: (n: number) => string) =>
    Array.from({ length: amount }, (_, n) => what(n)).join(' ')
  const doubling = Array.from({ length: 30 }, (_, n) => `fragment F${n} on Run { ...F${n + 1} ...F${n + 1} }`).join(' ')
  const refused: [string, string][] = [
    ['TOO_MUCH_ASKED', `{ ${many(21, (n) => `a${n}: __typename`)} }`],
    ['TOO_MUCH_ASKED', `{ runs { ${many(51, (n) => `a${n}: id`)} } }`],
    ['TOO_MUCH_ASKED', '{ runs(limit: 500) { transcripts(limit: 1000) { id } } }'],
    ['TOO_MUCH_ASKED', `{ runs(limit: 500) { ...F0 } } ${doubling} fragment F30 on Run { recentTasks { id } }`],
    ['TOO_MUCH_ASKED', `mutation { ${many(21, (n) => `a${n}: cancelRun(runId: ${run}) { id }`)} }`],
    ['INVALID_REQUEST', `{ ${many(2_001, () => 'a')} }`],
    ['INVALID_REQUEST', '{ runs(limit: 501) { id } }'],
    ['TOO_MUCH_ASKED', '{ runs(limit: 100000) { id } }'],
    ['TOO_MUCH_ASKED', '{ runs(limit: 500) { transcripts { id } } }'],
    ['INVALID_REQUEST', '{ runs(limit: -1) { id } }'],
    ['INVALID_REQUEST', '{ runs(status: "SOMETHING") { id } }'],
    ['INVALID_REQUEST', '{ nothing }'],
    ['INVALID_CURSOR', '{ runs(after: "x") { id } }'],
    ['INVALID_TEXT', `{ transcripts(runId: ${run}, search: "a\\u0000b") { id } }`],
  ]
  for (const [code, query] of refused) {
    const { errors, data } = await ask(query)
    expect([query.slice(0, 80), errors?.[0]?.extensions.code, data ?? null]).toEqual([query.slice(0, 80), code, null])
  }
  const variables = await ask('query ($limit: Int!) { runs(limit: $limit) { transcripts(limit: $limit) { id } } }', {
    limit: 400,
  })
  expect(variables.errors[0].extensions.code).toBe('TOO_MUCH_ASKED')
  const list = await stage.ask('/graphql', { body: [{ query: '{ __typename }' }, { query: '{ __typename }' }] })
  expect([list.status, list.body.data]).toEqual([400, undefined])
  const large = await stage.ask('/graphql', { body: { query: `{ __typename } # ${'x'.repeat(200_000)}` } })
  expect([large.status, large.body.code]).toEqual([413, 'BODY_TOO_LARGE'])
  expect(stage.logged.join('')).not.toContain('fragment F0')
})

test('lists within lists take as many statements for ten runs as for one', async () => {
  for (let n = 0; n < 9; n += 1) {
    await ask('mutation { startRun(input: {definitionId: 1, models: ["fake:a"], hold: true}) { jobCount } }')
  }
  const text = (limit: number) =>
    `{ runs(limit: ${limit}) { id definition { name } transcripts(limit: 5) { id turns { answer } } recentTasks(limit: 3) { id } } }`
  const one = await statements(() => ask(text(1)))
  const ten = await statements(() => ask(text(10)))
  expect(one.answer.data.runs).toHaveLength(1)
  expect(ten.answer.data.runs).toHaveLength(10)
  expect(ten.amount).toBeLessThanOrEqual(one.amount + 3)
  expect(ten.amount).toBeGreaterThan(3)
})

/** What the program sends to PostgreSQL meanwhile. */
async function statements<T>(work: () => Promise<T>): Promise<{ answer: T; amount: number }> {
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its own client
  const real = pg.Client.prototype.query
  let amount = 0
  pg.Client.prototype.query = function counted(this: pg.Client, ...given: unknown[]) {
    amount += 1
    return Reflect.apply(real, this, given) as never
  }
  try {
    return { answer: await work(), amount }
  } finally {
    pg.Client.prototype.query = real
  }
}

test('the audit of GraphQL over HTTP finds nothing', async () => {
  const audits = serverAudits({
    url: `${stage.url}/graphql`,
    fetchFn: (url: string, init: RequestInit = {}) =>
      fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), authorization: 'Bearer admin' } }),
  })
  const found = { ok: 0, notice: [] as string[], warn: [] as string[], error: [] as string[] }
  for (const audit of audits) {
    const result = await audit.fn()
    if (result.status === 'ok') found.ok += 1
    else found[result.status].push(`${result.id} ${result.name}: ${result.reason}`)
  }
  expect(found).toEqual({ ok: audits.length, notice: [], warn: [], error: [] })
  expect(audits.length).toBe(61)
})
