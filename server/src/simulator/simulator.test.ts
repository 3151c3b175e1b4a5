/** Limits that are real, credit that runs out, and the address that tells and changes it all. */
import { describe, expect, test } from 'vitest'
import { until } from '../../../engine/testing/index.ts'
import { ask, send, simulated } from '../../testing/simulator.ts'

const many = (count: number) => Array.from({ length: count }, (_, n) => `Rate from 1 to 5 the case of ship ${n}.`)

describe('limits', () => {
  test('a limit a minute lets just so many through, and its headers count down to the refusal', async () => {
    const simulator = await simulated({ limits: { requestsPerMinute: 5 } })
    const left: (string | null)[] = []
    for (const prompt of many(5))
      left.push((await ask(simulator, 'openai chat', { prompt })).headers.get('x-ratelimit-remaining-requests'))
    expect(left).toEqual(['4', '3', '2', '1', '0'])
    const refused = await ask(simulator, 'openai chat')
    expect(refused).toMatchObject({ status: 429, body: { error: { code: 'rate_limit_exceeded' } } })
    const wait = Number(refused.headers.get('retry-after'))
    expect(wait).toBeGreaterThan(5)
    expect(wait).toBeLessThanOrEqual(12)
    expect(refused.headers.get('x-ratelimit-limit-requests')).toBe('5')
    expect(refused.headers.get('x-ratelimit-reset-requests')).toMatch(/^\d+(\.\d+)?s$|^1m0s$/)
  })

  test('a limit of one provider is not that of another', async () => {
    const simulator = await simulated({ limits: { requestsPerMinute: 1 } })
    const statuses = []
    for (const name of ['openai chat', 'mistral', 'openai responses', 'mistral'] as const)
      statuses.push((await ask(simulator, name)).status)
    expect(statuses).toEqual([200, 200, 429, 429])
  })

  test('who comes after the named time is let in', async () => {
    const simulator = await simulated({ limits: { requestsPerSecond: 2 } })
    const burst = await Promise.all(many(12).map((prompt) => ask(simulator, 'xai chat', { prompt })))
    const refused = burst.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    await until(
      () => ask(simulator, 'xai chat'),
      ({ status }) => status === 200,
    )
  })

  test('tokens count as well', async () => {
    const simulator = await simulated({ limits: { tokensPerMinute: 1000 } })
    const prompt = `${'harbour '.repeat(700)} Rate it from 1 to 5.`
    const first = await ask(simulator, 'anthropic', { prompt })
    const second = await ask(simulator, 'anthropic', { prompt })
    expect([first.status, second.status]).toEqual([200, 429])
    expect(first.headers.get('anthropic-ratelimit-tokens-limit')).toBe('1000')
    expect(Number(first.headers.get('anthropic-ratelimit-tokens-remaining'))).toBeLessThan(300)
    expect(first.headers.get('anthropic-ratelimit-tokens-reset')).toMatch(/^\d{4}-\d\d-\d\dT[\d:]+Z$/)
  })

  test('no more are worked on at a time than a provider allows', async () => {
    const simulator = await simulated({ limits: { concurrency: 3 }, plan: ['hang', 'hang', 'hang'] })
    const gone = new AbortController()
    const asked = many(3).map((prompt) => send(simulator, 'mistral', { prompt }, false, gone.signal))
    await until(
      async () => simulator.stats().inFlight,
      (count) => count === 3,
    )
    const [fourth, other] = await Promise.all([ask(simulator, 'mistral'), ask(simulator, 'deepseek')])
    expect([fourth.status, other.status]).toEqual([429, 200])
    gone.abort()
    await Promise.allSettled(asked)
    await until(
      () => ask(simulator, 'mistral'),
      ({ status }) => status === 200,
    )
  })

  test('where nothing is limited no header tells anybody to slow down', async () => {
    const { headers } = await ask(await simulated(), 'mistral')
    const remaining = Number(headers.get('x-ratelimit-remaining-req-minute'))
    expect(remaining / Number(headers.get('x-ratelimit-limit-req-minute'))).toBeGreaterThan(0.99)
  })
})

describe('credit', () => {
  test('in calls runs out, and goes on when it is filled again', async () => {
    const simulator = await simulated({ credit: { calls: 2 } })
    const status = async () => (await ask(simulator, 'deepseek')).status
    expect([await status(), await status(), await status()]).toEqual([200, 200, 402])
    simulator.set({ provider: 'deepseek', credit: { calls: 1 } })
    expect([await status(), await status()]).toEqual([200, 402])
    simulator.set({ credit: null })
    expect(await status()).toBe(200)
  })

  test('in dollars runs out by the tokens that were used', async () => {
    const simulator = await simulated({ credit: { usd: 0.0002 } })
    const replies = []
    for (const prompt of many(6)) replies.push((await ask(simulator, 'openai chat', { prompt })).status)
    expect(replies[0]).toBe(200)
    expect(replies.at(-1)).toBe(429)
  })

  test('is not used by what failed', async () => {
    const simulator = await simulated({ credit: { calls: 1 }, plan: ['server-error', 'reset'] })
    await ask(simulator, 'openai chat')
    await ask(simulator, 'openai chat').catch(() => undefined)
    expect((await ask(simulator, 'openai chat')).status).toBe(200)
    expect((await ask(simulator, 'openai chat')).status).toBe(429)
  })
})

describe('the control address', () => {
  async function post(url: string, path: string, body: unknown = {}) {
    const response = await fetch(`${url}/_simulator/${path}`, { method: 'POST', body: JSON.stringify(body) })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  test('tells what came: by provider, path, status and key, how much at a time, and what twice', async () => {
    const simulator = await simulated({
      plan: (call) => (call.attempt === 3 ? 'server-error' : undefined),
    })
    await Promise.all(many(4).map((prompt) => ask(simulator, 'google', { prompt })))
    await ask(simulator, 'google', { prompt: many(1)[0] ?? '' })
    await ask(simulator, 'google', { prompt: many(1)[0] ?? '', key: 'sk-2' })
    await ask(simulator, 'openai responses', { key: 'bad' })
    const stats = (await (await fetch(`${simulator.url}/_simulator/stats`)).json()) as ReturnType<
      typeof simulator.stats
    >
    expect(stats).toMatchObject({ requests: 7, inFlight: 0, duplicates: 2, answeredTwice: 1 })
    expect(stats.providers.google.paths).toEqual({ '/v1beta/models/{model}:generateContent': { 200: 5, 500: 1 } })
    expect(stats.providers.google.faults).toEqual({ 'server-error': 1 })
    expect(Object.values(stats.providers.google.keys)).toEqual([5, 1])
    expect(stats.providers.google.inputTokens).toBeGreaterThan(0)
    expect(stats.providers.openai.paths).toEqual({ '/v1/responses': { 401: 1 } })
    await post(simulator.url, 'reset')
    expect(simulator.stats()).toMatchObject({ requests: 0, duplicates: 0, answeredTwice: 0 })
  })

  test('changes faults, limits, credit and time while it runs, of one provider or of all', async () => {
    const simulator = await simulated()
    await post(simulator.url, 'settings', { provider: 'openai', faults: { timeout: 1 } })
    expect([(await ask(simulator, 'openai chat')).status, (await ask(simulator, 'mistral')).status]).toEqual([408, 200])
    await post(simulator.url, 'settings', { provider: 'openai', faults: {} })
    const { body } = await post(simulator.url, 'settings', {
      limits: { requestsPerMinute: 1 },
      credit: { calls: 9 },
      latencyMs: 1,
      next: ['conflict', 'well'],
    })
    expect(body).toMatchObject({
      latencyMs: 1,
      waiting: 2,
      providers: { xai: { limits: { requestsPerMinute: 1 }, credit: { calls: 9 }, faults: {} } },
    })
    expect([(await ask(simulator, 'xai chat')).status, (await ask(simulator, 'openai chat')).status]).toEqual([
      409, 200,
    ])
    expect((await ask(simulator, 'xai chat')).status).toBe(429)
  })

  test.each([
    ['a strange setting', { fault: {} }],
    ['a strange provider', { provider: 'nobody' }],
    ['a strange fault', { faults: { nonsense: 1 } }],
    ['a rate above 1', { faults: { reset: 2 } }],
    ['a limit of nothing', { limits: { concurrency: 0 } }],
    ['credit of a strange kind', { credit: { euros: 5 } }],
    ['a negative time', { latencyMs: -1 }],
    ['a list that is none', { next: 'reset' }],
  ])('refuses %s and changes nothing', async (_, settings) => {
    const simulator = await simulated()
    const { status, body } = await post(simulator.url, 'settings', settings)
    expect(status).toBe(400)
    expect(body['error']).toEqual(expect.any(String))
    expect((await ask(simulator, 'openai chat')).status).toBe(200)
  })

  test('has no other paths', async () => {
    const { url } = await simulated()
    expect((await fetch(`${url}/_simulator/keys`)).status).toBe(404)
  })
})

test('five hundred requests are carried at a time', async () => {
  const simulator = await simulated({ plan: () => 'hang' })
  const gone = new AbortController()
  const asked = many(500).map((prompt) => send(simulator, 'openai responses', { prompt }, false, gone.signal))
  await until(
    async () => simulator.stats().inFlight,
    (count) => count === 500,
  )
  gone.abort()
  expect((await Promise.allSettled(asked)).every(({ status }) => status === 'rejected')).toBe(true)
  await until(
    async () => simulator.stats().inFlight,
    (count) => count === 0,
  )
  expect(simulator.stats()).toMatchObject({ requests: 500, mostInFlight: 500, duplicates: 0 })
})

test('closing ends what is under way', async () => {
  const simulator = await simulated({ plan: ['hang'] })
  const hanging = send(simulator, 'anthropic').catch((error: unknown) => error)
  await until(
    async () => simulator.stats().inFlight,
    (count) => count === 1,
  )
  await simulator.close()
  expect(await hanging).toBeInstanceOf(Error)
})
