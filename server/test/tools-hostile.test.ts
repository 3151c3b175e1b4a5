/** Tools that misbehave, each as it is carried by default, called through the API beside a neighbour. */
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HOSTILE, hostileFolder, ODD, type ToolFolder } from '../testing/tools/hostile.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

let stage: HttpStage
let folder: ToolFolder
beforeAll(async () => {
  folder = await hostileFolder()
  stage = await openHttpStage({ tools: { folder: folder.path } })
  await stage.work()
})
afterAll(async () => {
  await stage?.close()
  await folder?.remove()
})

const SECONDS = '86399.25'
const call = (tool: string, input: unknown = { seconds: SECONDS }) =>
  stage.ask('/v1/analyze-execution', { body: { tool, input } })
const counts = async () => {
  const { body } = await stage.ask('/v1/tools')
  type Counted = { name: string; state: string; success_count: number; error_count: number; caller_error_count: number }
  return new Map((body.tools as Counted[]).map((one) => [one.name, one]))
}

test('all of them are there: none has to run to be looked at', async () => {
  const seen = await counts()
  for (const name of [...Object.keys(HOSTILE), ...Object.keys(ODD), 'neighbour']) {
    expect([name, seen.get(name)?.state]).toEqual([name, 'INITIALIZED'])
  }
})

test('whatever a tool does, its caller gets a 400 with an envelope, its neighbour all of its answers, and each call is counted once', async () => {
  const names = Object.keys(HOSTILE) as (keyof typeof HOSTILE)[]
  let over = false
  let asked = 0
  const neighbours = (async () => {
    while (!over) {
      const { status, body } = await call('neighbour', { n: asked })
      expect([status, body.output]).toEqual([200, { echo: { n: asked } }])
      asked += 1
    }
  })()
  const answers = await Promise.all(
    names.map(async (name) => {
      const { status, body, text } = await call(name)
      expect(text).not.toContain('CANARY')
      expect(body.error).toMatchObject({
        tool: name,
        plugin: name,
        correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      })
      return [
        name,
        status,
        body.error.code,
        (await stage.ask(`/v1/analyze-execution/jobs/${body.run}/result`)).body.error.code,
      ]
    }),
  )
  over = true
  await neighbours
  expect(answers).toEqual(names.map((name) => [name, 400, HOSTILE[name][0], HOSTILE[name][0]]))
  const seen = await counts()
  for (const name of names) {
    expect(seen.get(name)).toMatchObject({
      success_count: 0,
      error_count: 1,
      caller_error_count: 0,
      state: 'INITIALIZED',
    })
  }
  expect(asked).toBeGreaterThan(0)
  expect(seen.get('neighbour')).toMatchObject({ success_count: asked, error_count: 0, caller_error_count: 0 })
}, 60_000)

test('what a tool prints, says twice, changes of its input, or computes while it is read, changes nothing', async () => {
  for (const name of Object.keys(ODD)) {
    const { status, body } = await call(name)
    expect([name, status, body.output]).toEqual([name, 200, { said: 1 }])
  }
})

test('a tool that was stopped leaves no process behind', async () => {
  const { status } = await call('py_leaves_grandchildren')
  expect(status).toBe(400)
  await expect
    .poll(() => execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }), { timeout: 20_000 })
    .not.toContain(`sleep ${SECONDS}`)
})

test('what was thrown is kept for operators under the correlation id, and shown by no door', async () => {
  const { body } = await call('throws_a_string')
  const [trace] = await stage.db.sql('select * from tool.traces where correlation_id = $1', [body.error.correlationId])
  expect(trace).toMatchObject({ tool: 'throws_a_string', evidence: expect.stringContaining('CANARY-of-a-person') })
  const job = await stage.ask(`/v1/analyze-execution/jobs/${body.run}`)
  expect(job.body).toMatchObject({ status: 'FAILED', error: { correlationId: body.error.correlationId } })
  expect(job.text + stage.logged.join('\n')).not.toContain('CANARY')
})
