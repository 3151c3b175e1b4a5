import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { BEHAVIOURS, startWireServer, type WireServer } from '../../testing/wire.ts'
import type { FailureCode } from './failure-table.ts'
import { createOpenAICompatible } from './openai-compatible.ts'
import { eventsOf, providerContract, type Situation } from './provider.contract.ts'
import { generate } from './provider.ts'
import type { ModelRequest, Provider } from './provider.ts'

/** The wire's behaviours that the contract calls by another name. */
const NAMED: Partial<Record<Situation, string>> = {
  unavailable: 'overloaded',
  'in-words': 'well',
  'wrong-shape': 'fields-missing',
}

providerContract(
  'openai-compatible',
  {
    takes: ['temperature', 'maxTokens', 'seed'],
    usage: { reasoningTokens: null, cachedTokens: null },
    lacks: ['reasons', 'rate-limited-long'],
  },
  async () => {
    const wire = await startWireServer()
    return {
      provider: createOpenAICompatible({ baseUrl: wire.url }),
      arrange: (situation) => NAMED[situation] ?? situation,
      close: wire.close,
    }
  },
)

const never = new AbortController().signal
const KEY = 'sk-very-secret-key'
let wire: WireServer
let provider: Provider
let whole: Provider
beforeAll(async () => {
  wire = await startWireServer({ apiKey: KEY })
  provider = createOpenAICompatible({ baseUrl: `${wire.url}/`, apiKey: KEY })
  whole = createOpenAICompatible({ baseUrl: wire.url, apiKey: KEY, streams: false })
})
beforeEach(() => {
  wire.requests.length = 0
})
afterAll(async () => await wire.close())

const ask = (model: string, more: Partial<ModelRequest> = {}): ModelRequest => ({
  model,
  messages: [{ role: 'user', content: 'Hello' }],
  ...more,
})

describe('what goes wrong at the provider', () => {
  it.each<[string, string, FailureCode, boolean]>([
    ['a 429 is a rate limit', 'rate-limited', 'RATE_LIMIT', true],
    ['a 429 that says the credit is used up is BILLING, not a rate limit', 'no-quota', 'BILLING', false],
    ['a 408 is a timeout', 'request-timeout', 'TIMEOUT', true],
    ['a 425 is a timeout', 'too-early', 'TIMEOUT', true],
    ['a 409 passes', 'conflict', 'SERVER_ERROR', true],
    ['a 500 passes', 'server-error', 'SERVER_ERROR', true],
    ['a 529 passes', 'overloaded', 'SERVER_ERROR', true],
    ['a 502 in HTML passes', 'bad-gateway', 'SERVER_ERROR', true],
    ['a reset connection is tried again', 'reset', 'NETWORK_ERROR', true],
    ['an answer cut in the middle of its stream is tried again', 'cut-midway', 'NETWORK_ERROR', true],
    ['an answer cut in the middle of its JSON is tried again', 'cut-whole', 'NETWORK_ERROR', true],
    ['a wrong key is final', 'bad-key', 'AUTH_ERROR', false],
    ['a forbidden call is final', 'forbidden', 'AUTH_ERROR', false],
    ['a 402 is BILLING', 'no-money', 'BILLING', false],
    ['a 404 is final', 'not-found', 'NOT_FOUND', false],
    ['a 400 is final', 'bad-request', 'VALIDATION_ERROR', false],
    ['a 413 is final', 'too-large', 'VALIDATION_ERROR', false],
    ['a 422 is final', 'unprocessable', 'VALIDATION_ERROR', false],
    ['an answer that is not JSON is none', 'not-json', 'INVALID_RESPONSE', true],
    ['an answer without its fields is none', 'fields-missing', 'INVALID_RESPONSE', true],
    ['an answer without choices is none', 'no-choices', 'INVALID_RESPONSE', true],
    ['an empty answer is a failure', 'empty', 'INVALID_RESPONSE', true],
    ['an answer of white space is a failure', 'blank', 'INVALID_RESPONSE', true],
    ['a 200 with an error inside is a failure', 'error-in-200', 'INVALID_RESPONSE', true],
    ['a 200 with used-up credit inside is BILLING', 'no-quota-in-200', 'BILLING', false],
    ['a prompt that the filter blocked is CONTENT_FILTER', 'filtered-prompt', 'CONTENT_FILTER', false],
    ['an answer that the filter blocked is CONTENT_FILTER', 'filtered', 'CONTENT_FILTER', false],
    ['anything else is tried within the limit', 'teapot', 'UNKNOWN', true],
  ])('%s', async (_, model, code, retryable) => {
    for (const asked of [provider, whole]) {
      expect((await generate(asked, ask(model), never)).failure).toMatchObject({ code, retryable })
    }
    expect(wire.requests).toHaveLength(2)
  })

  it.each<[string, string, FailureCode]>([
    ['a chunk that is not JSON ends the stream', 'not-json-chunk', 'INVALID_RESPONSE'],
    ['a chunk without its fields ends the stream', 'fields-missing-chunk', 'INVALID_RESPONSE'],
    ['an error chunk ends the stream', 'error-mid-stream', 'INVALID_RESPONSE'],
    ['an error chunk with a status counts by it', 'status-mid-stream', 'SERVER_ERROR'],
    ['a stream without a finish is not whole', 'no-finish', 'INVALID_RESPONSE'],
  ])('%s', async (_, model, code) => {
    const ends = (await eventsOf(provider, ask(model))).filter((event) => event.type !== 'text')
    expect(ends).toMatchObject([{ type: 'failed', failure: { code } }])
  })

  it('waits as long as the provider says, to the millisecond', async () => {
    expect((await generate(provider, ask('rate-limited'), never)).failure?.retryAfter).toBe(7)
    expect((await generate(provider, ask('rate-limited-ms'), never)).failure?.retryAfter).toBe(1.5)
  })

  it('calls a refused connection and an unknown host NETWORK_ERROR', async () => {
    const gone = await startWireServer()
    await gone.close()
    for (const baseUrl of [gone.url, 'http://millrace.invalid/v1']) {
      const lost = createOpenAICompatible({ baseUrl })
      expect((await generate(lost, ask('well'), never)).failure).toMatchObject({
        code: 'NETWORK_ERROR',
        retryable: true,
      })
      expect(await lost.check('well')).toMatchObject({ code: 'NETWORK_ERROR' })
    }
  })

  it('calls a server that speaks something else an invalid response', async () => {
    const other = createServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket.write('502 unknown command\r\n'))
    })
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const lost = createOpenAICompatible({ baseUrl: `http://127.0.0.1:${(other.address() as AddressInfo).port}/v1` })
    expect((await generate(lost, ask('well'), never)).failure).toMatchObject({ code: 'INVALID_RESPONSE' })
    other.close()
  })

  it('gives up on headers and on a body that do not come', async () => {
    const hasty = createOpenAICompatible({ baseUrl: wire.url, apiKey: KEY, limits: { headersMs: 50, bodyMs: 50 } })
    for (const model of ['hang-before', 'hang-midway']) {
      expect((await generate(hasty, ask(model), never)).failure).toMatchObject({ code: 'TIMEOUT', retryable: true })
    }
  })

  it('takes no answer beyond its limit', async () => {
    const small = createOpenAICompatible({ baseUrl: wire.url, apiKey: KEY, limits: { maxBytes: 100_000 } })
    expect((await generate(small, ask('large'), never)).failure).toMatchObject({ code: 'INVALID_RESPONSE' })
  })

  it('drops the connection when it is cancelled, and when the reader leaves', async () => {
    const controller = new AbortController()
    for await (const event of provider.stream(ask('hang-midway'), controller.signal)) {
      if (event.type === 'text') controller.abort()
    }
    for await (const _ of provider.stream(ask('hang-midway'), never)) break
    await vi.waitFor(() => expect(wire.requests.map(({ aborted }) => aborted)).toEqual([true, true]))
  })
})

describe('the key', () => {
  it('goes into the header and nowhere else', async () => {
    await generate(provider, ask('well'), never)
    await provider.check('well')
    expect(wire.requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}`])
    expect(JSON.stringify(wire.requests.map(({ path, body }) => [path, body]))).not.toContain(KEY)
  })

  it('is in no failure, nor is any text of the provider', async () => {
    const names = Object.keys(BEHAVIOURS).filter((name) => !name.startsWith('hang'))
    const ends = await Promise.all(names.map((name) => generate(provider, ask(name), never)))
    const told = JSON.stringify(ends.map(({ failure }) => failure))
    expect(told).not.toMatch(/sk-|Bearer|127\.0\.0\.1|Incorrect|exceeded|Insufficient|Hello|upstream/)
  })

  it('is not sent when there is none', async () => {
    await generate(createOpenAICompatible({ baseUrl: wire.url }), ask('well'), never)
    expect(wire.requests[0]?.headers).not.toHaveProperty('authorization')
  })

  it('that cannot stand in a header is a matter of configuration, and is not quoted', async () => {
    const odd = createOpenAICompatible({ baseUrl: wire.url, apiKey: 'sk-secret\nx: y' })
    const { failure } = await generate(odd, ask('well'), never)
    expect(failure).toMatchObject({ code: 'CONFIGURATION', details: { setting: 'OPENAI_COMPATIBLE_API_KEY' } })
    expect(await odd.check('well')).toEqual(failure)
    expect(wire.requests).toHaveLength(0)
  })
})

describe('what goes over the wire', () => {
  it('is the conversation in order, asked for as a stream with usage', async () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Ünï 🙃' },
      { role: 'assistant', content: 'Rating: 2' },
      { role: 'user', content: 'Why?' },
    ] as const
    await generate(provider, { model: 'qwen2.5:7b', messages, label: 'not sent' }, never)
    expect(wire.requests[0]?.body).toEqual({
      model: 'qwen2.5:7b',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
  })

  it('has the settings that were asked for, by the names of the wire', async () => {
    await generate(provider, ask('well', { temperature: 0, maxTokens: 9, seed: 7 }), never)
    expect(wire.requests[0]?.body).toMatchObject({ temperature: 0, max_tokens: 9, seed: 7 })
  })

  it.each([true, false])(
    'goes once more without a temperature where just that is refused (streams: %s)',
    async (streams) => {
      const asked = createOpenAICompatible({ baseUrl: wire.url, apiKey: KEY, streams })
      const { answer } = await generate(asked, ask('no-temperature', { temperature: 0.5, seed: 7 }), never)
      expect(answer?.settings).toEqual({
        asked: { temperature: 0.5, seed: 7 },
        sent: { seed: 7 },
        dropped: ['temperature'],
      })
      expect(wire.requests.map(({ body }) => body?.temperature)).toEqual([0.5, undefined])
    },
  )

  it('takes letters that come in pieces, slow drips and whole documents', async () => {
    expect((await generate(provider, ask('split-letters'), never)).answer?.text).toBe('Größe 🙃 雪')
    const drips = await eventsOf(provider, ask('drip'))
    expect(drips.filter((event) => event.type === 'text').length).toBeGreaterThan(5)
    expect((await generate(provider, ask('whole'), never)).answer).toMatchObject({
      modelVersion: 'whole',
      finishReason: 'stop',
    })
  })

  it('reports reasoning and cached tokens, and estimates what is not reported', async () => {
    const rich = await generate(provider, ask('rich-usage'), never)
    expect(rich.answer?.usage).toEqual({
      inputTokens: 1200,
      outputTokens: 340,
      reasoningTokens: 256,
      cachedTokens: 1024,
      source: 'reported',
    })
    const poor = await generate(provider, ask('no-usage'), never)
    expect(poor.answer?.usage).toMatchObject({ source: 'estimated', reasoningTokens: null, cachedTokens: null })
    expect(poor.answer?.usage.outputTokens).toBeGreaterThan(5)
  })

  it('finds the version in whichever chunk has it', async () => {
    expect((await generate(provider, ask('late-version'), never)).answer?.modelVersion).toBe('late-version-2026-03-01')
  })

  it('calls a model’s own refusal an answer', async () => {
    const { answer } = await generate(provider, ask('refuses'), never)
    expect(answer).toMatchObject({ text: 'I cannot help with that.', finishReason: 'stop', truncated: false })
  })
})

describe('a check of a model', () => {
  const checked = async (models: readonly string[] | number, model: string) => {
    const server = await startWireServer({ models })
    try {
      return await createOpenAICompatible({ baseUrl: server.url }).check(model)
    } finally {
      await server.close()
    }
  }

  it('accepts a model that is listed, with or without what servers add to its name', async () => {
    for (const model of ['qwen2.5:7b', 'llama3', 'gemini-3']) {
      expect(await checked(['qwen2.5:7b', 'llama3:latest', 'models/gemini-3'], model)).toBeNull()
    }
  })

  it('refuses a model that is not listed', async () => {
    expect(await checked(['a'], 'b')).toMatchObject({ code: 'UNKNOWN_MODEL', retryable: false })
  })

  it('accepts any model of a server that has no list', async () => {
    expect(await checked(404, 'b')).toBeNull()
  })

  it('tells a wrong key and a broken server apart', async () => {
    const wrong = createOpenAICompatible({ baseUrl: wire.url, apiKey: 'sk-wrong' })
    expect(await wrong.check('well')).toMatchObject({ code: 'AUTH_ERROR', retryable: false })
    expect(await checked(503, 'b')).toMatchObject({ code: 'SERVER_ERROR', retryable: true })
  })

  it('asks once for models that are checked together', async () => {
    await Promise.all(['well', 'cut', 'nope'].map((model) => provider.check(model)))
    expect(wire.requests).toHaveLength(1)
  })
})
