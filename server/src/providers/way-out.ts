/**
 * The way out to a provider, over undici's dispatcher: limits time and size, follows no
 * redirect (the key stays with the address it was given for), never tries again.
 */
import type { Dispatcher } from 'undici'

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

export interface Outgoing {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** With it the request is a POST, without it a GET. */
  readonly body?: string
  readonly signal?: AbortSignal
}

export interface Reply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Events as they come; anything else is one document. */
  readonly body: Buffer | AsyncIterable<Buffer>
}

export const isAnswer = (status: number): boolean => status >= 200 && status < 300

export type Send = (outgoing: Outgoing) => Promise<Reply>

/**
 * A pool of its own.  Rejects with the signal's reason, or with a `TypeError('fetch
 * failed')` whose cause has the system's code: so the AI SDK takes both for what they
 * are.  A status is no error here; of a body that comes with one the beginning is kept.
 */
export function openWayOut(limits: WayOut): Send {
  let opened: Promise<Dispatcher> | undefined
  // Imported when somebody is asked: a command that asks nobody starts without it.
  const open = async () => {
    const undici = await import('undici')
    return new undici.Agent({
      connect: { timeout: limits.connectMs },
      headersTimeout: limits.headersMs,
      bodyTimeout: limits.bodyMs,
      maxResponseSize: limits.maxBytes,
      allowH2: false,
    })
  }
  return async (outgoing) => {
    const agent = await (opened ??= open())
    return await new Promise((resolve, reject) => {
      const exchange = new Exchange(outgoing.signal, resolve, reject)
      try {
        const { origin, pathname, search } = new URL(outgoing.url)
        const { headers, body } = outgoing
        const method = body === undefined ? 'GET' : 'POST'
        agent.dispatch({ origin, path: pathname + search, method, headers, body: body ?? null }, exchange)
      } catch (error) {
        exchange.fail(error)
      }
    })
  }
}

/**
 * One request and what comes of it.  A document is gathered here and not in a stream,
 * which would cost as much as the rest of the request.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal | undefined
  readonly #resolve: (reply: Reply) => void
  readonly #reject: (error: unknown) => void
  readonly #pieces: Buffer[] = []
  #size = 0
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: Reply['headers'] = {}
  #events: Events | undefined

  constructor(signal: AbortSignal | undefined, resolve: (reply: Reply) => void, reject: (error: unknown) => void) {
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
    signal?.addEventListener('abort', this.#abort, { once: true })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#signal?.aborted === true) this.#abort()
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Reply['headers']): void {
    if (status < 200) return
    this.#status = status
    this.#headers = headers
    if (!isAnswer(status) || !String(headers['content-type']).startsWith('text/event-stream')) return
    this.#events = new Events(controller)
    this.#resolve({ status, headers, body: this.#events })
  }

  onResponseData(_: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#events !== undefined) return this.#events.push(piece)
    this.#pieces.push(piece)
    this.#size += piece.length
    if (isAnswer(this.#status) || this.#size < ERROR_BYTES) return
    this.#answer()
    this.#controller?.abort(new Error('enough'))
  }

  onResponseEnd(): void {
    if (this.#events === undefined) return this.#answer()
    this.#leave()
    this.#events.end()
  }

  onResponseError(_: unknown, error: Error): void {
    // The status decides without the rest of its body.
    if (this.#status !== 0 && !isAnswer(this.#status) && this.#signal?.aborted !== true) this.#answer()
    else this.fail(error)
  }

  fail(cause: unknown): void {
    this.#leave()
    const error: unknown =
      this.#signal?.aborted === true ? this.#signal.reason : new TypeError('fetch failed', { cause })
    this.#events?.end(error)
    this.#reject(error)
  }

  readonly #abort = (): void => {
    // Who waits is told at once, also while there is no connection yet.
    this.fail(undefined)
    this.#controller?.abort(new Error('aborted'))
  }

  #answer(): void {
    this.#leave()
    const [only] = this.#pieces
    const whole = only !== undefined && this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces)
    const body = isAnswer(this.#status) ? whole : whole.subarray(0, ERROR_BYTES)
    this.#resolve({ status: this.#status, headers: this.#headers, body })
  }

  #leave(): void {
    this.#signal?.removeEventListener('abort', this.#abort)
  }
}

/** Pieces that have come and that nobody has read yet; beyond so many bytes no more are taken from the socket. */
const AHEAD = 64 * 1024

class Events implements AsyncIterableIterator<Buffer> {
  readonly #controller: Dispatcher.DispatchController
  readonly #waiting: Buffer[] = []
  #size = 0
  #ended: { readonly error?: unknown } | undefined
  #wake = () => {}

  constructor(controller: Dispatcher.DispatchController) {
    this.#controller = controller
  }

  push(piece: Buffer): void {
    this.#waiting.push(piece)
    this.#size += piece.length
    if (this.#size > AHEAD) this.#controller.pause()
    this.#wake()
  }

  end(error?: unknown): void {
    this.#ended ??= error === undefined ? {} : { error }
    this.#wake()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    for (;;) {
      const piece = this.#waiting.shift()
      if (piece !== undefined) {
        this.#size -= piece.length
        if (this.#size <= AHEAD && this.#controller.paused) this.#controller.resume()
        return { done: false, value: piece }
      }
      if (this.#ended !== undefined) {
        if ('error' in this.#ended) throw this.#ended.error
        return { done: true, value: undefined }
      }
      await new Promise<void>((wake) => (this.#wake = wake))
    }
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#ended === undefined) this.#controller.abort(new Error('left'))
    return { done: true, value: undefined }
  }
}
