/** Calling tools through the API: answers, jobs, what is counted, and what is said when nobody can do it. */
import { startWorker } from '@millrace/engine'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { openRecorder } from '../src/domains/tool/recorder.ts'
import { toolRun } from '../src/domains/tool/run.ts'
import { openTools } from '../src/tools/tools.ts'
import { outside } from '../testing/probe.ts'
import { toolFolder, type ToolFolder } from '../testing/tools/hostile.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

const waits = `import { defineTool } from 'millrace/tool'
import { z } from 'zod'
export default defineTool({ name: 'waits', version: '1', description: 'Waits until it is left.', timeoutMs: 20_000,
  input: z.object({}), output: z.object({}), run: (_, { signal }) => new Promise((_, no) => signal.addEventListener('abort', no)) })
`
const image = `from millrace_tool import ToolFailed
TOOL = {"name": "image_bytes", "version": "1", "description": "Counts bytes.", "capabilities": ["image"],
        "input": {"type": "object", "properties": {"image": {"type": "string"}, "mime_type": {"type": "string"}}, "required": ["image"]},
        "output": {"type": "object", "properties": {"bytes": {"type": "integer"}}, "required": ["bytes"]},
        "errors": {"NOT_BASE64": {"message": "It is not base64.", "blame": "caller"}}}
def run(given, job):
    import base64
    try:
        return {"bytes": len(base64.b64decode(given["image"], validate=True))}
    except ValueError:
        raise ToolFailed("NOT_BASE64", letters=len(given["image"]))
`
/** A program that is no host of ours: the protocol is all that it knows. */
const shell = `#!/bin/sh
echo '{"ready":true,"protocol":1}'
while read -r line; do
  id=$(printf %s "$line" | sed 's/.*"id":"\\([0-9]*\\)".*/\\1/')
  echo "{\\"id\\":\\"$id\\",\\"success\\":true,\\"output\\":{\\"by\\":\\"sh\\"}}"
done
`
const manifest = (name: string, command: string) =>
  JSON.stringify({
    name,
    version: '1',
    description: 'By a shell.',
    command: [command],
    input: { type: 'object' },
    output: { type: 'object', properties: { by: { type: 'string' } }, required: ['by'] },
  })

let stage: HttpStage
let folder: ToolFolder
beforeAll(async () => {
  folder = await toolFolder({
    'waits.ts': waits,
    'image.py': image,
    'answer.sh': shell,
    'by_shell.tool.json': manifest('by_shell', './answer.sh'),
    'by_nobody.tool.json': manifest('by_nobody', './not-there'),
    'taken.tool.json': manifest('text_statistics', './answer.sh'),
    'wrong.ts': '\n\nconst x: number = nothingOfThatName\nexport default x\n',
    'broken.py': 'TOOL = {}\ndef run(:\n',
    'exits.ts': 'process.exit(0)\n',
    'no_schema.tool.json': '{"name": "no_schema"}',
  })
  stage = await openHttpStage({ tools: { folder: folder.path } })
})
afterAll(async () => {
  await stage?.close()
  await folder?.remove()
})

const POST = '/v1/analyze-execution'
const call = (body: unknown, as?: string | null) => stage.ask(POST, { body, ...(as === undefined ? {} : { as }) })
const tool = async (name: string) => (await stage.ask(`/v1/tools/${name}`)).body

test('without a worker a call is refused by the platform, with the envelope of a tool, and leaves no run behind', async () => {
  const { status, body, headers } = await call({ tool: 'text_statistics', input: { text: 'one' } })
  expect([status, headers.get('retry-after')]).toEqual([503, '2'])
  expect(body.error).toMatchObject({
    type: 'ExecutionError',
    code: 'NO_WORKER',
    tool: 'text_statistics',
    retryable: true,
  })
  expect((await stage.ask(`${POST}/jobs`)).body.items).toEqual([])
  await stage.work()
})

test('a call is answered with its output and its run', async () => {
  const { status, body } = await call({ tool: 'text_statistics', input: { text: 'One two. Two three! 👩‍🚀' } })
  expect(status).toBe(200)
  expect(body).toMatchObject({ tool: 'text_statistics', plugin: 'text_statistics', status: 'SUCCESS', error: null })
  expect(body.output).toMatchObject({
    words: 4,
    distinctWords: 3,
    sentences: 2,
    commonest: [{ word: 'two', count: 2 }, {}, {}],
  })
  expect((await stage.ask(`/api/runs/${body.run}`)).body).toMatchObject({ kind: 'tool', status: 'succeeded' })
  expect((await stage.ask(`${POST}/jobs/${body.run}/result`)).body).toEqual(body)
})

test('a program of any language is a tool, and an image goes to one that takes images as older callers send it', async () => {
  expect((await call({ tool: 'by_shell' })).body.output).toEqual({ by: 'sh' })
  const sent = { plugin: 'image_bytes', image: 'AAAA', mime_type: 'image/png' }
  expect((await call(sent)).body).toMatchObject({ plugin: 'image_bytes', output: { bytes: 3 } })
  const wrong = await call({ ...sent, image: '!' })
  expect([wrong.status, wrong.body.error]).toMatchObject([
    400,
    {
      type: 'ValidationError',
      code: 'NOT_BASE64',
      message: 'It is not base64.',
      details: { letters: 1 },
      plugin: 'image_bytes',
    },
  ])
  const refused = await call({ ...sent, plugin: 'text_statistics' })
  expect([refused.status, refused.body.error.code]).toEqual([400, 'INVALID_INPUT'])
})

test('what is wrong with a request is a 400 with an envelope, whatever it is', async () => {
  const wrong = [
    [{ tool: 'no_such_tool' }, 'UNKNOWN_TOOL', 'NotFoundError'],
    [{ tool: 'text_statistics', input: { text: 7 } }, 'INVALID_INPUT', 'ValidationError'],
    [{ tool: 'wrong' }, 'OUT_OF_SERVICE', 'ExecutionError'],
    [{ tool: 'by_nobody' }, 'UNAVAILABLE', 'ExecutionError'],
    [{}, 'INVALID_REQUEST', 'ValidationError'],
    [{ tool: 'text_statistics', plugin: 'text_statistics' }, 'INVALID_REQUEST', 'ValidationError'],
    [{ tool: 'text_statistics', mode: 'later' }, 'INVALID_REQUEST', 'ValidationError'],
    ['{', 'INVALID_JSON', 'ValidationError'],
  ] as const
  for (const [body, code, type] of wrong) {
    const headers = { 'content-type': 'application/json' }
    const answer = await stage.ask(POST, { method: 'POST', body, headers })
    expect([body, answer.status, answer.body.error]).toMatchObject([body, 400, { code, type }])
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
  }
  const issues = (await call({ tool: 'text_statistics', input: { text: 7, 'John Doe': 1 } })).body.error.details.issues
  expect(issues).toBe('/text: Invalid input: expected string, received number\n/: there is no such field here')
})

test('who may not call is told so with the same envelope', async () => {
  stage.person('reads', 'member', 1, ['runs:read'])
  stage.person('calls', 'member', 1, ['tools'])
  stage.person('looks', 'viewer')
  const body = { tool: 'text_statistics', input: { text: 'one' } }
  const answers = await Promise.all([call(body, null), call(body, 'reads'), call(body, 'looks'), call(body, 'calls')])
  expect(answers.map(({ status, body: { error } }) => [status, error?.code, error?.tool])).toEqual([
    [401, 'NOT_SIGNED_IN', ''],
    [403, 'MISSING_SCOPE', ''],
    [403, 'NOT_ALLOWED', 'text_statistics'],
    [200, undefined, undefined],
  ])
  expect((await stage.ask('/v1/tools', { as: 'looks' })).body.tools.length).toBeGreaterThan(3)
})

test('a call of another workspace is nobody’s business', async () => {
  const { body } = await call({ tool: 'text_statistics', input: { text: 'one' } })
  stage.person('stranger', 'admin', 2)
  for (const path of [`/jobs/${body.run}`, `/jobs/${body.run}/result`]) {
    expect((await stage.ask(POST + path, { as: 'stranger' })).status).toBe(404)
  }
  expect((await stage.ask(`${POST}/jobs`, { as: 'stranger' })).body.items).toEqual([])
})

test('an asynchronous call really begins, its result waits for its end, and a DELETE cancels it', async () => {
  const { status, body, headers } = await call({ tool: 'waits', mode: 'async' })
  expect([status, body.status, headers.get('location')]).toEqual([202, 'PENDING', `${POST}/jobs/${body.run}`])
  const job = () => stage.ask(`${POST}/jobs/${body.run}`)
  await until(job, (seen) => seen.body.status === 'RUNNING')
  expect((await stage.ask(`${POST}/jobs/${body.run}/result`)).status).toBe(409)
  await until(
    () => tool('waits'),
    (seen) => seen.state === 'RUNNING' && seen.places[0].inFlight === 1,
  )
  expect((await stage.ask(`${POST}/jobs/${body.run}`, { method: 'DELETE' })).status).toBe(200)
  await stage.ended(body.run)
  expect((await job()).body).toMatchObject({ status: 'FAILED', error: { type: 'CancelledError', code: 'CANCELLED' } })
  expect((await stage.ask(`${POST}/jobs/${body.run}`, { method: 'DELETE' })).status).toBe(409)
  await until(
    () => tool('waits'),
    (seen) => seen.caller_error_count === 1 && seen.state === 'INITIALIZED',
  )
  const done = await call({ tool: 'text_statistics', input: { text: 'one' }, mode: 'async' })
  await stage.ended(done.body.run)
  expect((await stage.ask(`${POST}/jobs/${done.body.run}/result`)).body).toMatchObject({
    status: 'SUCCESS',
    output: { words: 1 },
  })
})

test('the filters of the list filter, and its pages follow one another', async () => {
  const list = async (query: string) => (await stage.ask(`${POST}/jobs?${query}`)).body
  const all = await list('limit=500')
  expect(all.next).toBe(null)
  type Item = { id: number; status: string; tool: string }
  const ids = (items: Item[]) => items.map(({ id }) => id)
  for (const status of ['SUCCESS', 'FAILED', 'PENDING', 'RUNNING']) {
    const wanted = (all.items as Item[]).filter((one) => one.status === status)
    expect(ids((await list(`status=${status}`)).items)).toEqual(ids(wanted))
  }
  for (const query of ['tool=image_bytes', 'plugin=image_bytes']) {
    const { items } = await list(query)
    expect(new Set(items.map((one: Item) => one.tool))).toEqual(new Set(['image_bytes']))
  }
  expect((await list('since=2100-01-01T00:00:00Z')).items).toEqual([])
  const first = await list('limit=2')
  const second = await list(`limit=2&cursor=${first.next}`)
  expect(ids([...first.items, ...second.items])).toEqual(ids(all.items).slice(0, 4))
})

test('a file that does not load is shown with its line and reason, and the others are there', async () => {
  const { tools } = (await stage.ask('/v1/tools')).body
  type Place = { state: string; reason: string; file: string; line: number | null }
  const shown = (tools as { name: string; version: string | null; places: Place[] }[])
    .filter(({ version }) => version === null)
    .map(({ name, places: [place] }) => [name, place?.state, place?.file, place?.line, place?.reason])
  expect(shown).toEqual([
    ['broken', 'FAILED', 'broken.py', 2, 'SyntaxError: invalid syntax'],
    ['exits', 'FAILED', 'exits.ts', null, 'it ended, or was ended, before it had said what it is'],
    ['no_schema', 'FAILED', 'no_schema.tool.json', null, expect.stringContaining('version: ')],
    ['taken', 'FAILED', 'taken.tool.json', null, 'the name text_statistics is taken'],
    ['wrong', 'FAILED', 'wrong.ts', 3, 'ReferenceError'],
  ])
  const health = (await stage.ask('/api/health/tools')).body
  // The program of by_nobody is missing, which its first call has found out.
  expect(health.states).toMatchObject({ FAILED: 5, UNAVAILABLE: 1 })
  expect(health.unwell).toContainEqual({ name: 'wrong', state: 'FAILED', reason: 'ReferenceError' })
  expect((await stage.ask('/v1/tools/no_such')).status).toBe(404)
  expect(await tool('text_statistics')).toMatchObject({
    carrier: 'thread',
    state: 'INITIALIZED',
    input: { type: 'object' },
  })
})

test('calls on two workers at once are each counted once, and the counts outlive both', async () => {
  const before = await tool('text_statistics')
  const others = outside()
  const recorder = openRecorder()
  const tools = openTools({ folder: undefined, python: others.python, recorder })
  await tools.load()
  const second = await startWorker({ settings: stage.db.worker, kinds: [toolRun(tools)], slots: 20 })
  await recorder.join(stage.db.worker, () => second.id, tools.runner)
  const inputs = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? {} : { text: 'one two' }))
  const answers = await Promise.all(inputs.map((input) => call({ tool: 'text_statistics', input })))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(40)
  expect((await tool('text_statistics')).places).toHaveLength(2)
  expect(second.counts.closed).toBeGreaterThan(0)
  await second.drain(5)
  await Promise.all([tools.close(), recorder.leave(), others.close()])
  const after = await tool('text_statistics')
  expect(after.success_count - before.success_count).toBe(40)
  expect(after.caller_error_count - before.caller_error_count).toBe(20)
  expect(after.error_count).toBe(before.error_count)
  expect(after.avg_execution_time_ms).toBeGreaterThan(0)
  expect(after.p95_execution_time_ms).toBeGreaterThan(0)
  const [kept] = await stage.db.sql(
    `select timed, (select sum(amount) from tool.latencies l where l.tool = m.tool) as amount from tool.metrics m where tool = 'text_statistics'`,
  )
  expect(Number(kept?.['timed'])).toBe(after.success_count)
  expect(Number(kept?.['amount'])).toBe(after.success_count)
})
