/** Bells that a worker rings after its commits: which runs changed, and that work is ready. */
import type { Tx } from './database.ts'

export interface Bells {
  /** A run changed, up to this event. */
  readonly run: (run: number, lastEvent: number) => void
  /** Something may be claimed. */
  readonly work: () => void
  /** Rings what is gathered. */
  readonly flush: () => Promise<void>
}

/** Milliseconds in which several changes share one notification. */
const GATHER = 5
/** Runs that one notification names; it holds 8,000 bytes. */
const MANY = 200

export function openBells(query: Tx['query'], report: (error: unknown) => void): Bells {
  const changed = new Map<number, number>()
  let workIsReady = false
  let timer: NodeJS.Timeout | undefined

  async function send() {
    timer = undefined
    const pairs = [...changed].map(([run, event]) => `${run}:${event}`)
    changed.clear()
    const tasks = workIsReady
    workIsReady = false
    const payloads: string[] = []
    for (let at = 0; at < pairs.length; at += MANY) payloads.push(pairs.slice(at, at + MANY).join(','))
    await query(
      `select pg_notify('millrace_runs', p) from unnest($1::text[]) p union all
       select pg_notify('millrace_tasks', '') where $2`,
      [payloads, tasks],
    ).catch(report)
  }

  return {
    run(run, lastEvent) {
      changed.set(run, Math.max(lastEvent, changed.get(run) ?? 0))
      timer ??= setTimeout(() => void send(), GATHER)
    },
    work() {
      workIsReady = true
      timer ??= setTimeout(() => void send(), 0)
    },
    async flush() {
      if (timer === undefined) return
      clearTimeout(timer)
      await send()
    },
  }
}
