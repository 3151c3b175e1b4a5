/**
 * Being woken: one listening connection a process.  A notification carries ids
 * only and may be lost; whoever waits here also looks again by himself.
 */
import pg from 'pg'
import { apiSettings, type Settings } from './database.ts'

export interface Wake {
  /** Calls back with the number of the run's last event, as far as is known. */
  onRun(run: number, listener: () => void): () => void
  /** Calls back at every bell of a channel, and when the connection was away: then anything may have been missed. */
  onBell(channel: string, listener: () => void): () => void
  close(): Promise<void>
}

/** The channel of what happens in runs. */
export const RUNS = 'millrace_runs'

export async function openWake(settings: Settings): Promise<Wake> {
  const listeners = new Map<number, Set<() => void>>()
  const channels = new Map<string, Set<() => void>>()
  let client: pg.Client | undefined
  let closed = false
  let again: NodeJS.Timeout | undefined

  const ringAll = () => {
    for (const set of [...listeners.values(), ...channels.values()]) for (const listener of set) listener()
  }
  const listenTo = (to: pg.Client, channel: string) => to.query(`listen ${to.escapeIdentifier(channel)}`)
  async function connect() {
    const next = new pg.Client({ ...apiSettings(settings), application_name: 'millrace feed' })
    next.on('notification', (message) => {
      for (const listener of channels.get(message.channel) ?? []) listener()
      if (message.channel !== RUNS) return
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
      await listenTo(next, RUNS)
      for (const channel of channels.keys()) await listenTo(next, channel)
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
    onBell(channel, listener) {
      const set = channels.get(channel) ?? new Set()
      channels.set(channel, set.add(listener))
      // If it is lost on the way, connecting again listens to all.
      if (set.size === 1 && client !== undefined) void listenTo(client, channel).then(listener, () => {})
      return () => void set.delete(listener)
    },
    async close() {
      closed = true
      clearTimeout(again)
      await client?.end().catch(() => {})
    },
  }
}
