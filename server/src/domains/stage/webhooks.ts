/** Webhooks: who is called when people are told something, with a secret that signs what is sent. */
import { randomBytes } from 'node:crypto'
import { Refusal, type Principal } from '@millrace/engine'
import type { Keys } from '../../keys/keys.ts'
import { seal } from '../../keys/seal.ts'
import { sealingSecret } from '../../keys/secret.ts'
import type { RunStatus } from './cards.ts'
import { change, type Desk } from './change.ts'
import type { NoticeKind } from './notices.ts'

export interface Webhook {
  readonly id: number
  readonly url: string
  /** Empty: all. */
  readonly kinds: readonly NoticeKind[]
  readonly enabled: boolean
  readonly createdBy: string
  readonly createdAt: Date
  /** Of what was sent last. */
  readonly last: { readonly status: number | null; readonly deliveredAt: string | null; readonly run: number } | null
}

/** To whom a sealed secret belongs: moved to another webhook it does not open. */
export const holderOf = (webhook: number) => `webhook:${webhook}`

/** Addresses may be secrets: who may change them may read them. @throws Refusal NOT_ALLOWED */
export async function listWebhooks(desk: Desk, who: Principal, workspace: number): Promise<Webhook[]> {
  const { rows } = await desk.as(who, async (tx) => {
    await tx.query("select access.must($1, 'board.change')", [workspace])
    return tx.query(
      `select w.id, w.url, w.kinds, w.enabled, w.created_by as "createdBy", w.created_at as "createdAt",
              (select json_build_object('status', d.status, 'deliveredAt', d.delivered_at, 'run', d.run_id)
                 from stage.deliveries d where d.webhook_id = w.id order by d.id desc limit 1) as last
         from stage.webhooks w where w.workspace_id = $1 order by w.id limit 500`,
      [workspace],
    )
  })
  return rows as unknown as Webhook[]
}

/**
 * Gives its number and the secret, which is told here and never again.
 * @throws Refusal NOT_ALLOWED
 */
export async function addWebhook(
  desk: Desk,
  who: Principal,
  keys: Pick<Keys, 'place'>,
  { workspace, url, kinds = [] }: { workspace: number; url: string; kinds?: readonly NoticeKind[] },
): Promise<{ webhook: number; secret: string }> {
  const secret = randomBytes(32).toString('base64url')
  const webhook = await change(desk, who, async (tx) => {
    const { rows } = await tx.query<{ id: number; installation: string }>(
      'select id, installation from stage.new_webhook($1)',
      [workspace],
    )
    const { id = 0, installation = '' } = rows[0] ?? {}
    const place = { installation, provider: holderOf(id) }
    const { secret: by, nonce, sealed } = seal(sealingSecret(keys.place), place, secret)
    await tx.query('select stage.put_webhook($1, $2, $3, $4, $5, $6, $7)', [
      id,
      workspace,
      url,
      kinds,
      by,
      nonce,
      sealed,
    ])
    return id
  })
  return { webhook, secret }
}

/** @throws Refusal NO_SUCH_WEBHOOK, NOT_ALLOWED */
export async function changeWebhook(
  desk: Desk,
  who: Principal,
  webhook: number,
  { enabled, url, kinds }: { enabled?: boolean; url?: string; kinds?: readonly NoticeKind[] },
): Promise<void> {
  await change(desk, who, (tx) =>
    tx.query('select stage.change_webhook($1, $2, $3, $4)', [webhook, enabled ?? null, url ?? null, kinds ?? null]),
  )
}

/** @throws Refusal NO_SUCH_WEBHOOK, NOT_ALLOWED */
export async function removeWebhook(desk: Desk, who: Principal, webhook: number): Promise<void> {
  await change(desk, who, (tx) => tx.query('select stage.remove_webhook($1)', [webhook]))
}

export interface Delivery {
  readonly id: number
  readonly notification: number
  readonly kind: NoticeKind
  /** The run that brings it: its log says what went wrong, its retry sends once more. */
  readonly run: number
  readonly runStatus: RunStatus
  readonly status: number | null
  readonly deliveredAt: Date | null
  readonly createdAt: Date
}

/** The newest first. @throws Refusal NO_SUCH_WEBHOOK, NOT_ALLOWED */
export async function deliveriesOf(
  desk: Desk,
  who: Principal,
  webhook: number,
  { before, limit }: { before?: number; limit: number },
): Promise<Delivery[]> {
  const { rows } = await desk.as(who, async (tx) => {
    const found = await tx.query<{ workspace_id: number }>('select workspace_id from stage.webhooks where id = $1', [
      webhook,
    ])
    if (found.rows[0] === undefined) throw new Refusal('NO_SUCH_WEBHOOK', 'There is no such webhook.')
    await tx.query("select access.must($1, 'board.change')", [found.rows[0].workspace_id])
    return tx.query(
      `select d.id, d.notification_id as notification, n.kind, d.run_id as run, engine.status(r) as "runStatus", d.status,
              d.delivered_at as "deliveredAt", d.created_at as "createdAt"
         from stage.deliveries d join stage.notifications n on n.id = d.notification_id join engine.runs r on r.id = d.run_id
        where d.webhook_id = $1 and ($2::bigint is null or d.id < $2) order by d.id desc limit $3`,
      [webhook, before ?? null, limit],
    )
  })
  return rows as unknown as Delivery[]
}
