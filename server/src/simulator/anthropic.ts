/**
 * Anthropic: the Messages API.
 * Follows https://docs.claude.com/en/api/messages, …/api/messages-streaming (build-with-claude/streaming),
 * …/api/errors, …/api/rate-limits, …/api/models-list and …/build-with-claude/structured-outputs.
 */
import { Trouble } from './dialect.ts'
import type {
  Dialect,
  Ending,
  Format,
  Gauge,
  Json,
  Refusal,
  Said,
  SimulatedModel,
  Turn,
  TroubleKind,
} from './dialect.ts'
import { bearer, headerOf, isRecord, modelNamed, named, retryAfterHeader, strangeIn, textOf } from './reading.ts'

const MODELS: readonly SimulatedModel[] = [
  { id: 'claude-opus-5-5', served: 'claude-opus-5-5-20260915', temper: 'bold', fixedTemperature: true },
  { id: 'claude-opus-4-7', served: 'claude-opus-4-7-20260416', temper: 'wary', fixedTemperature: true },
  { id: 'claude-sonnet-5', served: 'claude-sonnet-5-20260630', temper: 'warm' },
  { id: 'claude-sonnet-4-5', served: 'claude-sonnet-4-5-20250929', temper: 'warm' },
  { id: 'claude-haiku-4-5', served: 'claude-haiku-4-5-20251001', temper: 'refusing' },
]

const STOP: Readonly<Record<Ending, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  filter: 'refusal',
  resources: 'end_turn',
}

/** Names that belong to other vendors. */
const STRANGE = [
  'seed',
  'n',
  'frequency_penalty',
  'presence_penalty',
  'response_format',
  'max_completion_tokens',
  'input',
]

const messages: Format = {
  read(body, place) {
    if (headerOf(place, 'anthropic-version') === undefined) throw invalid('anthropic-version: header is required')
    const strange = strangeIn(body, STRANGE)
    if (strange !== undefined) throw invalid(`${strange}: Extra inputs are not permitted`)
    const name = body['model']
    if (typeof name !== 'string') throw invalid('model: Field required')
    const model = modelNamed(MODELS, name)
    if (model === undefined) throw new Trouble('unknown-model', { about: name })
    const most = body['max_tokens']
    if (most === undefined) throw invalid('max_tokens: Field required')
    if (typeof most !== 'number' || !Number.isInteger(most))
      throw invalid('max_tokens: Input should be a valid integer')
    if (most < 1) throw invalid('max_tokens: Input should be greater than or equal to 1')
    const temperature = body['temperature']
    if (temperature !== undefined && model.fixedTemperature === true)
      throw invalid('`temperature` is deprecated for this model.')
    if (temperature !== undefined && (typeof temperature !== 'number' || temperature < 0 || temperature > 1))
      throw invalid('temperature: Input should be between 0 and 1')
    const turns = turnsOf(body)
    const output = body['output_config']
    const format = isRecord(output) ? output['format'] : body['output_format']
    return {
      model,
      turns,
      stream: body['stream'] === true,
      maxTokens: most,
      schema: isRecord(format) && format['type'] === 'json_schema' ? (format['schema'] ?? true) : undefined,
      marksCache: JSON.stringify([body['system'], body['messages'], body['cache_control']]).includes('"cache_control"'),
      body,
    }
  },
  whole: (asked, said) => ({
    ...start(said),
    content: said.ending === 'filter' && said.text === '' ? [] : [{ type: 'text', text: said.text, citations: null }],
    stop_reason: STOP[said.ending],
    usage: usageOf(said, said.usage.output, asked.marksCache === true),
  }),
  frames: (asked, said, pieces) => [
    named('message_start', {
      type: 'message_start',
      message: { ...start(said), content: [], stop_reason: null, usage: usageOf(said, 1, asked.marksCache === true) },
    }),
    named('content_block_start', {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'text', text: '', citations: null },
    }),
    named('ping', { type: 'ping' }),
    ...pieces.map((text) =>
      named('content_block_delta', { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
    ),
    named('content_block_stop', { type: 'content_block_stop', index: 0 }),
    named('message_delta', {
      type: 'message_delta',
      delta: { stop_reason: STOP[said.ending], stop_sequence: null, container: null },
      usage: usageOf(said, said.usage.output, asked.marksCache === true),
    }),
    named('message_stop', { type: 'message_stop' }),
  ],
  brokenFrame: () => named('error', { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
}

function turnsOf(body: Json): Turn[] {
  const list = body['messages']
  if (list === undefined) throw invalid('messages: Field required')
  if (!Array.isArray(list) || list.length === 0) throw invalid('messages: at least one message is required')
  const system = body['system'] === undefined ? undefined : textOf(body['system'])
  const turns: Turn[] = system === undefined || system === '' ? [] : [{ role: 'system', content: system }]
  for (const [at, message] of (list as unknown[]).entries()) {
    const role = isRecord(message) ? message['role'] : undefined
    if (role === 'system')
      throw invalid(
        'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.',
      )
    if (!isRecord(message) || (role !== 'user' && role !== 'assistant'))
      throw invalid(`messages.${at}.role: Input should be 'user' or 'assistant'`)
    const content = textOf(message['content'])
    if (content === undefined) throw invalid(`messages.${at}.content: Field required`)
    if (content === '') throw invalid('messages: text content blocks must be non-empty')
    turns.push({ role, content })
  }
  return turns
}

function start(said: Said): Json {
  return {
    id: `msg_01${said.id.slice(0, 22)}`,
    type: 'message',
    role: 'assistant',
    model: said.model.served,
    stop_sequence: null,
    container: null,
  }
}

/** Cached tokens stand beside `input_tokens`, not within; nothing is cached that was not marked. */
function usageOf({ usage }: Said, output: number, marked: boolean): Json {
  const cached = marked ? usage.cached : 0
  return {
    input_tokens: usage.input - cached,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: output,
    service_tier: 'standard',
  }
}

function invalid(message: string): Trouble {
  return new Trouble('invalid', { message })
}

export const anthropic: Dialect = {
  name: 'anthropic',
  models: MODELS,
  basePath: '/v1',
  key: (place) => headerOf(place, 'x-api-key') ?? bearer(place),
  route({ method, path }) {
    if (method === 'POST' && path === '/v1/messages') return { kind: 'generate', format: messages }
    if (method === 'GET' && path === '/v1/models') return { kind: 'list' }
    const id = method === 'GET' ? /^\/v1\/models\/([^/]+)$/.exec(path)?.[1] : undefined
    return id === undefined ? undefined : { kind: 'model', id }
  },
  headers: (requestId, { requests, tokens }) => ({
    'request-id': `req_${requestId}`,
    'anthropic-organization-id': '00000000-0000-4000-8000-000000000000',
    ...limit('requests', requests),
    ...limit('tokens', tokens),
    ...limit('input-tokens', tokens),
    ...limit('output-tokens', tokens),
  }),
  refuse,
  list: () => ({
    data: MODELS.map(card),
    has_more: false,
    first_id: MODELS[0]?.served ?? null,
    last_id: MODELS.at(-1)?.served ?? null,
  }),
  describe: card,
}

function limit(name: string, gauge: Gauge): Record<string, string> {
  return {
    [`anthropic-ratelimit-${name}-limit`]: String(gauge.limit),
    [`anthropic-ratelimit-${name}-remaining`]: String(gauge.remaining),
    [`anthropic-ratelimit-${name}-reset`]: new Date(Date.now() + gauge.fullIn * 1000)
      .toISOString()
      .replace(/\.\d+Z$/, 'Z'),
  }
}

function card(model: SimulatedModel) {
  return { type: 'model', id: model.id, display_name: model.id, created_at: '2026-01-01T00:00:00Z' }
}

const ERRORS: Readonly<Record<TroubleKind, readonly [status: number, type: string, message: string]>> = {
  'missing-key': [401, 'authentication_error', 'x-api-key header is required'],
  'wrong-key': [401, 'authentication_error', 'invalid x-api-key'],
  'bad-key': [401, 'authentication_error', 'invalid x-api-key'],
  'unknown-model': [404, 'not_found_error', 'model: {}'],
  'unknown-path': [404, 'not_found_error', 'Not Found'],
  invalid: [400, 'invalid_request_error', ''],
  'rate-limit': [429, 'rate_limit_error', 'This request would exceed the rate limit of your organization.'],
  quota: [429, 'rate_limit_error', 'You have reached your specified API usage limits.'],
  payment: [402, 'billing_error', 'Your credit balance is too low to access the Anthropic API.'],
  forbidden: [403, 'permission_error', 'Your API key does not have permission to use the specified resource.'],
  'not-found': [404, 'not_found_error', 'Not Found'],
  timeout: [408, 'timeout_error', 'Request timed out'],
  conflict: [409, 'conflict_error', 'Conflict'],
  'too-large': [413, 'request_too_large', 'Request exceeds the maximum size'],
  unprocessable: [422, 'invalid_request_error', 'Unprocessable request'],
  'server-error': [500, 'api_error', 'Internal server error'],
  unavailable: [503, 'api_error', 'Service unavailable'],
  overloaded: [529, 'overloaded_error', 'Overloaded'],
}

function refuse(trouble: Trouble, requestId: string): Refusal {
  const [status, type, message] = ERRORS[trouble.kind]
  const details = trouble.kind === 'quota' ? { details: { error_code: 'enforced_spend_limit_reached' } } : {}
  const text = trouble.kind === 'invalid' ? trouble.message : message.replace('{}', trouble.about ?? '')
  return {
    status,
    headers: retryAfterHeader(trouble.retryAfter),
    body: { type: 'error', error: { type, message: text, ...details }, request_id: `req_${requestId}` },
  }
}
