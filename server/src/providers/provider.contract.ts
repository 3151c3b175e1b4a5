/**
 * What every provider promises, whatever it speaks: one suite, run on each.  A
 * situation is arranged before a call; where a provider cannot be in one, its
 * traits say so.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FailureCode } from './failure-table.ts'
import { failureOf } from './failures.ts'
import { generate } from './provider.ts'
import type { Generated, ModelEvent, ModelRequest, Provider, Setting } from './provider.ts'

export interface Contracted {
  readonly provider: Provider
  /** Makes calls go like that from now on; gives the model to ask. */
  arrange(situation: Situation): string
  close?(): Promise<void>
}

/** How a call can go. */
export type Situation =
  | 'well'
  | 'large'
  | 'in-words'
  | 'odd'
  | 'cut'
  | 'empty'
  | 'filtered'
  | 'filtered-midway'
  | 'rated'
  | 'fenced'
  | 'other-version'
  | 'no-version'
  | 'reasons'
  | 'no-temperature'
  | 'hang-before'
  | 'hang-midway'
  | 'error-mid-stream'
  | 'error-in-200'
  | FailureSituation

/** Failures of the provider, with what they are to be called. */
const FAILING = {
  'rate-limited': ['RATE_LIMIT', true],
  'rate-limited-long': ['RATE_LIMIT', true],
  'no-quota': ['BILLING', false],
  'no-money': ['BILLING', false],
  'bad-key': ['AUTH_ERROR', false],
  forbidden: ['AUTH_ERROR', false],
  'not-found': ['NOT_FOUND', false],
  'request-timeout': ['TIMEOUT', true],
  conflict: ['SERVER_ERROR', true],
  'too-large': ['VALIDATION_ERROR', false],
  unprocessable: ['VALIDATION_ERROR', false],
  'server-error': ['SERVER_ERROR', true],
  'bad-gateway': ['SERVER_ERROR', true],
  unavailable: ['SERVER_ERROR', true],
  overloaded: ['SERVER_ERROR', true],
  reset: ['NETWORK_ERROR', true],
  'cut-midway': ['NETWORK_ERROR', true],
  'not-json': ['INVALID_RESPONSE', true],
  'wrong-shape': ['INVALID_RESPONSE', true],
} as const satisfies Record<string, readonly [FailureCode, boolean]>
type FailureSituation = keyof typeof FAILING

/** In what a provider differs from others. */
export interface Traits {
  readonly lacks?: readonly Situation[]
  /** Settings that reach the wire; the others must be told as dropped. */
  readonly takes: readonly Setting[]
  /** What goes out although nobody asked. */
  readonly unasked?: Readonly<Partial<Record<Setting, number>>>
  /** What the usage of `well` says, or that nobody reports one. */
  readonly usage: { readonly reasoningTokens: number | null; readonly cachedTokens: number | null } | 'estimated'
  /** Who answers `other-version`. */
  readonly served?: string
  /** A cut can be noticed when an answer is streamed without a mark at its end. */
  readonly streams?: readonly boolean[]
}

const QUESTION = 'On a scale of 1 to 5, how acceptable is it?'
const SCHEMA = {
  type: 'object',
  properties: { rating: { type: 'integer', minimum: 1, maximum: 5 }, reason: { type: 'string' } },
  required: ['rating', 'reason'],
  additionalProperties: false,
} as const

const never = () => new AbortController().signal

export async function eventsOf(provider: Provider, request: ModelRequest, signal = never()): Promise<ModelEvent[]> {
  const events: ModelEvent[] = []
  for await (const event of provider.stream(request, signal)) events.push(event)
  return events
}

/** Registers the suite, on whole answers and on streams; `open` is called once for each. */
export function providerContract(name: string, traits: Traits, open: () => Promise<Contracted>): void {
  for (const live of traits.streams ?? [false, true]) {
    describe(`${name}, ${live ? 'streamed' : 'whole'}, keeps the contract of a provider`, () => {
      contract(traits, live, open)
    })
  }
}

function contract(traits: Traits, live: boolean, open: () => Promise<Contracted>): void {
  let contracted: Contracted
  beforeAll(async () => {
    contracted = await open()
  })
  afterAll(async () => await contracted.close?.())

  const has = (situation: Situation) => traits.lacks?.includes(situation) !== true
  const promise = (situation: Situation) => it.skipIf(!has(situation))
  const request = (situation: Situation, more: Partial<ModelRequest> = {}): ModelRequest => ({
    model: contracted.arrange(situation),
    messages: [{ role: 'user', content: QUESTION }],
    live,
    ...more,
  })
  const ask = (situation: Situation, more: Partial<ModelRequest> = {}): Promise<Generated> =>
    generate(contracted.provider, request(situation, more), never())
  const events = (situation: Situation, signal = never()) => eventsOf(contracted.provider, request(situation), signal)

  it('answers with text, and the pieces of the stream are that text', async () => {
    const seen = await events('well')
    const last = seen.at(-1)
    expect(last?.type).toBe('done')
    const pieces = seen.map((event) => (event.type === 'text' ? event.text : '')).join('')
    expect(last).toMatchObject({ answer: { text: pieces, finishReason: 'stop', truncated: false } })
    expect(pieces).toMatch(/^Rating: [1-5]\n\n/)
  })

  it.each((['well', 'empty', 'filtered', 'server-error', 'rate-limited', 'error-mid-stream'] as const).filter(has))(
    'ends the stream of %s with exactly one done or failed, and nothing after it',
    async (situation) => {
      const seen = await events(situation)
      const ends = seen.filter((event) => event.type !== 'text')
      expect(ends).toHaveLength(1)
      expect(seen.at(-1)).toBe(ends[0])
    },
  )

  it('counts a longer conversation, with a system message and earlier turns, as more input', async () => {
    const short = await ask('well')
    const long = await ask('well', {
      messages: [
        { role: 'system', content: 'You are a careful adviser in a hospital.' },
        { role: 'user', content: QUESTION },
        { role: 'assistant', content: 'Rating: 3\n\nIt depends.' },
        { role: 'user', content: 'What does it depend on?' },
      ],
    })
    expect(long.answer?.usage.source).toBe(traits.usage === 'estimated' ? 'estimated' : 'reported')
    expect(long.answer?.usage.inputTokens).toBeGreaterThan(short.answer?.usage.inputTokens ?? Infinity)
  })

  it('tells usage in whole tokens, and null for what nobody reported', async () => {
    const { answer } = await ask('well')
    expect(answer?.usage).toMatchObject(
      traits.usage === 'estimated'
        ? { source: 'estimated', reasoningTokens: null, cachedTokens: null }
        : { source: 'reported', ...traits.usage },
    )
    expect(Number.isInteger(answer?.usage.inputTokens)).toBe(true)
    expect(answer?.usage.outputTokens).toBeGreaterThan(0)
  })

  promise('reasons')('counts reasoning as part of the output', async () => {
    const { answer } = await ask('reasons')
    expect(answer?.usage.reasoningTokens).toBeGreaterThan(0)
    expect(answer?.usage.outputTokens).toBeGreaterThan(answer?.usage.reasoningTokens ?? Infinity)
  })

  promise('other-version')('names the model that answered, not the one that was asked', async () => {
    expect((await ask('other-version')).answer?.modelVersion).toBe(traits.served ?? 'other-version-2026-03-01')
  })

  promise('no-version')('names no model when nobody says which it was', async () => {
    const { answer } = await ask('no-version')
    expect(answer).toBeDefined()
    expect(answer?.modelVersion).toBeNull()
  })

  it('audits the settings: tells what went out, and what did not', async () => {
    const asked: Partial<Record<Setting, number>> = { temperature: 0, maxTokens: 500, seed: 3 }
    const names = Object.keys(asked) as Setting[]
    const sent = Object.fromEntries(names.filter((one) => traits.takes.includes(one)).map((one) => [one, asked[one]]))
    const set = await ask('well', asked)
    expect(set.answer?.settings).toEqual({ asked, sent, dropped: names.filter((one) => !traits.takes.includes(one)) })
    const unset = await ask('well')
    expect(unset.answer?.settings).toEqual({ asked: {}, sent: traits.unasked ?? {}, dropped: [] })
  })

  promise('no-temperature')('answers without a temperature where just that is not taken, and tells so', async () => {
    const { answer } = await ask('no-temperature', { temperature: 0.5 })
    expect(answer?.settings).toEqual({
      asked: { temperature: 0.5 },
      sent: traits.unasked ?? {},
      dropped: ['temperature'],
    })
  })

  it('keeps the times of a call in their order', async () => {
    const before = Date.now()
    const { answer } = await ask('well')
    expect(answer?.startedAt.getTime()).toBeGreaterThanOrEqual(before)
    expect(answer?.completedAt.getTime()).toBeGreaterThanOrEqual(answer?.startedAt.getTime() ?? Infinity)
  })

  promise('cut')('marks an answer that the token limit cut as truncated', async () => {
    expect((await ask('cut')).answer).toMatchObject({ finishReason: 'length', truncated: true })
  })

  promise('large')('gives a megabyte of answer whole', async () => {
    expect((await ask('large')).answer?.text.length).toBeGreaterThan(1_000_000)
  })

  promise('odd')('gives NUL and lone surrogates as they came', async () => {
    expect((await ask('odd')).answer?.text).toBe('NUL \u0000 lone \ud83d end')
  })

  it('calls an empty answer a failure that may be tried once more', async () => {
    expect((await ask('empty')).failure).toMatchObject({ code: 'INVALID_RESPONSE', retryable: true })
  })

  promise('filtered')('calls an answer that a filter blocked CONTENT_FILTER, for good', async () => {
    expect((await ask('filtered')).failure).toMatchObject({ code: 'CONTENT_FILTER', retryable: false })
  })

  promise('filtered-midway')('keeps the part of an answer that came before the filter', async () => {
    const { answer } = await ask('filtered-midway')
    expect(answer).toMatchObject({ text: 'It would be', finishReason: 'content_filter', truncated: true })
  })

  promise('rated')('gives an answer to a schema as the value that it asks for', async () => {
    const { answer } = await ask('rated', { schema: SCHEMA })
    const { rating, reason } = (answer?.json ?? {}) as { rating?: number; reason?: string }
    expect([1, 2, 3, 4, 5]).toContain(rating)
    expect(typeof reason).toBe('string')
    expect(answer?.text).toContain(String(rating))
  })

  promise('fenced')('reads a value inside of a fence', async () => {
    expect((await ask('fenced', { schema: SCHEMA })).answer?.json).toEqual({ rating: 2, reason: 'fenced' })
  })

  it('calls text where a schema was asked for a failure, and gives no value where none was', async () => {
    const { failure } = await ask('in-words', { schema: SCHEMA })
    expect(failure).toMatchObject({ code: 'INVALID_RESPONSE', retryable: true, details: { json: 'not JSON' } })
    expect((await ask('well')).answer).not.toHaveProperty('json')
  })

  it('asks nobody for an answer to a schema that is none', async () => {
    const { failure } = await ask('well', { schema: { type: 'no such type' } })
    expect(failure).toMatchObject({ code: 'CONFIGURATION', details: { setting: 'schema' } })
  })

  it.each(
    Object.entries(FAILING).filter(([situation]) => has(situation as FailureSituation)) as [
      FailureSituation,
      readonly [FailureCode, boolean],
    ][],
  )('gives %s as data', async (situation, [code, retryable]) => {
    const { failure } = await ask(situation)
    expect(failure).toMatchObject({ code, retryable, origin: 'provider' })
    const told = JSON.stringify({ ...failure, details: undefined })
    expect(told).not.toMatch(/sk-|Bearer|127\.0\.0\.1|simulated|quota,|credits/)
    expect(failure?.message).toBe(failureOf(code).message)
  })

  promise('error-in-200')('takes an error inside of a 200 for what it says, or for no answer', async () => {
    const { failure } = await ask('error-in-200')
    expect(['INVALID_RESPONSE', 'SERVER_ERROR']).toContain(failure?.code)
    expect(failure?.retryable).toBe(true)
  })

  promise('rate-limited')('waits as long as the provider says, also when that is long', async () => {
    expect((await ask('rate-limited')).failure?.retryAfter).toBe(7)
    if (has('rate-limited-long')) expect((await ask('rate-limited-long')).failure?.retryAfter).toBe(120)
  })

  it.skipIf(!live || !has('error-mid-stream'))('takes no half of a stream for an answer', async () => {
    const { failure } = await ask('error-mid-stream')
    expect(['INVALID_RESPONSE', 'SERVER_ERROR']).toContain(failure?.code)
    expect(failure?.retryable).toBe(true)
  })

  it('does not begin when it was cancelled before', async () => {
    const { failure } = await generate(contracted.provider, request('well'), AbortSignal.abort())
    expect(failure).toMatchObject({ code: 'CANCELLED', retryable: false })
  })

  it.each((['hang-before', 'hang-midway'] as const).filter(has))(
    'ends at once when it is cancelled in %s',
    async (situation) => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error('enough')), 30)
      const began = performance.now()
      const seen = await events(situation, controller.signal)
      expect(seen.at(-1)).toMatchObject({ type: 'failed', failure: { code: 'CANCELLED', retryable: false } })
      expect(performance.now() - began).toBeLessThan(1000)
    },
  )

  it.each((['hang-before', 'hang-midway'] as const).filter(has))(
    'waits in %s no longer than its deadline',
    async (situation) => {
      const began = performance.now()
      const { failure } = await generate(contracted.provider, request(situation), AbortSignal.timeout(30))
      expect(failure).toMatchObject({ code: 'TIMEOUT', retryable: true })
      expect(performance.now() - began).toBeLessThan(1000)
    },
  )

  it('lets a reader leave early', async () => {
    for await (const event of contracted.provider.stream(request('well'), never())) {
      expect(event.type).toBe('text')
      break
    }
  })

  it('says of a model that it knows nothing against it, and lists its models', async () => {
    const model = contracted.arrange('well')
    expect(await contracted.provider.check(model)).toBeNull()
    const { names = [model], failure } = await contracted.provider.models()
    expect(failure).toBeUndefined()
    expect(names).toContain(model)
  })
}
