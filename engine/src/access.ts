/** The one way of the api to the database: as somebody, in one transaction. */
import pg from 'pg'
import { KEPT, apiSettings, told, type Settings, type Tx } from './database.ts'

export type Role = 'admin' | 'member' | 'viewer'

/** Who asks.  The program that makes one has verified it. */
export interface Principal {
  readonly sub: string
  readonly workspaces: Readonly<Record<number, Role>>
  /** Runs the installation: limits are everybody's. */
  readonly operator?: boolean
}

/** What to ring: a word by channel. */
export type Words = Readonly<Record<string, string>>

export interface Api {
  /**
   * Runs `work` in one transaction whose rows are those that the principal may see; then
   * rings the bells that its result asks for.  After the commit, never inside: commits
   * would queue.  At once, and then gathered for a moment: who hears one looks for all.
   */
  as<T>(principal: Principal, work: (tx: Tx) => Promise<T>, bells?: (result: T) => Words | undefined): Promise<T>
  /** How the connections are used now. */
  connections(): Connections
  close(): Promise<void>
}

export interface Connections {
  readonly open: number
  readonly idle: number
  /** Transactions that wait for one. */
  readonly waiting: number
}

/** Milliseconds in which bells are gathered after one was rung. */
const GATHER = 10
/** Runs that one bell names; a notification holds 8,000 bytes. */
const MANY = 200

export function openApi(settings: Settings, connections = 10): Api {
  const pool = new pg.Pool({ ...apiSettings(settings), max: connections, idleTimeoutMillis: KEPT })
  // An idle connection that PostgreSQL closed is replaced at the next use.
  pool.on('error', () => {})
  // The same while one is in use: the pool listens to idle ones alone; the next query says it.
  pool.on('connect', (client) => client.on('error', () => {}))

  const gathered = new Map<string, Set<string>>()
  let rungAt = 0
  let timer: NodeJS.Timeout | undefined
  let ringing: Promise<unknown> = Promise.resolve()
  function gather(words: Words) {
    for (const [channel, word] of Object.entries(words)) {
      gathered.set(channel, (gathered.get(channel) ?? new Set()).add(word))
    }
  }
  function takeGathered(): [channel: string, words: string][] {
    clearTimeout(timer)
    timer = undefined
    rungAt = Date.now()
    const bells = [...gathered].map(([channel, words]): [string, string] => [channel, [...words].join(',')])
    gathered.clear()
    return bells
  }
  function send() {
    if (gathered.size === 0) return
    const bells = takeGathered()
    // Whoever waits looks by himself once a second, so a bell that is lost loses nothing.
    ringing = pool
      .query({ name: 'notify', text: 'select pg_notify(c, p) from unnest($1::text[], $2::text[]) as b(c, p)' }, [
        bells.map(([channel]) => channel),
        bells.map(([, words]) => words),
      ])
      .catch(() => {})
  }
  function sendSoon() {
    // A bell that carries more than PostgreSQL takes is rung in parts.
    if (Math.max(0, ...[...gathered.values()].map((words) => words.size)) >= MANY) send()
    if (gathered.size === 0) return
    const pause = rungAt + GATHER - Date.now()
    if (pause <= 0) send()
    else timer ??= setTimeout(send, pause)
  }

  return {
    async as(principal, work, bells) {
      const client = await pool.connect().catch((error: unknown) => Promise.reject(told(error)))
      let broken: Error | undefined
      try {
        // One round trip; the claims last as long as the transaction.
        const claims = client.escapeLiteral(JSON.stringify(principal))
        await client.query(`begin; select set_config('request.jwt.claims', ${claims}, true)`)
        const result = await work(client)
        const words = bells?.(result)
        if (words !== undefined) gather(words)
        // After the commit, in the same round trip: a bell inside would let the next commits queue.
        const now = words === undefined || Date.now() < rungAt + GATHER ? [] : takeGathered()
        const calls = now.map((bell) => `pg_notify(${bell.map((text) => client.escapeLiteral(text)).join(', ')})`)
        await client.query(calls.length === 0 ? 'commit' : `commit; select ${calls.join(', ')}`)
        if (words !== undefined) sendSoon()
        return result
      } catch (error) {
        await client.query('rollback').catch((lost: Error) => (broken = lost))
        throw told(error)
      } finally {
        client.release(broken)
      }
    },
    connections: () => ({ open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    async close() {
      send()
      await ringing
      await pool.end()
    },
  }
}
