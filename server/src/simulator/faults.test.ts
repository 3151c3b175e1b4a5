/** Everything that can be made to go wrong, seen from the other side of the wire. */
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { ask, listen, send, simulated, WIRE_NAMES, WIRES, type WireName } from '../../testing/simulator.ts'
import { FAULTS, type FaultName } from './faults.ts'

describe('a planned fault', () => {
  test.each([
    ['payment', 402],
    ['bad-key', 401],
    ['forbidden', 403],
    ['not-found', 404],
    ['timeout', 408],
    ['conflict', 409],
    ['too-large', 413],
    ['unprocessable', 422],
    ['server-error', 500],
    ['unavailable', 503],
  ] as const)('%s is a %i from every provider, in its own shape', async (fault, status) => {
    const simulator = await simulated({ plan: () => fault })
    const replies = await Promise.all(WIRE_NAMES.map((name) => ask(simulator, name)))
    expect(replies.map((reply) => reply.status)).toEqual(WIRE_NAMES.map(() => status))
    for (const { body } of replies) expect(body['error'] ?? body['detail'] ?? body['message']).toBeDefined()
  })

  test('overload is a 529 from Anthropic and a 503 from the others', async () => {
    const simulator = await simulated({ plan: () => 'overloaded' })
    const replies = await Promise.all(WIRE_NAMES.map((name) => ask(simulator, name)))
    expect(replies.map(({ status }) => status)).toEqual(WIRE_NAMES.map((name) => (name === 'anthropic' ? 529 : 503)))
  })

  test.each([
    ['openai responses', 429, { error: { type: 'insufficient_quota' } }],
    ['anthropic', 429, { error: { details: { error_code: 'enforced_spend_limit_reached' } } }],
    ['google', 429, { error: { status: 'RESOURCE_EXHAUSTED', details: [{ violations: [{ quotaId: /PerDay/ }] }] } }],
    ['xai chat', 429, { error: /credits/ }],
    ['deepseek', 402, { error: { message: 'Insufficient Balance' } }],
    ['mistral', 402, { object: 'error' }],
  ] as const)('%s says in its own words that the credit is used up', async (name, status, wanted) => {
    const reply = await ask(await simulated({ plan: ['quota'] }), name)
    expect(reply.status).toBe(status)
    expect(reply.headers.get('retry-after')).toBeNull()
    expect(reply.body).toEqual(like(wanted))
  })

  test('a rate limit names the time to wait: in a header, from Google in the body', async () => {
    const simulator = await simulated({ plan: () => ({ fault: 'rate-limit', retryAfter: 7 }) })
    for (const name of WIRE_NAMES) {
      const { status, headers, text } = await ask(simulator, name)
      expect(status).toBe(429)
      if (name === 'google') expect(text).toContain('"retryDelay":"7s"')
      else expect(headers.get('retry-after')).toBe('7')
    }
  })

  test('a reset connection, a cut body and HTML are what they say', async () => {
    const simulator = await simulated({ plan: ['reset', 'cut', 'cut', 'bad-gateway', 'not-json'] })
    await expect(ask(simulator, 'openai chat')).rejects.toThrow('fetch failed')
    await expect(ask(simulator, 'openai chat')).rejects.toThrow()
    await expect(listen(simulator, 'openai chat')).rejects.toThrow()
    const gateway = await ask(simulator, 'openai chat')
    const welcome = await ask(simulator, 'openai chat')
    expect([gateway.status, welcome.status]).toEqual([502, 200])
    for (const { text } of [gateway, welcome]) expect(text).toContain('<html>')
    const { paths } = simulator.stats().providers.openai
    expect(paths['/v1/chat/completions']).toEqual({ reset: 1, cut: 2, 502: 1, 200: 1 })
  })

  test('a request that hangs ends when the client gives up', async () => {
    const simulator = await simulated({ plan: ['hang'] })
    const gone = AbortSignal.timeout(50)
    const response = fetch(`${simulator.baseUrls.deepseek}/chat/completions`, {
      method: 'POST',
      headers: WIRES.deepseek.headers('sk-1'),
      body: JSON.stringify(WIRES.deepseek.body('deepseek-chat', 'x', false)),
      signal: gone,
    })
    await expect(response).rejects.toThrow()
    await expect.poll(() => simulator.stats().inFlight).toBe(0)
    expect(simulator.stats().providers.deepseek.paths['/chat/completions']).toEqual({ left: 1 })
  })

  test('an answer in drops is whole in the end, stream or not', async () => {
    const simulator = await simulated({ slowMs: 400, plan: (call) => (call.model === 'gpt-4o' ? undefined : 'slow') })
    for (const name of ['anthropic', 'google'] as const) {
      const [whole, streamed] = await Promise.all([ask(simulator, name), listen(simulator, name)])
      expect(WIRES[name].text(whole.body)).toMatch(/^Rating: /)
      expect(streamed.text).toBe(WIRES[name].text(whole.body))
    }
    const response = await send(simulator, 'mistral', {}, true)
    let pieces = 0
    for await (const _ of response.body ?? []) pieces += 1
    expect(pieces).toBeGreaterThan(3)
  })

  test.each(WIRE_NAMES)('%s: a 200 can be empty, of a wrong shape, or an error', async (name) => {
    const simulator = await simulated({ plan: ['empty', 'wrong-shape', 'error-in-200'] })
    const empty = await ask(simulator, name)
    const wrong = await ask(simulator, name)
    const error = await ask(simulator, name)
    expect([empty.status, wrong.status, error.status]).toEqual([200, 200, 200])
    expect(WIRES[name].text(empty.body)).toBe('')
    expect(WIRES[name].text(wrong.body)).toBeUndefined()
    expect(error.body['error'] ?? error.body['message']).toBeDefined()
  })

  test.each(WIRE_NAMES)('%s: a stream can break off with an error in its middle', async (name) => {
    const simulator = await simulated({ plan: ['well', 'error-in-stream'] })
    const { text } = await listen(simulator, name)
    const broken = await listen(simulator, name)
    expect(broken.text.length).toBeLessThan(text.length)
    expect(text.startsWith(broken.text)).toBe(true)
    const last = broken.events.at(-1) ?? {}
    expect(last['error'] ?? last['message']).toBeDefined()
  })

  test('a filter and a lack of capacity have each vendor’s word', async () => {
    const ending = async (name: WireName, fault: FaultName) =>
      WIRES[name].ending((await ask(await simulated({ plan: [fault] }), name)).body)
    expect(await ending('openai responses', 'content-filter')).toBe('content_filter')
    expect(await ending('openai chat', 'content-filter')).toBe('content_filter')
    expect(await ending('anthropic', 'content-filter')).toBe('refusal')
    expect(await ending('google', 'content-filter')).toBe('PROHIBITED_CONTENT')
    expect(await ending('deepseek', 'content-filter')).toBe('content_filter')
    expect(await ending('deepseek', 'no-capacity')).toBe('insufficient_system_resource')
    expect(await ending('openai chat', 'truncated')).toBe('length')
  })

  test('a plan may say the text, the time, and look at the request', async () => {
    const simulator = await simulated({
      plan: ({ provider, attempt }) => (provider === 'xai' && attempt === 2 ? { text: 'Rating: 9' } : undefined),
    })
    const texts = []
    for (const name of ['xai chat', 'xai chat', 'openai chat'] as const)
      texts.push(WIRES[name].text((await ask(simulator, name)).body))
    expect(texts[1]).toBe('Rating: 9')
    expect(texts[0]).not.toBe('Rating: 9')
    expect(texts[2]).not.toBe('Rating: 9')
  })
})

describe('faults by rate', () => {
  const prompts = Array.from({ length: 60 }, (_, n) => `Rate from 1 to 5 the case of ship number ${n}.`)
  const rates = { 'server-error': 0.2, overloaded: 0.1, truncated: 0.1 } as const

  async function statuses(seed: string, tries = 1) {
    const simulator = await simulated({ seed, faults: rates })
    const seen: number[][] = []
    for (let attempt = 0; attempt < tries; attempt++) {
      const replies = await Promise.all(prompts.map((prompt) => ask(simulator, 'anthropic', { prompt })))
      seen.push(replies.map(({ status }) => status))
    }
    return { seen, faults: simulator.stats().providers.anthropic.faults }
  }

  test('hang on the seed, the request and the try alone, so a repeated run meets the same and a retry may succeed', async () => {
    const [one, again, other] = await Promise.all([statuses('1', 2), statuses('1', 2), statuses('2')])
    expect(again).toEqual(one)
    expect(other.seen[0]).not.toEqual(one.seen[0])
    const [first = [], second = []] = one.seen
    expect(first.filter((status) => status === 500).length).toBeGreaterThan(3)
    expect(first.filter((status) => status === 529).length).toBeGreaterThan(0)
    expect(first.some((status, at) => status !== 200 && second[at] === 200)).toBe(true)
    expect(one.faults).toEqual({
      'server-error': expect.any(Number),
      overloaded: expect.any(Number),
      truncated: expect.any(Number),
    })
  })

  test('take all requests at a rate of 1 and none at 0', async () => {
    const simulator = await simulated({ faults: { conflict: 1, reset: 0 } })
    const replies = await Promise.all(prompts.slice(0, 10).map((prompt) => ask(simulator, 'mistral', { prompt })))
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 409))
  })

  test('are all in the guide', async () => {
    const guide = await readFile(new URL('../../../docs/guides/simulator.md', import.meta.url), 'utf8')
    for (const name of Object.keys(FAULTS)) expect(guide).toContain(`\`${name}\``)
  })
})

/** An expected body in which a pattern stands for a text, and lists may be longer. */
function like(wanted: unknown): unknown {
  if (wanted instanceof RegExp) return expect.stringMatching(wanted)
  if (Array.isArray(wanted)) return expect.arrayContaining(wanted.map(like))
  if (typeof wanted !== 'object' || wanted === null) return wanted
  return expect.objectContaining(Object.fromEntries(Object.entries(wanted).map(([name, one]) => [name, like(one)])))
}
