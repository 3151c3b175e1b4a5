/**
 * From what came of a call to an answer or a failure: the finish, the tokens, the
 * version that served it, the audit of settings, the JSON that was asked for.  What a
 * vendor calls these things is data (`vendors.ts`); the reading is the same for all.
 */
import type { LanguageModelV4FinishReason } from '@ai-sdk/provider'
import type { Failure } from '@millrace/engine'
import { estimateTokenCount } from 'tokenx'
import { failureOf } from './failures.ts'
import { problemDetails, readJson } from './json.ts'
import { askedSettings, SETTINGS } from './provider.ts'
import type { Answer, FinishReason, ModelEvent, ModelRequest, Setting, Usage } from './provider.ts'
import type { Ending } from './speech.ts'

/** Names along the way into a JSON document: `['usage', 'cached_tokens']`. */
export type Path = readonly string[]

/** Where a vendor's documents have what we look for; of several paths the first that leads somewhere. */
export interface Dialect {
  /** In the request, as it goes out. */
  readonly settings: Readonly<Partial<Record<Setting, Path>>>
  /** The model that answers: in a whole response, or in any chunk of a stream. */
  readonly served: readonly Path[]
  /** In the vendor's own count; `input` must be there for it to be one. */
  readonly usage: {
    readonly input: Path
    readonly reasoning: readonly Path[]
    readonly cached: readonly Path[]
  }
  /** Why an answer is not whole, in a whole response, where the library does not look. */
  readonly unfinished?: Path
  /** Finish reasons that mean something else than the library thinks, by what the vendor says. */
  readonly finish?: Readonly<Record<string, FinishReason>>
}

/** All that came of a call. */
export interface Ended extends Ending {
  readonly text: string
  readonly served: string | null
  /** The whole response, as it came; nothing of a stream. */
  readonly said?: unknown
  /** As it went out. */
  readonly body: unknown
  readonly startedAt: Date
}

export function endOf(request: ModelRequest, dialect: Dialect, ended: Ended): ModelEvent {
  const unfinished = dialect.unfinished === undefined ? undefined : at(ended.said, dialect.unfinished)
  const finishReason = finishOf(dialect, ended.finishReason, unfinished)
  const failure = failureOfEnd(ended.text, finishReason, ended.finishReason)
  if (failure !== undefined) return { type: 'failed', failure }
  const read = request.schema === undefined ? undefined : readJson(ended.text, request.schema)
  if (read !== undefined && 'problem' in read) {
    return {
      type: 'failed',
      failure: failureOf('INVALID_RESPONSE', { details: { ...problemDetails(read), finishReason } }),
    }
  }
  const answer: Answer = {
    text: ended.text,
    ...(read === undefined ? {} : { json: read.value }),
    modelVersion: ended.served,
    finishReason,
    truncated: finishReason === 'length' || finishReason === 'content_filter',
    usage: usageOf(request, dialect, ended),
    settings: auditOf(request, dialect, ended.body),
    startedAt: ended.startedAt,
    completedAt: new Date(),
  }
  return { type: 'done', answer }
}

/** The model that a response, or a chunk of one, says it comes from. */
export function servedIn({ served }: Dialect, said: unknown): string | null {
  const name = firstAt(said, served)
  return typeof name === 'string' && name !== '' ? name : null
}

/** An end that is no answer. */
function failureOfEnd(
  text: string,
  finishReason: FinishReason,
  { unified, raw }: LanguageModelV4FinishReason,
): Failure | undefined {
  if (raw === 'insufficient_system_resource') return failureOf('SERVER_ERROR')
  if (unified === 'error' || unified === 'interrupted' || raw === 'error') return failureOf('INVALID_RESPONSE')
  if (text.trim() !== '') return undefined
  if (finishReason === 'content_filter') return failureOf('CONTENT_FILTER')
  return failureOf('INVALID_RESPONSE', { details: { finishReason } })
}

function finishOf(
  { finish }: Dialect,
  { unified, raw }: LanguageModelV4FinishReason,
  unfinished: unknown,
): FinishReason {
  const own = finish?.[typeof unfinished === 'string' ? unfinished : (raw ?? '')]
  if (own !== undefined) return own
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
function usageOf(request: ModelRequest, dialect: Dialect, { text, usage }: Ended): Usage {
  const { input = 0, output = 0 } = usage
  if (typeof at(usage.raw, dialect.usage.input) === 'number' && input + output > 0) {
    return {
      inputTokens: input,
      outputTokens: output,
      reasoningTokens: numberAt(usage.raw, dialect.usage.reasoning),
      cachedTokens: numberAt(usage.raw, dialect.usage.cached),
      source: 'reported',
    }
  }
  return estimatedUsage(request, text)
}

/** Of a call of which nobody reported the tokens. */
export function estimatedUsage(request: ModelRequest, text: string): Usage {
  return {
    inputTokens: request.messages.reduce((sum, { content }) => sum + estimateTokenCount(content), 0),
    outputTokens: estimateTokenCount(text),
    reasoningTokens: null,
    cachedTokens: null,
    source: 'estimated',
  }
}

function auditOf(request: ModelRequest, dialect: Dialect, body: unknown): Answer['settings'] {
  const asked = askedSettings(request)
  const sent: Record<string, number> = {}
  for (const name of SETTINGS) {
    const path = dialect.settings[name]
    const value = path === undefined ? undefined : at(body, path)
    if (typeof value === 'number') sent[name] = value
  }
  return { asked, sent, dropped: Object.keys(asked).filter((name) => !(name in sent)) }
}

function at(document: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, name) => (isRecord(value) ? value[name] : undefined), document)
}

function firstAt(document: unknown, paths: readonly Path[]): unknown {
  for (const path of paths) {
    const value = at(document, path)
    if (value !== undefined && value !== null) return value
  }
  return undefined
}

function numberAt(document: unknown, paths: readonly Path[]): number | null {
  const value = firstAt(document, paths)
  return typeof value === 'number' ? value : null
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
