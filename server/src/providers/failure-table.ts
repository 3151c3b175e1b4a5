/**
 * What can go wrong with a model, as data: each code with its message, how often
 * the same task may be tried again, and when it arises.  `failures.ts` decides by
 * it, `docs/reference/failures.md` is made from it.
 */
import type { Origin } from '@millrace/engine'

export interface Row {
  readonly message: string
  /** How often the same task may be tried again because of this. */
  readonly retries: number
  readonly origin: Origin
  /** For people: the condition that it stands for. */
  readonly when: string
}

/** Every code that the providers' room may use. */
export const FAILURES = {
  RATE_LIMIT: {
    message: 'The provider limits the rate of requests.',
    retries: 3,
    origin: 'provider',
    when: 'A limit of requests or tokens; not before the time that the provider names, at most a day. Waiting for it costs a probe no try.',
  },
  TIMEOUT: {
    message: 'The call took longer than it may.',
    retries: 3,
    origin: 'provider',
    when: 'A deadline of ours, or a connection, headers or a body that do not come.',
  },
  SERVER_ERROR: {
    message: 'The provider has a fault or is overloaded.',
    retries: 3,
    origin: 'provider',
    when: 'Any status from 500 to 599; an answer that ends for lack of resources; “overloaded” inside of a stream.',
  },
  NETWORK_ERROR: {
    message: 'The provider could not be reached.',
    retries: 3,
    origin: 'provider',
    when: 'A connection that is refused or reset, a name that is not found, a certificate that does not hold, a body that is cut.',
  },
  AUTH_ERROR: {
    message: 'The provider refused the key or its permissions.',
    retries: 0,
    origin: 'provider',
    when: 'A key that is wrong, revoked, or not allowed to do this.',
  },
  BILLING: {
    message: 'The quota or credit at the provider is used up.',
    retries: 0,
    origin: 'provider',
    when: 'Credit or quota is used up, whatever the status: the provider’s work is held until somebody releases it.',
  },
  NOT_FOUND: {
    message: 'The provider does not know this model or address.',
    retries: 0,
    origin: 'provider',
    when: 'A model or an address that is not there.',
  },
  VALIDATION_ERROR: {
    message: 'The provider refused the request as invalid.',
    retries: 0,
    origin: 'provider',
    when: 'A request that the provider does not take. Where just the temperature is refused, the call goes once more without it.',
  },
  INVALID_RESPONSE: {
    message: 'The provider sent no usable answer.',
    retries: 1,
    origin: 'provider',
    when: 'Not JSON, fields missing, no candidates, an empty answer, an answer that does not fit its schema, an error inside of a 200.',
  },
  POISON_REQUEST: {
    message: 'The provider fails on this request again and again.',
    retries: 0,
    origin: 'provider',
    when: 'The same 5xx three times for one request, while the model answered others in between.',
  },
  CONTENT_FILTER: {
    message: 'The content filter of the provider blocked the call.',
    retries: 0,
    origin: 'provider',
    when: 'A filter blocked the prompt, or the whole of the answer.',
  },
  MISSING_API_KEY: {
    message: 'The provider has no key.',
    retries: 0,
    origin: 'input',
    when: 'A provider that needs a key and has none.',
  },
  UNSUPPORTED_PROVIDER: {
    message: 'There is no such provider.',
    retries: 0,
    origin: 'input',
    when: 'A name before the colon that is no provider.',
  },
  UNKNOWN_MODEL: {
    message: 'The provider has no such model.',
    retries: 0,
    origin: 'input',
    when: 'A name after the colon that the provider’s own list does not have.',
  },
  CONFIGURATION: {
    message: 'The provider is not configured as it must be.',
    retries: 0,
    origin: 'input',
    when: 'A setting that is missing or makes no sense; a configured host that nobody could find three times.',
  },
  WORKER_CRASH: {
    message: 'The worker process died.',
    retries: 3,
    origin: 'worker',
    when: 'A process that ended by a signal or with another code than 0.',
  },
  WORKER_PROTOCOL: {
    message: 'The worker process broke the protocol.',
    retries: 3,
    origin: 'worker',
    when: 'A process that says what nobody can read.',
  },
  CANCELLED: {
    message: 'The call was cancelled.',
    retries: 0,
    origin: 'engine',
    when: 'Somebody cancelled the run, or its worker drained.',
  },
  UNKNOWN: {
    message: 'The call failed for a reason that nobody foresaw.',
    retries: 3,
    origin: 'provider',
    when: 'Anything else.',
  },
} as const satisfies Record<string, Row>

export type FailureCode = keyof typeof FAILURES

/** What an HTTP status means when the body says nothing of more weight. */
export const STATUS: Readonly<Record<number, FailureCode>> = {
  400: 'VALIDATION_ERROR',
  401: 'AUTH_ERROR',
  402: 'BILLING',
  403: 'AUTH_ERROR',
  404: 'NOT_FOUND',
  408: 'TIMEOUT',
  409: 'SERVER_ERROR',
  413: 'VALIDATION_ERROR',
  422: 'VALIDATION_ERROR',
  425: 'TIMEOUT',
  429: 'RATE_LIMIT',
}

/** Closed words in an error's `code`, `type` or `reason` that say more than the status does. */
export const WORDS: Readonly<Record<string, FailureCode>> = {
  insufficient_quota: 'BILLING',
  insufficient_balance: 'BILLING',
  insufficient_credits: 'BILLING',
  insufficient_funds: 'BILLING',
  credits_exhausted: 'BILLING',
  billing_error: 'BILLING',
  billing_disabled: 'BILLING',
  billing_hard_limit_reached: 'BILLING',
  billing_not_active: 'BILLING',
  payment_required: 'BILLING',
  content_filter: 'CONTENT_FILTER',
  content_policy_violation: 'CONTENT_FILTER',
  responsibleaipolicyviolation: 'CONTENT_FILTER',
  data_inspection_failed: 'CONTENT_FILTER',
  enforced_spend_limit_reached: 'BILLING',
  // Ours, for Google's quotas whose id says so: nothing goes on before tomorrow.
  quota_per_day: 'BILLING',
  // Google says this with a 400.
  api_key_invalid: 'AUTH_ERROR',
}

/** Fixed sentences of vendors that have no word for it, by provider: the only prose that is looked at. */
export const SENTENCES: Readonly<Record<string, readonly (readonly [sentence: RegExp, code: FailureCode])[]>> = {
  anthropic: [[/^Your credit balance is too low/, 'BILLING']],
  google: [[/^Your prepayment credits are depleted/, 'BILLING']],
  xai: [
    [/has either used all available credits or reached its monthly spending limit/, 'BILLING'],
    [/^Incorrect API key provided/, 'AUTH_ERROR'],
  ],
}

/** Words that count only where no status stands beside them: in a stream, or inside of a 200. */
export const WORDS_INSIDE: Readonly<Record<string, FailureCode>> = {
  overloaded_error: 'SERVER_ERROR',
  rate_limit_error: 'RATE_LIMIT',
  rate_limit_exceeded: 'RATE_LIMIT',
  resource_exhausted: 'RATE_LIMIT',
}
