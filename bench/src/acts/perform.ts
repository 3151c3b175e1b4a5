/** A worker.  It says when a task that hangs began, as n, and when its signal was aborted, as -n. */
import { startWorker, type Worker } from '../../../engine/src/index.ts'
import { answer, now, wait } from '../contender.ts'
import { complain, kindThat } from '../contenders/engine.ts'
import type { Act } from './index.ts'

export interface Performed {
  readonly begun: number
  readonly closed: number
  /** When the last task began, on the clock of all processes. */
  readonly last: number
}

/** `go` starts the worker if it does not work yet, and says how far it is. */
export const perform: Act = async (place, { slots = 200, call = 0 }, say) => {
  let begun = 0
  let last = 0
  const kind = kindThat(async ({ n, hold }, attempt, signal) => {
    begun += 1
    last = now()
    if (hold === true) {
      say({ n, at: last, attempt })
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      say({ n: -n, at: now(), attempt })
      throw signal.reason
    }
    // Not all at once, so that at every moment some end and others begin.
    if (call > 0) await wait(call * (0.5 + Math.random()))
    return answer(n)
  })
  let worker: Worker | undefined
  return {
    async go(): Promise<Performed> {
      worker ??= await startWorker({ settings: place.worker, kinds: [kind], slots, report: complain() })
      return { begun, closed: worker.counts.closed, last }
    },
    close: async () => worker?.drain(1),
  }
}
