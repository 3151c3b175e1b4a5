/**
 * Idempotency keys of requests that change something: the same key with the same
 * request gets the same answer once more, with another request it is refused.
 * What is kept is who asked, a digest of what, and the answer, for a day.
 */
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '@millrace/engine'
import type { Door } from './door.ts'
import { who, workspaceOf, type Opened } from './house.ts'
import type { Logger } from './log.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Taken for this request, until it is answered. */
    takenKey?: { readonly key: string; readonly workspace: number }
  }
}

const CHANGES = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])
/** Characters of an answer that is kept; none of ours is nearly so long. */
const LONGEST = 256 * 1024

interface Taken {
  readonly taken: boolean
  readonly same: boolean
  readonly status: number | null
  readonly body: string | null
}

export function keepReplays(door: Door, house: Opened, log: Logger): void {
  door.decorateRequest('takenKey')
  door.addHook('preHandler', async (request, reply) => {
    const key = request.headers['idempotency-key']
    if (key === undefined || !CHANGES.has(request.method) || request.signedIn === undefined) return undefined
    // An answer whose status says nothing about its end is not kept; what it starts has the key itself.
    const { right, replays } = request.routeOptions.config
    if (right === undefined || replays === false) return undefined
    if (typeof key !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(key)) {
      throw new Refusal('INVALID_REQUEST', 'An idempotency key has 1 to 200 visible characters.')
    }
    return await takeKey(request, reply, house, key)
  })
  door.addHook('onSend', async (request, reply, payload: unknown) => {
    const { takenKey } = request
    if (takenKey === undefined) return payload
    delete request.takenKey
    const { key, workspace } = takenKey
    const kept = reply.statusCode < 300 && typeof payload === 'string' && payload.length <= LONGEST
    await house()
      .engine.as(who(request), (tx) =>
        tx.query('select doors.keep_answer($1, $2, $3, $4)', [
          workspace,
          key,
          kept ? reply.statusCode : null,
          kept ? payload : null,
        ]),
      )
      .catch((error: unknown) => log.warn({ reqId: request.id, code: 'ANSWER_NOT_KEPT', err: error }))
    return payload
  })
}

async function takeKey(request: FastifyRequest, reply: FastifyReply, house: Opened, key: string) {
  const workspace = workspaceOf(request)
  const hash = createHash('sha256')
    .update(JSON.stringify([request.method, request.url, request.body ?? null]))
    .digest()
  const { rows } = await house().engine.as(who(request), (tx) =>
    tx.query('select taken, same, status, body from doors.take_key($1, $2, $3)', [workspace, key, hash]),
  )
  const found = rows[0] as unknown as Taken
  if (found.taken) {
    request.takenKey = { key, workspace }
    return undefined
  }
  if (!found.same) {
    throw new Refusal('IDEMPOTENCY_MISMATCH', 'This idempotency key was used for another request.', {
      remedy: 'Use a new key, or send what the key was first used with.',
    })
  }
  if (found.status === null) {
    throw new Refusal('IDEMPOTENCY_UNDER_WAY', 'The first request with this idempotency key is not answered yet.')
  }
  return reply
    .code(found.status)
    .header('idempotent-replayed', 'true')
    .type('application/json; charset=utf-8')
    .serializer((body: unknown) => String(body))
    .send(found.body ?? '')
}
