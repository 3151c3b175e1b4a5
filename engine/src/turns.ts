/**
 * Closing what has ended and claiming what is free, many at a time: one
 * transaction a turn, a few under way in a process.
 */
import type pg from 'pg'
import type { Claimed, Ended } from './attempt.ts'
import { isConnectionLoss, sqlState } from './database.ts'
import type { Failure } from './errors.ts'
import { toJson } from './json.ts'
import type { AnyTaskKind } from './kinds.ts'

export interface Turned {
  readonly claimed: readonly Claimed[]
  /** Runs whose row changed: id and the number of the last event. */
  readonly changed: readonly { run: number; lastEvent: number }[]
  /** Work became ready by this close: a decision, or a task that came back. */
  readonly more: boolean
  /** Attempts that counted no more; their rows are not there. */
  readonly fenced: number
  /** Seconds until a limit may let something through. */
  readonly lookAgain: number | null
}

/** The worker was fenced: it must register anew before it may claim. */
export class Fenced extends Error {}

const TURN = {
  name: 'turn',
  // The bodies come as one JSON text: as an array of texts each is escaped, unescaped and read by itself.
  text: `select closed, claimed, look_again from engine.turn($1, $2, $3, $4, $5, $6,
    array(select e.value -> 0 from jsonb_array_elements($7::jsonb) with ordinality e order by e.ordinality), $8)`,
}
const ATTACH = { name: 'attach', text: 'select engine.attach($1, $2, $3, $4, $5, $6)' }
const FENCE = { name: 'fence', text: 'select run_id, n from engine.fence($1, $2, $3)' }

const UNSAVED: Failure = {
  code: 'PERSISTENCE_ERROR',
  message: 'The database did not accept what this task made.',
  retryable: false,
  origin: 'storage',
}

export async function takeTurn(
  pool: pg.Pool,
  kinds: ReadonlyMap<string, AnyTaskKind>,
  worker: number,
  free: number,
  batch: readonly Ended[],
): Promise<Turned> {
  // Sorted, so that every closer locks in the same order.
  const ended = batch.toSorted((a, b) => a.claimed.run - b.claimed.run || a.claimed.task - b.claimed.task)
  const saves = ended.some(
    (one) => one.finished !== undefined && (kinds.get(one.claimed.kind)?.save !== undefined || one.made?.length),
  )
  try {
    if (!saves) return await turn(pool, worker, free, ended)
    return await savingTurn(pool, kinds, worker, free, ended)
  } catch (error) {
    if (sqlState(error) === 'MR002') throw new Fenced()
    if (isConnectionLoss(error) || ended.length === 0) throw error
    const state = sqlState(error) ?? ''
    if (!/^(22|23|54)/.test(state)) throw error
    // A body that the database refuses fails alone.
    const [only] = ended
    if (ended.length === 1 && only !== undefined) return turn(pool, worker, free, [unsaved(only, state)])
    const parts: Turned[] = []
    for (const one of ended) parts.push(await takeTurn(pool, kinds, worker, 0, [one]))
    parts.push(await takeTurn(pool, kinds, worker, free, []))
    return {
      claimed: parts.flatMap((part) => part.claimed),
      changed: parts.flatMap((part) => part.changed),
      more: parts.some((part) => part.more),
      fenced: parts.reduce((sum, part) => sum + part.fenced, 0),
      lookAgain: parts.at(-1)?.lookAgain ?? null,
    }
  }
}

/** The domain's rows and the close in one transaction; each domain's error undoes only itself. */
async function savingTurn(
  pool: pg.Pool,
  kinds: ReadonlyMap<string, AnyTaskKind>,
  worker: number,
  free: number,
  ended: readonly Ended[],
): Promise<Turned> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const { rows } = await client.query<{ run_id: number; n: number }>(FENCE, identities(ended))
    const counts = new Set(rows.map((row) => `${row.run_id}/${row.n}`))
    const kept = ended.filter((one) => counts.has(`${one.claimed.run}/${one.claimed.task}`))
    const results = new Map<Ended, Ended>()
    for (const [kind, group] of byKind(kept)) {
      const save = kinds.get(kind)?.save
      if (save === undefined) continue
      for (const [one, state] of await refusedBySave(client, save, group)) results.set(one, unsaved(one, state))
    }
    const settled = kept.map((one) => results.get(one) ?? one)
    await attach(client, settled)
    const turned = await turn(client, worker, free, settled)
    await client.query('commit')
    return { ...turned, fenced: ended.length - kept.length }
  } catch (error) {
    await client.query('rollback').catch((lost: Error) => (broken = lost))
    throw error
  } finally {
    client.release(broken)
  }
}

/** What the succeeded made can be seen from now on. */
async function attach(client: pg.PoolClient, ended: readonly Ended[]) {
  const made = ended.flatMap((one) => (one.made ?? []).map((each) => ({ ...one.claimed, ...each })))
  if (made.length === 0) return
  // A name given twice: the last one counts.
  const last = [...new Map(made.map((one) => [`${one.run}/${one.task}/${one.name}`, one])).values()]
  await client.query(ATTACH, [
    last.map((one) => one.run),
    last.map((one) => one.task),
    last.map((one) => one.attempt),
    last.map((one) => one.name),
    last.map((one) => one.mediaType),
    last.map((one) => one.blob),
  ])
}

/** Saves all at once; if that fails, one by one.  Gives back those that cannot be saved, with the SQLSTATE. */
async function refusedBySave(
  client: pg.PoolClient,
  save: NonNullable<AnyTaskKind['save']>,
  group: readonly Ended[],
): Promise<[Ended, string][]> {
  const error = await trySave(client, save, group)
  if (error === undefined) return []
  const [only] = group
  if (group.length === 1 && only !== undefined) return [[only, error]]
  const refused: [Ended, string][] = []
  for (const one of group) {
    const alone = await trySave(client, save, [one])
    if (alone !== undefined) refused.push([one, alone])
  }
  return refused
}

/** Gives what refused it; throws when the transaction cannot go on, whatever `save` threw. */
async function trySave(client: pg.PoolClient, save: NonNullable<AnyTaskKind['save']>, group: readonly Ended[]) {
  await client.query('savepoint save')
  try {
    await save(client, group.flatMap((one) => one.finished ?? []) as never)
    await client.query('release savepoint save')
    return undefined
  } catch (error) {
    const state = sqlState(error) ?? 'code'
    // A deadlock, a lock that was not to be had or a full disk is not the rows' fault: the whole turn is tried again.
    if (/^(40...|53...|55P03|57014)$/.test(state)) throw error
    // A connection that is gone refuses this too, and that is then what happened.
    await client.query('rollback to savepoint save')
    return state
  }
}

function unsaved(one: Ended, state: string): Ended {
  const body: Failure = { ...UNSAVED, details: { sqlstate: /^[0-9A-Z]{5}$/.test(state) ? state : 'none' } }
  return { claimed: one.claimed, outcome: 'failed', body: toJson(body), delay: 0 }
}

function byKind(ended: readonly Ended[]): Map<string, Ended[]> {
  return Map.groupBy(
    ended.filter((one) => one.finished !== undefined),
    (one) => one.claimed.kind,
  )
}

function identities(ended: readonly Ended[]) {
  return [
    ended.map((one) => one.claimed.run),
    ended.map((one) => one.claimed.task),
    ended.map((one) => one.claimed.attempt),
  ]
}

type ClosedRow = [run: number, kept: number, lastEvent: number, state: string, more: boolean]
type ClaimedRow = [number, number, number, number, number, number, string, unknown]

/** Each in an array of its own, so that a missing body is not the JSON `null`. */
function bodiesOf(ended: readonly Ended[]): string {
  return `[${ended.map(({ body }) => (body === null ? 'null' : `[${body}]`)).join(',')}]`
}

async function turn(
  db: pg.Pool | pg.PoolClient,
  worker: number,
  free: number,
  ended: readonly Ended[],
): Promise<Turned> {
  const { rows } = await db.query<{
    closed: ClosedRow[] | null
    claimed: ClaimedRow[] | null
    look_again: number | null
  }>(TURN, [
    worker,
    free,
    ...identities(ended),
    ended.map((one) => one.outcome),
    bodiesOf(ended),
    ended.map((one) => one.delay),
  ])
  const closed = rows[0]?.closed ?? []
  const claimed = rows[0]?.claimed ?? []
  return {
    changed: closed.map(([run, , lastEvent]) => ({ run, lastEvent })),
    more: closed.some(([, , , , more]) => more),
    lookAgain: rows[0]?.look_again ?? null,
    fenced: ended.length - closed.reduce((sum, [, kept]) => sum + kept, 0),
    claimed: claimed.map(([run, task, attempt, tries, crashes, workspace, kind, input]) => ({
      run,
      task,
      attempt,
      tries,
      crashes,
      workspace,
      kind,
      input,
    })),
  }
}
