/** A worker whose tasks log lines at a steady rate, each with the moment at which it was logged. */
import { z } from 'zod'
import { defineRun, defineTask, openEngine, startWorker } from '../../../engine/src/index.ts'
import { now, wait } from '../contender.ts'
import { complain, WHO } from '../contenders/engine.ts'
import type { Act } from './index.ts'

const Input = z.object({ lines: z.number(), pause: z.number() })

const task = defineTask({
  name: 'bench.lines',
  input: Input,
  output: z.object({}),
  async perform(hand) {
    const { input, signal } = hand
    const began = now()
    for (let n = 0; n < input.lines && !signal.aborted; n += 1) {
      const left = began + n * input.pause - now()
      if (left > 0) await wait(left)
      hand.log(String(now()))
    }
    return {}
  },
})
export const linesKind = defineRun({
  name: 'bench.lines',
  input: Input,
  tasks: [task],
  *plan(input) {
    yield { kind: 'bench.lines', input }
  },
})

/** `go` starts so many runs, held, and gives their numbers; the next one lets them go. */
export const lines: Act = async (place, { runs = 1, lines: each = 1, pause = 20 }) => {
  const engine = openEngine(place.api)
  const worker = await startWorker({ settings: place.worker, kinds: [linesKind], slots: runs, report: complain() })
  const started: number[] = []
  return {
    async go() {
      if (started.length > 0) {
        for (const run of started) await engine.release(WHO, run)
        return []
      }
      for (let n = 0; n < runs; n += 1) {
        const { run } = await engine.start(WHO, linesKind, { lines: each, pause }, { workspace: 1, held: 'paused' })
        started.push(run)
      }
      return started
    },
    async close() {
      await worker.drain(1)
      await engine.close()
    },
  }
}
