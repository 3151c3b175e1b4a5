/** The one way of the api to the database: as somebody, in one transaction. */
import pg from 'pg'
import { apiSettings, told, type Settings, type Tx } from './database.ts'

export type Role = 'admin' | 'member' | 'viewer'

/** Who asks.  The program that makes one has verified it. */
export interface Principal {
  readonly sub: string
  readonly workspaces: Readonly<Record<number, Role>>
  /** Runs the installation: limits are everybody's. */
  readonly operator?: boolean
}

export interface Api {
  /** Runs `work` in one transaction whose rows are those that the principal may see. */
  as<T>(principal: Principal, work: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * Rings bells: needs no rights and sees no rows.  After a commit, never inside:
   * commits would queue.  At once, and then gathered for a moment: who hears one
   * looks for all.
   */
  ring(bells: Readonly<Record<string, string>>): void
  close(): Promise<void>
}

/** Milliseconds in which bells are gathered after one was rung. */
const GATHER = 10
/** Runs that one bell names; a notification holds 8,000 bytes. */
const MANY = 200

export function openApi(settings: Settings, connections = 10): Api {
  const pool = new pg.Pool({ ...apiSettings(settings), max: connections })
  // An idle connection that PostgreSQL closed is replaced at the next use.
  pool.on('error', () => {})
  // The same while one is in use: the pool listens to idle ones alone; the next query says it.
  pool.on('connect', (client) => client.on('error', () => {}))

  const gathered = new Map<string, Set<string>>()
  let rungAt = 0
  let timer: NodeJS.Timeout | undefined
  let ringing: Promise<unknown> = Promise.resolve()
  function send() {
    clearTimeout(timer)
    timer = undefined
    if (gathered.size === 0) return
    rungAt = Date.now()
    const bells = [...gathered].map(([channel, words]) => [channel, [...words].join(',')] as const)
    gathered.clear()
    // Whoever waits looks by himself once a second, so a bell that is lost loses nothing.
    ringing = pool
      .query({ name: 'notify', text: 'select pg_notify(c, p) from unnest($1::text[], $2::text[]) as b(c, p)' }, [
        bells.map(([channel]) => channel),
        bells.map(([, words]) => words),
      ])
      .catch(() => {})
  }

  return {
    async as(principal, work) {
      const client = await pool.connect().catch((error: unknown) => Promise.reject(told(error)))
      let broken: Error | undefined
      try {
        // One round trip; the claims last as long as the transaction.
        const claims = client.escapeLiteral(JSON.stringify(principal))
        await client.query(`begin; select set_config('request.jwt.claims', ${claims}, true)`)
        const result = await work(client)
        await client.query('commit')
        return result
      } catch (error) {
        await client.query('rollback').catch((lost: Error) => (broken = lost))
        throw told(error)
      } finally {
        client.release(broken)
      }
    },
    ring(bells) {
      for (const [channel, word] of Object.entries(bells)) {
        gathered.set(channel, (gathered.get(channel) ?? new Set()).add(word))
      }
      // A bell that carries more than PostgreSQL takes is rung in parts.
      if (Math.max(...[...gathered.values()].map((words) => words.size)) >= MANY) send()
      const pause = rungAt + GATHER - Date.now()
      if (pause <= 0) send()
      else timer ??= setTimeout(send, pause)
    },
    async close() {
      send()
      await ringing
      await pool.end()
    },
  }
}
