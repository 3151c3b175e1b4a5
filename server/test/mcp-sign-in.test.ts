/** Signing in to servers of tools that want it, and what they ask in the middle of a call. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMcpHandler, inputRequired, inputResponse, McpServer } from '@modelcontextprotocol/server'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSealedFiles } from '../src/keys/sealed-files.ts'
import { openTools, type Tools } from '../src/tools/tools.ts'

const SECRET = Buffer.alloc(32, 7).toString('base64')
const python = { health: async () => ({ healthy: false, executable: null }) as never }

/** A server of tools, and beside it who issues its tokens. */
interface Guarded {
  readonly url: string
  /** Tokens that are good now. */
  readonly good: Set<string>
  /** What was asked of the issuer. */
  readonly asked: { readonly path: string; readonly form: URLSearchParams; readonly by: string | undefined }[]
  /** Tokens that it was shown. */
  readonly shown: string[]
  /** As what it comes back, if not as itself. */
  iss?: string
}

const WANTS = { type: 'object', properties: { sure: { type: 'boolean', default: true } } } as const

function served(): McpServer {
  const mcp = new McpServer({ name: 'guarded', version: '1' }, { capabilities: { tools: {} } })
  const tools = ['echo', 'asks'].map((name) => ({ name, description: name, inputSchema: { type: 'object' as const } }))
  mcp.server.setRequestHandler('tools/list', () => ({ tools }))
  mcp.server.setRequestHandler('tools/call', ({ params }, { mcpReq }) => {
    const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] })
    if (params.name === 'echo') return text('echo')
    const answer = inputResponse(mcpReq.inputResponses, 'sure')
    if (answer.kind === 'elicit') return text(JSON.stringify([answer.action, answer.content ?? null]))
    const message = 'Really\u202e?'
    return inputRequired({ inputRequests: { sure: inputRequired.elicit({ message, requestedSchema: WANTS }) } })
  })
  return mcp
}

const bodyOf = async (request: IncomingMessage) => {
  let text = ''
  for await (const part of request) text += String(part)
  return text
}

async function guarded(): Promise<Guarded> {
  const good = new Set<string>()
  const shown: string[] = []
  const asked: Guarded['asked'][number][] = []
  const challenges = new Map<string, string>()
  const handler = createMcpHandler(served)
  const node = toNodeHandler(handler)
  async function answer(request: IncomingMessage, reply: ServerResponse): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url ?? '/', url)
    const give = (what: object, status = 200) =>
      reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(what))
    if (pathname === '/mcp') {
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
      if (token !== '') shown.push(token)
      if (good.has(token)) return node(request as Parameters<typeof node>[0], reply)
      return reply.writeHead(401, { 'www-authenticate': 'Bearer scope="read"' }).end()
    }
    if (pathname.startsWith('/.well-known/oauth-protected-resource')) {
      return give({ resource: `${url}/mcp`, authorization_servers: [url] })
    }
    if (pathname.startsWith('/.well-known/oauth-authorization-server')) {
      return give({
        issuer: url,
        authorization_endpoint: `${url}/authorize`,
        token_endpoint: `${url}/token`,
        registration_endpoint: `${url}/register`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
        grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
        token_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
      })
    }
    const text = await bodyOf(request)
    const form = pathname === '/authorize' ? searchParams : new URLSearchParams(text)
    asked.push({ path: pathname, form, by: request.headers.authorization })
    if (pathname === '/register') return give({ ...JSON.parse(text), client_id: 'registered' }, 201)
    if (pathname === '/authorize') {
      const code = randomUUID()
      challenges.set(code, form.get('code_challenge') ?? '')
      const back = new URL(form.get('redirect_uri') ?? '')
      for (const [name, value] of Object.entries({ code, state: form.get('state') ?? '', iss: one.iss ?? url })) {
        back.searchParams.set(name, value)
      }
      return reply.writeHead(302, { location: back.href }).end()
    }
    if (form.get('grant_type') === 'authorization_code') {
      const proof = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url')
      if (challenges.get(form.get('code') ?? '') !== proof) return give({ error: 'invalid_grant' }, 400)
    }
    const token = `CANARY-${randomUUID()}`
    good.add(token)
    return give({
      access_token: token,
      token_type: 'Bearer',
      expires_in: 3600,
      refresh_token: `CANARY-r-${randomUUID()}`,
    })
  }
  const server = createServer((request, reply) => void answer(request, reply))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(async () => {
    await handler.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as { port: number }
  const url = `http://127.0.0.1:${port}`
  const one: Guarded = { url, good, asked, shown }
  return one
}

const ends: (() => unknown)[] = []
let folder = ''
let state = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcp-sign-in-'))
  state = await mkdtemp(join(tmpdir(), 'mcp-state-'))
})
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
  await Promise.all([folder, state].map((path) => rm(path, { recursive: true })))
})

async function opened(): Promise<Tools> {
  const signIns = openSealedFiles({ given: SECRET, folder: state })
  const tools = openTools({ folder, python, signIns, pause: 0 })
  ends.push(() => tools.close())
  await tools.load()
  return tools
}
const put = (file: object) => writeFile(join(folder, 'far.mcp.json'), JSON.stringify({ private: true, ...file }))
/** A person at a browser who agrees. */
const agrees = async (address: URL) => void (await fetch(address))
const ECHO = { ok: true, output: { content: [{ type: 'text', text: 'echo' }] } }
const reasonOf = ({ runner }: Tools, name = 'far') => runner.absent.find((one) => one.name === name)?.reason

test('somebody signs in once, workers use and renew it, and what is kept is of no use to who reads the file', async () => {
  const server = await guarded()
  await put({ url: `${server.url}/mcp` })
  expect(reasonOf(await opened())).toContain('millrace tools login')
  // Where nobody sits, nothing is registered and nobody is sent anywhere.
  expect(server.asked).toEqual([])
  await (await opened()).login('far', agrees)
  const worker = await opened()
  expect(await worker.runner.run('far__echo', {})).toMatchObject(ECHO)
  server.good.clear()
  expect(await worker.runner.run('far__echo', {})).toMatchObject(ECHO)
  expect(server.asked.map(({ path, form }) => form.get('grant_type') ?? path)).toEqual([
    '/register',
    '/authorize',
    'authorization_code',
    'refresh_token',
  ])
  expect(server.asked[1]?.form.get('resource')).toBe(`${server.url}/mcp`)
  const [name = ''] = await readdir(join(state, 'sign-ins'))
  const kept = join(state, 'sign-ins', name)
  expect(await readFile(kept, 'utf8')).not.toMatch(/CANARY|registered/)
  expect((await stat(kept)).mode & 0o077).toBe(0)
  // At another address it is nobody's.
  const other = await guarded()
  await put({ url: `${other.url}/mcp` })
  await rm(join(folder, 'far.mcp.lock'))
  expect(reasonOf(await opened())).toContain('millrace tools login')
  expect([other.asked, other.shown]).toEqual([[], []])
})

test('who comes back from another issuer, or is not granted it, has not signed in', async () => {
  const server = await guarded()
  server.iss = 'https://evil.example'
  await put({ url: `${server.url}/mcp` })
  const tools = await opened()
  await expect(tools.login('far', agrees)).rejects.toMatchObject({ code: 'LOGIN_FAILED' })
  expect(server.asked.map(({ path }) => path)).not.toContain('/token')
  const refuses = async (address: URL) => {
    const back = new URL(address.searchParams.get('redirect_uri') ?? '')
    // Whoever does not know the state is not heard.
    expect((await fetch(`${back.href}?code=stolen&state=guessed`)).status).toBe(404)
    await fetch(`${back.href}?error=access_denied&state=${address.searchParams.get('state')}`)
  }
  await expect(tools.login('far', refuses)).rejects.toMatchObject({ causes: ['it was not granted'] })
  expect(reasonOf(await opened())).toContain('millrace tools login')
})

test('a program signs in with its own secret, and sends it to its issuer alone', async () => {
  const server = await guarded()
  process.env['MILLRACE_TEST_CLIENT'] = 'CANARY-secret'
  ends.push(() => delete process.env['MILLRACE_TEST_CLIENT'])
  const signIn = { grant: 'program', client: 'mill', secret: 'MILLRACE_TEST_CLIENT', issuer: server.url }
  await put({ url: `${server.url}/mcp`, signIn: { ...signIn, issuer: 'https://other.example' } })
  await opened()
  expect(server.asked).toEqual([])
  await put({ url: `${server.url}/mcp`, signIn })
  expect(await (await opened()).runner.run('far__echo', {})).toMatchObject(ECHO)
  expect(server.asked.map(({ form, by }) => [form.get('grant_type'), by])).toEqual([
    ['client_credentials', `Basic ${Buffer.from('mill:CANARY-secret').toString('base64')}`],
  ])
  for (const wrong of [
    { grant: 'program', client: 'mill' },
    { ...signIn, issuer: undefined },
  ]) {
    await put({ url: `${server.url}/mcp`, signIn: wrong })
    expect(reasonOf(await opened())).toContain('a program needs')
  }
  await put({ url: `${server.url}/mcp`, bearer: 'TOKEN', signIn: {} })
  expect(reasonOf(await opened())).toContain('signIn')
})

test('what another server asks in a call is asked of our caller in its name, and declined where nobody is there', async () => {
  const server = await guarded()
  server.good.add('good')
  process.env['MILLRACE_TEST_GOOD'] = 'good'
  ends.push(() => delete process.env['MILLRACE_TEST_GOOD'])
  await put({ url: `${server.url}/mcp`, bearer: 'MILLRACE_TEST_GOOD' })
  const { runner } = await opened()
  const said = (text: string) => ({ ok: true, output: { content: [{ type: 'text', text }] } })
  expect(await runner.run('far__asks', {})).toMatchObject(said('["decline",null]'))
  const askable = { asks: ['form'], answers: {} } as const
  const first = await runner.run('far__asks', {}, { askable })
  if (first.ok || first.questions === undefined) throw new Error('it asks nothing')
  const [[key, question] = ['', undefined]] = Object.entries(first.questions)
  expect(question).toMatchObject({ kind: 'form', message: 'far asks: Really ?' })
  const answered = (answer: object) =>
    runner.run('far__asks', {}, { askable: { ...askable, answers: { [key]: answer } } })
  expect(await answered({ action: 'accept', content: {} })).toMatchObject(said('["accept",{"sure":true}]'))
  expect(await answered({ action: 'decline' })).toMatchObject(said('["decline",null]'))
})
