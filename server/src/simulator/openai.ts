/**
 * OpenAI: addresses, models, headers and errors.
 * Follows https://platform.openai.com/docs/guides/error-codes, …/guides/rate-limits,
 * …/api-reference/debugging-requests and …/api-reference/models.
 */
import type { Dialect, Place, Refusal, Route, SimulatedModel, Trouble, TroubleKind } from './dialect.ts'
import { openaiChat } from './openai-chat.ts'
import { openaiResponses } from './openai-responses.ts'
import { bearer, ratelimitHeaders, retryAfterHeader } from './reading.ts'

const MODELS: readonly SimulatedModel[] = [
  { id: 'gpt-5.5', served: 'gpt-5.5-2026-04-23', temper: 'bold', reasons: true, fixedTemperature: true },
  { id: 'gpt-5.4', served: 'gpt-5.4-2026-03-05', temper: 'bold', reasons: true, fixedTemperature: true },
  { id: 'gpt-5.4-mini', served: 'gpt-5.4-mini-2026-03-17', temper: 'warm', reasons: true, fixedTemperature: true },
  { id: 'gpt-5-mini', served: 'gpt-5-mini-2025-08-07', temper: 'wary', reasons: true, fixedTemperature: true },
  { id: 'gpt-4.1', served: 'gpt-4.1-2025-04-14', temper: 'warm' },
  { id: 'gpt-4.1-mini', served: 'gpt-4.1-mini-2025-04-14', temper: 'wary' },
  { id: 'gpt-4o', served: 'gpt-4o-2024-08-06', temper: 'warm' },
  { id: 'gpt-4o-mini', served: 'gpt-4o-mini-2024-07-18', temper: 'wary' },
  { id: 'o4-mini', served: 'o4-mini-2025-04-16', temper: 'bold', reasons: true, fixedTemperature: true },
]

const responses = openaiResponses(MODELS)
const chat = openaiChat(MODELS)

/** `/v1/models`, `/v1/models/{id}` and one way of asking a path: the OpenAI family has the same addresses. */
export function familyRoute({ method, path }: Place, ways: Readonly<Record<string, Route>>): Route | undefined {
  if (method === 'POST') return Object.hasOwn(ways, path) ? ways[path] : undefined
  if (method !== 'GET') return undefined
  if (path === '/v1/models') return { kind: 'list' }
  const id = /^\/v1\/models\/(.+)$/.exec(path)?.[1]
  return id === undefined ? undefined : { kind: 'model', id: decodeURIComponent(id) }
}

const WAYS: Readonly<Record<string, Route>> = {
  '/v1/responses': { kind: 'generate', format: responses },
  '/v1/chat/completions': { kind: 'generate', format: chat },
}

export const openai: Dialect = {
  name: 'openai',
  models: MODELS,
  basePath: '/v1',
  key: bearer,
  route: (place) => familyRoute(place, WAYS),
  headers: (requestId, gauges, elapsedMs) => ({
    'x-request-id': `req_${requestId}`,
    'openai-version': '2020-10-01',
    'openai-organization': 'simulator',
    'openai-processing-ms': String(elapsedMs),
    ...ratelimitHeaders(gauges),
  }),
  refuse,
  list: () => ({ object: 'list', data: MODELS.map(card) }),
  describe: card,
}

function card(model: SimulatedModel) {
  return { id: model.id, object: 'model', created: 1_767_225_600, owned_by: 'openai' }
}

type Row = readonly [status: number, type: string, code: string | null, message: string]

const BILLING = 'You exceeded your current quota, please check your plan and billing details.'

export const OPENAI_ERRORS: Readonly<Record<TroubleKind, Row>> = {
  'missing-key': [401, 'invalid_request_error', null, "You didn't provide an API key in an Authorization header."],
  'wrong-key': [401, 'invalid_request_error', 'invalid_api_key', 'Incorrect API key provided: ***.'],
  'bad-key': [401, 'invalid_request_error', 'invalid_api_key', 'Incorrect API key provided: ***.'],
  'unknown-model': [
    404,
    'invalid_request_error',
    'model_not_found',
    'The model `{}` does not exist or you do not have access to it.',
  ],
  'unknown-path': [404, 'invalid_request_error', null, 'Invalid URL ({})'],
  invalid: [400, 'invalid_request_error', null, ''],
  'rate-limit': [429, 'requests', 'rate_limit_exceeded', 'Rate limit reached. Please try again later.'],
  quota: [429, 'insufficient_quota', 'credit_balance_exhausted', BILLING],
  payment: [402, 'insufficient_quota', 'insufficient_quota', BILLING],
  forbidden: [
    403,
    'request_forbidden',
    'unsupported_country_region_territory',
    'Country, region, or territory not supported',
  ],
  'not-found': [404, 'invalid_request_error', null, 'Not found.'],
  timeout: [408, 'server_error', null, 'The request timed out.'],
  conflict: [409, 'conflict_error', null, 'The resource was updated by another request.'],
  'too-large': [413, 'invalid_request_error', null, 'Request entity too large.'],
  unprocessable: [422, 'invalid_request_error', null, 'The request could not be processed.'],
  'server-error': [
    500,
    'server_error',
    null,
    'The server had an error while processing your request. Sorry about that!',
  ],
  unavailable: [
    503,
    'service_unavailable_error',
    'server_is_overloaded',
    'The engine is currently overloaded, please try again later.',
  ],
  overloaded: [503, 'service_unavailable_error', 'slow_down', 'Slow Down'],
}

function refuse(trouble: Trouble): Refusal {
  const [status, type, code, message] = OPENAI_ERRORS[trouble.kind]
  const isInvalid = trouble.kind === 'invalid'
  return {
    status,
    headers: retryAfterHeader(trouble.retryAfter),
    body: {
      error: {
        message: isInvalid ? trouble.message : message.replace('{}', trouble.about ?? ''),
        type,
        param: isInvalid ? (trouble.about ?? null) : null,
        code: trouble.code ?? code,
      },
    },
  }
}
