/** `millrace workers`: who performs, and who did so lately. */
import { operator } from '../app.ts'
import { workersSeen, type WorkerSeen } from '../runs/workers.ts'
import { duration, say, table } from './screen.ts'
import { withApp } from './session.ts'

export async function workers(options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const seen = await engine.as(operator, workersSeen)
    if (options.json === true) {
      say(JSON.stringify(seen))
      return 0
    }
    if (seen.length > 0) {
      say(
        table(
          ['worker', 'name', 'kinds', 'slots', 'running', 'seen', 'state'],
          seen.map((one) => [
            one.id,
            one.name,
            briefly(one.kinds),
            one.slots,
            one.running,
            `${duration(Math.max(0, one.seenAgo))} ago`,
            stateOf(one),
          ]),
        ),
      )
    }
    if (!seen.some(({ state }) => state === 'alive'))
      say('No worker is alive. `millrace up` or `millrace worker` starts one; `millrace probe` brings its own.')
    return 0
  })
}

const KINDS = 3

/** A kind's decisions go without saying. */
function briefly(kinds: readonly string[]): string {
  const named = kinds.filter((kind) => !kind.endsWith('.next'))
  const more = named.length - KINDS
  return named.slice(0, KINDS).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

const GONE = { left: 'it drained', session: 'its process or connection broke', lease: 'it was silent for too long' }

function stateOf({ state, goneWhy, seenAgo }: WorkerSeen): string {
  if (state === 'gone') return `gone: ${goneWhy === null ? 'nobody knows why' : GONE[goneWhy]}`
  if (state === 'stale') return seenAgo > 60 ? 'stale: silent for a minute' : 'stale: its connection is gone'
  return state
}
