/** Many at once who start runs of one task through one engine: with a wake-up, without, or with one in the transaction. */
import { createRequire } from 'node:module'
import type pg from 'pg'
import { openEngine } from '../../../engine/src/index.ts'
import { answer, now } from '../contender.ts'
import { kindThat, WHO } from '../contenders/engine.ts'
import type { Act } from './index.ts'

export const WAKE = { none: 0, after: 1, inside: 2 }

export const writers: Act = async (place, { writers: amount = 16, starts = 1, wake = WAKE.after }) => {
  if (wake !== WAKE.after) silence()
  const engine = openEngine(place.api)
  const kind = kindThat(async ({ n }) => answer(n))
  const options = {
    workspace: 1,
    ...(wake === WAKE.inside
      ? { alongside: async (tx: Ask) => void (await tx.query("select pg_notify('millrace_tasks', '')")) }
      : {}),
  }
  let left = 0
  async function write() {
    for (; left > 0;) {
      left -= 1
      await engine.start(WHO, kind, { n: left }, options)
    }
  }
  const all = () => Promise.all(Array.from({ length: amount }, write))
  left = amount * 5
  await all()
  return {
    async go() {
      left = starts
      const at = now()
      await all()
      return { seconds: (now() - at) / 1000 }
    },
    close: () => engine.close(),
  }
}

interface Ask {
  query(text: string): Promise<unknown>
}

/** The same program without its bell: the engine's own driver sends none. */
function silence(): void {
  const driver = createRequire(new URL('../../../engine/src/engine.ts', import.meta.url))('pg') as typeof pg
  const prototype = driver.Pool.prototype as unknown as { query: (...given: unknown[]) => unknown }
  const query = prototype.query
  prototype.query = function silent(this: unknown, ...given: unknown[]) {
    const [asked] = given
    const bell = typeof asked === 'object' && asked !== null && 'name' in asked && asked.name === 'notify'
    return bell ? Promise.resolve({ rows: [], rowCount: 0 }) : query.apply(this, given)
  }
}
