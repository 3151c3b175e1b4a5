/** The door: what it refuses, how it says so, and what it never says. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { definition } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

let stage: HttpStage
let run: number
const small = definition(definitionText(2))

beforeAll(async () => {
  stage = await openHttpStage()
  stage.person('viewer', 'viewer')
  stage.person('member', 'member')
  stage.person('reader', 'admin', 1, ['runs:read'])
  await stage.db.sql("insert into engine.workspaces (name) values ('elsewhere')")
  stage.person('stranger', 'admin', 2)
  const { body } = await stage.ask('/api/runs', { body: { definition: small, models: ['fake:a'], hold: true } })
  run = body.run.id
})
afterAll(() => stage.close())

describe('a problem', () => {
  test('has a code, a constant title, and the id that the log knows it by', async () => {
    const { status, headers, body } = await stage.ask('/api/runs/999999', {
      headers: { 'x-request-id': 'my-request-1' },
    })
    expect(status).toBe(404)
    expect(headers.get('content-type')).toContain('application/problem+json')
    expect(body).toEqual({
      type: '/api/docs#NO_SUCH_RUN',
      title: 'There is no such run',
      status: 404,
      code: 'NO_SUCH_RUN',
      detail: 'There is no run 999999.',
      instance: 'urn:millrace:request:my-request-1',
      correlationId: 'my-request-1',
    })
    expect(headers.get('x-request-id')).toBe('my-request-1')
  })

  test('is the same for what is not there and for what is another’s', async () => {
    for (const path of [
      '',
      '/progress',
      '/tasks',
      '/tasks/1',
      '/why',
      '/artifacts',
      '/results',
      '/matrix',
      '/transcripts',
      '/budget',
      '/logs',
      '/scenarios',
    ]) {
      const foreign = await stage.ask(`/api/runs/${run}${path}`, { as: 'stranger' })
      const unknown = await stage.ask(`/api/runs/999999${path}`)
      expect([path, foreign.status, foreign.body.code]).toEqual([path, 404, unknown.body.code])
      expect(foreign.body.detail.replace(String(run), '999999')).toBe(unknown.body.detail)
    }
    for (const format of ['csv', 'jsonl']) {
      expect(await stage.ask(`/api/export/runs/${run}/${format}`, { as: 'stranger' })).toMatchObject({ status: 404 })
    }
    for (const verb of ['pause', 'resume', 'cancel', 'retry', 'rerun']) {
      const { status, body } = await stage.ask(`/api/runs/${run}/${verb}`, { method: 'POST', as: 'stranger' })
      expect([verb, status, body.code]).toEqual([verb, 404, 'NO_SUCH_RUN'])
    }
  })

  test('of what nobody foresaw says its id and nothing else, and the log nothing that was in it', async () => {
    await stage.db.sql('alter table probe.runs rename column name to canary_patient')
    try {
      const { status, body } = await stage.ask(`/api/runs/${run}`)
      expect(status).toBe(500)
      expect(body).toMatchObject({ code: 'INTERNAL', title: 'Something went wrong here' })
      expect(JSON.stringify(body)).not.toMatch(/column|probe\.|select/i)
      const line = stage.logged.find((one) => one.includes(body.correlationId) && one.includes('"err"'))
      expect(JSON.parse(line ?? '{}')).toMatchObject({ level: 'error', code: 'INTERNAL', err: { code: '42703' } })
      expect(line).not.toContain('does not exist')
    } finally {
      await stage.db.sql('alter table probe.runs rename column canary_patient to name')
    }
  })

  test('says where the request is wrong and never repeats the value', async () => {
    const { status, body } = await stage.ask('/api/runs', {
      body: { definition: small, models: 'CANARY-7f3a', temperature: 'CANARY-7f3a', modells: 1, ['CANARY 7f3a']: 1 },
    })
    expect(status).toBe(400)
    expect(body.errors.map((one: { pointer: string }) => one.pointer).sort()).toEqual([
      '/body',
      '/body/models',
      '/body/temperature',
    ])
    expect(JSON.stringify(body)).toContain('modells')
    expect(JSON.stringify(body)).not.toContain('CANARY')
    expect(stage.logged.join('')).not.toContain('CANARY')
  })
})

describe('a request', () => {
  const wrong: [string, Parameters<HttpStage['ask']>[1], number, string][] = [
    ['bad JSON', { body: '{"models": [', headers: { 'content-type': 'application/json' } }, 400, 'INVALID_JSON'],
    ['no JSON', { body: '', method: 'POST', headers: { 'content-type': 'application/json' } }, 400, 'INVALID_JSON'],
    [
      'a prototype',
      { body: '{"__proto__": {"x": 1}}', headers: { 'content-type': 'application/json' } },
      400,
      'INVALID_JSON',
    ],
    [
      'another kind of content',
      { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['a NUL', { body: { models: ['fake:\0'] } }, 400, 'INVALID_TEXT'],
    [
      'half of a character',
      { body: '{"models":["\\ud800"]}', headers: { 'content-type': 'application/json' } },
      400,
      'INVALID_TEXT',
    ],
    [
      'a number without end',
      { body: '{"temperature":1e999}', headers: { 'content-type': 'application/json' } },
      400,
      'INVALID_REQUEST',
    ],
    [
      'a nest',
      {
        body: `{"models":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
        headers: { 'content-type': 'application/json' },
      },
      400,
      'TOO_DEEP',
    ],
    ['a mountain', { body: { models: ['x'.repeat(5_000_000)] } }, 413, 'BODY_TOO_LARGE'],
    ['nothing', { method: 'POST' }, 400, 'INVALID_REQUEST'],
  ]
  test.each(wrong)('with %s is refused as one', async (_, how, status, code) => {
    const answer = await stage.ask('/api/runs', how)
    expect([answer.status, answer.body.code]).toEqual([status, code])
  })

  test.each([
    '/api/runs/0',
    '/api/runs/abc',
    '/api/runs/1e300',
    '/api/runs/99999999999999999999',
    '/api/runs?limit=0',
    '/api/runs?limit=9999',
    '/api/runs?status=lost',
    '/api/runs?nothing=1',
    '/api/runs?cursor=zzz',
    '/api/runs?limit=1&limit=2',
    '/api/runs?search=%00',
    `/api/runs/1/tasks/99999999999`,
    '/api/runs/%ff',
    '/api/runs?since=yesterday',
  ])('%s is a 400', async (path) => {
    const { status, body } = await stage.ask(path)
    expect([path, status, body.status]).toEqual([path, 400, 400])
  })

  test('by a method that a route has not is told which ones it has', async () => {
    const { status, headers, body } = await stage.ask(`/api/runs/${run}`, { method: 'DELETE' })
    expect([status, body.code]).toEqual([405, 'METHOD_NOT_ALLOWED'])
    expect(headers.get('allow')).toBe('GET, HEAD, POST')
    expect(await stage.ask('/nowhere')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  })

  test('with headers beyond measure, or that is no HTTP at all, is refused without harm', async () => {
    expect(await spoken(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).toContain(
      '"HEADERS_TOO_LARGE"',
    )
    expect(await spoken('HELLO\r\n\r\n')).toContain('"INVALID_REQUEST"')
    expect(await stage.ask('/health/live')).toMatchObject({ status: 200 })
  })

  test('by a name that another site has led here is refused', async () => {
    expect(await spoken('GET /health HTTP/1.1\r\nhost: evil.example:80\r\nconnection: close\r\n\r\n')).toContain(
      '"HOST_NOT_ALLOWED"',
    )
    expect(await spoken('GET /health HTTP/1.1\r\nhost: localhost:1\r\nconnection: close\r\n\r\n')).toContain('200 OK')
  })

  test('of another site’s page gets no leave to read the answer', async () => {
    const { headers } = await stage.ask('/health', { headers: { origin: 'https://evil.example' } })
    expect(headers.get('access-control-allow-origin')).toBeNull()
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('DENY')
  })
})

function spoken(text: string): Promise<string> {
  const { port, hostname } = new URL(stage.url)
  return new Promise((resolve, reject) => {
    let heard = ''
    const socket = connect(Number(port), hostname, () => socket.write(text))
    socket.setEncoding('utf8').on('data', (chunk: string) => (heard += chunk))
    socket.on('error', reject).on('close', () => resolve(heard))
  })
}

describe('who', () => {
  test('is not signed in gets nothing of /api, who may only read changes nothing', async () => {
    const contract = await stage.ask('/api/openapi.json', { as: null })
    const paths = Object.entries(contract.body.paths as Record<string, Record<string, { security: unknown[] }>>)
    let closed = 0
    for (const [path, methods] of paths) {
      for (const [method, { security }] of Object.entries(methods)) {
        // What looks for itself who asks is tried with everybody in http-rights.test.ts.
        if (!path.startsWith('/api/') || security.length === 0) continue
        const url = path.replace(/\{\w+\}/g, '1')
        const nobody = await stage.ask(url, { method: method.toUpperCase(), as: null })
        if (path === '/api/sign-out') continue
        if (security.length === 0) {
          // What takes or gives secrets guards itself, once it has looked at the request.
          expect([method, path, nobody.status]).toEqual([method, path, expect.toSatisfy((n) => n === 400 || n === 401)])
          continue
        }
        expect([method, path, nobody.status]).toEqual([method, path, 401])
        closed += 1
        if (method === 'get') continue
        const reader = await stage.ask(url, {
          method: method.toUpperCase(),
          as: 'reader',
          body: '{}',
          headers: { 'content-type': 'application/json' },
        })
        expect([method, path, [400, 403].includes(reader.status)]).toEqual([method, path, true])
      }
    }
    expect(closed).toBeGreaterThan(40)
    expect(contract.status).toBe(200)
  })

  test('is a viewer is refused by the database itself', async () => {
    for (const path of [`/api/runs/${run}/pause`, `/api/runs/${run}/cancel`]) {
      expect(await stage.ask(path, { method: 'POST', as: 'viewer' })).toMatchObject({
        status: 403,
        body: { code: 'NOT_ALLOWED' },
      })
    }
    const start = { definition: small, models: ['fake:a'] }
    expect(await stage.ask('/api/runs', { body: start, as: 'viewer' })).toMatchObject({ status: 403 })
    expect(await stage.ask('/api/definitions', { body: small, as: 'viewer' })).toMatchObject({ status: 403 })
    expect(await stage.ask('/api/limits', { as: 'member' })).toMatchObject({ status: 200, body: { limits: [] } })
    expect(await stage.ask('/api/limits/fake/stop', { method: 'POST', as: 'member' })).toMatchObject({ status: 403 })
  })
})

describe('an idempotency key', () => {
  const keyed = (key: string) => ({ 'idempotency-key': key })

  test('gives the same answer to the same request, and refuses another', async () => {
    const first = await stage.ask('/api/definitions', { body: small, headers: keyed('d-1') })
    const again = await stage.ask('/api/definitions', { body: small, headers: keyed('d-1') })
    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.text).toBe(first.text)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    const other = await stage.ask('/api/definitions', { body: { ...small, name: 'Other' }, headers: keyed('d-1') })
    expect([other.status, other.body.code]).toEqual([409, 'IDEMPOTENCY_MISMATCH'])
    const hers = await stage.ask('/api/definitions', { body: small, headers: keyed('d-1'), as: 'member' })
    expect(hers.body.id).not.toBe(first.body.id)
  })

  test('starts one run however many ask at once', async () => {
    const body = { definition: small, models: ['fake:b'], hold: true }
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => stage.ask('/api/runs', { body, headers: keyed('r-1') })),
    )
    const made = answers.filter(({ status }) => status === 201)
    expect(made.length).toBeGreaterThan(0)
    expect(new Set(made.map(({ body }) => body.run.id)).size).toBe(1)
    for (const { status, body } of answers) {
      if (status !== 201) expect([status, body.code]).toEqual([409, 'IDEMPOTENCY_UNDER_WAY'])
    }
    const rows = await stage.db.sql(
      "select count(*)::int as n from engine.runs where id in (select run_id from engine.run_keys where key = 'r-1')",
    )
    expect(rows).toEqual([{ n: 1 }])
    const other = await stage.ask('/api/runs', { body: { ...body, priority: 'high' }, headers: keyed('r-1') })
    expect(other.body.code).toBe('IDEMPOTENCY_MISMATCH')
  })

  test('is free again after a refusal', async () => {
    const wrong = await stage.ask('/api/runs', {
      body: { definitionId: 999_999, models: ['fake:a'] },
      headers: keyed('r-2'),
    })
    expect(wrong.status).toBe(404)
    const right = await stage.ask('/api/runs', {
      body: { definition: small, models: ['fake:a'], hold: true },
      headers: keyed('r-2'),
    })
    expect(right.status).toBe(201)
  })
})

describe('an answer', () => {
  test('that has not changed since is not sent again', async () => {
    const first = await stage.ask(`/api/runs/${run}/progress`)
    const etag = first.headers.get('etag') ?? ''
    expect(etag).not.toBe('')
    const again = await stage.ask(`/api/runs/${run}/progress`, { headers: { 'if-none-match': etag } })
    expect([again.status, again.text]).toEqual([304, ''])
  })

  test('that is long comes compressed', async () => {
    const { headers } = await stage.ask('/api/openapi.json')
    expect(headers.get('content-encoding')).toBe('gzip')
  })

  test('to a person at / is a page, to a program a problem', async () => {
    const page = await stage.ask('/', { as: null, headers: { accept: 'text/html,*/*' } })
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.text).toContain('/api/docs')
    expect(await stage.ask('/', { as: null, headers: { accept: 'application/json' } })).toMatchObject({
      status: 404,
      body: { code: 'NOT_FOUND' },
    })
  })
})
