/**
 * xAI: Responses and Chat Completions.
 * Follows https://docs.x.ai/docs/api-reference (responses, chat/completions, models),
 * https://docs.x.ai/docs/key-information/debugging and …/key-information/consumption-and-rate-limits.
 * Its errors are `{code, error}`, both texts; a wrong key is a 400.
 */
import { chatFormat, chatUsage } from './openai-chat.ts'
import { responsesFormat } from './openai-responses.ts'
import { familyRoute } from './openai.ts'
import type { Dialect, Json, Refusal, Route, Said, SimulatedModel, Trouble, TroubleKind } from './dialect.ts'
import { bearer, ratelimitHeaders, retryAfterHeader } from './reading.ts'

const MODELS: readonly SimulatedModel[] = [
  { id: 'grok-4.6', served: 'grok-4.6-0912', temper: 'bold', reasons: true },
  { id: 'grok-4.6-fast', served: 'grok-4.6-fast-0912', temper: 'warm' },
  { id: 'grok-4.5', served: 'grok-4.5-0611', temper: 'bold', reasons: true },
  { id: 'grok-3-mini', served: 'grok-3-mini-beta', temper: 'wary', reasons: true },
]

/** The reasoning is counted beside the completion, and in the total. */
function usage(said: Said): Json {
  const { input, output, reasoning } = said.usage
  return {
    ...chatUsage(said),
    completion_tokens: output - reasoning,
    total_tokens: input + output,
    num_sources_used: 0,
  }
}

const WAYS: Readonly<Record<string, Route>> = {
  '/v1/responses': {
    kind: 'generate',
    format: responsesFormat({
      models: MODELS,
      fixed: [],
      strange: ['messages', 'max_completion_tokens'],
      usage: (said) => ({
        input_tokens: said.usage.input,
        input_tokens_details: { cached_tokens: said.usage.cached },
        output_tokens: said.usage.output,
        output_tokens_details: { reasoning_tokens: said.usage.reasoning },
        total_tokens: said.usage.input + said.usage.output,
        num_sources_used: 0,
        num_server_side_tools_used: 0,
      }),
    }),
  },
  '/v1/chat/completions': {
    kind: 'generate',
    format: chatFormat({
      models: MODELS,
      temperature: [0, 2],
      seed: 'seed',
      finish: { stop: 'stop', length: 'length', filter: 'content_filter', resources: 'stop' },
      usage,
      alwaysUsage: true,
      around: (said) => ({ system_fingerprint: `fp_${said.id.slice(0, 10)}` }),
      thought: (said) => (said.thought === '' ? {} : { reasoning_content: said.thought }),
      idOf: (said) => said.id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5'),
      broken: { code: 'The service is currently unavailable', error: 'The stream was interrupted.' },
    }),
  },
}

export const xai: Dialect = {
  name: 'xai',
  models: MODELS,
  basePath: '/v1',
  key: bearer,
  route: (place) => familyRoute(place, WAYS),
  headers: (requestId, gauges) => ({ 'x-request-id': requestId, ...ratelimitHeaders(gauges) }),
  refuse,
  list: () => ({ object: 'list', data: MODELS.map(card) }),
  describe: card,
}

function card(model: SimulatedModel) {
  return { id: model.id, object: 'model', created: 1_767_225_600, owned_by: 'xai' }
}

const ARGUMENT = 'Client specified an invalid argument'
const EXHAUSTED = 'Some resource has been exhausted'
const CREDITS =
  'Your team has either used all available credits or reached its monthly spending limit. To continue making API requests, please purchase more credits or raise your spending limit.'
const UNAVAILABLE = 'The service is currently unavailable'

const ERRORS: Readonly<Record<TroubleKind, readonly [status: number, code: string, error: string]>> = {
  'missing-key': [401, 'Unauthenticated', 'No authorization header or an invalid authorization token is provided.'],
  'wrong-key': [400, ARGUMENT, 'Incorrect API key provided: ***. You can obtain an API key from https://console.x.ai.'],
  'bad-key': [401, 'Unauthenticated', 'No authorization header or an invalid authorization token is provided.'],
  'unknown-model': [
    404,
    'Some requested entity was not found',
    'The model {} does not exist or your team does not have access to it.',
  ],
  'unknown-path': [404, 'Some requested entity was not found', 'Not found.'],
  invalid: [400, ARGUMENT, ''],
  'rate-limit': [429, EXHAUSTED, 'Too many requests. Please slow down.'],
  quota: [429, EXHAUSTED, CREDITS],
  payment: [402, EXHAUSTED, CREDITS],
  forbidden: [
    403,
    'The caller does not have permission to execute the specified operation',
    'Your API key does not have permission to perform this action.',
  ],
  'not-found': [404, 'Some requested entity was not found', 'Not found.'],
  timeout: [408, 'Deadline expired before operation could complete', 'The request timed out.'],
  conflict: [409, 'The operation was aborted', 'Conflict.'],
  'too-large': [413, ARGUMENT, 'The request body is too large.'],
  unprocessable: [422, ARGUMENT, 'Failed to deserialize the JSON body into the target type.'],
  'server-error': [500, 'Internal error', 'An internal error occurred.'],
  unavailable: [503, UNAVAILABLE, 'The service is temporarily unavailable.'],
  overloaded: [503, UNAVAILABLE, 'The model is at capacity and currently cannot serve this request.'],
}

function refuse(trouble: Trouble): Refusal {
  const [status, code, error] = ERRORS[trouble.kind]
  return {
    status,
    headers: retryAfterHeader(trouble.retryAfter),
    body: {
      code,
      error: trouble.kind === 'invalid' ? trouble.message : error.replace('{}', trouble.about ?? ''),
    },
  }
}
