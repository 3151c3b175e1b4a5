/**
 * Connections.  Two logins, `millrace_api` and `millrace_worker`, own nothing and
 * pass no policy; the owner's login is used by `migrate` alone.
 */
import pg from 'pg'
import type { ClientConfig, QueryResultRow } from 'pg'
import { Refusal } from './errors.ts'

/** What a query needs: a client, a pool, or the transaction that `as` or a close opens. */
export interface Tx {
  query<R extends QueryResultRow = QueryResultRow>(
    text: string | { name: string; text: string },
    values?: readonly unknown[],
  ): Promise<{ rows: R[]; rowCount: number | null }>
}

const INT8 = 20
/** Ids and counts are safe integers (a cell of a larger installation begins its ids high, not past 2^53). */
const types: NonNullable<ClientConfig['types']> = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    return oid === INT8 ? Number : pg.types.getTypeParser(oid, format)
  },
}

/**
 * The verbs are written so that a generic plan made on empty tables is right on
 * full ones; planning anew at each call would cost more than the work.
 */
const PLANS = [
  'plan_cache_mode=force_generic_plan',
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  'enable_bitmapscan=off',
  'jit=off',
  // A worker that is stopped in the middle of a transaction holds up nobody for longer than its lease.
  'idle_in_transaction_session_timeout=10s',
]

/**
 * For a reader of the API who reads all of a run: for the rest of his transaction rows are joined by hashing.
 * Tables whose statistics are older than the run seem to hold nothing of it, and each row would read all others.
 */
export const readWhole = (tx: Tx) => tx.query('set local enable_nestloop = off')

export type Settings = ClientConfig

/** Milliseconds for which a pool keeps a connection that nobody uses: to make one costs more than to keep it. */
export const KEPT = 60_000

/** What a session may say for itself, so that no value that it sends is in the server's log; `server-words.ts` has the others. */
const DISCREET = [
  'log_parameter_max_length_on_error=0',
  'debug_print_parse=off',
  'debug_print_rewritten=off',
  'debug_print_plan=off',
]

const optionsOf = (said: readonly string[]) => said.map((one) => `-c ${one}`).join(' ')

export function apiSettings(settings: Settings): Settings {
  const options = optionsOf(['jit=off', ...DISCREET])
  return { ...settings, types, application_name: 'millrace api', options, keepAlive: true }
}

export function workerSettings(settings: Settings): Settings {
  const options = optionsOf([...PLANS, ...DISCREET])
  return { ...settings, types, application_name: 'millrace worker', options, keepAlive: true }
}

export function ownerSettings(settings: Settings): Settings {
  return { ...settings, types, application_name: 'millrace migrate' }
}

/** SQLSTATEs of our verbs and of PostgreSQL that a person can act upon. */
const TOLD: Record<string, { code: string; message: string; remedy?: string }> = {
  MR001: {
    code: 'IDEMPOTENCY_MISMATCH',
    message: 'This idempotency key was used for a run with another input.',
    remedy: 'Use a new key, or send the input that the key was first used with.',
  },
  MR003: {
    code: 'NO_SUCH_RUN',
    message: 'There is no such run.',
    remedy: '`millrace runs list` shows those you may see.',
  },
  MR004: { code: 'WRONG_STATE', message: 'The run is not in a state that allows this.' },
  '42501': { code: 'NOT_ALLOWED', message: 'You may not do that in this workspace.' },
  '53100': {
    code: 'DISK_FULL',
    message: 'The database has no disk space left.',
    remedy: 'Free some space and start again: nothing was half-written.',
  },
  '53300': {
    code: 'DATABASE_FULL',
    message: 'The database has no connection left.',
    remedy: 'Raise max_connections, or stop programs that hold connections.',
  },
  '57P03': {
    code: 'DATABASE_STARTING',
    message: 'The database is starting up or shutting down.',
    remedy: 'Try again in a moment.',
  },
}

export function sqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

const SQLSTATE = /^[0-9A-Z]{5}$/
/** Broken, shut down, or none left to be had. */
const LOST_STATES = /^(08|57P0|53300)/
const LOST_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOENT',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/**
 * Did the connection go, rather than the statement fail?  Only for what the
 * driver threw: other code has errors of the same names.
 */
export function isConnectionLoss(error: unknown): boolean {
  const code = sqlState(error)
  if (code === undefined)
    return error instanceof Error && /^(Connection terminated|Client (was|has)|timeout expi)/.test(error.message)
  // The codes of the system first: EPIPE looks like an SQLSTATE.
  return LOST_CODES.has(code) || (SQLSTATE.test(code) && LOST_STATES.test(code))
}

/** Asks again until there is a connection: for what may be asked twice. */
export async function whenConnected<T>(ask: () => Promise<T>): Promise<T> {
  for (let pause = 50; ; pause = Math.min(2_000, pause * 2)) {
    try {
      return await ask()
    } catch (error) {
      if (!isConnectionLoss(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}

/** A room's own: its code as the message, its sentence as the detail, what to do as the hint. */
const ROOMS_REFUSAL = 'MR007'

/** Turns what PostgreSQL says into what a person can act upon; other errors pass. */
export function told(error: unknown): unknown {
  if (sqlState(error) === ROOMS_REFUSAL && error instanceof pg.DatabaseError) {
    const { message, detail = '', hint = '' } = error
    return new Refusal(message, detail, { cause: error, ...(hint === '' ? {} : { remedy: hint }) })
  }
  const known = TOLD[sqlState(error) ?? '']
  if (known === undefined) return error
  const state = known.code === 'WRONG_STATE' && error instanceof Error && 'detail' in error ? error.detail : undefined
  return new Refusal(
    known.code,
    typeof state === 'string' ? `The run is ${state}, which does not allow this.` : known.message,
    {
      cause: error,
      ...(known.remedy === undefined ? {} : { remedy: known.remedy }),
    },
  )
}
