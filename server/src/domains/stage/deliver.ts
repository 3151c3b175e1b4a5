/**
 * The run kind `webhook`: one notification, signed, to one address of the public
 * internet.  The name is resolved and the connection goes to what was looked at;
 * being sent elsewhere is an answer like any other that is no success.
 */
import { createHmac } from 'node:crypto'
import { defineRun, defineTask, TaskFailed, type Failure, type Tx } from '@millrace/engine'
import { z } from 'zod'
import type { Keys } from '../../keys/keys.ts'
import { open } from '../../keys/seal.ts'
import { secretsOf } from '../../keys/secret.ts'
import { ToolFailed } from '../../tools/envelope.ts'
import { fetchPublic, type World } from '../../tools/own/public-fetch.ts'
import { sentenceOf, type NoticeKind } from './notices.ts'
import { holderOf } from './webhooks.ts'

/** Tries after the first: over about five minutes. */
const RETRIES = 8
const TIMEOUT_S = 30
const MOST_ANSWER = 4_096

interface Parcel {
  readonly url: string
  readonly secret: string
  readonly nonce: Buffer
  readonly sealed: Buffer
  readonly installation: string
  readonly webhook: number
  readonly notification: number
  readonly workspace: number
  readonly kind: NoticeKind
  readonly card: number
  readonly card_title: string
  readonly stage: string
  readonly run: number | null
  readonly data: Readonly<Record<string, unknown>>
  readonly at: Date
}

/** The header `millrace-signature` for a body sent at a time, in seconds. */
export function signatureOf(secret: string, seconds: number, body: string): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}

/** `world`: tests have a smaller one. */
export function webhookRun(keys: Pick<Keys, 'place'>, world?: World) {
  const deliver = defineTask({
    name: 'webhook.deliver',
    input: z.object({}),
    output: z.object({ status: z.int().nullable() }),
    timeout: TIMEOUT_S,
    async perform({ run, signal, read }) {
      const { rows } = await read('select * from stage.delivery($1)', [run])
      const parcel = rows[0] as unknown as Parcel | undefined
      // It was removed or switched off meanwhile: there is nobody to tell.
      if (parcel === undefined) return { status: null }
      const secret = open(
        secretsOf(keys.place),
        { installation: parcel.installation, provider: holderOf(parcel.webhook) },
        parcel,
      )
      if (secret === undefined) throw failed('SECRET_DOES_NOT_OPEN', 'The secret of this webhook does not open here.')
      const status = await send(parcel, secret, signal, world)
      await tellStatus(read, run, status)
      if (status >= 200 && status <= 299) return { status }
      throw failed('WEBHOOK_REFUSED', 'The other side did not take it.', status)
    },
    retry: (failure, tries) =>
      failure.retryable && tries < RETRIES ? { outcome: 'again', delay: 2 ** tries } : { outcome: 'failed' },
  })
  return defineRun({
    name: 'webhook',
    input: z.object({ webhook: z.int(), notification: z.int() }),
    tasks: [deliver],
    plan: () => [{ kind: deliver.name, input: {} }],
  })
}

async function send(parcel: Parcel, secret: string, signal: AbortSignal, world: World | undefined): Promise<number> {
  const body = JSON.stringify({
    id: parcel.notification,
    kind: parcel.kind,
    workspace: parcel.workspace,
    card: { id: parcel.card, title: parcel.card_title },
    stage: parcel.stage,
    run: parcel.run,
    data: parcel.data,
    sentence: sentenceOf(parcel),
    at: parcel.at,
  })
  const seconds = Math.floor(Date.now() / 1000)
  try {
    const { status } = await fetchPublic(
      {
        url: parcel.url,
        method: 'POST',
        accept: '*/*',
        maxBytes: MOST_ANSWER,
        redirects: 0,
        body,
        headers: {
          'content-type': 'application/json',
          'millrace-signature': signatureOf(secret, seconds, body),
          // The same for every try: who has it has it once.
          'millrace-delivery': String(parcel.notification),
        },
      },
      signal,
      ...(world === undefined ? [] : [world]),
    )
    return status
  } catch (error) {
    if (!(error instanceof ToolFailed)) throw error
    if (error.message === 'NOT_PUBLIC')
      throw failed('WEBHOOK_NOT_PUBLIC', 'Its address is not one of the public internet.')
    throw failed('WEBHOOK_NOT_REACHED', 'The other side could not be reached.', 0)
  }
}

const tellStatus = (read: Tx['query'], run: number, status: number) =>
  read('select stage.delivered($1, $2)', [run, status])

/** With a status it may go well another time; not where the other side says that it is wrong for good. */
function failed(code: string, message: string, status?: number): TaskFailed {
  const retryable = status !== undefined && (status < 400 || status >= 500 || status === 408 || status === 429)
  const failure: Failure = {
    code,
    message,
    retryable: retryable && !(status >= 300 && status <= 399),
    origin: status === undefined ? 'input' : 'tool',
    ...(status === undefined || status === 0 ? {} : { details: { status } }),
  }
  return new TaskFailed(failure)
}
