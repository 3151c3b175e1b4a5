/** Runs that wait for a person: which, what he would approve, and what he says. */
import { Refusal, type Engine, type Principal } from '@millrace/engine'
import { again } from '../../runs/again.ts'
import type { Awaits } from './cards.ts'
import { change, type Desk } from './change.ts'

/** What the board knows about a stage run besides the engine. */
export interface CardRunFacts {
  readonly run: number
  readonly card: { readonly id: number; readonly title: string; readonly version: number }
  readonly stage: string
  readonly level: 'fully_auto' | 'auto_notify' | 'human_approval' | 'manual'
  /** Whose move or word it follows: user:… · automation · worker:… */
  readonly triggeredBy: string
  readonly awaits: Awaits | null
  /** Why it was not begun by itself: its level, or skills that are not trusted enough. */
  readonly needs: 'level' | 'trust' | null
  /** Of its steps and gates: what an approval is for. */
  readonly digest: string
  /** Nothing else runs for its card and stage while it is. */
  readonly active: boolean
  /** Why it was ended, by whoever ended it. */
  readonly reason: string | null
}

const FACTS = `select k.run_id as run, json_build_object('id', c.id, 'title', c.title, 'version', c.version) as card, k.stage, k.level,
  k.actor as "triggeredBy", k.awaits, k.needs, k.digest, k.ended_at is null as active, k.end_reason as reason`

/** By the number of the run; runs that are no card's are not there. */
export async function cardRunFacts(
  desk: Desk,
  who: Principal,
  runs: readonly number[],
): Promise<Map<number, CardRunFacts>> {
  if (runs.length === 0) return new Map()
  const { rows } = await desk.as(who, (tx) =>
    tx.query(`${FACTS} from stage.card_runs k join stage.cards c on c.id = k.card_id where k.run_id = any($1)`, [runs]),
  )
  return new Map((rows as unknown as CardRunFacts[]).map((facts) => [facts.run, facts]))
}

/** Numbers of the runs of a card, or of one of its stages, newest first. */
export async function runsOfCard(
  desk: Desk,
  who: Principal,
  card: number,
  { stage, limit = 1_000 }: { stage?: string; limit?: number } = {},
): Promise<number[]> {
  const { rows } = await desk.as(who, (tx) =>
    tx.query<{ run_id: number }>(
      'select run_id from stage.card_runs where card_id = $1 and ($2::text is null or stage = $2) order by run_id desc limit $3',
      [card, stage ?? null, limit],
    ),
  )
  return rows.map(({ run_id: run }) => run)
}

/** What one gate said, as it is shown; its evidence passes through. */
export interface GateResult {
  readonly id: string
  readonly required: boolean
  readonly passed: boolean
  readonly [evidence: string]: unknown
}

export interface Waiting extends CardRunFacts {
  readonly awaits: Awaits
  readonly since: Date
  /** What the gates said last; empty before they were looked at. */
  readonly gates: readonly GateResult[]
  readonly openQuestions: number
}

/** Those that wait longest first. */
export async function waitingRuns(
  desk: Desk,
  who: Principal,
  { workspace, after, limit }: { workspace?: number; after?: number; limit: number },
): Promise<Waiting[]> {
  const { rows } = await desk.as(who, (tx) =>
    tx.query(
      `${FACTS}, coalesce((select max(e.at) from engine.events e where e.run_id = k.run_id and e.kind in ('run.held', 'run.queued')),
                          k.created_at) as since,
              coalesce(stage.gate_results(k.run_id) -> 'results', '[]') as gates,
              (select count(*) from stage.questions q where q.run_id = k.run_id and q.answer is null) as "openQuestions"
         from stage.card_runs k join stage.cards c on c.id = k.card_id
        where k.awaits is not null and ($1::bigint is null or k.workspace_id = $1) and ($2::bigint is null or k.run_id > $2)
        order by k.run_id limit $3`,
      [workspace ?? null, after ?? null, limit],
    ),
  )
  return rows as unknown as Waiting[]
}

export interface Decided {
  readonly id: number
  readonly what: Awaits
  readonly decision: 'approved' | 'rejected' | 'again'
  readonly by: string
  readonly reason: string | null
  /** The digest of steps and gates, the card's version, and what the gates had said. */
  readonly seen: Readonly<Record<string, unknown>>
  readonly at: Date
}

/** What people have said about a run, oldest first. */
export async function decisionsOn(desk: Desk, who: Principal, run: number): Promise<Decided[]> {
  const { rows } = await desk.as(who, (tx) =>
    tx.query(
      'select a.id, a.what, a.decision, a.by, a.reason, a.seen, a.at from stage.approvals a where a.run_id = $1 order by a.id',
      [run],
    ),
  )
  return rows as unknown as Decided[]
}

export const ACTIONS = ['retry', 'cancel', 'approve', 'pause', 'resume'] as const
export type Action = (typeof ACTIONS)[number]

export interface Acting {
  readonly reason?: string
  /** What he says that he saw; another state is refused. */
  readonly seen?: { readonly digest?: string; readonly cardVersion?: number }
}

/**
 * One word for a run of any kind.  `approve` lets go on what awaits approval; of a
 * stage run it passes gates under review too, with a reason.  `retry` is a new round
 * of what has ended, or a new look at the gates of a stage run that waits.
 * @throws Refusal WRONG_STATE, FOUR_EYES, REASON_NEEDED, QUESTIONS_OPEN, CARD_CHANGED, NOT_ENDED, NOTHING_TO_RETRY, NOT_ALLOWED
 */
export async function act(
  engine: Engine,
  who: Principal,
  id: number,
  action: Action,
  { reason, seen = {} }: Acting = {},
): Promise<void> {
  const run = await engine.run(who, id)
  const facts = (await cardRunFacts(engine, who, [id])).get(id)
  if (action === 'pause') return engine.hold(who, id)
  if (action === 'resume') return engine.release(who, id)
  if (action === 'cancel') {
    if (facts === undefined) return engine.cancel(who, id, reason)
    await change(engine, who, (tx) => tx.query('select stage.cancel($1, $2)', [id, reason ?? null]), id)
    return undefined
  }
  if (action === 'approve') {
    if (facts === undefined) {
      if (run.status === 'awaiting_approval') return engine.release(who, id)
      throw new Refusal('WRONG_STATE', `Run ${id} is ${run.status}: nobody has to approve it.`)
    }
    const what = [id, reason ?? null, seen.digest ?? null, seen.cardVersion ?? null]
    await change(engine, who, (tx) => tx.query('select stage.approve($1, $2, $3, $4)', what), id)
    return undefined
  }
  if (facts?.awaits === 'questions' || facts?.awaits === 'review') {
    await change(engine, who, (tx) => tx.query('select stage.retry_held($1, $2)', [id, reason ?? null]), id)
    return undefined
  }
  await again(engine, who, run, false)
  return undefined
}

/**
 * The run of the stage in which a card is, whatever its level; while one is active it is that one.
 * @throws Refusal NO_SUCH_CARD, CARD_ELSEWHERE, NO_RECIPE, RECIPE_DISABLED, AI_OFF, CARD_NOT_ACTIVE, NOT_ALLOWED
 */
export async function runNow(
  desk: Desk,
  who: Principal,
  { card, stage, key }: { card: number; stage?: string; key?: string },
): Promise<{ run: number; created: boolean }> {
  const { rows } = await change(desk, who, (tx) =>
    tx.query<{ run_id: number; created: boolean }>('select run_id, created from stage.run_now($1, $2, $3)', [
      card,
      stage ?? null,
      key ?? null,
    ]),
  )
  return { run: rows[0]?.run_id ?? 0, created: rows[0]?.created ?? false }
}
