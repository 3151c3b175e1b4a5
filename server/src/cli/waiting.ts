/** The reasons why a run waits, for a person: with what to do, and shown to whoever follows one that does not move. */
import type { Engine, Short, Waiting } from '@millrace/engine'
import { operator } from '../app.ts'

/** What to type, where one command helps. */
export function remedyOf(one: Waiting, run: number): string {
  const { reason, key } = one
  const command = {
    paused: `runs resume ${run}`,
    awaiting_approval: `runs resume ${run}`,
    budget: raise(one.short, run),
    stopped: `limits release ${key}`,
    no_worker: 'worker',
  }[reason as string]
  return command === undefined ? '' : ` (\`millrace ${command}\`)`
}

/** The budget that is short, the workspace's before the run's. */
function raise(short: readonly Short[], run: number): string {
  const whose = short.some((one) => one.whose === 'workspace') ? 'workspace' : 'run'
  const options = short
    .filter((one) => one.whose === whose)
    .map(({ what }) => (what === 'money' ? ' --usd X' : ' --tokens N'))
  return `${whose === 'workspace' ? 'budget set' : `runs budget ${run}`}${options.length === 0 ? ' --tokens N' : options.join('')}`
}

/** Milliseconds without a movement after which a person wonders. */
const STILL = 3_000
const LOOK = 1_000

export interface Wondering {
  /** Something has moved. */
  moved(): void
  stop(): void
}

/** Tells the reasons when nothing has moved for a while: once, and again when they are others. */
export function wonder(engine: Engine, run: number, tell: (line: string) => void): Wondering {
  let movedAt = Date.now()
  let told = ''
  let asking = false
  let stopped = false
  const look = async () => {
    const asked = Date.now()
    if (asking || asked - movedAt < STILL) return
    asking = true
    // A database that is away tells nothing; the feed waits for it too.
    const waiting = await engine.why(operator, run).catch(() => [])
    asking = false
    const reasons = waiting
      .map(({ kind, key, reason, stopped: by, short }) => [kind, key, reason, by, JSON.stringify(short)].join(' '))
      .join('\n')
    if (stopped || movedAt > asked || waiting.length === 0 || reasons === told) return
    told = reasons
    for (const one of waiting) tell(`Waiting: ${one.sentence}${remedyOf(one, run)}`)
  }
  const timer = setInterval(() => void look(), LOOK)
  return {
    moved: () => void (movedAt = Date.now()),
    stop() {
      stopped = true
      clearInterval(timer)
    },
  }
}
