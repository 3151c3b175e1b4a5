/**
 * Any server that speaks OpenAI's chat completions: Ollama, vLLM, LM Studio,
 * OpenRouter, our own gateway.  The AI SDK owns the wire format; ours are the way
 * out, the classification, the served version and the audit of settings.
 */
import { OpenAICompatibleChatLanguageModel } from '@ai-sdk/openai-compatible'
import type { LanguageModelV4CallOptions, LanguageModelV4FinishReason, LanguageModelV4Usage } from '@ai-sdk/provider'
import type { Failure } from '@millrace/engine'
import { estimateTokenCount } from 'tokenx'
import { z } from 'zod'
import { failureOf, fromErrorInside, fromStatus, fromThrown, rejectedParameter } from './failures.ts'
import { createFetch, WAY_OUT, type WayOut } from './fetch.ts'
import { askedSettings, SETTINGS } from './provider.ts'
import type { Answer, FinishReason, ModelEvent, ModelRequest, Provider, Setting, Usage } from './provider.ts'

export interface OpenAICompatibleConfig {
  /** With the path, http or https: `http://127.0.0.1:11434/v1`. */
  readonly baseUrl: string
  /** Sent as a bearer token, and nowhere else; a function is asked at every call, so that a key may change. */
  readonly apiKey?: string | (() => string | undefined)
  /** For people; otherwise the address's host. */
  readonly name?: string
  /** `false` asks for whole answers: half of the CPU, but a long answer is one long silence. */
  readonly streams?: boolean
  /** Limits of time (milliseconds) and size (bytes), each with a default. */
  readonly limits?: Partial<WayOut>
}

/** Opens no connection. `baseUrl` must be a URL. */
export function createOpenAICompatible(config: OpenAICompatibleConfig): Provider {
  return new OpenAICompatible(config)
}

const CHECK_MS = 10_000
/** Names of models whose adapters are kept; making one costs more than a call. */
const KEPT_MODELS = 200

/** How the settings are spelled on the wire. */
const ON_THE_WIRE: Readonly<Record<Setting, string>> = {
  temperature: 'temperature',
  maxTokens: 'max_tokens',
  seed: 'seed',
}

class OpenAICompatible implements Provider {
  readonly id = 'openai-compatible'
  readonly name: string
  readonly #baseUrl: string
  readonly #key: () => string
  readonly #fetch: typeof globalThis.fetch
  readonly #streams: boolean
  readonly #models = new Map<string, OpenAICompatibleChatLanguageModel>()
  #listing: Promise<Listing> | undefined

  constructor(config: OpenAICompatibleConfig) {
    this.#baseUrl = config.baseUrl.replace(/\/+$/, '')
    this.name = config.name ?? new URL(config.baseUrl).host
    const { apiKey } = config
    this.#key = () => (typeof apiKey === 'function' ? apiKey() : apiKey)?.trim() ?? ''
    this.#fetch = createFetch({ ...WAY_OUT, ...config.limits })
    this.#streams = config.streams ?? true
  }

  /** Such a key cannot stand in a header, and the error of trying would quote it. */
  get #misconfigured(): Failure | undefined {
    if (/^[\x21-\x7e]*$/.test(this.#key())) return undefined
    return failureOf('CONFIGURATION', { details: { setting: 'apiKey' } })
  }

  #headers(): Record<string, string> {
    const key = this.#key()
    return key === '' ? {} : { authorization: `Bearer ${key}` }
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
      yield { type: 'failed', failure: fromThrown(error, signal) }
    } finally {
      signal.removeEventListener('abort', pass)
      // Also when the reader leaves early: the rest of the answer costs money.
      if (!isWhole) call.abort()
    }
  }

  async check(model: string): Promise<Failure | null> {
    if (this.#misconfigured !== undefined) return this.#misconfigured
    // Several specs checked at once need one list.
    this.#listing ??= this.#list().finally(() => {
      this.#listing = undefined
    })
    const { failure, names } = await this.#listing
    if (failure !== undefined) return failure
    if (names === undefined) return null
    // Ollama's `latest` may be left out; Google lists names with a prefix.
    const known = [model, `${model}:latest`, `models/${model}`].some((name) => names.has(name))
    return known ? null : failureOf('UNKNOWN_MODEL', { details: { provider: this.id, listed: names.size } })
  }

  async #list(): Promise<Listing> {
    try {
      const response = await this.#fetch(`${this.#baseUrl}/models`, {
        headers: { accept: 'application/json', ...this.#headers() },
        signal: AbortSignal.timeout(CHECK_MS),
      })
      // A server without a list of models is not a wrong one.
      if ([404, 405, 501].includes(response.status)) return {}
      const text = await response.text()
      if (!response.ok) return { failure: fromStatus(response.status, response.headers, text) }
      const list = ModelList.safeParse(JSON.parse(text))
      return list.success ? { names: new Set(list.data.data.map(({ id }) => id)) } : {}
    } catch (error) {
      return { failure: fromThrown(error) }
    }
  }

  async *#ask(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void, undefined> {
    if (this.#misconfigured !== undefined) {
      yield { type: 'failed', failure: this.#misconfigured }
      return
    }
    const startedAt = new Date()
    if (!this.#streams) {
      const { content, finishReason, usage, response, request: sent } = await this.#send('doGenerate', request, signal)
      const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('')
      if (text !== '') yield { type: 'text', text }
      const body: unknown = typeof sent?.body === 'string' ? JSON.parse(sent.body) : undefined
      yield endOf(request, { text, finishReason, usage, served: response?.modelId, body, startedAt })
      return
    }
    const { stream, request: sent } = await this.#send('doStream', request, signal)
    const reader = stream.getReader()
    let text = ''
    for (;;) {
      const { done, value: part } = await reader.read()
      if (done) break
      if (part.type === 'text-delta' && part.delta !== '') {
        text += part.delta
        yield { type: 'text', text: part.delta }
      } else if (part.type === 'error') {
        const failure =
          part.error instanceof Error ? fromThrown(part.error, signal) : fromErrorInside({ error: part.error })
        yield { type: 'failed', failure }
        return
      } else if (part.type === 'finish') {
        const { finishReason, usage } = part
        const served = part.providerMetadata?.[PROVIDER]?.['served']
        yield endOf(request, { text, finishReason, usage, served, body: sent?.body, startedAt })
        return
      }
    }
    yield { type: 'failed', failure: failureOf('INVALID_RESPONSE') }
  }

  /** Sends the request; once again without a temperature where just that is refused. */
  async #send<How extends 'doStream' | 'doGenerate'>(
    how: How,
    request: ModelRequest,
    signal: AbortSignal,
  ): Promise<Sent<How>> {
    const model = this.#model(request.model)
    // The two methods differ in what they give, not in what they take.
    const send = (options: LanguageModelV4CallOptions) => model[how](options) as Promise<Sent<How>>
    try {
      return await send(callOptions(request, signal))
    } catch (error) {
      if (request.temperature === undefined || signal.aborted) throw error
      if (rejectedParameter(fromThrown(error)) !== 'temperature') throw error
      const { temperature: _, ...rest } = request
      return await send(callOptions(rest, signal))
    }
  }

  #model(name: string): OpenAICompatibleChatLanguageModel {
    const kept = this.#models.get(name)
    if (kept !== undefined) return kept
    const made = new OpenAICompatibleChatLanguageModel(name, {
      provider: PROVIDER,
      url: ({ path }) => `${this.#baseUrl}${path}`,
      headers: () => this.#headers(),
      fetch: this.#streams ? async (input, init) => await asEventStream(await this.#fetch(input, init)) : this.#fetch,
      includeUsage: true,
      errorStructure: { errorSchema: ErrorInside, errorToMessage: () => '' },
      metadataExtractor: { extractMetadata: async () => undefined, createStreamExtractor: extractServed },
    })
    if (this.#models.size >= KEPT_MODELS) this.#models.clear()
    this.#models.set(name, made)
    return made
  }
}

/** The SDK files its metadata under this name. */
const PROVIDER = 'millrace'

/** `names` is missing where the server does not list its models. */
interface Listing {
  readonly failure?: Failure
  readonly names?: ReadonlySet<string>
}

type Sent<How extends 'doStream' | 'doGenerate'> = Awaited<ReturnType<OpenAICompatibleChatLanguageModel[How]>>

const ModelList = z.object({ data: z.array(z.object({ id: z.string() })) })
const ErrorInside = z.object({ error: z.unknown() })
const Counted = z.object({
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
  prompt_tokens_details: z.object({ cached_tokens: z.number().nullish() }).nullish(),
  completion_tokens_details: z.object({ reasoning_tokens: z.number().nullish() }).nullish(),
  prompt_cache_hit_tokens: z.number().nullish(),
})

/**
 * A server that ignores `stream` answers with one JSON document; told as a stream
 * of one chunk, it and an error inside of a 200 go the same way as the others.
 */
async function asEventStream(response: Response): Promise<Response> {
  if (!response.ok || response.headers.get('content-type')?.includes('text/event-stream') === true) return response
  const text = await response.text()
  let chunk: unknown
  try {
    chunk = JSON.parse(text)
  } catch {
    // Perhaps a stream without its content type; if not, the parser finds nothing in it.
    return new Response(text, { status: 200 })
  }
  if (isRecord(chunk) && Array.isArray(chunk['choices'])) {
    const choices = (chunk['choices'] as unknown[]).map((choice) =>
      isRecord(choice) ? { ...choice, delta: choice['message'] } : choice,
    )
    chunk = { ...chunk, choices }
  }
  return new Response(`data: ${JSON.stringify(chunk)}\n\n`, { status: 200 })
}

/** Takes the model's name from whichever chunk has it: the SDK looks only at the first. */
function extractServed() {
  let served: string | null = null
  return {
    processChunk(chunk: unknown) {
      if (isRecord(chunk) && typeof chunk['model'] === 'string' && chunk['model'] !== '') served = chunk['model']
    },
    buildMetadata: () => ({ [PROVIDER]: { served } }),
  }
}

function callOptions(request: ModelRequest, signal: AbortSignal): LanguageModelV4CallOptions {
  const options: LanguageModelV4CallOptions = {
    prompt: request.messages.map(({ role, content }) =>
      role === 'system' ? { role, content } : { role, content: [{ type: 'text', text: content }] },
    ),
    abortSignal: signal,
  }
  if (request.temperature !== undefined) options.temperature = request.temperature
  if (request.maxTokens !== undefined) options.maxOutputTokens = request.maxTokens
  if (request.seed !== undefined) options.seed = request.seed
  return options
}

/** All that came of a call, as the SDK tells it. */
interface Ended {
  readonly text: string
  readonly finishReason: LanguageModelV4FinishReason
  readonly usage: LanguageModelV4Usage
  readonly served: unknown
  /** As it went out. */
  readonly body: unknown
  readonly startedAt: Date
}

function endOf(request: ModelRequest, { text, usage, served, body, startedAt, ...ended }: Ended): ModelEvent {
  const failure = failureOfEnd(text, ended.finishReason)
  if (failure !== undefined) return { type: 'failed', failure }
  const finishReason = finishReasonOf(ended.finishReason)
  const answer: Answer = {
    text,
    modelVersion: typeof served === 'string' && served !== '' ? served : null,
    finishReason,
    truncated: finishReason === 'length' || finishReason === 'content_filter',
    usage: usageOf(request, text, usage),
    settings: auditOf(request, isRecord(body) ? body : {}),
    startedAt,
    completedAt: new Date(),
  }
  return { type: 'done', answer }
}

/** An end that is no answer. */
function failureOfEnd(text: string, { unified, raw }: LanguageModelV4FinishReason): Failure | undefined {
  if (raw === 'insufficient_system_resource') return failureOf('SERVER_ERROR')
  if (raw === 'error') return failureOf('INVALID_RESPONSE')
  if (text.trim() !== '') return undefined
  if (unified === 'content-filter') return failureOf('CONTENT_FILTER')
  return failureOf('INVALID_RESPONSE', { details: { finishReason: finishReasonOf({ unified, raw }) } })
}

function finishReasonOf({ unified, raw }: LanguageModelV4FinishReason): FinishReason {
  // The SDK calls a model's own refusal a filter; it is an answer, and it is whole.
  if (raw === 'stop') return 'stop'
  switch (unified) {
    case 'stop':
    case 'length':
      return unified
    case 'content-filter':
      return 'content_filter'
    case 'tool-calls':
      return 'tool_calls'
    default:
      return 'other'
  }
}

/** From the raw numbers: the SDK makes 0 of what was not reported. */
function usageOf(request: ModelRequest, text: string, usage: LanguageModelV4Usage): Usage {
  const counted = Counted.safeParse(usage.raw)
  if (counted.success && counted.data.prompt_tokens + counted.data.completion_tokens > 0) {
    const { data } = counted
    return {
      inputTokens: data.prompt_tokens,
      outputTokens: data.completion_tokens,
      reasoningTokens: data.completion_tokens_details?.reasoning_tokens ?? null,
      cachedTokens: data.prompt_tokens_details?.cached_tokens ?? data.prompt_cache_hit_tokens ?? null,
      source: 'reported',
    }
  }
  return {
    inputTokens: request.messages.reduce((sum, { content }) => sum + estimateTokenCount(content), 0),
    outputTokens: estimateTokenCount(text),
    reasoningTokens: null,
    cachedTokens: null,
    source: 'estimated',
  }
}

function auditOf(request: ModelRequest, body: Record<string, unknown>): Answer['settings'] {
  const asked = askedSettings(request)
  const sent: Record<string, number> = {}
  for (const name of SETTINGS) {
    const value = body[ON_THE_WIRE[name]]
    if (typeof value === 'number') sent[name] = value
  }
  return { asked, sent, dropped: Object.keys(asked).filter((name) => !(name in sent)) }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
