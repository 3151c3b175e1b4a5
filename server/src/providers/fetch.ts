/**
 * The way out to a provider: `fetch` as the AI SDK wants it, over undici's
 * `request`, which costs a fifth of Node's own.  Limits time and size, follows no
 * redirect (the key stays with the address it was given for), never tries again.
 */
import type { Agent } from 'undici'

export interface WayOut {
  /** Milliseconds until a connection stands. */
  readonly connectMs: number
  /** Milliseconds from the request to the headers of the response. */
  readonly headersMs: number
  /** Milliseconds between two pieces of the body. */
  readonly bodyMs: number
  /** The largest response that is taken. */
  readonly maxBytes: number
}

export const WAY_OUT: WayOut = { connectMs: 10_000, headersMs: 300_000, bodyMs: 300_000, maxBytes: 64 * 1024 * 1024 }

/** What is read of an error's body: enough for its code. */
const ERROR_BYTES = 64 * 1024

/** Statuses whose `Response` may have no body. */
const BODILESS = new Set([204, 205, 304])

/**
 * A `fetch` with a pool of its own.  Rejects with the signal's reason, or with a
 * `TypeError('fetch failed')` whose cause has the system's code; the AI SDK knows both.
 */
export function createFetch(limits: WayOut): typeof globalThis.fetch {
  let agent: Agent | undefined
  return async (input, init) => {
    const signal = init?.signal ?? undefined
    try {
      // Imported when somebody is asked: a command that asks nobody starts without it.
      const undici = await import('undici')
      agent ??= new undici.Agent({
        connect: { timeout: limits.connectMs },
        headersTimeout: limits.headersMs,
        bodyTimeout: limits.bodyMs,
        maxResponseSize: limits.maxBytes,
        allowH2: false,
      })
      const reply = await undici.request(input instanceof Request ? input.url : input, {
        dispatcher: agent,
        method: init?.method === 'POST' ? 'POST' : 'GET',
        headers:
          init?.headers instanceof Headers
            ? Object.fromEntries(init.headers)
            : (init?.headers as Record<string, string>),
        body: typeof init?.body === 'string' ? init.body : null,
        ...(signal === undefined ? {} : { signal }),
      })
      const status = reply.statusCode
      let body: ReadableStream<Uint8Array> | ArrayBuffer | string | null
      if (BODILESS.has(status)) {
        await reply.body.dump()
        body = null
      } else if (status >= 300) {
        body = await beginningOf(reply.body)
      } else if (String(reply.headers['content-type']).startsWith('application/json')) {
        // One document: in one piece it costs less than as a stream.
        body = await reply.body.arrayBuffer()
      } else {
        body = webStream(reply.body)
      }
      return new Response(body, { status, headers: singleHeaders(reply.headers) })
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      throw new TypeError('fetch failed', { cause: error })
    }
  }
}

type Body = AsyncIterable<Uint8Array> & { destroy(error?: Error): unknown }

function webStream(body: Body): ReadableStream<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pieces.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    cancel() {
      body.destroy()
    },
  })
}

/** The first bytes of an error's body; the status stands even if the body is cut. */
async function beginningOf(body: Body): Promise<string> {
  const kept: Uint8Array[] = []
  let size = 0
  try {
    for await (const piece of body) {
      kept.push(piece)
      size += piece.length
      if (size >= ERROR_BYTES) break
    }
  } catch {
    // The status decides without it.
  }
  return Buffer.concat(kept).subarray(0, ERROR_BYTES).toString('utf8')
}

function singleHeaders(headers: Record<string, string | string[] | undefined>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
  )
}
