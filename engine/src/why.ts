/** Why is this not running?  The reasons come from SQL (`why.sql`); here they become sentences. */
import type { Tx } from './database.ts'

export type Reason =
  | 'paused'
  | 'awaiting_approval'
  | 'budget'
  | 'stopped'
  | 'throttled'
  | 'concurrency'
  | 'requests'
  | 'tokens'
  | 'no_worker'
  | 'nothing_ready'
  | 'turn'

/** A budget that is reached: whose, and of what. */
export interface Short {
  readonly whose: 'run' | 'workspace'
  readonly what: 'tokens' | 'money'
}

/** What waits in one lane of a run, and for what. */
export interface Waiting {
  readonly kind: string
  /** The limiter key that is in the way, or else its own; empty for none. */
  readonly key: string
  /** Tasks that could be claimed, and those that are due later. */
  readonly ready: number
  readonly due: number
  readonly dueAt: Date | null
  readonly running: number
  readonly reason: Reason
  readonly heldBy: string | null
  /** When the limit opens, as far as is known. */
  readonly opensAt: Date | null
  /** The code that stopped the key. */
  readonly stopped: string | null
  /** Tasks whose turn is before theirs; counted up to 10,000 a lane. */
  readonly ahead: number | null
  /** Workers alive that serve the kind. */
  readonly workers: number
  /** The budgets that do not cover one more; empty unless one is the reason. */
  readonly short: readonly Short[]
  readonly sentence: string
}

const ASK = `select kind, key, ready, due, due_at as "dueAt", running, reason, held_by as "heldBy", opens_at as "opensAt",
  stopped, ahead, workers from engine.why($1)`

export async function askWhy(tx: Tx, run: number): Promise<Waiting[]> {
  const { rows } = await tx.query(ASK, [run])
  const waiting = rows as Omit<Waiting, 'sentence' | 'short'>[]
  const asked = waiting.some(({ reason }) => reason === 'budget')
  const found = asked
    ? ((await tx.query('select whose, what from engine.short($1)', [run])).rows as unknown as Short[])
    : []
  return waiting.map((row) => {
    const facts = { ...row, short: row.reason === 'budget' ? found : [] }
    return { ...facts, sentence: sentenceOf(facts) }
  })
}

function sentenceOf(waiting: Omit<Waiting, 'sentence'>): string {
  const many = waiting.ready + waiting.due
  return `${many} ${many === 1 ? 'task' : 'tasks'} of ${waiting.kind}${waiting.key === '' ? '' : ` (${waiting.key})`}: ${reasonOf(waiting)}.`
}

function shortOf(short: readonly Short[]): string {
  if (short.length === 0) return ''
  return `: ${short.map(({ whose, what }) => `${what} of the ${whose}`).join(', ')}`
}

function reasonOf(waiting: Omit<Waiting, 'sentence'>): string {
  const until = waiting.opensAt === null ? '' : ` until ${waiting.opensAt.toISOString()}`
  switch (waiting.reason) {
    case 'paused':
      return `paused${waiting.heldBy === null ? '' : ` by ${waiting.heldBy}`}`
    case 'awaiting_approval':
      return 'waiting for an approval'
    case 'budget':
      return `the budget is reached, or does not cover what one more could use${shortOf(waiting.short)}`
    case 'stopped':
      return `everything under ${waiting.key} is stopped (${waiting.stopped ?? 'PAUSED'}), until somebody releases it`
    case 'throttled':
      return `${waiting.key} asked for a pause${until}`
    case 'concurrency':
      return `as many as ${waiting.key} allows at a time are running`
    case 'requests':
      return `the requests a minute of ${waiting.key} are used up${until}`
    case 'tokens':
      return `the tokens a minute of ${waiting.key} are used up${until}`
    case 'no_worker':
      return 'no worker that knows this kind is alive'
    case 'nothing_ready':
      return `due ${waiting.dueAt === null ? 'later' : `at ${waiting.dueAt.toISOString()}`}`
    default:
      return waiting.ahead === null || waiting.ahead === 0
        ? 'next in turn, as soon as a worker has a free slot'
        : `behind ${waiting.ahead} others`
  }
}
