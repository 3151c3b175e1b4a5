/** The gateway as a client of OpenAI's sees it, over HTTP; behind it the fake, through the providers' door. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TaskFailed, type Failure } from '@millrace/engine'
import type { Ask } from '../src/gateway/ask.ts'
import { openLoopback, type Admission, type Loopback } from '../src/gateway/loopback.ts'
import { FAILURES, type FailureCode } from '../src/providers/failure-table.ts'
import { failureOf, fromStatus } from '../src/providers/failures.ts'
import { createFake } from '../src/providers/fake.ts'
import { generate, type ModelRequest } from '../src/providers/provider.ts'

let loopback: Loopback
let own: Admission
const asked: ModelRequest[] = []
const fake = createFake({ latencyMs: 0 })

/** The last message says what is wanted of the model. */
const ask: Ask = {
  models: ['fake:a', 'fake:c'],
  async answer(model, given, piece) {
    const said = given.messages.at(-1)?.content ?? ''
    if (said.startsWith('throw')) throw new Error('Mr Doe')
    const request = { model: model.slice('fake:'.length), ...given }
    asked.push(request)
    const { answer, failure } = await generate(fake, request, new AbortController().signal, piece)
    const wanted = /^fail (\w+)(?: after (\d+))?/.exec(said)
    const after = wanted?.[2] === undefined ? {} : { retryAfter: Number(wanted[2]) / 1000 }
    if (wanted !== null) throw new TaskFailed(failureOf(wanted[1] as FailureCode, { status: 418, ...after }))
    if (failure !== undefined) throw new TaskFailed(failure)
    return { id: 'chatcmpl-1', ...answer }
  },
}

beforeAll(async () => {
  loopback = openLoopback()
  own = await loopback.admit(ask)
})
afterAll(async () => {
  await loopback?.close()
})

interface Got {
  readonly status: number
  readonly headers: Headers
  readonly body: { error?: Record<string, unknown>; choices?: Record<string, unknown>[]; [more: string]: unknown }
}

async function post(body: unknown, token = own.token): Promise<Got> {
  const response = await fetch(`${own.url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Got['body'] }
}
const said = (content: unknown, more: object = {}) => ({
  model: 'fake:a',
  messages: [{ role: 'user', content }],
  ...more,
})

describe('a completion', () => {
  test('has the shape that clients of OpenAI read', async () => {
    const { status, body } = await post(
      said('Rate honesty from 1 to 5.', { temperature: 0.5, max_tokens: 900, seed: 7 }),
    )
    expect(status).toBe(200)
    expect(body).toMatchObject({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: expect.any(Number) as number,
      model: 'fake-a-2026-01',
      choices: [
        {
          index: 0,
          finish_reason: 'stop',
          message: { role: 'assistant', content: expect.stringMatching(/./) as string },
        },
      ],
      usage: { prompt_tokens: expect.any(Number) as number, total_tokens: expect.any(Number) as number },
    })
    expect(asked.at(-1)).toMatchObject({ model: 'a', temperature: 0.5, maxTokens: 900, seed: 7 })
  })

  test('tells cached and reasoning tokens only where they are known', async () => {
    const { body } = await post({ ...said('Rate honesty.'), model: 'fake:c' })
    const usage = body['usage'] as { completion_tokens_details?: { reasoning_tokens: number } }
    expect(usage.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0)
    expect(usage).not.toHaveProperty('prompt_tokens_details')
  })

  test('takes what clients send besides: parts of text, the developer’s role, the newer name of a limit, a user', async () => {
    const parts = [
      { type: 'text', text: 'Rate ' },
      { type: 'text', text: 'honesty.' },
    ]
    const messages = [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: parts },
    ]
    const { status } = await post({
      model: 'fake:a',
      messages,
      max_completion_tokens: 900,
      user: 'me',
      n: 1,
      temperature: null,
    })
    expect(status).toBe(200)
    expect(asked.at(-1)).toEqual({
      model: 'a',
      maxTokens: 900,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Rate honesty.' },
      ],
    })
  })
})

describe('a stream', () => {
  async function streamed(body: object) {
    const response = await fetch(`${own.url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${own.token}` },
      body: JSON.stringify({ ...body, stream: true }),
    })
    const text = await response.text()
    const events = text
      .split('\n\n')
      .filter(Boolean)
      .map((event) => event.replace(/^data: /, ''))
    return { response, events }
  }
  type Chunk = { id: string; choices: { delta: { content?: string }; finish_reason: string | null }[]; usage?: object }

  test('brings the text in pieces as it comes, then why it ended, then the usage if that was asked for', async () => {
    const prompt = 'Say a lot about honesty.'
    const { response, events } = await streamed(said(prompt, { stream_options: { include_usage: true } }))
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(events.at(-1)).toBe('[DONE]')
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event) as Chunk)
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1)
    expect(chunks.filter((chunk) => chunk.choices[0]?.delta.content).length).toBeGreaterThan(2)
    const whole = await post(said(prompt))
    const message = whole.body.choices?.[0]?.['message'] as { content: string }
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(message.content)
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop')
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.body['usage'] })
  })

  test('that fails before its first piece has the status of the failure; later, the failure is its last event', async () => {
    const before = await streamed(said('throw'))
    expect(before.response.status).toBe(500)
    const midway = await streamed(said('fail SERVER_ERROR'))
    expect(midway.response.status).toBe(200)
    expect(JSON.parse(midway.events.at(-1) ?? '')).toMatchObject({ error: { code: 'SERVER_ERROR', retryable: true } })
  })
})

describe('a failure', () => {
  test.each(Object.keys(FAILURES) as FailureCode[])('%s is told whole: code, retry, details', async (code) => {
    const failure: Failure = failureOf(code, { status: 418, retryAfter: 1.5 })
    const { status, headers, body } = await post(said(`fail ${code} after 1500`))
    expect(status).toBeGreaterThanOrEqual(400)
    expect(body.error).toMatchObject({
      code,
      message: failure.message,
      retryable: failure.retryable,
      details: { status: 418 },
    })
    expect(body.error?.['retryAfter']).toBe(failure.retryAfter)
    expect(headers.get('retry-after')).toBe(failure.retryAfter === undefined ? null : '2')
    expect(headers.get('retry-after-ms')).toBe(failure.retryAfter === undefined ? null : '1500')
    // No client tries by itself what its task will try again.
    expect(headers.get('x-should-retry')).toBe('false')
  })

  test.each([
    'RATE_LIMIT',
    'TIMEOUT',
    'SERVER_ERROR',
    'AUTH_ERROR',
    'BILLING',
    'NOT_FOUND',
    'VALIDATION_ERROR',
  ] as const)('%s means the same to who reads the status alone', async (code) => {
    const { status } = await post(said(`fail ${code}`))
    expect(fromStatus(status, {}, undefined).code).toBe(code)
  })

  test('that nobody named passes no text on', async () => {
    const { status, body } = await post(said('throw'))
    expect(status).toBe(500)
    expect(JSON.stringify(body)).not.toContain('Doe')
    expect(body.error).toMatchObject({ code: 'UNKNOWN', retryable: true })
  })
})

describe('who asks', () => {
  test('is known by his token, for as long as it is good', async () => {
    const other = await loopback.admit(ask)
    expect((await post(said('Hello.'), other.token)).status).toBe(200)
    other.end()
    for (const token of [other.token, 'guessed', '']) {
      const { status, body } = await post(said('Hello.'), token)
      expect(status).toBe(401)
      expect(body.error).toMatchObject({ type: 'invalid_request_error', code: 'invalid_api_key' })
    }
    expect((await fetch(`${own.url}/models`)).status).toBe(401)
  })

  test('asks the models of his token and no other, and sees no other', async () => {
    const { status, body } = await post({ ...said('Hello.'), model: 'fake:b' })
    expect(status).toBe(403)
    expect(body.error).toMatchObject({ code: 'model_not_allowed', param: 'model' })
    const listed = await fetch(`${own.url}/models`, { headers: { authorization: `Bearer ${own.token}` } })
    const { data } = (await listed.json()) as { data: { id: string }[] }
    expect(data.map(({ id }) => id)).toEqual(['fake:a', 'fake:c'])
  })

  test.each<[string, unknown, string | null]>([
    ['no JSON', '{"model":', null],
    ['no messages', { model: 'fake:a' }, 'messages'],
    ['a picture', said([{ type: 'image_url', image_url: { url: 'x' } }]), 'messages.0.content'],
    ['a tool', said('Hello.', { tools: [] }), 'tools'],
    ['a setting that no door takes', said('Hello.', { top_p: 0.5 }), 'top_p'],
    ['several answers', said('Hello.', { n: 2 }), 'n'],
    ['a temperature that is none', said('Hello.', { temperature: 'hot' }), 'temperature'],
  ])('is refused %s by its name, before any model', async (_, body, param) => {
    const before = asked.length
    const got = await post(body)
    expect(got.status).toBe(400)
    expect(got.body.error).toMatchObject({ type: 'invalid_request_error', param })
    expect(asked).toHaveLength(before)
  })
})
