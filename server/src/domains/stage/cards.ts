/** Cards: found, written on, moved; how each came where it is, and what is asked about it. */
import { Refusal, type Principal, type RunState, type Tx } from '@millrace/engine'
import { change, type Desk } from './change.ts'

export const PRIORITIES = ['low', 'medium', 'high', 'urgent'] as const
export const CARD_STATUSES = ['active', 'paused', 'completed', 'archived'] as const
export const AWAITS = ['approval', 'questions', 'review'] as const
export type Awaits = (typeof AWAITS)[number]

/** As everywhere: the state, or what a person is to do. */
export type RunStatus = RunState | 'paused' | 'awaiting_approval'

/** The newest run of a card in the stage in which it is. */
export interface CardRun {
  readonly id: number
  readonly status: RunStatus
  /** What it waits for, while it awaits a person. */
  readonly awaits: Awaits | null
  /** Nobody else's run begins for this card and stage while it is. */
  readonly active: boolean
  /** Of the steps and gates that are there so far. */
  readonly percent: number
  readonly failure: string | null
}

export interface CardHead {
  readonly id: number
  readonly workspace: number
  readonly title: string
  readonly stage: string
  readonly priority: (typeof PRIORITIES)[number]
  readonly status: (typeof CARD_STATUSES)[number]
  /** Names the state that was read, for whoever changes or moves it. */
  readonly version: number
  readonly enteredAt: Date
  readonly updatedAt: Date
  readonly run: CardRun | null
  readonly openQuestions: number
}

export interface Card extends CardHead {
  readonly description: string
  readonly metadata: Record<string, unknown>
  readonly activeRun: number | null
  readonly createdBy: string
  readonly createdAt: Date
}

export interface CardRow extends Omit<CardHead, 'run'> {
  readonly [column: string]: unknown
  readonly run: (Omit<CardRun, 'percent'> & { progress: { percent: number } }) | null
}

const FIELDS = `
  select c.id, c.workspace_id as workspace, c.title, c.stage, c.priority, c.status, c.version,
         c.entered_at as "enteredAt", c.updated_at as "updatedAt", q.run,
         (select count(*) from stage.questions w where w.card_id = c.id and w.answer is null) as "openQuestions"`
const FROM = `
    from stage.cards c
    left join lateral (
      select json_build_object('id', r.id, 'status', engine.status(r), 'awaits', k.awaits, 'active', k.ended_at is null,
               'progress', engine.progress(r), 'failure', b.failure ->> 'code') as run
        from stage.card_runs k join engine.runs r on r.id = k.run_id join engine.run_bodies b on b.run_id = r.id
       where k.card_id = c.id and k.stage = c.stage order by k.run_id desc limit 1) q on true`

/** The heads of cards `c`; a `where` follows. */
export const HEAD = FIELDS + FROM

export function headOf(row: CardRow): CardHead {
  const { run, ...rest } = row
  if (run === null) return { ...rest, run }
  const { progress, ...state } = run
  return { ...rest, run: { ...state, percent: progress.percent } }
}

const WHOLE = `${FIELDS}, c.description, c.metadata, c.active_run as "activeRun", c.created_by as "createdBy", c.created_at as "createdAt"${FROM}`

/** @throws Refusal NO_SUCH_CARD */
export async function cardOf(engine: Desk, who: Principal, id: number): Promise<Card> {
  const { rows } = await engine.as(who, (tx) => tx.query<CardRow>(`${WHOLE} where c.id = $1`, [id]))
  const [row] = rows
  if (row === undefined) throw noSuchCard()
  return headOf(row) as Card
}

const noSuchCard = () => new Refusal('NO_SUCH_CARD', 'There is no such card.')

export interface CardFilter {
  readonly workspace?: number
  /** In its order; otherwise the newest cards come first. */
  readonly stage?: string
  readonly status?: string
  /** In titles. */
  readonly search?: string
  /** Those that were changed last come first, archived ones too. */
  readonly touched?: boolean
  /** Only cards behind this one. */
  readonly after?: number
  readonly limit: number
}

/** Archived ones only when they are asked for. */
export async function listCards(
  engine: Desk,
  who: Principal,
  { workspace, stage, status, search, touched = false, after, limit }: CardFilter,
): Promise<CardHead[]> {
  const order = touched ? 'c.updated_at desc, c.id' : stage === undefined ? 'c.id desc' : 'c.position, c.id'
  const behind =
    stage === undefined
      ? 'c.id < $5'
      : '(c.position, c.id) > (select a.position, a.id from stage.cards a where a.id = $5)'
  const { rows } = await engine.as(who, (tx) =>
    tx.query<CardRow>(
      `${HEAD} where ($1::bigint is null or c.workspace_id = $1) and ($2::text is null or c.stage = $2)
          and case when $3::text is null then $7 or c.status <> 'archived' else c.status = $3 end
          and ($4::text is null or strpos(lower(c.title), lower($4)) > 0) and ($5::bigint is null or ${behind})
        order by ${order} limit $6`,
      [workspace ?? null, stage ?? null, status ?? null, search ?? null, after ?? null, limit, touched],
    ),
  )
  return rows.map(headOf)
}

export interface NewCard {
  readonly title: string
  readonly description?: string
  /** The first one if left out. */
  readonly stage?: string
  readonly priority?: string
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** Gives it, and the run that its stage began. @throws Refusal NO_SUCH_STAGE, NOT_ALLOWED */
export async function addCard(
  engine: Desk,
  who: Principal,
  workspace: number,
  card: NewCard,
): Promise<{ card: number; run: number | null }> {
  const { rows } = await change(engine, who, (tx) =>
    tx.query<{ card_id: number; run_id: number | null }>(
      'select card_id, run_id from stage.add_card($1, $2, $3, $4, $5, $6)',
      [
        workspace,
        card.title,
        card.description ?? null,
        card.stage ?? null,
        card.priority ?? null,
        JSON.stringify(card.metadata ?? {}),
      ],
    ),
  )
  const [made] = rows
  return { card: made?.card_id ?? 0, run: made?.run_id ?? null }
}

/** The state of the card that somebody has read, and whether a run under way is to end with this. */
export interface Changing {
  readonly version: number
  readonly cancelActiveRun?: boolean
}

/** @throws Refusal NO_SUCH_CARD, CARD_CHANGED, RUN_UNDER_WAY, NOT_ALLOWED */
export async function changeCard(
  engine: Desk,
  who: Principal,
  id: number,
  changes: Readonly<Record<string, unknown>>,
  { version, cancelActiveRun = false }: Changing,
): Promise<Card> {
  await change(engine, who, (tx) =>
    tx.query('select stage.change_card($1, $2, $3, $4)', [id, version, JSON.stringify(changes), cancelActiveRun]),
  )
  return cardOf(engine, who, id)
}

/** @throws Refusal NO_SUCH_CARD, CARD_NOT_ARCHIVED, NOT_ALLOWED */
export async function removeCard(engine: Desk, who: Principal, id: number): Promise<void> {
  await change(engine, who, (tx) => tx.query('select stage.remove_card($1)', [id]))
}

export interface Transition {
  readonly id: number
  /** Null: the card was made there. */
  readonly from: string | null
  readonly to: string
  /** user:… · automation · worker:… */
  readonly actor: string
  readonly reason: string | null
  /** The run that the arrival began. */
  readonly run: number | null
  /** Why it began none. */
  readonly notStarted: string | null
  /** The run whose end moved the card. */
  readonly causedBy: number | null
  readonly at: Date
}

const TRANSITION = `select t.id, t.from_stage as "from", t.to_stage as "to", t.actor, t.reason, t.run_id as run,
  t.not_started as "notStarted", t.caused_by as "causedBy", t.at`

/**
 * Gives the transition; none where it only took another place in its column.
 * @throws Refusal NO_SUCH_CARD, NO_SUCH_STAGE, CARD_CHANGED, CARD_ARCHIVED, RUN_UNDER_WAY, NOT_ALLOWED
 */
export async function moveCard(
  engine: Desk,
  who: Principal,
  id: number,
  { to, reason, before, version, cancelActiveRun = false }: Changing & { to: string; reason?: string; before?: number },
): Promise<Transition | null> {
  const { rows } = await change(engine, who, (tx) =>
    tx.query(`${TRANSITION} from stage.move($1, $2, $3, $4, $5, $6) t where t.id is not null`, [
      id,
      to,
      version,
      reason ?? null,
      cancelActiveRun,
      before ?? null,
    ]),
  )
  return (rows[0] as unknown as Transition | undefined) ?? null
}

/** The newest first. @throws Refusal NO_SUCH_CARD */
export async function transitionsOf(
  engine: Desk,
  who: Principal,
  card: number,
  { before, limit }: { before?: number; limit: number },
): Promise<Transition[]> {
  return engine.as(who, async (tx) => {
    await mustSee(tx, card)
    const { rows } = await tx.query(
      `${TRANSITION} from stage.stage_transition_events t
        where t.card_id = $1 and ($2::bigint is null or t.id < $2) order by t.id desc limit $3`,
      [card, before ?? null, limit],
    )
    return rows as unknown as Transition[]
  })
}

async function mustSee(tx: Tx, card: number) {
  const { rows } = await tx.query('select 1 from stage.cards where id = $1', [card])
  if (rows.length === 0) throw noSuchCard()
}

export interface Question {
  readonly id: number
  readonly stage: string
  /** The run that waits for its answer, and the gate that asked. */
  readonly run: number | null
  readonly gate: string | null
  readonly question: string
  readonly answer: string | null
  readonly answeredBy: string | null
  readonly askedAt: Date
  readonly answeredAt: Date | null
}

const QUESTION = `select q.id, q.stage, q.run_id as run, q.gate, q.question, q.answer, q.answered_by as "answeredBy",
  q.asked_at as "askedAt", q.answered_at as "answeredAt"`

/** Those without an answer first. @throws Refusal NO_SUCH_CARD */
export async function questionsOf(engine: Desk, who: Principal, card: number): Promise<Question[]> {
  return engine.as(who, async (tx) => {
    await mustSee(tx, card)
    const { rows } = await tx.query(
      `${QUESTION} from stage.questions q where q.card_id = $1 order by q.answer is not null, q.id desc limit 500`,
      [card],
    )
    return rows as unknown as Question[]
  })
}

export async function askQuestion(engine: Desk, who: Principal, card: number, question: string): Promise<Question> {
  const { rows } = await change(engine, who, (tx) => tx.query(`${QUESTION} from stage.ask($1, $2) q`, [card, question]))
  return rows[0] as unknown as Question
}

/** @throws Refusal NO_SUCH_QUESTION, NOT_ALLOWED */
export async function answerQuestion(
  engine: Desk,
  who: Principal,
  { card, question, answer }: { card: number; question: number; answer: string },
): Promise<Question> {
  const { rows } = await change(engine, who, (tx) =>
    tx.query(`${QUESTION} from stage.answer($1, $2, $3) q`, [card, question, answer]),
  )
  return rows[0] as unknown as Question
}
