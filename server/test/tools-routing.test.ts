/** Workers that have different tools: a call is claimed by one that has its tool, and by nobody else. */
import { startWorker, type Worker } from '@millrace/engine'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRecorder } from '../src/domains/tool/recorder.ts'
import { toolRun } from '../src/domains/tool/run.ts'
import { openTools } from '../src/tools/tools.ts'
import { outside } from '../testing/probe.ts'
import { toolFolder, type ToolFolder } from '../testing/tools/hostile.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

const tool = (name: string) =>
  `TOOL = {"name": "${name}", "version": "1", "description": "Says who it is.", "input": {"type": "object"},
        "output": {"type": "object", "properties": {"by": {"type": "string"}}, "required": ["by"]}}
def run(given, job):
    return {"by": "${name}"}
`

let stage: HttpStage
let here: ToolFolder
let there: ToolFolder
beforeAll(async () => {
  here = await toolFolder({ 'only_here.py': tool('only_here'), 'broken_there.py': tool('broken_there') })
  there = await toolFolder({ 'only_there.py': tool('only_there'), 'broken_there.py': 'def run(:\n' })
  stage = await openHttpStage({ tools: { folder: here.path } })
})
afterAll(async () => {
  await stage?.close()
  await here?.remove()
  await there?.remove()
})

const call = (name: string, more: object = {}) =>
  stage.ask('/v1/analyze-execution', { body: { tool: name, input: {}, ...more } })

/** A worker with the tools of another folder. */
async function another(): Promise<{ worker: Worker; leave: () => Promise<void> }> {
  const others = outside()
  const recorder = openRecorder()
  const tools = openTools({ folder: there.path, python: others.python, recorder })
  await tools.load()
  const worker = await startWorker({ settings: stage.db.worker, kinds: [toolRun(tools)], slots: 20 })
  await recorder.join(stage.db.worker, () => worker.id, tools.runner)
  const leave = async () => {
    await worker.drain(5)
    await Promise.all([tools.close(), recorder.leave(), others.close()])
  }
  return { worker, leave }
}

test(
  'a call goes to a worker that has its tool, waits for one, saying so, while none has it, and is refused where it loads nowhere',
  { timeout: 90_000 },
  async () => {
    const first = await stage.work()
    const second = await another()
    const names = Array.from({ length: 24 }, (_, i) => ['only_here', 'only_there', 'broken_there'][i % 3] ?? '')
    const answers = await Promise.all(names.map((name) => call(name)))
    expect(answers.map(({ body }) => body.output?.by ?? body.error)).toEqual(names)
    expect([first.counts.closed, second.worker.counts.closed]).toEqual([16, 8])

    await second.leave()
    const { body: left } = await stage.ask('/api/kinds/tool/runs', {
      body: { input: { tool: 'only_there', input: {} } },
    })
    const { body: why } = await stage.ask(`/api/runs/${left.run.id}/why`)
    expect(why.waiting).toMatchObject([{ kind: 'tool.call.only_there', reason: 'no_worker', workers: 0 }])
    expect(why.waiting[0].sentence).toContain('no worker that knows this kind is alive')
    expect([(await call('only_there')).body.error.code, (await call('only_here')).status]).toEqual(['NO_WORKER', 200])

    const third = await another()
    await stage.ended(left.run.id)
    expect((await stage.ask(`/api/runs/${left.run.id}`)).body.status).toBe('succeeded')

    // Loaded by a worker that has gone; where it does not load nobody performs it.
    await first.drain(5)
    const { status, body } = await call('broken_there')
    expect([status, body.error.code]).toEqual([400, 'OUT_OF_SERVICE'])
    await third.leave()
  },
)
