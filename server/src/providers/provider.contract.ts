/**
 * What every provider promises, whatever it speaks: one suite, run on each.  The
 * names of the models are the situations, as in `server/testing/wire.ts`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generate } from './provider.ts'
import type { ModelEvent, ModelRequest, Provider } from './provider.ts'

export interface Contracted {
  readonly provider: Provider
  close?(): Promise<void>
}

/** Models that the provider under test must know, by what they do. */
export type Situation =
  | 'well'
  | 'large'
  | 'odd'
  | 'cut'
  | 'empty'
  | 'filtered'
  | 'filtered-midway'
  | 'server-error'
  | 'rate-limited'
  | 'hang-before'
  | 'hang-midway'
  | 'other-version'
  | 'no-version'

const ask = (model: Situation, more: Partial<ModelRequest> = {}): ModelRequest => ({
  model,
  messages: [{ role: 'user', content: 'On a scale of 1 to 5, how acceptable is it?' }],
  ...more,
})

const never = () => new AbortController().signal

export async function eventsOf(provider: Provider, request: ModelRequest, signal = never()): Promise<ModelEvent[]> {
  const events: ModelEvent[] = []
  for await (const event of provider.stream(request, signal)) events.push(event)
  return events
}

/** Registers the suite; `open` is called once. */
export function providerContract(name: string, open: () => Promise<Contracted>): void {
  describe(`${name} keeps the contract of a provider`, () => {
    let contracted: Contracted
    let provider: Provider
    beforeAll(async () => {
      contracted = await open()
      provider = contracted.provider
    })
    afterAll(async () => await contracted.close?.())

    it('answers with text, and the pieces of the stream are that text', async () => {
      const events = await eventsOf(provider, ask('well'))
      const last = events.at(-1)
      expect(last?.type).toBe('done')
      const pieces = events.map((event) => (event.type === 'text' ? event.text : '')).join('')
      expect(last).toMatchObject({ answer: { text: pieces, finishReason: 'stop', truncated: false } })
      expect(pieces).toMatch(/^Rating: [1-5]\n\n/)
    })

    it.each<Situation>(['well', 'empty', 'filtered', 'server-error', 'rate-limited', 'large'])(
      'ends the stream of %s with exactly one done or failed, and nothing after it',
      async (situation) => {
        const events = await eventsOf(provider, ask(situation))
        const ends = events.filter((event) => event.type !== 'text')
        expect(ends).toHaveLength(1)
        expect(events.at(-1)).toBe(ends[0])
      },
    )

    it('counts a longer conversation, with a system message and earlier turns, as more input', async () => {
      const short = await generate(provider, ask('well'), never())
      const long = await generate(
        provider,
        ask('well', {
          messages: [
            { role: 'system', content: 'You are a careful adviser in a hospital.' },
            { role: 'user', content: 'On a scale of 1 to 5, how acceptable is it?' },
            { role: 'assistant', content: 'Rating: 3\n\nIt depends.' },
            { role: 'user', content: 'What does it depend on?' },
          ],
        }),
        never(),
      )
      expect(long.answer?.usage.source).toBe('reported')
      expect(long.answer?.usage.inputTokens).toBeGreaterThan(short.answer?.usage.inputTokens ?? Infinity)
    })

    it('reports usage in whole tokens, and null for what nobody reported', async () => {
      const { answer } = await generate(provider, ask('well'), never())
      expect(answer?.usage).toMatchObject({ source: 'reported', reasoningTokens: null, cachedTokens: null })
      expect(Number.isInteger(answer?.usage.inputTokens)).toBe(true)
      expect(answer?.usage.outputTokens).toBeGreaterThan(0)
    })

    it('names the model that answered, not the one that was asked, and null only when nobody says', async () => {
      const other = await generate(provider, ask('other-version'), never())
      expect(other.answer?.modelVersion).toBe('other-version-2026-03-01')
      const none = await generate(provider, ask('no-version'), never())
      expect(none.answer?.modelVersion).toBeNull()
    })

    it('audits the settings: sends what was asked, and nothing that was not', async () => {
      const set = await generate(provider, ask('well', { temperature: 0, maxTokens: 500, seed: -3 }), never())
      const settings = { temperature: 0, maxTokens: 500, seed: -3 }
      expect(set.answer?.settings).toEqual({ asked: settings, sent: settings, dropped: [] })
      const unset = await generate(provider, ask('well'), never())
      expect(unset.answer?.settings).toEqual({ asked: {}, sent: {}, dropped: [] })
    })

    it('keeps the times of a call in their order', async () => {
      const before = Date.now()
      const { answer } = await generate(provider, ask('well'), never())
      expect(answer?.startedAt.getTime()).toBeGreaterThanOrEqual(before)
      expect(answer?.completedAt.getTime()).toBeGreaterThanOrEqual(answer?.startedAt.getTime() ?? Infinity)
    })

    it('marks an answer that the token limit cut as truncated', async () => {
      const { answer } = await generate(provider, ask('cut'), never())
      expect(answer).toMatchObject({ finishReason: 'length', truncated: true })
    })

    it('gives a megabyte of answer whole', async () => {
      const { answer } = await generate(provider, ask('large'), never())
      expect(answer?.text.length).toBeGreaterThan(1_000_000)
    })

    it('gives NUL and lone surrogates as they came', async () => {
      const { answer } = await generate(provider, ask('odd'), never())
      expect(answer?.text).toBe('NUL \u0000 lone \ud83d end')
    })

    it('calls an empty answer a failure that may be tried once more', async () => {
      const { failure } = await generate(provider, ask('empty'), never())
      expect(failure).toMatchObject({ code: 'INVALID_RESPONSE', retryable: true })
    })

    it('calls an answer that a filter blocked CONTENT_FILTER, for good', async () => {
      const { failure } = await generate(provider, ask('filtered'), never())
      expect(failure).toMatchObject({ code: 'CONTENT_FILTER', retryable: false })
    })

    it('keeps the part of an answer that came before the filter', async () => {
      const { answer } = await generate(provider, ask('filtered-midway'), never())
      expect(answer).toMatchObject({ text: 'It would be', finishReason: 'content_filter', truncated: true })
    })

    it('gives a failure of the provider as data', async () => {
      const broken = await generate(provider, ask('server-error'), never())
      expect(broken.failure).toMatchObject({ code: 'SERVER_ERROR', retryable: true, origin: 'provider' })
      const limited = await generate(provider, ask('rate-limited'), never())
      expect(limited.failure).toMatchObject({ code: 'RATE_LIMIT', retryable: true, retryAfter: 7 })
    })

    it('does not begin when it was cancelled before', async () => {
      const { failure } = await generate(provider, ask('well'), AbortSignal.abort())
      expect(failure).toMatchObject({ code: 'CANCELLED', retryable: false })
    })

    it.each<Situation>(['hang-before', 'hang-midway'])('ends at once when it is cancelled in %s', async (situation) => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error('enough')), 30)
      const began = performance.now()
      const events = await eventsOf(provider, ask(situation), controller.signal)
      expect(events.at(-1)).toMatchObject({ type: 'failed', failure: { code: 'CANCELLED', retryable: false } })
      expect(performance.now() - began).toBeLessThan(1000)
    })

    it.each<Situation>(['hang-before', 'hang-midway'])('waits in %s no longer than its deadline', async (situation) => {
      const began = performance.now()
      const { failure } = await generate(provider, ask(situation), AbortSignal.timeout(30))
      expect(failure).toMatchObject({ code: 'TIMEOUT', retryable: true })
      expect(performance.now() - began).toBeLessThan(1000)
    })

    it('lets a reader leave early', async () => {
      for await (const event of provider.stream(ask('well'), never())) {
        expect(event.type).toBe('text')
        break
      }
    })

    it('says of a model that it knows nothing against it', async () => {
      expect(await provider.check('well')).toBeNull()
    })
  })
}
