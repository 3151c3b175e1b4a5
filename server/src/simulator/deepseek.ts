/**
 * DeepSeek: chat completions.
 * Follows https://api-docs.deepseek.com/api/create-chat-completion, …/api/list-models,
 * …/guides/thinking_mode, …/guides/json_mode, …/guides/kv_cache, …/quick_start/error_codes and
 * …/quick_start/rate_limit.  It sends no limit headers; a waiting request gets keep-alive comments.
 */
import { Trouble } from './dialect.ts'
import type { Dialect, Refusal, Route, SimulatedModel, TroubleKind } from './dialect.ts'
import { chatFormat } from './openai-chat.ts'
import { familyRoute } from './openai.ts'
import { bearer, isRecord, retryAfterHeader } from './reading.ts'

const MODELS: readonly SimulatedModel[] = [
  { id: 'deepseek-v4-pro', served: 'deepseek-v4-pro-0813', temper: 'bold', reasons: true },
  { id: 'deepseek-v4-flash', served: 'deepseek-v4-flash-0731', temper: 'warm', reasons: true },
  { id: 'deepseek-chat', served: 'deepseek-chat-0731', temper: 'warm' },
  { id: 'deepseek-reasoner', served: 'deepseek-reasoner-0731', temper: 'wary', reasons: true },
]

const format = chatFormat({
  models: MODELS,
  roles: { system: 'system', user: 'user', assistant: 'assistant', tool: 'user' },
  temperature: [0, 2],
  seed: 'seed',
  check(body, _model, turns) {
    const wanted = isRecord(body['response_format']) ? body['response_format']['type'] : undefined
    if (wanted === 'json_schema')
      throw new Trouble('invalid', { message: 'This response_format type is unavailable now' })
    if (wanted === 'json_object' && !turns.some(({ content }) => /json/i.test(content)))
      throw new Trouble('invalid', {
        message: "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.",
      })
  },
  finish: { stop: 'stop', length: 'length', filter: 'content_filter', resources: 'insufficient_system_resource' },
  usage: ({ usage: { input, cached, output, reasoning } }) => ({
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
    ...(reasoning > 0 ? { completion_tokens_details: { reasoning_tokens: reasoning } } : {}),
    prompt_cache_hit_tokens: cached,
    prompt_cache_miss_tokens: input - cached,
  }),
  alwaysUsage: true,
  keepsAlive: true,
  around: (said) => ({ system_fingerprint: `fp_${said.id.slice(0, 10)}_prod0820_fp8_kvcache` }),
  thought: (said) => (said.thought === '' ? {} : { reasoning_content: said.thought }),
  idOf: (said) => said.id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5'),
  broken: { error: { message: 'Internal Server Error', type: 'server_error', param: null, code: 'internal_error' } },
})

const WAYS: Readonly<Record<string, Route>> = {
  '/v1/chat/completions': { kind: 'generate', format },
}

export const deepseek: Dialect = {
  name: 'deepseek',
  models: MODELS,
  basePath: '',
  key: bearer,
  // The documented address has no version; `/v1` before it means the same.
  route: (place) => familyRoute({ ...place, path: place.path.replace(/^(?!\/v1\/)/, '/v1') }, WAYS),
  headers: (requestId) => ({ 'x-ds-trace-id': requestId }),
  refuse,
  list: () => ({ object: 'list', data: MODELS.map(card) }),
  describe: card,
}

function card(model: SimulatedModel) {
  return { id: model.id, object: 'model', owned_by: 'deepseek' }
}

const AUTH = 'Authentication Fails, Your api key: *** is invalid'

const ERRORS: Readonly<Record<TroubleKind, readonly [status: number, type: string, message: string]>> = {
  'missing-key': [401, 'authentication_error', 'Authentication Fails (auth header format should be Bearer sk-...)'],
  'wrong-key': [401, 'authentication_error', AUTH],
  'bad-key': [401, 'authentication_error', AUTH],
  'unknown-model': [400, 'invalid_request_error', 'Model Not Exist'],
  'unknown-path': [404, 'invalid_request_error', 'Not Found'],
  invalid: [400, 'invalid_request_error', ''],
  'rate-limit': [429, 'rate_limit_error', 'Rate Limit Reached'],
  quota: [402, 'unknown_error', 'Insufficient Balance'],
  payment: [402, 'unknown_error', 'Insufficient Balance'],
  forbidden: [403, 'invalid_request_error', 'Forbidden'],
  'not-found': [404, 'invalid_request_error', 'Not Found'],
  timeout: [408, 'server_error', 'Request timed out'],
  conflict: [409, 'invalid_request_error', 'Conflict'],
  'too-large': [413, 'invalid_request_error', 'Request entity too large'],
  unprocessable: [422, 'invalid_request_error', 'Invalid Parameters'],
  'server-error': [500, 'server_error', 'Internal Server Error'],
  unavailable: [
    503,
    'service_unavailable_error',
    'Service is too busy. We advise users to retry your request after a brief wait.',
  ],
  overloaded: [
    503,
    'service_unavailable_error',
    'Service is too busy. We advise users to retry your request after a brief wait.',
  ],
}

function refuse(trouble: Trouble): Refusal {
  const [status, type, message] = ERRORS[trouble.kind]
  return {
    status,
    headers: retryAfterHeader(trouble.retryAfter),
    body: {
      error: {
        message: trouble.kind === 'invalid' ? trouble.message : message,
        type,
        param: null,
        code: 'invalid_request_error',
      },
    },
  }
}
