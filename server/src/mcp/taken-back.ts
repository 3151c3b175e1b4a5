/**
 * Calls that are taken back, in the older revision: by a request of its own, which names
 * the first one.  Numbers of requests are a client's own, so each client is given a name
 * when it begins; nothing else is kept of it, and another server of ours knows nothing of it.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export interface TakenBack {
  /** What a request of this revision is to be answered with and listens to; `end` when it is answered. */
  begin(asked: { who: string; headers: IncomingHttpHeaders; body: unknown }): Begun
}

interface Begun {
  readonly session?: string
  readonly signal?: AbortSignal
  readonly end: () => void
}

const SESSION = 'mcp-session-id'
const NOTHING: Begun = { end() {} }

export function openTakenBack(): TakenBack {
  const underWay = new Map<string, AbortController>()
  return {
    begin({ who, headers, body }) {
      if (typeof body !== 'object' || body === null) return NOTHING
      const { method, id, params } = body as { method?: unknown; id?: unknown; params?: { requestId?: unknown } }
      if (method === 'initialize') return { session: randomUUID(), end() {} }
      const session = headers[SESSION]
      if (typeof session !== 'string' || session.length > 100) return NOTHING
      const keyOf = (request: unknown) => JSON.stringify([who, session, request])
      if (method === 'notifications/cancelled') underWay.get(keyOf(params?.requestId))?.abort()
      if (method !== 'tools/call' || id === undefined || underWay.has(keyOf(id))) return NOTHING
      const abort = new AbortController()
      underWay.set(keyOf(id), abort)
      return { signal: abort.signal, end: () => void underWay.delete(keyOf(id)) }
    },
  }
}
