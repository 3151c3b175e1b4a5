/**
 * One provider over HTTP, whoever the vendor is: the AI SDK owns the wire format;
 * ours are the way out, the key, the classification, the version and the audit.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
} from '@ai-sdk/provider'
import type { Failure } from '@millrace/engine'
import { endOf, isRecord, servedIn } from './answer.ts'
import { failureOf, fromErrorInside, fromThrown, rejectedParameter, StatusError } from './failures.ts'
import { createFetch, WAY_OUT, type WayOut } from './fetch.ts'
import { unusableSchema } from './json.ts'
import { askModels, checkAgainst, type ModelList } from './listing.ts'
import type { Listing, ModelEvent, ModelRequest, Provider } from './provider.ts'
import type { OpenModel, Wire } from './vendors.ts'

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
  /** Looks at a response before the SDK does. */
  readonly look?: (response: Response, streamed: boolean) => Promise<Response>
}

/** Opens no connection and imports no package. `baseUrl` must be a URL. */
export function createWire(wire: Wire, config: WireConfig): Provider {
  return new WireProvider(wire, config)
}

/** Names of models whose adapters are kept; making one costs more than a call. */
const KEPT_MODELS = 200
/** The SDK wants one at hand; the real one goes into the headers on the way out. */
const NO_KEY = 'none'

class WireProvider implements Provider {
  readonly id: string
  readonly name: string
  readonly #wire: Wire
  readonly #config: WireConfig
  readonly #baseUrl: string
  readonly #fetch: typeof globalThis.fetch
  readonly #models = new Map<string, LanguageModelV4>()
  #opened: Promise<OpenModel> | undefined
  #listing: Promise<ModelList> | undefined

  constructor(wire: Wire, config: WireConfig) {
    this.id = wire.id
    this.name = wire.name
    this.#wire = wire
    this.#config = config
    this.#baseUrl = config.baseUrl.replace(/\/+$/, '')
    this.#fetch = createFetch({ ...WAY_OUT, ...config.limits })
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void, undefined> {
    const call = new AbortController()
    const pass = () => call.abort(signal.reason)
    signal.addEventListener('abort', pass, { once: true })
    let isWhole = false
    try {
      signal.throwIfAborted()
      for await (const event of this.#ask(request, call.signal)) {
        isWhole = event.type === 'done'
        yield event
      }
    } catch (error) {
      yield { type: 'failed', failure: failureOfCall(error, signal) }
    } finally {
      signal.removeEventListener('abort', pass)
      // Also when the reader leaves early: the rest of the answer costs money.
      if (!isWhole) call.abort()
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

  readonly #get = async (path: string): Promise<Response> =>
    await this.#fetch(`${this.#baseUrl}${path}`, {
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

  async *#ask(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void, undefined> {
    const failure = this.#obstacle() ?? unusableSchema(request)
    if (failure !== undefined) {
      yield { type: 'failed', failure }
      return
    }
    const startedAt = new Date()
    const model = await this.#model(request.model)
    if (request.live ?? this.#config.streams) {
      const result = await this.#send(request, signal, async (options) => await model.doStream(options))
      yield* this.#follow(request, result, startedAt, signal)
      return
    }
    const result = await this.#send(request, signal, async (options) => await model.doGenerate(options))
    const { content, finishReason, usage, response, request: sent } = result
    const said = response?.body
    if (isRecord(said) && isRecord(said['error'])) {
      yield { type: 'failed', failure: fromErrorInside(said) }
      return
    }
    const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('')
    if (text !== '') yield { type: 'text', text }
    const served = servedIn(this.#wire, said)
    yield endOf(request, this.#wire, { text, finishReason, usage, served, said, body: bodyOf(sent?.body), startedAt })
  }

  async *#follow(
    request: ModelRequest,
    { stream, request: sent }: LanguageModelV4StreamResult,
    startedAt: Date,
    signal: AbortSignal,
  ): AsyncGenerator<ModelEvent, void, undefined> {
    const reader = stream.getReader()
    let text = ''
    let served: string | null = null
    for (;;) {
      const { done, value: part } = await reader.read()
      if (done) break
      if (part.type === 'raw') {
        served = servedIn(this.#wire, part.rawValue) ?? served
        if (isRecord(part.rawValue) && isRecord(part.rawValue['error'])) {
          yield { type: 'failed', failure: fromErrorInside(part.rawValue) }
          return
        }
      } else if (part.type === 'text-delta' && part.delta !== '') {
        text += part.delta
        yield { type: 'text', text: part.delta }
      } else if (part.type === 'error') {
        yield { type: 'failed', failure: failureInStream(part, signal) }
        return
      } else if (part.type === 'finish') {
        const { finishReason, usage } = part
        yield endOf(request, this.#wire, { text, finishReason, usage, served, body: bodyOf(sent?.body), startedAt })
        return
      }
    }
    yield { type: 'failed', failure: failureOf('INVALID_RESPONSE') }
  }

  /** Sends the request; once again without a temperature where just that is refused. */
  async #send<Result extends LanguageModelV4GenerateResult | LanguageModelV4StreamResult>(
    request: ModelRequest,
    signal: AbortSignal,
    send: (options: LanguageModelV4CallOptions) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await send(callOptions(this.#wire, request, signal))
    } catch (error) {
      if (request.temperature === undefined || signal.aborted) throw error
      if (rejectedParameter(fromThrown(error)) !== 'temperature') throw error
      const { temperature: _, ...rest } = request
      return await send(callOptions(this.#wire, rest, signal))
    }
  }

  async #model(name: string): Promise<LanguageModelV4> {
    const kept = this.#models.get(name)
    if (kept !== undefined) return kept
    this.#opened ??= this.#wire.open({ baseURL: this.#baseUrl, apiKey: NO_KEY, fetch: this.#wayOut })
    const made = (await this.#opened)(name)
    if (this.#models.size >= KEPT_MODELS) this.#models.clear()
    this.#models.set(name, made)
    return made
  }

  /** What the SDK calls: the key goes in here, and a status that is none goes past the SDK. */
  readonly #wayOut: typeof globalThis.fetch = async (input, init) => {
    const headers = { ...(init?.headers as Record<string, string>), ...this.#wire.headers(this.#key()) }
    const response = await this.#fetch(input, { ...init, headers })
    if (!response.ok) throw new StatusError(response.status, response.headers, await response.text(), this.id)
    return (await this.#config.look?.(response, isStreamed(init?.body))) ?? response
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

function failureInStream({ error }: Extract<LanguageModelV4StreamPart, { type: 'error' }>, signal: AbortSignal) {
  if (error instanceof Error) return fromThrown(error, signal)
  const frame = isRecord(error) ? error['data'] : undefined
  return fromErrorInside(isRecord(frame) ? frame : { error })
}

function bodyOf(sent: unknown): unknown {
  return typeof sent === 'string' ? JSON.parse(sent) : sent
}

function isStreamed(body: unknown): boolean {
  return typeof body === 'string' && body.includes('"stream":true')
}

function callOptions(wire: Wire, request: ModelRequest, signal: AbortSignal): LanguageModelV4CallOptions {
  const options: LanguageModelV4CallOptions = {
    prompt: request.messages.map(({ role, content }) =>
      role === 'system' ? { role, content } : { role, content: [{ type: 'text', text: content }] },
    ),
    abortSignal: signal,
    // The version stands in chunks that the SDK does not look at.
    includeRawChunks: true,
  }
  const maxTokens = request.maxTokens ?? wire.otherwise?.maxTokens
  if (request.temperature !== undefined) options.temperature = request.temperature
  if (maxTokens !== undefined) options.maxOutputTokens = maxTokens
  if (request.seed !== undefined) options.seed = request.seed
  if (request.schema !== undefined) options.responseFormat = { type: 'json', schema: request.schema }
  if (wire.options !== undefined) options.providerOptions = wire.options
  return options
}
