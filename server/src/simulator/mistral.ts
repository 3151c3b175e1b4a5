/**
 * Mistral: chat completions.
 * Follows https://docs.mistral.ai/api (chat/completions, models),
 * https://docs.mistral.ai/resources/error-glossary and …/deployment/laplateforme/tier.
 */
import { Trouble } from './dialect.ts'
import type { Dialect, Refusal, Route, SimulatedModel, TroubleKind } from './dialect.ts'
import { chatFormat } from './openai-chat.ts'
import { familyRoute } from './openai.ts'
import { bearer, retryAfterHeader, strangeIn } from './reading.ts'

const MODELS: readonly SimulatedModel[] = [
  { id: 'mistral-large-latest', served: 'mistral-large-2512', temper: 'bold' },
  { id: 'mistral-medium-latest', served: 'mistral-medium-3-5', temper: 'warm' },
  { id: 'mistral-small-latest', served: 'mistral-small-2603', temper: 'wary' },
  { id: 'ministral-8b-latest', served: 'ministral-8b-2512', temper: 'warm' },
]

const format = chatFormat({
  models: MODELS,
  roles: { system: 'system', user: 'user', assistant: 'assistant', tool: 'user' },
  temperature: [0, 1.5],
  seed: 'random_seed',
  // Wrong values are 422 here; what is no request at all is 400.
  complain: (message, about) => new Trouble(about === 'model' ? 'invalid' : 'unprocessable', { message, about }),
  check(body, _model, turns) {
    const strange = strangeIn(body, ['seed', 'max_completion_tokens', 'logit_bias', 'input'])
    if (strange !== undefined)
      throw new Trouble('unprocessable', { message: 'Extra inputs are not permitted', about: strange })
    if (turns.at(-1)?.role === 'assistant')
      throw new Trouble('invalid', {
        message: 'Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant',
        about: 'messages',
      })
  },
  finish: { stop: 'stop', length: 'length', filter: 'error', resources: 'error' },
  usage: ({ usage: { input, output } }) => ({
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
  }),
  alwaysUsage: true,
  idOf: (said) => said.id.slice(0, 32),
  broken: { object: 'error', message: 'Service unavailable.', type: 'server_error', param: null, code: null },
})

const WAYS: Readonly<Record<string, Route>> = {
  '/v1/chat/completions': { kind: 'generate', format },
}

export const mistral: Dialect = {
  name: 'mistral',
  models: MODELS,
  basePath: '/v1',
  key: bearer,
  route: (place) => familyRoute(place, WAYS),
  headers: (requestId, { requests, tokens }) => ({
    'mistral-correlation-id': requestId,
    'x-ratelimit-limit-req-minute': String(requests.limit),
    'x-ratelimit-remaining-req-minute': String(requests.remaining),
    'x-ratelimit-limit-tokens-minute': String(tokens.limit),
    'x-ratelimit-remaining-tokens-minute': String(tokens.remaining),
  }),
  refuse,
  list: () => ({ object: 'list', data: MODELS.map(card) }),
  describe: card,
}

function card(model: SimulatedModel) {
  return {
    id: model.id,
    object: 'model',
    created: 1_767_225_600,
    owned_by: 'mistralai',
    capabilities: {
      completion_chat: true,
      completion_fim: false,
      function_calling: true,
      fine_tuning: false,
      vision: false,
    },
    name: model.served,
    description: null,
    max_context_length: 131_072,
    aliases: [model.served],
    deprecation: null,
    default_model_temperature: 0.7,
    type: 'base',
  }
}

type Row = readonly [status: number, type: string, code: string | null, message: string]

const BILLING = 'A billing condition on your Organization blocks the request.'

const ERRORS: Readonly<Record<TroubleKind, Row>> = {
  'missing-key': [401, 'authentication_error', null, 'Unauthorized'],
  'wrong-key': [401, 'authentication_error', null, 'Unauthorized'],
  'bad-key': [401, 'authentication_error', null, 'Unauthorized'],
  'unknown-model': [404, 'invalid_request_error', 'unknown_model', 'Invalid model: {}'],
  'unknown-path': [404, 'invalid_request_error', null, 'no Route matched with those values'],
  invalid: [400, 'invalid_request_error', null, ''],
  'rate-limit': [429, 'rate_limit_error', null, 'Rate limit exceeded'],
  quota: [402, 'invalid_request_error', null, BILLING],
  payment: [402, 'invalid_request_error', null, BILLING],
  forbidden: [403, 'invalid_request_error', null, 'Your account does not have permission to access this resource.'],
  'not-found': [404, 'invalid_request_error', null, 'Not found'],
  timeout: [408, 'server_error', null, 'Request timed out'],
  conflict: [409, 'invalid_request_error', null, 'Conflict'],
  'too-large': [413, 'invalid_request_error', null, 'Request entity too large'],
  unprocessable: [422, 'invalid_request_error', null, ''],
  'server-error': [500, 'server_error', null, 'Internal server error'],
  unavailable: [503, 'server_error', null, 'Service unavailable.'],
  overloaded: [503, 'server_error', null, 'Service tier capacity exceeded for this model.'],
}

function refuse(trouble: Trouble): Refusal {
  const [status, type, code, message] = ERRORS[trouble.kind]
  if (trouble.kind === 'unprocessable') {
    const loc = ['body', ...(trouble.about ?? 'messages').split(/[.[\]]+/).filter(Boolean)]
    return { status, body: { detail: [{ type: 'value_error', loc, msg: trouble.message }] } }
  }
  const isInvalid = trouble.kind === 'invalid'
  return {
    status,
    headers: retryAfterHeader(trouble.retryAfter),
    body: {
      object: 'error',
      message: isInvalid ? trouble.message : message.replace('{}', trouble.about ?? ''),
      type,
      param: trouble.kind === 'unknown-model' ? 'model' : isInvalid ? (trouble.about ?? null) : null,
      code: trouble.code ?? code,
    },
  }
}
