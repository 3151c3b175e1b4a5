/**
 * Google: generateContent and streamGenerateContent of the Gemini API.
 * Follows https://ai.google.dev/api/generate-content, …/api/models,
 * https://ai.google.dev/gemini-api/docs/troubleshooting, …/docs/rate-limits, …/docs/structured-output
 * and …/docs/api-versions: `v1` and `v1beta` answer alike here.
 * Google sends no limit headers and no Retry-After: the delay is a RetryInfo in the error's details.
 */
import { Trouble } from './dialect.ts'
import type {
  Dialect,
  Ending,
  Format,
  Json,
  Place,
  Refusal,
  Said,
  SimulatedModel,
  Turn,
  TroubleKind,
} from './dialect.ts'
import { data, headerOf, isRecord, modelNamed, strangeIn, textOf } from './reading.ts'

const MODELS: readonly SimulatedModel[] = [
  { id: 'gemini-3.1-pro-preview', served: 'gemini-3.1-pro-preview-02-2026', temper: 'bold', reasons: true },
  { id: 'gemini-3.8-flash', served: 'gemini-3.8-flash-001', temper: 'warm', reasons: true },
  { id: 'gemini-3.5-flash', served: 'gemini-3.5-flash-001', temper: 'wary', reasons: true },
  { id: 'gemini-2.5-pro', served: 'gemini-2.5-pro-001', temper: 'bold', reasons: true },
  { id: 'gemini-2.5-flash', served: 'gemini-2.5-flash-001', temper: 'warm' },
]

const FINISH: Readonly<Record<Ending, string>> = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  filter: 'SAFETY',
  resources: 'OTHER',
}

/** Names that belong to other vendors. */
const STRANGE = ['messages', 'input', 'temperature', 'max_tokens', 'stream', 'seed']

function generate(name: string, stream: boolean): Format {
  return {
    read(body) {
      const model = modelNamed(MODELS, name)
      if (model === undefined) throw new Trouble('unknown-model', { about: name })
      const strange = strangeIn(body, STRANGE)
      if (strange !== undefined)
        throw invalid(`Invalid JSON payload received. Unknown name "${strange}": Cannot find field.`)
      const settings = recordAt(body, 'generationConfig', 'generation_config')
      const temperature = settings['temperature']
      if (temperature !== undefined && (typeof temperature !== 'number' || temperature < 0 || temperature > 2))
        throw invalid(
          `* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0].`,
        )
      const most = settings['maxOutputTokens']
      if (most !== undefined && (typeof most !== 'number' || most < 1))
        throw invalid('* GenerateContentRequest.generation_config.max_output_tokens: must be positive')
      const seed = settings['seed']
      const wantsJson = settings['responseMimeType'] === 'application/json'
      const schema = settings['responseJsonSchema'] ?? settings['responseSchema']
      return {
        model,
        turns: turnsOf(body),
        stream,
        schema: wantsJson ? (schema ?? true) : undefined,
        ...(most === undefined ? {} : { maxTokens: most }),
        ...(typeof seed === 'number' ? { seed } : {}),
        body,
      }
    },
    whole: (_asked, said) => {
      if (isBlocked(said)) return blocked(said)
      return document(said, [candidate(said.text, FINISH[said.ending])])
    },
    frames: (_asked, said, pieces) => {
      if (isBlocked(said)) return [data(blocked(said))]
      const last = pieces.length - 1
      return pieces.map((text, at) =>
        data(document(said, [candidate(text, at === last ? FINISH[said.ending] : undefined)])),
      )
    },
    brokenFrame: () => data({ error: { code: 500, message: 'An internal error has occurred.', status: 'INTERNAL' } }),
  }
}

function turnsOf(body: Json): Turn[] {
  const contents = body['contents']
  if (!Array.isArray(contents) || contents.length === 0)
    throw invalid('* GenerateContentRequest.contents: contents is not specified')
  const system = textOf(recordAt(body, 'systemInstruction', 'system_instruction')['parts'])
  const turns: Turn[] = system === undefined || system === '' ? [] : [{ role: 'system', content: system }]
  for (const content of contents as unknown[]) {
    if (!isRecord(content)) throw invalid('Invalid JSON payload received. Unknown value at contents.')
    const role = content['role'] ?? 'user'
    if (role !== 'user' && role !== 'model') throw invalid('Please use a valid role: user, model.')
    const text = textOf(content['parts'])
    if (text === undefined || text === '')
      throw invalid('* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.')
    turns.push({ role: role === 'model' ? 'assistant' : 'user', content: text })
  }
  return turns
}

function recordAt(body: Json, camel: string, snake: string): Json {
  const value = body[camel] ?? body[snake]
  return isRecord(value) ? value : {}
}

/** A prompt that was blocked has no candidates at all. */
const isBlocked = (said: Said) => said.ending === 'filter' && said.text === ''

function candidate(text: string, finishReason: string | undefined): Json {
  return {
    content: { parts: [{ text }], role: 'model' },
    ...(finishReason === undefined ? {} : { finishReason }),
    index: 0,
  }
}

function document(said: Said, candidates: readonly Json[]): Json {
  const { input, cached, output, reasoning } = said.usage
  return {
    candidates,
    usageMetadata: {
      promptTokenCount: input,
      candidatesTokenCount: output - reasoning,
      totalTokenCount: input + output,
      ...(cached > 0 ? { cachedContentTokenCount: cached } : {}),
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: input }],
      ...(reasoning > 0 ? { thoughtsTokenCount: reasoning } : {}),
    },
    modelVersion: said.model.served,
    responseId: said.id.slice(0, 22),
  }
}

function blocked(said: Said): Json {
  return {
    promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
    usageMetadata: { promptTokenCount: said.usage.input, totalTokenCount: said.usage.input },
    modelVersion: said.model.served,
    responseId: said.id.slice(0, 22),
  }
}

function invalid(message: string): Trouble {
  return new Trouble('invalid', { message })
}

export const google: Dialect = {
  name: 'google',
  models: MODELS,
  basePath: '/v1beta',
  key: (place) => headerOf(place, 'x-goog-api-key') ?? (place.query.get('key') || undefined),
  route,
  headers: (_requestId, _gauges, elapsedMs) => ({
    'server-timing': `gfet4t7; dur=${elapsedMs}`,
    'x-content-type-options': 'nosniff',
  }),
  refuse,
  list: () => ({ models: MODELS.map(card) }),
  describe: card,
}

function route({ method, path, query }: Place) {
  if (method === 'GET' && /^\/v1(?:beta)?\/models$/.test(path)) return { kind: 'list' } as const
  const [, id, verb] = /^\/v1(?:beta)?\/models\/([^/:]+)(?::(\w+))?$/.exec(path) ?? []
  if (id === undefined) return undefined
  const name = decodeURIComponent(id)
  if (method === 'GET' && verb === undefined) return { kind: 'model', id: name } as const
  if (method !== 'POST') return undefined
  if (verb === 'generateContent') return { kind: 'generate', format: generate(name, false) } as const
  // Without alt=sse Google streams one long JSON array, which no client library asks for.
  if (verb === 'streamGenerateContent' && query.get('alt') === 'sse')
    return { kind: 'generate', format: generate(name, true) } as const
  return undefined
}

function card(model: SimulatedModel) {
  return {
    name: `models/${model.id}`,
    version: model.served,
    displayName: model.id,
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    supportedGenerationMethods: ['generateContent', 'countTokens'],
    temperature: 1,
    topP: 0.95,
    topK: 64,
    maxTemperature: 2,
    thinking: model.reasons === true,
  }
}

const KEY = 'API key not valid. Please pass a valid API key.'
const NO_KEY =
  "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API."
const QUOTA = 'You exceeded your current quota, please check your plan and billing details.'

const ERRORS: Readonly<Record<TroubleKind, readonly [status: number, word: string, message: string]>> = {
  'missing-key': [403, 'PERMISSION_DENIED', NO_KEY],
  'wrong-key': [400, 'INVALID_ARGUMENT', KEY],
  'bad-key': [401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.'],
  'unknown-model': [
    404,
    'NOT_FOUND',
    'models/{} is not found for API version v1beta, or is not supported for generateContent.',
  ],
  'unknown-path': [404, 'NOT_FOUND', 'The requested URL was not found on this server.'],
  invalid: [400, 'INVALID_ARGUMENT', ''],
  'rate-limit': [429, 'RESOURCE_EXHAUSTED', QUOTA],
  quota: [429, 'RESOURCE_EXHAUSTED', QUOTA],
  payment: [402, 'RESOURCE_EXHAUSTED', 'Your prepayment credits are depleted.'],
  forbidden: [403, 'PERMISSION_DENIED', 'Your API key does not have the required permissions.'],
  'not-found': [404, 'NOT_FOUND', 'The requested resource was not found.'],
  timeout: [408, 'DEADLINE_EXCEEDED', 'The request timed out.'],
  conflict: [409, 'ABORTED', 'The operation was aborted.'],
  'too-large': [413, 'INVALID_ARGUMENT', 'Request payload size exceeds the limit: 20971520 bytes.'],
  unprocessable: [422, 'INVALID_ARGUMENT', 'The request could not be processed.'],
  'server-error': [500, 'INTERNAL', 'An internal error has occurred.'],
  unavailable: [503, 'UNAVAILABLE', 'The service is currently unavailable.'],
  overloaded: [503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'],
}

function refuse(trouble: Trouble): Refusal {
  const [code, status, message] = ERRORS[trouble.kind]
  const text = trouble.kind === 'invalid' ? trouble.message : message.replace('{}', trouble.about ?? '')
  const details = detailsOf(trouble)
  return {
    status: code,
    body: { error: { code, message: text, status, ...(details.length > 0 ? { details } : {}) } },
  }
}

function detailsOf({ kind, retryAfter }: Trouble): Json[] {
  if (kind === 'wrong-key') {
    return [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'API_KEY_INVALID',
        domain: 'googleapis.com',
        metadata: { service: 'generativelanguage.googleapis.com' },
      },
    ]
  }
  if (kind !== 'rate-limit' && kind !== 'quota') return []
  const period = kind === 'quota' ? 'Day' : 'Minute'
  return [
    {
      '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
      violations: [
        {
          quotaMetric: 'generativelanguage.googleapis.com/generate_content_requests',
          quotaId: `GenerateRequestsPer${period}PerProjectPerModel`,
        },
      ],
    },
    ...(retryAfter === undefined
      ? []
      : [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${Math.ceil(retryAfter)}s` }]),
  ]
}
