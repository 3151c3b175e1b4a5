import { APICallError, LoadAPIKeyError } from '@ai-sdk/provider'
import { describe, expect, it } from 'vitest'
import { FAILURES, type FailureCode } from './failure-table.ts'
import { failureOf, fromErrorInside, fromStatus, fromThrown, isFailure, StatusError, triesFor } from './failures.ts'

const apiError = (more: object) =>
  new APICallError({ message: 'secret prose', url: 'http://x', requestBodyValues: {}, ...more })
const coded = (code: string) => Object.assign(new Error('secret prose'), { code })

describe('a status becomes a failure', () => {
  it.each<[string, number, unknown, FailureCode, number]>([
    ['a 429 is a rate limit and tried again', 429, '', 'RATE_LIMIT', 3],
    ['a 408 is a timeout', 408, '', 'TIMEOUT', 3],
    ['a 425 is a timeout', 425, '', 'TIMEOUT', 3],
    ['a 409 is the server’s trouble and passes', 409, '', 'SERVER_ERROR', 3],
    ['a 500 is tried again', 500, '', 'SERVER_ERROR', 3],
    ['a 529 (overloaded) is tried again', 529, '', 'SERVER_ERROR', 3],
    ['a 599 is the last of the server errors', 599, '', 'SERVER_ERROR', 3],
    ['a 401 is about the key, and final', 401, '', 'AUTH_ERROR', 0],
    ['a 403 is about the key, and final', 403, '', 'AUTH_ERROR', 0],
    ['a 402 is billing', 402, '', 'BILLING', 0],
    [
      'a 429 that says the credit is used up is BILLING, not a rate limit',
      429,
      { error: { code: 'insufficient_quota' } },
      'BILLING',
      0,
    ],
    ['a quota told by type counts as well', 429, { error: { type: 'insufficient_quota', code: null } }, 'BILLING', 0],
    ['a quota told as a list of errors counts as well', 403, [{ error: { code: 'billing_not_active' } }], 'BILLING', 0],
    [
      'a quota told without an envelope counts as well',
      400,
      { code: 'insufficient_balance', error: 'text' },
      'BILLING',
      0,
    ],
    [
      'words in the prose of an error decide nothing',
      429,
      { error: { message: 'insufficient_quota billing' } },
      'RATE_LIMIT',
      3,
    ],
    ['a 404 is final', 404, { error: { code: 'model_not_found' } }, 'NOT_FOUND', 0],
    ['a 400 is final', 400, '', 'VALIDATION_ERROR', 0],
    ['a 413 is final', 413, '', 'VALIDATION_ERROR', 0],
    ['a 422 is final', 422, '', 'VALIDATION_ERROR', 0],
    ['a 400 of a content filter is CONTENT_FILTER', 400, { error: { code: 'content_filter' } }, 'CONTENT_FILTER', 0],
    [
      'Azure’s inner code is read',
      400,
      { error: { innererror: { code: 'ResponsibleAIPolicyViolation' } } },
      'CONTENT_FILTER',
      0,
    ],
    [
      'Google’s wrong key comes as a 400 and is about the key',
      400,
      { error: { code: 400, status: 'INVALID_ARGUMENT', details: [{ reason: 'API_KEY_INVALID' }] } },
      'AUTH_ERROR',
      0,
    ],
    [
      'Anthropic’s spend limit comes as a 429 and is billing',
      429,
      { error: { type: 'rate_limit_error', details: { error_code: 'enforced_spend_limit_reached' } } },
      'BILLING',
      0,
    ],
    ['a status that nobody foresaw is tried within the limit', 418, '', 'UNKNOWN', 3],
    ['a redirect is not followed and not foreseen', 302, '', 'UNKNOWN', 3],
  ])('%s', (_, status, body, code, tries) => {
    for (const form of [body, typeof body === 'string' ? '<html>broken {' : JSON.stringify(body)]) {
      const failure = fromStatus(status, {}, form)
      expect(failure).toMatchObject({
        code,
        retryable: tries > 0,
        details: { status },
        message: FAILURES[code].message,
      })
      expect(triesFor(failure)).toBe(tries)
    }
  })

  const NOW = Date.parse('2026-11-21T10:00:00Z')
  it.each<[string, Record<string, string>, number | undefined]>([
    ['seconds', { 'retry-after': '7' }, 7],
    ['parts of a second', { 'retry-after': '0.25' }, 0.25],
    ['a date', { 'retry-after': 'Sat, 21 Nov 2026 10:00:30 GMT' }, 30],
    ['a date that has passed', { 'retry-after': 'Sat, 21 Nov 2026 09:00:00 GMT' }, 0],
    ['milliseconds, which win', { 'retry-after': '2', 'retry-after-ms': '1500' }, 1.5],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
    ['an empty header', { 'retry-after': ' ' }, undefined],
    ['more than a day, which is cut', { 'retry-after': '99999999' }, 86_400],
  ])('waits for %s', (_, headers, expected) => {
    expect(fromStatus(429, headers, '', { now: NOW }).retryAfter).toBe(expected)
    expect(fromStatus(503, new Headers(headers), '', { now: NOW }).retryAfter).toBe(expected)
  })

  it('waits for the seconds that Google names in the error itself', () => {
    const body = {
      error: { code: 429, details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '31s' }] },
    }
    expect(fromStatus(429, {}, body).retryAfter).toBe(31)
    expect(fromStatus(429, { 'retry-after': '7' }, body).retryAfter).toBe(7)
  })

  it('reads the fixed sentences of vendors that have no word for it, and of those only', () => {
    const broke = {
      code: 'x',
      error: 'Your team 1 has either used all available credits or reached its monthly spending limit.',
    }
    expect(fromStatus(429, {}, broke, { provider: 'xai' }).code).toBe('BILLING')
    expect(fromStatus(429, {}, broke, { provider: 'openai' }).code).toBe('RATE_LIMIT')
    expect(JSON.stringify(fromStatus(429, {}, broke, { provider: 'xai' }))).not.toContain('team')
  })

  it('names no time to wait for what is never tried again', () => {
    expect(fromStatus(401, { 'retry-after': '7' }, '')).not.toHaveProperty('retryAfter')
  })

  it('names the setting that a 400 refuses, if it is one of ours', () => {
    expect(fromStatus(400, {}, { error: { param: 'temperature' } }).details).toEqual({
      status: 400,
      parameter: 'temperature',
    })
    for (const body of [
      { error: { message: '`temperature` is deprecated for this model.' } },
      { error: { message: 'temperature: range: 0..1' } },
      { error: { details: [{ fieldViolations: [{ field: 'generation_config.temperature' }] }] } },
      { detail: [{ loc: ['body', 'temperature'] }] },
      { object: 'error', message: { detail: [{ loc: ['body', 'temperature'] }] } },
    ]) {
      expect(fromStatus(422, {}, body).details).toEqual({ status: 422, parameter: 'temperature' })
    }
    const two = [{ fieldViolations: [{ field: 'temperature' }, { field: 'seed' }] }]
    expect(fromStatus(400, {}, { error: { details: two } }).details).toEqual({ status: 400 })
    expect(fromStatus(400, {}, { error: { param: 'messages.0.secret' } }).details).toEqual({ status: 400 })
  })
})

describe('what was thrown becomes a failure', () => {
  it.each<[string, unknown, FailureCode]>([
    ['a refused connection', apiError({ cause: coded('ECONNREFUSED') }), 'NETWORK_ERROR'],
    ['a reset connection', coded('ECONNRESET'), 'NETWORK_ERROR'],
    ['a name that nobody knows', new TypeError('fetch failed', { cause: coded('ENOTFOUND') }), 'NETWORK_ERROR'],
    ['a body cut in the middle', apiError({ statusCode: 200, cause: coded('UND_ERR_SOCKET') }), 'NETWORK_ERROR'],
    ['every address of a host refusing', new AggregateError([coded('ECONNREFUSED')]), 'NETWORK_ERROR'],
    ['a certificate that has expired', coded('CERT_HAS_EXPIRED'), 'NETWORK_ERROR'],
    ['headers that do not come', new TypeError('fetch failed', { cause: coded('UND_ERR_HEADERS_TIMEOUT') }), 'TIMEOUT'],
    ['a connection that does not stand', coded('UND_ERR_CONNECT_TIMEOUT'), 'TIMEOUT'],
    ['something that is not HTTP', coded('HPE_INVALID_CONSTANT'), 'INVALID_RESPONSE'],
    ['more than we take', coded('UND_ERR_RES_EXCEEDED_MAX_SIZE'), 'INVALID_RESPONSE'],
    ['an address that is none', coded('ERR_INVALID_URL'), 'CONFIGURATION'],
    ['a status', new StatusError(503, new Headers(), 'secret prose', 'x'), 'SERVER_ERROR'],
    ['a status that a library made up of a 200', apiError({ statusCode: 400, responseBody: '{}' }), 'INVALID_RESPONSE'],
    ['a 200 that does not fit', apiError({ statusCode: 200, responseBody: '{}' }), 'INVALID_RESPONSE'],
    [
      'a 200 with used-up credit inside',
      apiError({ statusCode: 200, responseBody: '{"error":{"code":"insufficient_quota"}}' }),
      'BILLING',
    ],
    ['text that is not JSON', new SyntaxError('secret prose'), 'INVALID_RESPONSE'],
    ['no key', new LoadAPIKeyError({ message: 'secret prose' }), 'MISSING_API_KEY'],
    ['a deadline', new DOMException('secret prose', 'TimeoutError'), 'TIMEOUT'],
    ['an abort', new DOMException('secret prose', 'AbortError'), 'CANCELLED'],
    ['a bug', new TypeError('secret prose'), 'UNKNOWN'],
    ['a string', 'secret prose', 'UNKNOWN'],
    ['nothing', undefined, 'UNKNOWN'],
  ])('%s', (_, error, code) => {
    const failure = fromThrown(error)
    expect(failure.code).toBe(code)
    expect(JSON.stringify(failure)).not.toContain('secret')
  })

  it('lets our own signal decide before the error that it caused', () => {
    expect(fromThrown(coded('ECONNRESET'), AbortSignal.abort())).toMatchObject({ code: 'CANCELLED', retryable: false })
    const late = AbortSignal.abort(new DOMException('', 'TimeoutError'))
    expect(fromThrown(coded('ECONNRESET'), late)).toMatchObject({ code: 'TIMEOUT', retryable: true })
  })

  it('does not cancel a task because somebody else aborted', () => {
    const ours = new AbortController().signal
    expect(fromThrown(new DOMException('', 'AbortError'), ours)).toMatchObject({
      code: 'NETWORK_ERROR',
      retryable: true,
    })
  })
})

describe('an error inside of an answer', () => {
  it.each<[string, unknown, FailureCode]>([
    ['is an unusable answer', { error: { message: 'x', type: 'server_error' } }, 'INVALID_RESPONSE'],
    ['is billing when it says so', { error: { code: 'insufficient_quota' } }, 'BILLING'],
    ['is a filter when it says so', { error: { type: 'content_filter' } }, 'CONTENT_FILTER'],
    ['counts by a status given as its code', { error: { code: 502 } }, 'SERVER_ERROR'],
    ['may be a rate limit', { error: { code: 429 } }, 'RATE_LIMIT'],
    ['may be a text', { error: 'model runner has stopped' }, 'INVALID_RESPONSE'],
    ['may be nothing', undefined, 'INVALID_RESPONSE'],
  ])('%s', (_, body, code) => {
    expect(fromErrorInside(body).code).toBe(code)
  })
})

describe('the table', () => {
  it.each<[FailureCode, number, string]>([
    ['POISON_REQUEST', 0, 'provider'],
    ['WORKER_CRASH', 3, 'worker'],
    ['WORKER_PROTOCOL', 3, 'worker'],
    ['MISSING_API_KEY', 0, 'input'],
    ['UNSUPPORTED_PROVIDER', 0, 'input'],
    ['UNKNOWN_MODEL', 0, 'input'],
    ['INVALID_RESPONSE', 1, 'provider'],
    ['UNKNOWN', 3, 'provider'],
  ])('allows %s %i more tries', (code, tries, origin) => {
    const failure = failureOf(code)
    expect(triesFor(failure)).toBe(tries)
    expect(failure).toEqual({ code, message: FAILURES[code].message, retryable: tries > 0, origin })
    expect(isFailure(failure)).toBe(true)
  })

  it('treats a retryable failure of another room like its own', () => {
    expect(triesFor({ code: 'STORAGE_FULL', message: 'x', retryable: true, origin: 'storage' })).toBe(3)
    expect(triesFor({ code: 'UNKNOWN', message: 'x', retryable: false, origin: 'task' })).toBe(0)
  })

  it('says every message once, in one sentence', () => {
    const messages = Object.values(FAILURES).map(({ message }) => message)
    expect(new Set(messages).size).toBe(messages.length)
    expect(messages.every((message) => /^[A-Z][^.]+\.$/.test(message))).toBe(true)
  })
})
