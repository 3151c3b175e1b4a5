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
  /** Rings bells: needs no rights and sees no rows.  After a commit, never inside: commits would queue. */
  notify(bells: Readonly<Record<string, string>>): Promise<void>
  close(): Promise<void>
}

export function openApi(settings: Settings, connections = 10): Api {
  const pool = new pg.Pool({ ...apiSettings(settings), max: connections })
  // An idle connection that PostgreSQL closed is replaced at the next use.
  pool.on('error', () => {})
  // The same while one is in use: the pool listens to idle ones alone; the next query says it.
  pool.on('connect', (client) => client.on('error', () => {}))
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
    async notify(bells) {
      await pool.query(
        { name: 'notify', text: 'select pg_notify(c, p) from unnest($1::text[], $2::text[]) as b(c, p)' },
        [Object.keys(bells), Object.values(bells)],
      )
    },
    close: () => pool.end(),
  }
}
