/** Every route of the contract, with generated rubbish: nothing breaks, nothing hangs, nothing is told that should not be. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { definition } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

let stage: HttpStage
beforeAll(async () => {
  stage = await openHttpStage({ lineTimes: { recheck: 1_000, keepAlive: 1_000, stall: 1_000 } })
  const worker = await stage.work()
  const { body } = await stage.ask('/api/runs', {
    body: { definition: definition(definitionText(2)), models: ['fake:a'] },
  })
  await stage.ended(body.run.id)
  await worker.drain(0)
  await stage.ask('/api/definitions', { body: definition(definitionText(2)) })
})
afterAll(() => stage.close())

interface Shape {
  readonly type?: string | string[]
  readonly properties?: Record<string, Shape>
  readonly items?: Shape
  readonly anyOf?: Shape[]
  readonly enum?: unknown[]
  readonly $ref?: string
}
interface Operation {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly parameters: { name: string; in: string; schema?: Shape }[]
  readonly body?: Shape
  readonly media: string
}

/** Requests of each operation; `npm run test:full` asks for more. */
const EACH = Number(process.env['MILLRACE_TEST_FUZZ'] ?? 6)

const CANARY = 'CANARY-7f3a'
const HOSTILE = [
  '',
  ' ',
  '0',
  '-1',
  '1e308',
  '99999999999999999999',
  '2147483648',
  '9007199254740993',
  'NaN',
  'null',
  'true',
  '%',
  '../..',
  "'; drop table engine.runs; --",
  '\u202e',
  '😀',
  'x'.repeat(5_000),
  CANARY,
  'a:b',
  'fake:a',
  'bjE',
  'bi0x',
  'bjk5OTk5OTk5OTk5OTk5OQ',
  '2026-13-45T99:99:99Z',
  '0001-01-01T00:00:00Z',
  '[]',
  '{}',
  '\\',
  '\u0000',
  '\ud800',
]
const rubbish = fc.oneof(
  fc.constantFrom('\u0000', 'a\u0000b', '\ud800'),
  fc.constantFrom<unknown>(...HOSTILE, null, true, 0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e300, [], {}, [[]], {
    a: { b: {} },
  }),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.jsonValue({ maxDepth: 3 }),
)

/** Sometimes what is asked for, so that what lies deeper is reached too. */
function likely(shape: Shape | undefined, depth = 0): fc.Arbitrary<unknown> {
  if (shape === undefined || depth > 4) return rubbish
  const type = Array.isArray(shape.type) ? shape.type[0] : shape.type
  const fitting = (): fc.Arbitrary<unknown> => {
    if (shape.enum !== undefined) return fc.constantFrom(...shape.enum)
    if (shape.anyOf !== undefined) return fc.oneof(...shape.anyOf.map((one) => likely(one, depth + 1)))
    if (shape.properties !== undefined) {
      const fields = Object.entries(shape.properties).map(([name, of]) => [name, likely(of, depth + 1)] as const)
      return fc.record(Object.fromEntries(fields), { requiredKeys: [] })
    }
    if (type === 'array') return fc.array(likely(shape.items, depth + 1), { maxLength: 3 })
    if (type === 'integer' || type === 'number') return fc.constantFrom(1, 2, 3, 50, 100)
    if (type === 'boolean') return fc.boolean()
    return fc.constantFrom('fake:a', 'Case', 'Rate [Case].', 'refusal', '1', 'name', 'template')
  }
  return fc.oneof({ arbitrary: fitting(), weight: 3 }, { arbitrary: rubbish, weight: 1 })
}

async function operations(): Promise<Operation[]> {
  const { body } = await stage.ask('/api/openapi.json')
  const resolve = (shape: Shape | undefined): Shape | undefined =>
    shape?.$ref === undefined ? shape : (body.components.schemas[shape.$ref.split('/').at(-1) ?? ''] as Shape)
  return Object.entries(body.paths as Record<string, Record<string, Record<string, never>>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => {
        const content = Object.entries(
          (operation['requestBody'] as { content?: Record<string, { schema: Shape }> } | undefined)?.content ?? {},
        )
        const shape = resolve(content[0]?.[1].schema)
        return {
          id: String(operation['operationId']),
          method: method.toUpperCase(),
          path,
          parameters: operation['parameters'] ?? [],
          media: content[0]?.[0] ?? 'application/json',
          ...(shape === undefined ? {} : { body: shape }),
        }
      }),
  )
}

const SWEPT = ['\0', 'a\0b', '%', '-1', '9'.repeat(20), "'"]

const small = definition(definitionText(2))
/** What a route takes, so that one wrong field at a time is tried too. */
const RIGHT: Readonly<Record<string, object>> = {
  startRun: { definitionId: 1, models: ['fake:a'], hold: true, samplePercentage: 50 },
  startTestRun: { definition: small, models: ['fake:b'], hold: true },
  dryRun: { definitionId: 1, models: ['fake:a'] },
  startRunOfKind: { input: { definition: small, models: ['fake:a'] }, hold: true },
  rerun: { models: ['fake:b'], hold: true },
  createDefinition: small,
  checkDefinition: small,
  editDefinition: { set: { name: 'Other', tags: ['a'] }, inherit: [] },
  forkDefinition: { set: { name: 'Fork' } },
  actOnRun: { action: 'pause' },
  cancelRuns: { runs: [1, 2, 3] },
  setBudget: { tokens: 10 },
  overrideDecision: { decision: '4' },
  setLimit: { concurrency: 3 },
  setWorkspaceBudget: { tokens: 1_000_000 },
  setProviderKey: { key: 'abc' },
  pruneRuns: { olderThanDays: 400, kind: 'none' },
}

function nearlyRight(right: object): fc.Arbitrary<unknown> {
  const fields = Object.keys(right)
  return fc.oneof(
    fc.constant(right),
    fc
      .record({ field: fc.constantFrom(...fields, 'more'), value: rubbish })
      .map(({ field, value }) => ({ ...right, [field]: value })),
  )
}

const text = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed()

function requestsFor(operation: Operation) {
  const place = fc.record(
    Object.fromEntries(
      operation.parameters.filter((one) => one.in === 'path').map((one) => [one.name, likely(one.schema)]),
    ),
  )
  const query = fc.record(
    Object.fromEntries(
      operation.parameters.filter((one) => one.in === 'query').map((one) => [one.name, likely(one.schema)]),
    ),
    { requiredKeys: [] },
  )
  return fc.record({
    place,
    query,
    body:
      operation.body === undefined
        ? fc.constant(undefined)
        : RIGHT[operation.id] === undefined
          ? likely(operation.body)
          : fc.oneof(likely(operation.body), nearlyRight(RIGHT[operation.id] ?? {})),
    broken: fc.integer({ min: 0, max: 30 }),
    key: fc.option(fc.constantFrom('k1', 'k2', 'x'.repeat(300)), { freq: 5, nil: undefined }),
  })
}

const LEAKS =
  /at .+\(.+:\d+:\d+\)|node_modules|select .+ from|engine\.runs|probe\.(?!analysis|ask)\w+|syntax error|22P02|violates|stack/i

test('no request of whatever kind is a 500, hangs, or is told what is behind', async () => {
  const all = await operations()
  expect(all.length).toBeGreaterThan(40)
  let asked = 0
  const statuses = new Set<number>()
  // Each parameter of each address with each of these, the others as they should be.
  for (const { method, path, parameters } of all) {
    if (method !== 'GET') continue
    for (const { name, in: where } of parameters) {
      for (const value of SWEPT) {
        const place = path.replace(/\{(\w+)\}/g, (_, one: string) => (one === name ? encodeURIComponent(value) : '1'))
        const { status, text } = await stage.ask(
          where === 'path' ? place : `${place}?${name}=${encodeURIComponent(value)}`,
        )
        if (status >= 500)
          throw new Error(`${place} ${name}=${JSON.stringify(value)} → ${status} ${text.slice(0, 300)}`)
      }
    }
  }
  for (const operation of all) {
    await fc.assert(
      fc.asyncProperty(requestsFor(operation), async ({ place, query, body, broken, key }) => {
        const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) =>
          encodeURIComponent(text(place[name]).slice(0, 300)),
        )
        const search = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(text(value))}`)
        // What goes on for ever is another test's.
        if (search.some((one) => /^stream=(true|1)$/.test(one))) return
        const payload =
          body === undefined ? undefined : operation.media === 'application/json' ? JSON.stringify(body) : text(body)
        const response = await stage.raw(`${path}${search.length === 0 ? '' : `?${search.join('&')}`}`, {
          method: operation.method,
          ...(payload === undefined ? {} : { body: broken === 0 ? payload.slice(0, -1) : payload }),
          headers: {
            ...(payload === undefined ? {} : { 'content-type': operation.media }),
            ...(key === undefined ? {} : { 'idempotency-key': key }),
          },
          signal: AbortSignal.timeout(10_000),
        })
        const answer = await response.text()
        asked += 1
        statuses.add(response.status)
        const what = `${operation.method} ${path} ${payload ?? ''} → ${response.status} ${answer.slice(0, 300)}`
        if (response.status >= 500) throw new Error(what)
        if (response.status >= 400) {
          if (response.headers.get('content-type')?.includes('application/problem+json') !== true) throw new Error(what)
          if (LEAKS.test(answer.replaceAll(/"detail":"[^"]*"/g, ''))) throw new Error(what)
        }
      }),
      { numRuns: EACH, endOnFailure: true, seed: 20_261_121 },
    )
  }
  expect(asked).toBeGreaterThan(all.length * EACH * 0.8)
  // It came through to the handlers too.
  expect([...statuses]).toEqual(expect.arrayContaining([200, 201, 400, 404]))
  expect(stage.logged.filter((line) => line.includes(CANARY))).toEqual([])
  expect(await stage.ask('/health/ready')).toMatchObject({ status: 200 })
  expect(
    await stage.db.sql(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and state = 'idle in transaction'",
    ),
  ).toEqual([{ n: 0 }])
}, 600_000)
