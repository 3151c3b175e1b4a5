/** Agents at `/mcp`: what they are offered, what a call answers, and what they may not. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mcpClient, REVISIONS, type McpClient } from '../testing/mcp.ts'
import { toolFolder, type ToolFolder } from '../testing/tools/hostile.ts'
import { until } from '../../engine/testing/index.ts'
import { defineTool } from '../src/tools/runner.ts'
import { z } from 'zod'
import { operator } from '../src/app.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

const counts = defineTool({
  name: 'counts',
  version: '1',
  description: 'Says how far it is.',
  input: z.strictObject({ forever: z.boolean().default(false) }),
  output: z.object({ counted: z.int() }),
  async run({ forever }, { progress, signal }) {
    for (let done = 1; (forever || done <= 3) && !signal.aborted; done += 1) {
      progress(done, 3)
      await new Promise((resolve) => setTimeout(resolve, 260))
    }
    return { counted: 3 }
  },
})

let stage: HttpStage
let folder: ToolFolder
const open: McpClient[] = []
beforeAll(async () => {
  folder = await toolFolder({
    'throws.py': `TOOL = {"name": "throws", "version": "1", "description": "Throws.", "input": {"type": "object"}, "output": {"type": "object"}}
def run(given, job):
    raise ValueError("CANARY-PATIENT")
`,
  })
  stage = await openHttpStage({ tools: { folder: folder.path } })
  stage.tools.runner.add(counts)
  await stage.work()
  stage.person('reads', 'member', 1, ['runs:read'])
  stage.person('calls', 'member', 1, ['tools'])
  stage.person('other', 'admin', 2)
})
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

test.each(REVISIONS)(
  'an agent of %s is offered every tool with its schemas, and calls one as a run',
  async (revision) => {
    const agent = await client({ revision })
    const { tools } = await agent.client.listTools()
    const names = tools.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['runs_start', 'runs_watch', 'text_statistics', 'counts', 'throws']))
    expect(names.filter((name) => /approv|release|resume/.test(name))).toEqual([])
    const one = tools.find(({ name }) => name === 'text_statistics')
    expect(one).toMatchObject({ inputSchema: { type: 'object' }, outputSchema: { type: 'object' } })
    const told: unknown[] = []
    const answer = await agent.call('counts', {}, { onprogress: (progress) => told.push(progress) })
    expect(answer).toMatchObject({ structuredContent: { counted: 3 }, content: [{ type: 'text' }] })
    expect(JSON.parse(answer.content[0].text)).toEqual({ counted: 3 })
    expect(told).toContainEqual({ progress: 1, total: 3 })
    const run = answer._meta['millrace/run']
    expect((await agent.call('runs_get', { run })).structuredContent.run).toMatchObject({
      status: 'completed',
      kind: 'tool',
    })
    expect((await agent.call('runs_results', { run })).structuredContent.output).toEqual({ counted: 3 })
  },
)

test.each(REVISIONS)(
  'to an agent of %s every error is an answer in the envelope, and says nothing that was thrown',
  async (revision) => {
    const agent = await client({ revision })
    const asked = [
      ['throws', {}, 'PluginError', 'TOOL_FAILED'],
      ['text_statistics', { text: 7 }, 'ValidationError', 'INVALID_INPUT'],
      ['runs_get', { run: 999_999 }, 'NotFoundError', 'NO_SUCH_RUN'],
      ['runs_get', { run: 'x', 'John Doe': 1 }, 'ValidationError', 'INVALID_INPUT'],
      ['runs_start', { kind: 'nothing' }, 'NotFoundError', 'UNKNOWN_KIND'],
      ['runs_start', { kind: 'probe', input: {} }, 'ValidationError', 'INVALID_INPUT'],
    ] as const
    for (const [name, input, type, code] of asked) {
      const answer = await agent.call(name, input)
      expect([name, answer]).toMatchObject([
        name,
        { isError: true, structuredContent: { error: { type, code, tool: name } } },
      ])
      expect(answer.content[0].text).toContain(code)
      expect(JSON.stringify(answer)).not.toMatch(/CANARY|John|ValueError/)
    }
    await expect(agent.call('no_such_tool')).rejects.toMatchObject({ code: -32602 })
    expect(stage.logged.join('\n')).not.toMatch(/CANARY|John/)
  },
)

test('a run is started once for its key, watched to its end, and steered', async () => {
  const agent = await client()
  const asked = { kind: 'tool', input: { tool: 'counts', input: {} }, idempotencyKey: 'once' }
  const first = (await agent.call('runs_start', asked)).structuredContent
  const again = (await agent.call('runs_start', asked)).structuredContent
  expect([first.created, again.created, again.run.id]).toEqual([true, false, first.run.id])
  const told: number[] = []
  const onprogress = ({ progress }: { progress: number }) => told.push(progress)
  const watched = (await agent.call('runs_watch', { run: first.run.id, seconds: 30 }, { onprogress })).structuredContent
  expect(watched.run).toMatchObject({
    status: 'completed',
    statusMessage: 'succeeded',
    url: `${stage.url}/runs/${first.run.id}`,
  })
  expect(watched.events.map(({ n }: { n: number }) => n)).toEqual(
    Array.from({ length: watched.lastEvent }, (_, i) => i + 1),
  )
  expect(told.at(-1)).toBe(1)
  const nothing = await agent.call('runs_retry', { run: first.run.id })
  expect(nothing.structuredContent.error.code).toBe('NOTHING_TO_RETRY')
  const more = (await agent.call('runs_retry', { run: first.run.id, what: 'all' })).structuredContent
  expect(more).toMatchObject({ round: 2, tasks: 1, run: { status: 'working' } })
  expect((await agent.call('runs_cancel', { run: first.run.id })).isError).toBeUndefined()
  await stage.ended(first.run.id)
  const { runs } = (await agent.call('runs_list', { status: 'cancelled' })).structuredContent
  expect(runs.map(({ id }: { id: number }) => id)).toEqual([first.run.id])
  const waits = (await agent.call('runs_start', { kind: 'tool', input: { tool: 'nobody_has_it', input: {} } }))
    .structuredContent
  const why = (await agent.call('runs_why', { run: waits.run.id })).structuredContent
  expect(why.waiting).toMatchObject([{ reason: 'no_worker', kind: 'tool.call.nobody_has_it' }])
  expect((await agent.call('runs_compare', { runs: [first.run.id] })).structuredContent.error.code).toBe('NOT_A_PROBE')
})

test('an agent that cancels its call ends the run of it', async () => {
  for (const revision of REVISIONS) {
    const agent = await client({ revision })
    const abort = new AbortController()
    const call = agent.call('counts', { forever: true }, { signal: abort.signal, onprogress: () => abort.abort() })
    await expect(call).rejects.toThrow()
    await until(
      async () => (await stage.engine.runs(operator, { kind: 'tool', limit: 1 }))[0],
      (run) => run?.state === 'cancelled',
    )
  }
})

test('a run that awaits approval is answered with the page where a person decides, and no tool decides', async () => {
  const { run } = await stage.engine.start(
    operator,
    stage.house.tool,
    { tool: 'counts', input: {}, retries: 0 },
    { workspace: 1, held: 'awaiting_approval' },
  )
  const url = `${stage.url}/runs/${run}`
  const shown: unknown[] = []
  const able = await client({
    options: { versionNegotiation: { mode: { pin: '2026-07-28' } }, capabilities: { elicitation: { url: {} } } },
  })
  able.client.setRequestHandler('elicitation/create', ({ params }) => {
    shown.push(params)
    return { action: 'accept' }
  })
  expect((await able.call('runs_get', { run })).structuredContent.run).toMatchObject({ status: 'input_required', url })
  expect(shown).toMatchObject([{ mode: 'url', url }])
  for (const revision of REVISIONS) {
    const agent = await client({ revision })
    const { structuredContent } = await agent.call('runs_watch', { run, seconds: 0 })
    expect(structuredContent.run).toMatchObject({ status: 'input_required', statusMessage: 'awaiting_approval', url })
    for (const tool of (await agent.names()).filter((name) => /^runs_(start|retry|why|watch)$/.test(name))) {
      await agent.call(tool, { run, seconds: 0 })
    }
  }
  expect((await stage.engine.run(operator, run)).status).toBe('awaiting_approval')
  await stage.engine.cancel(operator, run)
})

test('an agent is offered, and may, what the scopes of its key and its role allow', async () => {
  const [reads, calls] = await Promise.all([client({ token: 'reads' }), client({ token: 'calls' })])
  expect((await reads.names()).every((name) => name.startsWith('runs_'))).toBe(true)
  expect(await reads.names()).not.toContain('runs_start')
  expect((await calls.names()).filter((name) => name.startsWith('runs_'))).toEqual([])
  expect((await calls.call('text_statistics', { text: 'one' })).structuredContent.words).toBe(1)
  for (const [agent, name] of [
    [reads, 'text_statistics'],
    [reads, 'runs_cancel'],
    [calls, 'runs_list'],
  ] as const) {
    const answer = await agent.call(name, { run: 1, text: 'one' })
    expect([name, answer.isError, answer.structuredContent.error.code]).toEqual([name, true, 'MISSING_SCOPE'])
  }
})

test('nobody sees, steers or compares the runs of another workspace', async () => {
  const [mine] = await stage.engine.runs(operator, { limit: 1 })
  const run = mine?.id ?? 0
  const other = await client({ token: 'other' })
  expect((await other.call('runs_list')).structuredContent.runs).toEqual([])
  for (const name of [
    'runs_get',
    'runs_watch',
    'runs_results',
    'runs_cancel',
    'runs_retry',
    'runs_why',
    'runs_compare',
  ]) {
    const answer = await other.call(name, name === 'runs_compare' ? { runs: [run] } : { run })
    expect([name, answer.structuredContent.error?.code]).toEqual([name, 'NO_SUCH_RUN'])
  }
  expect((await stage.engine.run(operator, run)).cancelAsked).toBe(mine?.cancelAsked)
})

test('who is not signed in, asks from another site’s page, or by another name, is refused before anything is asked', async () => {
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
  const accept = 'application/json, text/event-stream'
  const asked = (headers: Record<string, string>, as?: string | null) =>
    stage.ask('/mcp', { body, headers: { accept, ...headers }, ...(as === undefined ? {} : { as }) })
  expect((await asked({}, null)).status).toBe(401)
  expect((await asked({}, null)).headers.get('www-authenticate')).toContain('Bearer')
  expect((await asked({ origin: 'https://evil.example' })).body.code).toBe('CROSS_ORIGIN')
  expect((await asked({ 'sec-fetch-site': 'cross-site' })).status).toBe(403)
  expect((await asked({ origin: stage.url })).status).toBe(200)
  expect((await asked({})).headers.get('x-content-type-options')).toBe('nosniff')
  expect((await stage.ask('/mcp', { method: 'GET' })).status).toBe(405)
})
