/** What agents read at `/mcp`, what they are told, the prompts that they choose, and what tools ask of them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { until } from '../../engine/testing/index.ts'
import { definition } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'
import { mcpClient, REVISIONS, type McpClient, type Revision } from '../testing/mcp.ts'
import { toolFolder, type ToolFolder } from '../testing/tools/hostile.ts'
import { operator } from '../src/app.ts'
import { defineTool } from '../src/tools/runner.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

const FORM = { type: 'object', properties: { city: { type: 'string', minLength: 2 } }, required: ['city'] } as const
const travels = defineTool({
  name: 'travels',
  version: '1',
  description: 'Asks where to, and then with whom.',
  input: z.strictObject({}),
  output: z.object({ said: z.string() }),
  async run(_, { ask, asks, log }) {
    log('begun', { asks: asks.length })
    const { where } = ask({ where: { kind: 'form', message: 'Where to?', schema: FORM } })
    if (where.action !== 'accept') return { said: where.action }
    const { who } = ask({ who: { kind: 'model', prompt: 'With whom?', mostTokens: 50 } })
    return { said: `${String(where.content?.['city'])} with ${who.text}` }
  },
})
const greeting = defineTool({
  name: 'greeting',
  version: '1',
  description: 'Greets.',
  input: z.strictObject({ name: z.string(), loud: z.boolean().default(false) }),
  output: z.object({ messages: z.array(z.object({ role: z.literal('user'), content: z.looseObject({}) })) }),
  capabilities: ['prompt'],
  run: ({ name, loud }) => {
    const text = loud ? name.toUpperCase() : name
    return { messages: [{ role: 'user' as const, content: { type: 'text', text: `Greet ${text}.` } }] }
  },
})

let stage: HttpStage
let folder: ToolFolder
let probe: number
let vetted: number
const open: McpClient[] = []
beforeAll(async () => {
  folder = await toolFolder({
    'asker.ts': `import { defineTool } from 'millrace/tool'
import { z } from 'zod'

export default defineTool({
  name: 'asker',
  version: '1',
  description: 'Asks from a process of its own.',
  input: z.object({}),
  output: z.object({ said: z.string() }),
  run(_, { ask }) {
    const schema = { type: 'object', properties: { yes: { type: 'boolean', default: true } } } as const
    const { where } = ask({ where: { kind: 'form', message: 'Here?', schema } })
    return { said: JSON.stringify(where) }
  },
})
`,
  })
  stage = await openHttpStage({ tools: { folder: folder.path } })
  for (const tool of [travels, greeting]) stage.tools.runner.add(tool)
  await stage.work()
  stage.person('reads', 'member', 1, ['runs:read'])
  stage.person('calls', 'member', 1, ['tools'])
  stage.person('other', 'admin', 2)
  stage.person('member', 'member')
  const asked = { definition: definition(definitionText(2)), models: ['fake:a'] }
  probe = (await stage.ask('/api/runs', { body: asked })).body.run.id
  await stage.ended(probe)
  const skill = (name: string) => ({
    action: 'create',
    name,
    description: 'Says a word.',
    promptTemplate: 'Say {{word}}{{#times}} {{times}} times{{/times}}.',
    inputSchema: {
      type: 'object',
      properties: {
        word: { type: 'string' },
        times: { type: 'integer' },
        tone: { enum: ['calm', 'cheerful', 'grave'] },
      },
      required: ['word'],
      additionalProperties: false,
    },
    outputSchema: { type: 'object', properties: {} },
  })
  const { id, digest } = (await stage.ask('/api/skills', { body: skill('say-it') })).body.skill
  vetted = id
  const trusted = await stage.ask(`/api/skills/${id}`, { method: 'PATCH', body: { trustLevel: 'vetted', digest } })
  expect([trusted.status, trusted.text]).toEqual([200, expect.any(String)])
  await stage.ask('/api/skills', { body: skill('nobody-vetted-it') })
}, 120_000)
afterAll(async () => {
  await Promise.all(open.map((one) => one.close()))
  await stage?.close()
  await folder?.remove()
})

const client = async (how?: Parameters<typeof mcpClient>[1]) => {
  const one = await mcpClient(stage.url, how)
  open.push(one)
  return one
}
const textAt = async (agent: McpClient, uri: string) =>
  (await agent.client.readResource({ uri })).contents.map((one) => ('text' in one ? one.text : ''))[0] ?? ''

test.each(REVISIONS)('an agent of %s reads runs and skills by their addresses', async (revision) => {
  const agent = await client({ revision })
  const { resources } = await agent.client.listResources()
  const run = `millrace://runs/${probe}`
  expect(resources.map(({ uri }) => uri)).toEqual(expect.arrayContaining([run, `millrace://skills/${vetted}`]))
  expect(JSON.parse(await textAt(agent, run)).run).toMatchObject({ id: probe, status: 'completed', kind: 'probe' })
  expect(JSON.parse(await textAt(agent, `${run}/results`)).models).toMatchObject([{ model: 'fake:a', answered: 2 }])
  const { transcripts } = JSON.parse(await textAt(agent, `${run}/transcripts`))
  expect(transcripts).toHaveLength(2)
  const one = JSON.parse(await textAt(agent, `${run}/transcripts/${transcripts[0].n}`))
  expect(one.turns[0]).toMatchObject({ prompt: expect.any(String), answer: expect.any(String) })
  const csv = await textAt(agent, `${run}/transcripts.csv`)
  expect(csv).toBe(
    await stage
      .raw(`/api/export/runs/${probe}/csv`)
      .then((answer) => answer.arrayBuffer())
      .then((bytes) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)),
  )
  expect(await textAt(agent, `millrace://skills/${vetted}`)).toContain('say-it')
  const completed = async (uri: string, name: string, value: string, others?: Record<string, string>) =>
    (
      await agent.client.complete({
        ref: { type: 'ref/resource', uri },
        argument: { name, value },
        ...(others === undefined ? {} : { context: { arguments: others } }),
      })
    ).completion.values
  expect(await completed('millrace://runs/{id}', 'id', String(probe))).toContain(String(probe))
  const numbers = await completed('millrace://runs/{id}/transcripts/{n}', 'n', '', { id: String(probe) })
  expect(numbers).toEqual(transcripts.map(({ n }: { n: number }) => String(n)))
})

test('what is not there, not his, or beyond his key has no address, and says nothing else', async () => {
  const [agent, other, calls] = await Promise.all([client(), client({ token: 'other' }), client({ token: 'calls' })])
  const uris = [
    'millrace://runs/999999',
    'millrace://runs/x',
    `millrace://runs/${probe}/transcripts/999`,
    'other://x',
    'millrace://skills/99',
  ]
  for (const uri of uris) {
    await expect(agent.client.readResource({ uri })).rejects.toMatchObject({ code: -32602, data: { uri } })
  }
  for (const uri of [
    `millrace://runs/${probe}`,
    `millrace://runs/${probe}/transcripts.csv`,
    `millrace://skills/${vetted}`,
  ]) {
    await expect(other.client.readResource({ uri })).rejects.toMatchObject({ code: -32602, data: { uri } })
    await expect(calls.client.readResource({ uri })).rejects.toThrow('MISSING_SCOPE')
  }
  expect((await other.client.listResources()).resources).toEqual([])
  expect((await calls.client.listResources()).resources).toEqual([])
  const reads = await client({ token: 'reads' })
  expect((await reads.client.listResources()).resources.map(({ uri }) => uri)).toContain(`millrace://runs/${probe}`)
  await expect(reads.client.readResource({ uri: `millrace://runs/${probe}/transcripts.csv` })).rejects.toThrow(
    'exports:read',
  )
})

test.each(REVISIONS)('an agent of %s is told when the run that it listens to has changed', async (revision) => {
  const asked = { kind: 'tool', input: { tool: 'nobody_has_it', input: {} } }
  const waiting = (await stage.ask('/api/runs', { body: asked })).body.run.id
  const uri = `millrace://runs/${waiting}`
  const told: string[] = []
  const agent = await client({ revision })
  agent.client.setNotificationHandler('notifications/resources/updated', ({ params }) => void told.push(params.uri))
  const other = await client({ revision, token: 'other' })
  const listens = (one: McpClient) =>
    revision === '2025-11-25'
      ? one.client.subscribeResource({ uri })
      : one.client.listen({ resourceSubscriptions: [uri] })
  await expect(listens(other)).rejects.toThrow()
  await listens(agent)
  expect(told).toEqual([])
  await stage.engine.cancel(operator, waiting)
  await stage.ended(waiting)
  await until(
    async () => told,
    (all) => all.length > 0,
  )
  expect(new Set(told)).toEqual(new Set([uri]))
})

test.each(REVISIONS)('vetted skills and tools that give prompts are prompts of an agent of %s', async (revision) => {
  const agent = await client({ revision })
  const { prompts } = await agent.client.listPrompts()
  expect(prompts.map(({ name }) => name)).toEqual(expect.arrayContaining(['say-it', 'greeting']))
  expect(prompts.map(({ name }) => name)).not.toContain('nobody-vetted-it')
  expect(prompts.find(({ name }) => name === 'say-it')?.arguments).toMatchObject([
    { name: 'word', required: true },
    { name: 'tone', required: false },
    { name: 'times', required: false },
  ])
  expect(await agent.names()).not.toContain('greeting')
  const said = async (name: string, values: Record<string, string>) =>
    (await agent.client.getPrompt({ name, arguments: values })).messages.map(({ content }) =>
      'text' in content ? content.text : '',
    )
  expect(await said('say-it', { word: '{{times}}', times: '3' })).toEqual(['Say {{times}} 3 times.'])
  expect(await said('greeting', { name: 'mill', loud: 'true' })).toEqual(['Greet MILL.'])
  await expect(said('say-it', {})).rejects.toMatchObject({ code: -32602 })
  await expect(said('say-it', { word: 'x', times: 'often' })).rejects.toThrow('/times')
  await expect(said('nobody-vetted-it', { word: 'x' })).rejects.toMatchObject({ code: -32602 })
  const { completion } = await agent.client.complete({
    ref: { type: 'ref/prompt', name: 'say-it' },
    argument: { name: 'tone', value: 'c' },
  })
  expect(completion.values).toEqual(['calm', 'cheerful'])
})

/** An agent with a person who answers `say`, and a model of its own. */
async function answering(revision: Revision, say: (asked: string) => object) {
  const options = { capabilities: { elicitation: { form: {} }, sampling: {} } }
  const mode = revision === '2025-11-25' ? 'legacy' : { pin: revision }
  const agent = await client({ revision, options: { ...options, versionNegotiation: { mode } } })
  const asked: string[] = []
  agent.client.setRequestHandler('elicitation/create', ({ params }) => {
    asked.push(params.message)
    return say(params.message) as { action: 'accept' }
  })
  agent.client.setRequestHandler('sampling/createMessage', ({ params }) => {
    const [message] = params.messages
    asked.push(JSON.stringify(message?.content))
    return { role: 'assistant', model: 'own', content: { type: 'text', text: 'Ada' } }
  })
  return { agent, asked }
}

test.each(REVISIONS)(
  'a tool asks the person and the model of an agent of %s, and goes on with what they say',
  async (revision) => {
    const { agent, asked } = await answering(revision, () => ({ action: 'accept', content: { city: 'Ulm' } }))
    expect((await agent.call('travels')).structuredContent).toEqual({ said: 'Ulm with Ada' })
    expect(asked).toEqual(['Where to?', expect.stringContaining('With whom?')])
    const { agent: shy } = await answering(revision, () => ({ action: 'decline' }))
    expect((await shy.call('travels')).structuredContent).toEqual({ said: 'decline' })
    // One that runs in a process of its own does so too, and what a form proposes is what is left out.
    const { agent: sure } = await answering(revision, () => ({ action: 'accept', content: {} }))
    expect(JSON.parse((await sure.call('asker')).structuredContent.said)).toEqual({
      action: 'accept',
      content: { yes: true },
    })
  },
)

test('who cannot be asked is told so, by every door, and nothing waits for him', async () => {
  const agent = await client()
  await expect(agent.call('travels')).rejects.toMatchObject({ code: -32021 })
  const body = { tool: 'travels', input: {} }
  const answer = await stage.ask('/v1/analyze-execution', { body })
  expect([answer.status, answer.body.error]).toMatchObject([400, { code: 'INPUT_REQUIRED', type: 'ValidationError' }])
  const run = { kind: 'tool', input: { tool: 'travels', input: {}, asks: ['form'] } }
  const id = (await stage.ask('/api/runs', { body: run })).body.run.id
  await stage.ended(id)
  const brought = JSON.parse(await textAt(agent, `millrace://runs/${id}/results`))
  expect(brought.run.status).toBe('completed')
})

test('what an agent has answered is good for himself and for the tool that asked', async () => {
  const meta = (capabilities: object) => ({
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'x', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  })
  const call = async (params: Record<string, unknown>, as = 'admin') => {
    const headers = {
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': String(params['name']),
    }
    const _meta = meta({ elicitation: {}, sampling: {} })
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { arguments: {}, _meta, ...params } }
    const { text } = await stage.ask('/mcp', { body, headers, as })
    return JSON.parse(text.startsWith('{') ? text : (/^data: (\{.*"id":1.*)$/m.exec(text)?.[1] ?? '{}'))
  }
  const inputResponses = { where: { action: 'accept', content: { city: 'Ulm' } } }
  const first = (await call({ name: 'travels', inputResponses })).result
  expect(Object.keys(first.inputRequests)).toEqual(['who'])
  const { requestState } = first
  const who = { who: { role: 'assistant', model: 'm', content: { type: 'text', text: 'Bo' } } }
  const next = { name: 'travels', requestState, inputResponses: who }
  for (const wrong of [call({ ...next, requestState: `${requestState}x` }), call(next, 'calls')]) {
    expect((await wrong).error).toMatchObject({ code: -32602 })
  }
  expect(Object.keys((await call({ name: 'asker', requestState })).result.inputRequests)).toEqual(['where'])
  expect((await call(next)).result.structuredContent).toEqual({ said: 'Ulm with Bo' })
  // What does not fit the form is no answer.
  const short = { where: { action: 'accept', content: { city: 'U' } } }
  expect(Object.keys((await call({ name: 'travels', inputResponses: short })).result.inputRequests)).toEqual(['where'])
})

test('the log of a call comes to who wants it, and not below the level that he wants', async () => {
  const { agent } = await answering('2025-11-25', () => ({ action: 'decline' }))
  const told: unknown[] = []
  agent.client.setNotificationHandler('notifications/message', ({ params }) => void told.push(params))
  await agent.client.setLoggingLevel('warning')
  await agent.call('travels')
  expect(told).toEqual([])
  await agent.client.setLoggingLevel('info')
  await agent.call('travels')
  await until(
    async () => told,
    (all) => all.length > 0,
  )
  expect(told[0]).toMatchObject({ level: 'info', data: { text: 'begun', asks: 2 } })
})

test('a session of the older revision is its person’s alone, and over when he ends it', async () => {
  const accept = 'application/json, text/event-stream'
  const send = (method: string, as: string, body?: object, session?: string) =>
    stage.ask('/mcp', {
      method,
      as,
      body,
      headers: { accept, ...(session === undefined ? {} : { 'mcp-session-id': session }) },
    })
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
  const begun = await send('POST', 'member', { jsonrpc: '2.0', id: 1, method: 'initialize', params })
  const session = begun.headers.get('mcp-session-id') ?? ''
  expect(session).toMatch(/^[\w.-]+$/)
  const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' }
  expect((await send('POST', 'member', list, session)).status).toBe(200)
  expect((await send('POST', 'reads', list, session)).status).toBe(404)
  expect((await send('DELETE', 'member', undefined, session)).status).toBe(200)
  expect((await send('POST', 'member', list, session)).status).toBe(404)
  // One of another server of ours, or of before, is served without it.
  expect((await send('POST', 'member', list, 'deadbeef.1')).status).toBe(200)
})
