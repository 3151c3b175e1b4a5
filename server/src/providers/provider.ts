/**
 * The port to a model: one call, and free looks at what there is.  A provider does not
 * retry, does not wait for limits and does not know who is asking; it says what
 * happened, as data.  Everything that speaks to a model goes through here.
 */
import type { Failure } from '@millrace/engine'
import type { Execution } from './execution.ts'
import { failureOf, fromThrown } from './failures.ts'
import { tracedCall } from './traced-call.ts'

/** One message of a conversation, in order; `system` first if there is one. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export type JsonSchema = Readonly<Record<string, unknown>>

/** What is asked of a model.  A setting that is not given is not sent. */
export interface ModelRequest {
  /** The bare name, without provider and version: `gpt-5.4`, `qwen2.5:7b`, `a`. */
  readonly model: string
  readonly messages: readonly Message[]
  readonly temperature?: number
  /** Upper limit of the answer, in tokens. */
  readonly maxTokens?: number
  readonly seed?: number
  /** A JSON schema: the answer is one JSON value that fits it, parsed in `Answer.json`. */
  readonly schema?: JsonSchema
  /** The text is wanted as it comes.  Otherwise it may come in one piece, which costs half. */
  readonly live?: boolean
  /** Which of several equal requests this is: for logs, tests and the fake's variety; never sent. */
  readonly label?: string
  /** For a person's own provider (`execution.ts`); never sent to any other. */
  readonly execution?: Execution
}

/** The settings that are audited, by our names. */
export const SETTINGS = ['temperature', 'maxTokens', 'seed'] as const
export type Setting = (typeof SETTINGS)[number]

/** Tokens of one call.  `estimated` when the provider did not report input or output. */
export interface Usage {
  /** All of the input, cached tokens included. */
  readonly inputTokens: number
  /** All of the output, reasoning included where it is reported. */
  readonly outputTokens: number
  /** `null` when not reported; 0 means that the provider said 0. */
  readonly reasoningTokens: number | null
  /** `null` when not reported; 0 means that the provider said 0. */
  readonly cachedTokens: number | null
  readonly source: 'reported' | 'estimated'
}

/** What became of the settings: asked for, in the body that went out, and lost between the two. */
export interface SettingsAudit {
  readonly asked: Readonly<Record<string, number>>
  readonly sent: Readonly<Record<string, number>>
  /** Names that were asked for and that the model or the library did not take. */
  readonly dropped: readonly string[]
}

export type FinishReason = 'stop' | 'length' | 'content_filter' | 'tool_calls' | 'other'

/** A whole answer; its text is never empty. */
export interface Answer {
  readonly text: string
  /** What the text says, where a schema was asked for: it fits that schema. */
  readonly json?: unknown
  /** The model that says it answered, `null` only when the response does not name one. */
  readonly modelVersion: string | null
  readonly finishReason: FinishReason
  /** The text was cut: by the token limit, or by a filter after it had begun. */
  readonly truncated: boolean
  readonly usage: Usage
  readonly settings: SettingsAudit
  readonly startedAt: Date
  readonly completedAt: Date
}

/** A stream is any number of `text`, then exactly one `done` or `failed`. */
export type ModelEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'done'; readonly answer: Answer }
  | { readonly type: 'failed'; readonly failure: Failure }

export interface Provider {
  /** The part of a spec before the first colon: `fake`, `openai-compatible`. */
  readonly id: string
  /** For people. */
  readonly name: string
  /**
   * Asks once.  The iterable ends with exactly one `done` or `failed` and never
   * throws; an abort of `signal` ends it at once (`TIMEOUT` when the reason is a
   * `TimeoutError`, otherwise `CANCELLED`).  Leaving the loop early drops the call.
   */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>
  /** Is the model known and reachable?  Costs nothing; `null` means yes, or that nobody can say. */
  check(model: string): Promise<Failure | null>
  /** The models by name, as the provider itself lists them.  Costs nothing, takes at most ten seconds. */
  models(): Promise<Listing>
}

/** `names` is missing where nobody can list them; `failure` says why the provider cannot be reached. */
export interface Listing {
  readonly names?: readonly string[]
  readonly failure?: Failure
}

/** What one call came to. */
export type Generated =
  | { readonly answer: Answer; readonly failure?: never }
  | { readonly failure: Failure; readonly answer?: never }

/**
 * Asks once and waits for the end of the stream; `piece` is told the text as it comes.
 * Never throws, whatever the provider does.
 */
export async function generate(
  provider: Provider,
  request: ModelRequest,
  signal: AbortSignal,
  piece?: (text: string) => void,
): Promise<Generated> {
  return tracedCall(provider.id, request, () => asked(provider, request, signal, piece))
}

async function asked(
  provider: Provider,
  request: ModelRequest,
  signal: AbortSignal,
  piece?: (text: string) => void,
): Promise<Generated> {
  try {
    for await (const event of provider.stream(request, signal)) {
      if (event.type === 'done') return { answer: event.answer }
      if (event.type === 'failed') return { failure: event.failure }
      piece?.(event.text)
    }
    return { failure: failureOf('INVALID_RESPONSE') }
  } catch (error) {
    return { failure: fromThrown(error, signal) }
  }
}

/** The settings of a request, by name, without those left out. */
export function askedSettings(request: ModelRequest): Record<string, number> {
  const asked: Record<string, number> = {}
  for (const name of SETTINGS) {
    const value = request[name]
    if (value !== undefined) asked[name] = value
  }
  return asked
}
