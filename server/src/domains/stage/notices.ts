/** What people are told about their cards: lines for everybody in a workspace, read by each for himself. */
import type { Principal } from '@millrace/engine'
import { change, type Desk } from './change.ts'

export const NOTICES = [
  'run_succeeded',
  'run_failed',
  'approval_needed',
  'review_needed',
  'questions_asked',
  'card_reverted',
  'automation_stopped',
] as const
export type NoticeKind = (typeof NOTICES)[number]

export interface Notice {
  readonly id: number
  readonly workspace: number
  readonly kind: NoticeKind
  readonly card: { readonly id: number; readonly title: string }
  readonly run: number | null
  readonly stage: string
  /** Codes and ids about it: `code`, `gates`, `needs`, `why`, `next`, `to`, `questions`. */
  readonly data: Readonly<Record<string, unknown>>
  /** One sentence, made from the codes. */
  readonly sentence: string
  readonly at: Date
}

const NOTICE = `select n.id, n.workspace_id as workspace, n.kind, json_build_object('id', c.id, 'title', c.title) as card,
  n.run_id as run, n.stage, n.data, n.at`

/** The newest first; `read` is the reader's own. */
export async function listNotices(
  desk: Desk,
  who: Principal,
  { workspace, unread, before, limit }: { workspace?: number; unread?: boolean; before?: number; limit: number },
): Promise<(Notice & { read: boolean })[]> {
  const { rows } = await desk.as(who, (tx) =>
    tx.query(
      `${NOTICE}, d.notification_id is not null as read
         from stage.notifications n join stage.cards c on c.id = n.card_id
         left join stage.reads d on d.notification_id = n.id and d.subject = access.subject()
        where ($1::bigint is null or n.workspace_id = $1) and ($2::bigint is null or n.id < $2)
          and (not $3 or d.notification_id is null)
        order by n.id desc limit $4`,
      [workspace ?? null, before ?? null, unread ?? false, limit],
    ),
  )
  return (rows as unknown as (Notice & { read: boolean })[]).map((row) => ({ ...row, sentence: sentenceOf(row) }))
}

/** Beyond this nobody counts. */
const MOST_UNREAD = 1_000

/** How many of the newest thousand he has not read. */
export async function unreadCount(desk: Desk, who: Principal, workspace?: number): Promise<number> {
  const { rows } = await desk.as(who, (tx) =>
    tx.query<{ amount: number }>(
      `select count(*) as amount from (
         select n.id from stage.notifications n
          where ($1::bigint is null or n.workspace_id = $1)
            and not exists (select from stage.reads d where d.notification_id = n.id and d.subject = access.subject())
          order by n.id desc limit $2) q`,
      [workspace ?? null, MOST_UNREAD],
    ),
  )
  return rows[0]?.amount ?? 0
}

/** These, or all up to one. */
export async function markRead(
  desk: Desk,
  who: Principal,
  workspace: number,
  what: { ids?: readonly number[]; upTo?: number },
): Promise<void> {
  await change(desk, who, (tx) =>
    tx.query('select stage.read($1, $2, $3)', [workspace, what.ids ?? [], what.upTo ?? null]),
  )
}

const STOPPED: Readonly<Record<string, string>> = {
  manual_mode: 'automation is off in this workspace',
  card_not_active: 'the card is not active',
  last_stage: 'it is in the last stage',
  stop_stage: 'automation stops here',
  loop: 'it came into the next stage three times within a minute',
}

/** What it says, from codes and ids alone. */
export function sentenceOf({ kind, stage, run, data }: Pick<Notice, 'kind' | 'stage' | 'run' | 'data'>): string {
  const named = `Run ${run ?? '?'} of the stage ${stage}`
  switch (kind) {
    case 'run_succeeded':
      return `${named} succeeded.`
    case 'run_failed':
      return `${named} failed: ${textOf(data['gates']) === '' ? textOf(data['code'], 'UNKNOWN') : `the gates ${textOf(data['gates'])} did not pass`}.`
    case 'approval_needed':
      return data['needs'] === 'trust'
        ? `${named} waits for approval: a skill in it is not trusted enough.`
        : `${named} waits for approval.`
    case 'review_needed':
      return `${named} waits for a review: a gate did not pass.`
    case 'questions_asked':
      return `${named} waits for answers: a gate did not pass.`
    case 'card_reverted':
      return `The card went back to ${textOf(data['to'], '?')}: the gates ${textOf(data['gates'])} did not pass.`
    case 'automation_stopped':
      return `${named} succeeded, and the card stays: ${STOPPED[textOf(data['why'])] ?? 'automation stopped'}.`
    default:
      return named
  }
}

const textOf = (value: unknown, otherwise = '') => (typeof value === 'string' ? value : otherwise)
