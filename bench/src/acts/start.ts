/** Starts one run of many tasks through the engine's door, and says what that took of this process. */
import { readFileSync, writeFileSync } from 'node:fs'
import { openEngine } from '../../../engine/src/index.ts'
import { answer, now } from '../contender.ts'
import { kindThat, WHO } from '../contenders/engine.ts'
import type { Act } from './index.ts'

export interface Begun {
  readonly seconds: number
  /** Megabytes: resident before, and the most while it started. */
  readonly before: number
  readonly peak: number
}

/** With it an input has about 180 bytes. */
const TEXT = 'What would you do if nobody had told you what to do, and why would you do it? '.repeat(2)

export const start: Act = async (place, { tasks = 1 }) => {
  const engine = openEngine(place.api)
  const kind = kindThat(async ({ n }) => answer(n))
  const startOne = (amount: number) => engine.start(WHO, kind, { n: 0, tasks: amount, text: TEXT }, { workspace: 1 })
  // A connection, and code that was compiled: the process as it is before somebody asks for much.
  for (let warm = 0; warm < 5; warm += 1) await startOne(10)
  return {
    async go(): Promise<Begun> {
      const before = status('VmRSS')
      // Since here, not since the process began.
      writeFileSync('/proc/self/clear_refs', '5')
      const at = now()
      await startOne(tasks)
      return { seconds: (now() - at) / 1000, before, peak: status('VmHWM') }
    },
    close: () => engine.close(),
  }
}

function status(field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))
  return Number(found?.[1] ?? Number.NaN) / 1024
}
