/**
 * Being woken: one listening connection a process.  A notification carries ids
 * only and may be lost; whoever waits here also looks again by himself.
 */
import pg from 'pg'
import { apiSettings, type Settings } from './database.ts'

export interface Wake {
  /** Calls back with the number of the run's last event, as far as is known. */
  onRun(run: number, listener: () => void): () => void
  close(): Promise<void>
}

export async function openWake(settings: Settings): Promise<Wake> {
  const listeners = new Map<number, Set<() => void>>()
  let client: pg.Client | undefined
  let closed = false
  let again: NodeJS.Timeout | undefined

  const ringAll = () => {
    for (const set of listeners.values()) for (const listener of set) listener()
  }
  async function connect() {
    const next = new pg.Client({ ...apiSettings(settings), application_name: 'millrace feed' })
    next.on('notification', (message) => {
      for (const part of (message.payload ?? '').split(',')) {
        for (const listener of listeners.get(Number.parseInt(part, 10)) ?? []) listener()
      }
    })
    const lost = () => {
      if (client !== next || closed) return
      client = undefined
      again = setTimeout(() => void connect().catch(lost), 500)
    }
    next.on('error', lost)
    next.on('end', lost)
    client = next
    try {
      await next.connect()
      await next.query('listen millrace_runs')
      ringAll()
    } catch (error) {
      lost()
      if (!closed) throw error
    }
  }
  await connect().catch(() => {})
  return {
    onRun(run, listener) {
      const set = listeners.get(run) ?? new Set()
      listeners.set(run, set.add(listener))
      return () => {
        set.delete(listener)
        if (set.size === 0) listeners.delete(run)
      }
    },
    async close() {
      closed = true
      clearTimeout(again)
      await client?.end().catch(() => {})
    },
  }
}
