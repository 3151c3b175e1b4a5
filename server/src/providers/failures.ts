/**
 * From what happened to a failure: the condition chooses the code, the code
 * chooses message, retry and origin (`failure-table.ts`).  Decided here, where status and
 * type are at hand; nobody reads prose afterwards, and no text of a provider or
 * an exception gets into a failure.
 */
import { AISDKError, APICallError, LoadAPIKeyError } from '@ai-sdk/provider'
import type { Failure } from '@millrace/engine'
import { FAILURES, SENTENCES, STATUS, WORDS, WORDS_INSIDE, type FailureCode, type Row } from './failure-table.ts'

/** What may differ between two failures of one code. */
export interface FailureFacts {
  /** HTTP status of the provider. */
  readonly status?: number
  /** Seconds; kept only when the failure is retryable. */
  readonly retryAfter?: number
  readonly details?: NonNullable<Failure['details']>
  /** Instead of the fixed message: our own words and identifiers only. */
  readonly message?: string
}

/** A failure from its code. `details.status` is the HTTP status, if there was one. */
export function failureOf(code: FailureCode, facts: FailureFacts = {}): Failure {
  const row: Row = FAILURES[code]
  const details = { ...(facts.status === undefined ? {} : { status: facts.status }), ...facts.details }
  const retryable = row.retries > 0
  return {
    code,
    message: facts.message ?? row.message,
    retryable,
    ...(retryable && facts.retryAfter !== undefined ? { retryAfter: facts.retryAfter } : {}),
    ...(Object.keys(details).length > 0 ? { details } : {}),
    origin: row.origin,
  }
}

/** How often a task may be tried *again* because of this failure: 3, once, or never (0). */
export function triesFor(failure: Failure): number {
  if (!failure.retryable) return 0
  return Object.hasOwn(FAILURES, failure.code) ? FAILURES[failure.code as FailureCode].retries : 3
}

/** Tells a failure from anything else that a function may give instead. */
export function isFailure(value: object): value is Failure {
  return 'code' in value && 'retryable' in value && 'origin' in value
}

/** Names of settings as the wires spell them: the only values of `error.param` that are looked at. */
const PARAMETERS = new Set([
  'temperature',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'maxOutputTokens',
  'seed',
  'random_seed',
])

/** Headers as undici, fetch or the AI SDK give them; names in lower case. */
export type HeaderSource = Headers | Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * An HTTP status of 400 and more, to a failure.  The body (text or parsed) is
 * asked only for closed words, and for the fixed sentences of a `provider` that has none.
 */
export function fromStatus(
  status: number,
  headers: HeaderSource,
  body: unknown,
  { now = Date.now(), provider = '' }: { readonly now?: number; readonly provider?: string } = {},
): Failure {
  const error = errorObject(body)
  const code =
    wordOf(error) ??
    sentenceOf(error, provider) ??
    STATUS[status] ??
    (status >= 500 && status <= 599 ? 'SERVER_ERROR' : 'UNKNOWN')
  const retryAfter = retryAfterSeconds(headers, now) ?? retryDelayOf(error)
  const parameter = code === 'VALIDATION_ERROR' ? parameterOf(error) : undefined
  return failureOf(code, {
    status,
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(parameter === undefined ? {} : { details: { parameter } }),
  })
}

/**
 * The `error` inside of a 200 or of a stream.  Its words count, and a status
 * given as a number in its `code`; any other error there is an unusable answer.
 */
export function fromErrorInside(body: unknown): Failure {
  const error = errorObject(body)
  const word = wordOf(error) ?? wordOf(error, WORDS_INSIDE)
  if (word !== undefined) return failureOf(word)
  const status = Number(error?.['code'])
  if (Number.isInteger(status) && status >= 400 && status <= 599) return fromStatus(status, {}, undefined)
  return failureOf('INVALID_RESPONSE')
}

/** An abort by our own signal: only a `TimeoutError` may be tried again. */
export function fromAbort(reason: unknown): Failure {
  return failureOf(isNamed(reason, 'TimeoutError') ? 'TIMEOUT' : 'CANCELLED')
}

/** A response that says by its status that it is none; thrown past the libraries, which would guess. */
export class StatusError extends Error {
  readonly status: number
  readonly headers: HeaderSource
  readonly body: string
  readonly provider: string

  constructor(status: number, headers: HeaderSource, body: string, provider: string) {
    super('The provider answered with an error.')
    this.status = status
    this.headers = headers
    this.body = body
    this.provider = provider
  }
}

/** Anything thrown by a library or a socket, to a failure.  An aborted `signal` decides before the error does. */
export function fromThrown(error: unknown, signal?: AbortSignal): Failure {
  if (signal?.aborted === true) return fromAbort(signal.reason)
  if (error instanceof StatusError) {
    return fromStatus(error.status, error.headers, error.body, { provider: error.provider })
  }
  if (isNamed(error, 'TimeoutError')) return failureOf('TIMEOUT')
  // With a signal that is not aborted it was somebody else who gave up: no reason to end the task.
  if (isNamed(error, 'AbortError')) return failureOf(signal === undefined ? 'CANCELLED' : 'NETWORK_ERROR')
  for (const code of causeCodes(error)) {
    if (TIMEOUTS.has(code)) return failureOf('TIMEOUT')
    if (UNUSABLE.test(code)) return failureOf('INVALID_RESPONSE')
    if (MISCONFIGURED.has(code)) return failureOf('CONFIGURATION')
    if (NETWORK.test(code)) return failureOf('NETWORK_ERROR', { details: { cause: code } })
  }
  if (LoadAPIKeyError.isInstance(error)) return failureOf('MISSING_API_KEY')
  if (APICallError.isInstance(error)) {
    // Statuses never get this far (`StatusError`): one that stands here was made up of a 200 by a library.
    return error.statusCode === undefined ? failureOf('NETWORK_ERROR') : fromErrorInside(error.responseBody)
  }
  if (AISDKError.isInstance(error) || error instanceof SyntaxError) return failureOf('INVALID_RESPONSE')
  return failureOf('UNKNOWN')
}

/** The setting that a 400 names as the one it does not take, as the wire spells it. */
export function rejectedParameter(failure: Failure): string | undefined {
  const parameter = failure.details?.['parameter']
  return typeof parameter === 'string' ? parameter : undefined
}

const TIMEOUTS = new Set([
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])
const MISCONFIGURED = new Set(['ERR_INVALID_URL', 'UND_ERR_INVALID_ARG', 'ERR_INVALID_CHAR'])
/** Not HTTP at all, or more of it than we take. */
const UNUSABLE = /^(HPE_|HTTPParserError$|UND_ERR_RES_EXCEEDED_MAX_SIZE$|UND_ERR_HEADERS_OVERFLOW$)/
const NETWORK =
  /^(ECONN|EPIPE|ENOTFOUND|EAI_|EHOST|ENET|EADDR|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_|ERR_SSL_|UND_ERR_)/

/** The system's codes along the chain of causes; an aggregate of attempts counts by its first. */
function* causeCodes(error: unknown): Generator<string> {
  let at = error
  for (let depth = 0; depth < 8 && at instanceof Error; depth++) {
    // undici's parser error comes without its code.
    yield 'code' in at && typeof at.code === 'string' ? at.code : at.name
    at = at.cause ?? (at instanceof AggregateError ? at.errors[0] : undefined)
  }
}

function isNamed(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && 'name' in value && value.name === name
}

/**
 * Finds the error in the shapes that exist: `{error: {…}}`, `[{error: {…}}]`, `{error: 'text', code}`,
 * `{code, type}`, `{response: {error: {…}}}`.
 */
function errorObject(body: unknown): Record<string, unknown> | undefined {
  const parsed = typeof body === 'string' ? parseOrNothing(body) : body
  const outer = Array.isArray(parsed) ? (parsed as unknown[])[0] : parsed
  if (!isRecord(outer)) return undefined
  if (isRecord(outer['error'])) return outer['error']
  const response = outer['response']
  return isRecord(response) && isRecord(response['error']) ? response['error'] : outer
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The records in a list, as Google (`details`) and Mistral (`detail`) give them. */
function recordsIn(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : []
}

function wordOf(
  error: Record<string, unknown> | undefined,
  words: Readonly<Record<string, FailureCode>> = WORDS,
): FailureCode | undefined {
  const inner = error?.['innererror']
  const details = error?.['details']
  const said = [
    error?.['code'],
    error?.['type'],
    error?.['status'],
    isRecord(inner) ? inner['code'] : undefined,
    isRecord(details) ? details['error_code'] : undefined,
    ...recordsIn(details).map((detail) => detail['reason']),
    ...recordsIn(details)
      .flatMap((detail) => recordsIn(detail['violations']))
      .map(({ quotaId }) => (typeof quotaId === 'string' && quotaId.includes('PerDay') ? 'quota_per_day' : undefined)),
  ]
  for (const word of said) {
    if (typeof word !== 'string') continue
    const known = word.toLowerCase()
    if (Object.hasOwn(words, known)) return words[known]
  }
  return undefined
}

function sentenceOf(error: Record<string, unknown> | undefined, provider: string): FailureCode | undefined {
  const said = error?.['message'] ?? error?.['error']
  if (typeof said !== 'string' || !Object.hasOwn(SENTENCES, provider)) return undefined
  return SENTENCES[provider]?.find(([sentence]) => sentence.test(said))?.[1]
}

/**
 * The one setting that an error names: as `param`, as a field violation (Google),
 * as a place in the body (Mistral), or at the beginning of a message (Anthropic).
 */
function parameterOf(error: Record<string, unknown> | undefined): string | undefined {
  const named = [
    error?.['param'],
    ...recordsIn(error?.['details'])
      .flatMap((detail) => recordsIn(detail['fieldViolations']))
      .map(({ field }) => field),
    ...[error, error?.['message']]
      .flatMap((said) => recordsIn(isRecord(said) ? said['detail'] : undefined))
      .map(({ loc }) => (Array.isArray(loc) ? loc.at(-1) : undefined)),
    typeof error?.['message'] === 'string'
      ? /^(?:`(\w+)`|(\w+):) /.exec(error['message'])?.find((name, at) => at > 0 && name !== undefined)
      : undefined,
  ]
    .filter((name) => typeof name === 'string')
    .map((name) => name.slice(name.lastIndexOf('.') + 1))
    .filter((name) => PARAMETERS.has(name))
  return new Set(named).size === 1 ? named[0] : undefined
}

const ONE_DAY = 86_400

/** Seconds to wait, from `retry-after-ms` or `retry-after` (seconds or a date); at most a day. */
function retryAfterSeconds(headers: HeaderSource, now: number): number | undefined {
  const exact = headerOf(headers, 'retry-after-ms')
  const plain = headerOf(headers, 'retry-after')
  const candidates = [
    exact === undefined ? Number.NaN : Number(exact) / 1000,
    plain === undefined ? Number.NaN : Number(plain),
    plain === undefined ? Number.NaN : (Date.parse(plain) - now) / 1000,
  ]
  const seconds = candidates.find((value) => Number.isFinite(value))
  if (seconds === undefined) return undefined
  return Math.min(Math.max(Math.ceil(seconds * 1000) / 1000, 0), ONE_DAY)
}

/** Google names the seconds in the error itself: `retryDelay: "31s"`. */
function retryDelayOf(error: Record<string, unknown> | undefined): number | undefined {
  for (const { retryDelay } of recordsIn(error?.['details'])) {
    const seconds = typeof retryDelay === 'string' ? Number(/^([\d.]+)s$/.exec(retryDelay)?.[1]) : Number.NaN
    if (Number.isFinite(seconds)) return Math.min(seconds, ONE_DAY)
  }
  return undefined
}

function headerOf(headers: HeaderSource, name: string): string | undefined {
  const value = headers instanceof Headers ? headers.get(name) : headers[name]
  const first = typeof value === 'string' || value === null || value === undefined ? value : value[0]
  return first === null || first === undefined || first.trim() === '' ? undefined : first.trim()
}
