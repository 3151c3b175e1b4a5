/** Ten thousand calls at once, through two workers: each has its answer, and each is counted once. */
import { startWorker } from '@millrace/engine'
import { expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { operator } from '../src/app.ts'
import { openRecorder } from '../src/domains/tool/recorder.ts'
import { toolRun } from '../src/domains/tool/run.ts'
import { openTools } from '../src/tools/tools.ts'
import { outside } from '../testing/probe.ts'
import { openHttpStage } from './http-stage.ts'

const CALLS = 10_000
const WRONG = 1_000

test(`${CALLS} calls are counted exactly, whichever of two workers had them`, { timeout: 600_000 }, async () => {
  const stage = await openHttpStage()
  const others = outside()
  const recorder = openRecorder()
  const tools = openTools({ folder: undefined, python: others.python, recorder })
  try {
    // They are all there before the first of them is claimed.
    let left = CALLS
    const start = async () => {
      while (left > 0) {
        left -= 1
        const input = left < WRONG ? {} : { schema: { type: 'integer' }, document: left }
        const asked = { tool: 'json_schema_validate', input, retries: 0 }
        await stage.engine.start(operator, stage.house.tool, asked, { workspace: 1 })
      }
    }
    await Promise.all(Array.from({ length: 16 }, start))
    const first = await stage.work(200)
    await tools.load()
    const second = await startWorker({ settings: stage.db.worker, kinds: [toolRun(tools)], slots: 200 })
    await recorder.join(stage.db.worker, () => second.id, tools.runner)
    const ended = async () => {
      const [row] = await stage.db.sql<{ well: number; wrong: number }>(
        `select count(*) filter (where state = 'succeeded')::integer as well, count(*) filter (where state = 'failed')::integer as wrong
           from engine.runs where kind = 'tool'`,
      )
      return [row?.well, row?.wrong]
    }
    await until(ended, ([well, wrong]) => (well ?? 0) + (wrong ?? 0) === CALLS, 500)
    expect(await ended()).toEqual([CALLS - WRONG, WRONG])
    expect(Math.min(first.counts.closed, second.counts.closed)).toBeGreaterThan(0)
    expect(first.counts.closed + second.counts.closed).toBe(CALLS)
    await second.drain(5)
    await Promise.all([recorder.leave(), first.drain(5)])
    const { body } = await stage.ask('/v1/tools/json_schema_validate')
    expect([body.success_count, body.caller_error_count, body.error_count]).toEqual([CALLS - WRONG, WRONG, 0])
  } finally {
    await Promise.all([tools.close(), recorder.leave(), others.close()])
    await stage.close()
  }
})
