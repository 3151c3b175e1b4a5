/**
 * A wire format, spoken: one question, and what came of it, before anybody judges it.
 * A library speaks for the vendors (`library.ts`); OpenAI's chat completions, which
 * everybody else speaks, we speak ourselves (`completions.ts`).
 */
import type { LanguageModelV4FinishReason } from '@ai-sdk/provider'
import type { ModelRequest } from './provider.ts'
import type { Send } from './way-out.ts'

/** Tokens as the format has them, with the vendor's own count beside. */
export interface Counted {
  readonly input: number | undefined
  readonly output: number | undefined
  readonly raw: unknown
}

/** What is known when an answer has ended. */
export interface Ending {
  readonly finishReason: LanguageModelV4FinishReason
  readonly usage: Counted
}

export interface WholeAnswer extends Ending {
  readonly text: string
  /** The response, as it came. */
  readonly said: unknown
  /** The request, as it went out. */
  readonly body: unknown
}

export type Part =
  | { readonly type: 'text'; readonly text: string }
  /** A piece of the response, as it came; before what is made of it. */
  | { readonly type: 'said'; readonly said: unknown }
  | { readonly type: 'failed'; readonly error: unknown }
  | ({ readonly type: 'end' } & Ending)

export interface StreamedAnswer {
  /** Ends with `end` or `failed`, or with neither if it was cut. */
  readonly parts: AsyncIterable<Part>
  readonly body: unknown
}

/** One model.  Both throw what the way out throws, and what a body that makes no sense does. */
export interface Speech {
  whole(request: ModelRequest, signal: AbortSignal): Promise<WholeAnswer>
  stream(request: ModelRequest, signal: AbortSignal): Promise<StreamedAnswer>
}

/** Models by name. `send` puts in the key, and throws at a status that is no answer. */
export type Speak = (send: Send, baseUrl: string) => Promise<(model: string) => Speech>
