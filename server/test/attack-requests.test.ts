/**
 * Requests of somebody who means harm, to every route that takes a body and to every
 * path: they are refused, cheaply, and nothing of this process is changed by them.
 * Shapes and values are `http-fuzz`'s; here are forms that no client library sends.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { filled, operationsOf, type Operation } from './http-operations.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

const JSON_TYPE = 'application/json'
const CANARY = 'CANARY-9c1e'
/** Not in the contract, and there all the same. */
const OTHERS: readonly Operation[] = ['/graphql', '/mcp', '/v1/chat/completions'].map((path) => ({
  id: path,
  method: 'POST',
  path,
  scope: undefined,
}))

let stage: HttpStage
let taking: Operation[]
let folder = ''
beforeAll(async () => {
  // A console, and beside it what it must not give.
  folder = mkdtempSync(join(tmpdir(), 'millrace-attack-'))
  mkdirSync(join(folder, 'dist', 'assets'), { recursive: true })
  writeFileSync(join(folder, 'dist', 'index.html'), '<p>The console.</p>')
  for (const place of ['package.json', 'dist/package.json']) writeFileSync(join(folder, place), CANARY)
  stage = await openHttpStage({ web: join(folder, 'dist') })
  const all = await operationsOf(stage)
  taking = [...all.filter(({ method }) => ['POST', 'PUT', 'PATCH'].includes(method)), ...OTHERS]
})
afterAll(async () => {
  await stage?.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Sent {
  readonly status: number
  readonly text: string
}

/** As it is written: no client makes it better. */
function send(method: string, path: string, body?: Buffer, headers: Record<string, string> = {}): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(body.length) }
    const { port } = new URL(stage.url)
    const asked = request({ host: '127.0.0.1', port, method, path, agent: false, headers: { ...length, ...headers } })
    asked.on('response', (answer) => {
      let text = ''
      answer.on('data', (part: Buffer) => (text += part.toString()))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      answer.on('error', reject)
    })
    // Who is refused before the end of his body may not be able to send the rest.
    asked.on('error', (error) => ('code' in error && error.code === 'EPIPE' ? undefined : reject(error)))
    asked.setTimeout(20_000, () => asked.destroy(new Error(`${method} ${path} hangs`)))
    asked.end(body)
  })
}
const admin = { authorization: 'Bearer admin', 'content-type': JSON_TYPE }
const text = (body: string) => Buffer.from(body)
const pathOf = ({ path }: Operation) => filled(path, { id: 1, run: 1 })

const FORMS: readonly (readonly [what: string, body: Buffer, headers?: Record<string, string>])[] = [
  ['a nest', text(`${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`)],
  ['a prototype within', text('{"input":{"__proto__":{"polluted":1}},"set":{"__proto__":{"polluted":1}}}')],
  ['a prototype that is spelt otherwise', text('{"\\u005f_proto__":{"polluted":1}}')],
  [
    'a constructor within',
    text('{"set":{"constructor":{"prototype":{"polluted":1}}},"input":{"a":{"constructor":{"prototype":1}}}}'),
  ],
  ['what is no UTF-8', Buffer.concat([text('{"name":"'), Buffer.from([0xc0, 0x80, 0xff]), text('"}')])],
  ['UTF-16', Buffer.from('{"name":"a"}', 'utf16le'), { 'content-type': `${JSON_TYPE}; charset=utf-16` }],
  ['what is packed', gzipSync(Buffer.alloc(1_000_000, 32)), { 'content-encoding': 'gzip' }],
  ['a number without end', text('{"limit":1e999,"samplesPerScenario":-1e999}')],
  [
    'an entity',
    text('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'),
    { 'content-type': 'text/xml' },
  ],
]

test('a body in whatever form changes no prototype, breaks nothing, and where it must be refused it is', async () => {
  expect(taking.length).toBeGreaterThan(60)
  const taken: string[] = []
  for (const operation of taking) {
    for (const [what, body, headers] of FORMS) {
      const { status, text: said } = await send(operation.method, pathOf(operation), body, { ...admin, ...headers })
      const where = `${operation.method} ${operation.path} with ${what}: ${status} ${said.slice(0, 200)}`
      if (status >= 500 || said.includes('root:')) throw new Error(where)
      if (status < 300 && !operation.path.startsWith('/graphql')) taken.push(`${operation.path} ${what}`)
      if (Object.hasOwn(Object.prototype, 'polluted')) throw new Error(where)
    }
  }
  // Only routes that take no body at all, and what looks at a text and says what is wrong with it.
  expect(taken.filter((one) => !/^\/api\/(sign-out|limits|health|stage-recipes\/\{stage\}\/check)/.test(one))).toEqual(
    [],
  )
  expect(taken.filter((one) => /prototype|constructor|UTF|nest|packed|entity/.test(one))).toEqual([])
}, 60_000)

test('nobody’s body is read before it is known who sends it, and where anybody may come it is a small one', async () => {
  const [broken, large] = [text('{"a":'), text(`{"email":"${'x'.repeat(100_000)}"}`)]
  for (const operation of taking) {
    const path = pathOf(operation)
    const to = (body: Buffer) => send(operation.method, path, body, { 'content-type': JSON_TYPE })
    const [first, second] = [await to(broken), await to(large)]
    expect({
      path,
      answers: [
        [401, 401],
        [400, 413],
      ],
    }).toMatchObject({ path, answers: expect.arrayContaining([[first.status, second.status]]) })
  }
})

test('what is refused leaves no memory behind', async () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const heap = () => (gc(), process.memoryUsage().heapUsed)
  const mountain = text(`{"name":"${'x'.repeat(5_000_000)}"}`)
  const sand = text(`{${Array.from({ length: 20_000 }, (_, n) => `"k${n}":1`).join()}}`)
  const round = async () => {
    for (const path of ['/api/runs', '/api/definitions', '/api/skills', '/v1/analyze-execution', '/mcp', '/graphql']) {
      expect((await send('POST', path, sand, admin)).status).toBeLessThan(500)
    }
    expect((await send('POST', '/api/runs', mountain, admin)).status).toBe(413)
  }
  await round()
  const before = heap()
  for (let n = 0; n < 3; n += 1) await round()
  expect(heap() - before).toBeLessThan(5_000_000)
}, 60_000)

test('no path leads out of what is served, however it is written', async () => {
  const ways = [
    '/../../etc/passwd',
    '/assets/../../../../etc/passwd',
    '/assets/../../package.json',
    '/assets/..%2f..%2f..%2fpackage.json',
  ]
  ways.push('/assets/%2e%2e/%2e%2e/package.json', '/assets/..\\..\\package.json', '//etc/passwd', '/./package.json')
  ways.push('/assets/....//....//package.json', '/%2e%2e%5cpackage.json', '/assets/%00.js', '/api/docs/..%2fx')
  ways.push('/api/runs/1/artifacts/..%2f..%2f1', '/api/cards/1/documents?path=../../x', '/api/skills/..%2f..%2f1')
  for (const way of ways) {
    const { status, text: said } = await send('GET', way, undefined, { ...admin, accept: 'text/html' })
    // What is no file is the page.
    expect([way, status < 500, /root:|CANARY/.test(said)]).toEqual([way, true, false])
  }
})

test('types that ask for the types of types are refused before they multiply', async () => {
  const deep = (n: number): string =>
    n === 0 ? 'name' : `fields { type { ${deep(n - 1)} ofType { ${deep(n - 1)} } } }`
  const ask = (query: string) => send('POST', '/graphql', text(JSON.stringify({ query })), admin)
  for (const query of [
    `{ __schema { types { ${deep(5)} } } }`,
    `{ __type(name: "Run") { ${'fields { type { '.repeat(9)} name ${'} } '.repeat(9)} } }`,
    `{ ${'...F '.repeat(40)} } fragment F on Query { ${'...G '.repeat(40)} } fragment G on Query { ${'__typename '.repeat(40)} }`,
  ]) {
    const { status, text: said } = await ask(query)
    expect([status, said.length < 1_000, said.includes('"data"')]).toEqual([200, true, false])
  }
})

test('a secret that comes with a request, wherever in it, is in no line of the log and in no answer', async () => {
  const said: string[] = []
  const headers = {
    ...admin,
    cookie: `millrace=${CANARY}; __Host-millrace=${CANARY}`,
    'x-api-key': CANARY,
    'idempotency-key': CANARY,
    'proxy-authorization': `Basic ${CANARY}`,
  }
  const body = text(
    JSON.stringify({
      email: `${CANARY}@example.org`,
      password: CANARY,
      token: CANARY,
      key: CANARY,
      secret: CANARY,
      url: `https://u:${CANARY}@example.org/${CANARY}`,
    }),
  )
  for (const operation of taking) {
    for (const who of [headers, { ...headers, authorization: `Bearer ${CANARY}` }]) {
      const { text: answer } = await send(
        operation.method,
        `${pathOf(operation)}?token=${CANARY}&key=${CANARY}`,
        body,
        who,
      )
      said.push(answer)
    }
  }
  expect(said.filter((one) => one.includes(CANARY))).toEqual([])
  expect(stage.logged.length).toBeGreaterThan(100)
  expect(stage.logged.filter((line) => line.includes(CANARY))).toEqual([])
})
