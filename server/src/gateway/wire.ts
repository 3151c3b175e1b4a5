/**
 * OpenAI's chat completions as far as they are served here.  A setting that would
 * change the answer and that no model's door takes is refused by its name, not ignored.
 */
import { z } from 'zod'
import type { FailureCode } from '../providers/failure-table.ts'
import type { FinishReason, Message } from '../providers/provider.ts'
import type { Failure } from '@millrace/engine'
import type { Answered, Asked } from './ask.ts'

const text = z.union([
  z.string(),
  z
    .array(z.object({ type: z.literal('text'), text: z.string() }))
    .transform((parts) => parts.map((p) => p.text).join('')),
])
const message = z
  .object({ role: z.enum(['system', 'developer', 'user', 'assistant']), content: text, name: z.string().optional() })
  .transform(({ role, content }): Message => ({ role: role === 'developer' ? 'system' : role, content }))

/** What a client may say besides that changes no answer. */
const HARMLESS = {
  n: z.literal(1).nullish(),
  user: z.unknown().optional(),
  metadata: z.unknown().optional(),
  store: z.unknown().optional(),
  service_tier: z.unknown().optional(),
  safety_identifier: z.unknown().optional(),
  prompt_cache_key: z.unknown().optional(),
}

export const completionRequest = z.strictObject({
  model: z.string().min(1).max(200),
  messages: z.array(message).min(1).max(1_000),
  temperature: z.number().min(0).max(2).nullish(),
  max_tokens: z.int().min(1).max(1_000_000).nullish(),
  max_completion_tokens: z.int().min(1).max(1_000_000).nullish(),
  seed: z.int().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  ...HARMLESS,
})
export type CompletionRequest = z.output<typeof completionRequest>

export function askedOf(body: CompletionRequest): Asked {
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? undefined
  return {
    messages: body.messages,
    ...(body.temperature === undefined || body.temperature === null ? {} : { temperature: body.temperature }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(body.seed === undefined || body.seed === null ? {} : { seed: body.seed }),
  }
}

/** What a client reads as why the answer ended. */
function finishOf(reason: FinishReason): string {
  return reason === 'other' ? 'stop' : reason
}

function usageOf({ usage }: Answered) {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    ...(usage.cachedTokens === null ? {} : { prompt_tokens_details: { cached_tokens: usage.cachedTokens } }),
    ...(usage.reasoningTokens === null
      ? {}
      : { completion_tokens_details: { reasoning_tokens: usage.reasoningTokens } }),
  }
}

const seconds = () => Math.floor(Date.now() / 1000)

export function completionOf(answered: Answered, model: string) {
  return {
    id: answered.id,
    object: 'chat.completion',
    created: seconds(),
    model: answered.modelVersion ?? model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: answered.text, refusal: null },
        logprobs: null,
        finish_reason: finishOf(answered.finishReason),
      },
    ],
    usage: usageOf(answered),
  }
}

/** A stream's pieces, under one name. */
export function chunks(id: string, model: string) {
  const created = seconds()
  const chunk = (delta: object, finish: string | null, more: object = {}) => ({
    id,
    object: 'chat.completion.chunk',
    created,
    model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...more,
  })
  return {
    begin: () => chunk({ role: 'assistant', content: '' }, null),
    piece: (content: string) => chunk({ content }, null),
    end: (answered: Answered) => chunk({}, finishOf(answered.finishReason)),
    usage: (answered: Answered) => ({ ...chunk({}, null), choices: [], usage: usageOf(answered) }),
  }
}

/**
 * The status of each failure, chosen so that a client that reads the status alone
 * does what it would do with the provider itself.
 */
const STATUS: Record<FailureCode, number> = {
  RATE_LIMIT: 429,
  TIMEOUT: 408,
  SERVER_ERROR: 503,
  NETWORK_ERROR: 502,
  AUTH_ERROR: 403,
  BILLING: 402,
  NOT_FOUND: 404,
  VALIDATION_ERROR: 400,
  INVALID_RESPONSE: 502,
  POISON_REQUEST: 422,
  CONTENT_FILTER: 400,
  MISSING_API_KEY: 403,
  UNSUPPORTED_PROVIDER: 404,
  UNKNOWN_MODEL: 404,
  CONFIGURATION: 500,
  WORKER_CRASH: 500,
  WORKER_PROTOCOL: 500,
  CANCELLED: 499,
  UNKNOWN: 500,
}

/** What only happens where a call is a run. */
const OF_RUNS: Readonly<Record<string, number>> = {
  NO_WORKER: 503,
  PROVIDER_STOPPED: 503,
  BUDGET_REACHED: 402,
  BUDGET_CANNOT_HOLD: 402,
  NOT_ALLOWED: 403,
}

export function statusOf(failure: Failure): number {
  const ofRun = OF_RUNS[failure.code]
  if (ofRun !== undefined) return ofRun
  return Object.hasOwn(STATUS, failure.code) ? STATUS[failure.code as FailureCode] : 500
}

/** The failure whole: a client of ours reads the same code, and when to try again, as we would. */
export function errorOf(failure: Failure) {
  return {
    error: {
      message: failure.message,
      type: 'millrace_error',
      param: null,
      code: failure.code,
      retryable: failure.retryable,
      ...(failure.retryAfter === undefined ? {} : { retryAfter: failure.retryAfter }),
      ...(failure.details === undefined ? {} : { details: failure.details }),
    },
  }
}

/** A request that is refused here, before any model. */
export function refusal(message: string, code: string, param: string | null = null) {
  return { error: { message, type: 'invalid_request_error', param, code } }
}
