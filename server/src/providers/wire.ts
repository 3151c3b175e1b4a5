/**
 * One provider over HTTP, whoever the vendor is and whoever speaks its format: here
 * are the way out, the key, the classification, the version and the audit.
 */
import type { Failure } from '@millrace/engine'
import { endOf, isRecord, servedIn } from './answer.ts'
import { failureOf, fromErrorInside, fromThrown, rejectedParameter, StatusError } from './failures.ts'
import { unusableSchema } from './json.ts'
import { askModels, checkAgainst, type ModelList } from './listing.ts'
import type { Listing, ModelEvent, ModelRequest, Provider } from './provider.ts'
import type { Speech, StreamedAnswer } from './speech.ts'
import type { Wire } from './vendors.ts'
import { isAnswer, openWayOut, WAY_OUT, type Reply, type Send, type WayOut } from './way-out.ts'

export interface WireConfig {
  /** With the path, http or https. */
  readonly baseUrl: string
  /** Asked at each request, so that a key may change while the program runs. */
  readonly keyOf: () => string | undefined
  /** The setting that a key comes from, for people. */
  readonly keySetting: string
  /** The provider answers nobody without a key. */
  readonly needsKey?: boolean
  /** `true` asks for streams also where nobody waits for the pieces. */
  readonly streams: boolean
  /** Limits of time (milliseconds) and size (bytes), each with a default. */
  readonly limits?: Partial<WayOut>
}

/** Opens no connection and imports no package. `baseUrl` must be a URL. */
export function createWire(wire: Wire, config: WireConfig): Provider {
  return new WireProvider(wire, config)
}

/** Names of models whose adapters are kept; making one costs more than a call. */
const KEPT_MODELS = 200

class WireProvider implements Provider {
  readonly id: string
  readonly name: string
  readonly #wire: Wire
  readonly #config: WireConfig
  readonly #baseUrl: string
  readonly #send: Send
  readonly #models = new Map<string, Speech>()
  #opened: ReturnType<Wire['speak']> | undefined
  #listing: Promise<ModelList> | undefined

  constructor(wire: Wire, config: WireConfig) {
    this.id = wire.id
    this.name = wire.name
    this.#wire = wire
    this.#config = config
    this.#baseUrl = config.baseUrl.replace(/\/+$/, '')
    this.#send = openWayOut({ ...WAY_OUT, ...config.limits })
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void, undefined> {
    try {
      signal.throwIfAborted()
      const failure = this.#obstacle() ?? unusableSchema(request)
      if (failure !== undefined) yield { type: 'failed', failure }
      else if (request.live ?? this.#config.streams) yield* this.#stream(request, signal)
      else for (const event of await this.#whole(request, signal)) yield event
    } catch (error) {
      yield { type: 'failed', failure: failureOfCall(error, signal) }
    }
  }

  async check(model: string): Promise<Failure | null> {
    const { failure, names } = await this.#list()
    if (failure !== undefined) return failure
    if (names === undefined) return null
    return await checkAgainst(names, model, this.id, this.#wire.models.one === true ? this.#get : undefined)
  }

  async models(): Promise<Listing> {
    const { failure, names } = await this.#list()
    if (failure !== undefined) return { failure }
    return names === undefined ? {} : { names: [...names] }
  }

  /** What stands in the way before anything is sent. */
  #obstacle(): Failure | undefined {
    const key = this.#key()
    const details = { provider: this.id, setting: this.#config.keySetting }
    if (key === undefined) {
      return this.#config.needsKey === true ? missingKey(this.name, details) : undefined
    }
    // Such a key cannot stand in a header, and the error of trying would quote it.
    return /^[\x21-\x7e]*$/.test(key) ? undefined : failureOf('CONFIGURATION', { details })
  }

  #key(): string | undefined {
    return this.#config.keyOf()?.trim() || undefined
  }

  readonly #get = async (path: string): Promise<Reply> =>
    await this.#send({
      url: `${this.#baseUrl}${path}`,
      headers: { accept: 'application/json', ...this.#wire.headers(this.#key()) },
      signal: AbortSignal.timeout(10_000),
    })

  /** Several models checked at once need one list. */
  async #list(): Promise<ModelList> {
    const failure = this.#obstacle()
    if (failure !== undefined) return { failure }
    this.#listing ??= askModels(this.id, this.#wire.models.path, this.#get).finally(() => {
      this.#listing = undefined
    })
    return await this.#listing
  }

  async #whole(request: ModelRequest, signal: AbortSignal): Promise<ModelEvent[]> {
    const startedAt = new Date()
    const ended = await this.#ask(request, async (speech, asked) => await speech.whole(asked, signal))
    const { text, said } = ended
    if (isRecord(said) && isRecord(said['error'])) return [{ type: 'failed', failure: fromErrorInside(said) }]
    const end = endOf(request, this.#wire, { ...ended, served: servedIn(this.#wire, said), startedAt })
    return text === '' ? [end] : [{ type: 'text', text }, end]
  }

  async *#stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void, undefined> {
    const call = new AbortController()
    const pass = () => call.abort(signal.reason)
    signal.addEventListener('abort', pass, { once: true })
    let isWhole = false
    try {
      const startedAt = new Date()
      const answer = await this.#ask(request, async (speech, asked) => await speech.stream(asked, call.signal))
      for await (const event of this.#follow(request, answer, startedAt, signal)) {
        isWhole = event.type === 'done'
        yield event
      }
    } finally {
      signal.removeEventListener('abort', pass)
      // Also when the reader leaves early: the rest of the answer costs money.
      if (!isWhole) call.abort()
    }
  }

  async *#follow(
    request: ModelRequest,
    { parts, body }: StreamedAnswer,
    startedAt: Date,
    signal: AbortSignal,
  ): AsyncGenerator<ModelEvent, void, undefined> {
    let text = ''
    let served: string | null = null
    for await (const part of parts) {
      if (part.type === 'said') {
        served = servedIn(this.#wire, part.said) ?? served
        if (!isRecord(part.said) || !isRecord(part.said['error'])) continue
        yield { type: 'failed', failure: fromErrorInside(part.said) }
        return
      }
      if (part.type === 'failed') {
        yield { type: 'failed', failure: failureInStream(part.error, signal) }
        return
      }
      if (part.type === 'end') {
        yield endOf(request, this.#wire, { text, ...part, served, body, startedAt })
        return
      }
      if (part.text === '') continue
      text += part.text
      yield part
    }
    yield { type: 'failed', failure: failureOf('INVALID_RESPONSE') }
  }

  /** Asks; once again without a temperature where just that is refused. */
  async #ask<Result>(
    request: ModelRequest,
    ask: (speech: Speech, request: ModelRequest) => Promise<Result>,
  ): Promise<Result> {
    const { otherwise } = this.#wire
    const speech = await this.#model(request.model)
    const asked = otherwise === undefined ? request : { ...otherwise, ...request }
    try {
      return await ask(speech, asked)
    } catch (error) {
      if (request.temperature === undefined) throw error
      if (rejectedParameter(fromThrown(error)) !== 'temperature') throw error
      const { temperature: _, ...rest } = asked
      return await ask(speech, rest)
    }
  }

  async #model(name: string): Promise<Speech> {
    const kept = this.#models.get(name)
    if (kept !== undefined) return kept
    this.#opened ??= this.#wire.speak(this.#wayOut, this.#baseUrl)
    const made = (await this.#opened)(name)
    if (this.#models.size >= KEPT_MODELS) this.#models.clear()
    this.#models.set(name, made)
    return made
  }

  /** The key goes in here, and a status that is none goes past whoever speaks. */
  readonly #wayOut: Send = async (outgoing) => {
    const headers = { ...outgoing.headers, ...this.#wire.headers(this.#key()) }
    const reply = await this.#send({ ...outgoing, headers })
    const { status, body } = reply
    if (isAnswer(status)) return reply
    throw new StatusError(status, reply.headers, Buffer.isBuffer(body) ? body.toString('utf8') : '', this.id)
  }
}

/** `MISSING_API_KEY`, with the variable in `details.setting`. */
export function missingKey(name: string, details: { readonly provider: string; readonly setting: string }): Failure {
  return failureOf('MISSING_API_KEY', { message: `${name} has no key: set ${details.setting}.`, details })
}

/** What the library itself trips over is an answer that it did not foresee. */
function failureOfCall(error: unknown, signal: AbortSignal): Failure {
  const failure = fromThrown(error, signal)
  return failure.code === 'UNKNOWN' && error instanceof TypeError ? failureOf('INVALID_RESPONSE') : failure
}

function failureInStream(error: unknown, signal: AbortSignal): Failure {
  if (error instanceof Error) return fromThrown(error, signal)
  const frame = isRecord(error) ? error['data'] : undefined
  return fromErrorInside(isRecord(frame) ? frame : { error })
}
