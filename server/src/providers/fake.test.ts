import { describe, expect, it } from 'vitest'
import { failureOf } from './failures.ts'
import { createFake, FAKE_MODELS, fakeCalls, type Scripted } from './fake.ts'
import { eventsOf, providerContract } from './provider.contract.ts'
import { generate } from './provider.ts'
import type { ModelRequest } from './provider.ts'

const SITUATIONS: Readonly<Record<string, Scripted>> = {
  large: { text: 'All work and no play. '.repeat(50_000) },
  'in-words': { text: 'Rating: 3' },
  odd: { text: 'NUL \u0000 lone \ud83d end' },
  rated: { text: '{"rating":4,"reason":"It helps."}' },
  fenced: { text: '```json\n{"rating":2,"reason":"fenced"}\n```' },
  cut: { finishReason: 'length' },
  empty: { text: '' },
  filtered: { text: '', finishReason: 'content_filter' },
  'filtered-midway': { text: 'It would be', finishReason: 'content_filter' },
  'server-error': { failure: failureOf('SERVER_ERROR', { status: 500 }) },
  'rate-limited': { failure: failureOf('RATE_LIMIT', { status: 429, retryAfter: 7 }) },
  'hang-before': { hang: 'before' },
  'hang-midway': { text: 'Rating: ', hang: 'after' },
  'other-version': { modelVersion: 'other-version-2026-03-01' },
  'no-version': { modelVersion: null },
}

const ELSEWHERE = [
  'rate-limited-long',
  'no-quota',
  'no-money',
  'bad-key',
  'forbidden',
  'not-found',
  'request-timeout',
  'conflict',
  'too-large',
  'unprocessable',
  'bad-gateway',
  'unavailable',
  'overloaded',
  'reset',
  'cut-midway',
  'not-json',
  'wrong-shape',
  'error-in-200',
  'error-mid-stream',
] as const

providerContract(
  'the fake',
  {
    takes: ['temperature', 'maxTokens', 'seed'],
    usage: { reasoningTokens: null, cachedTokens: null },
    // What else goes wrong at a provider is a failure in its script, and no more.
    lacks: [...ELSEWHERE, 'reasons', 'no-temperature'],
  },
  async () => ({
    provider: createFake({ latencyMs: 0, script: ({ model }) => SITUATIONS[model] }),
    arrange: (situation) => (situation === 'well' ? 'a' : situation),
  }),
)

const never = new AbortController().signal
const quick = createFake({ latencyMs: 0 })

function ask(model: string, content: string, more: Partial<ModelRequest> = {}): ModelRequest {
  return { model, messages: [{ role: 'user', content }], ...more }
}

async function textOf(request: ModelRequest): Promise<string> {
  const { answer, failure } = await generate(quick, request, never)
  return answer?.text ?? failure?.code ?? ''
}

const DILEMMA = 'Your neighbour lost a wallet. From 1 to 5, how acceptable is keeping it?'

describe('the fake', () => {
  it('gives the same answer to the same model, messages and seed on another instance', async () => {
    const other = createFake({ latencyMs: 0 })
    const request = ask('b', DILEMMA, { seed: 42 })
    expect((await generate(other, request, never)).answer?.text).toBe(await textOf(request))
    // A known answer: a change of the making of answers changes every example.
    expect(await textOf(request)).toMatchInlineSnapshot(`
      "Rating: 4

      The tension in this case lies between lost and keeping. The reasons in favour, keeping above all, are stronger."
    `)
  })

  it('wavers from seed to seed', async () => {
    const texts = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => textOf(ask('b', DILEMMA, { seed }))))
    expect(new Set(texts).size).toBeGreaterThan(1)
  })

  it.each([
    ['Rate it from 0 to 10.', /^Rating: (\d|10)\n\n/],
    ['Answer with Rating: and a number.', /^Rating: [1-5]\n\n/],
    ['Choose one:\n1 - never\n2 - sometimes\n3 - always', /^Rating: [1-3]\n\n/],
    ['Choose one:\nA) the nurse\nB) the doctor', /^Choice: [AB]\n\n/],
    ['What would you say to your sister?', /^(?!Rating|Choice)\w/],
  ])('reads the scale of %j', async (prompt, expected) => {
    expect(await textOf(ask('a', prompt))).toMatch(expected)
  })

  it('finds the scale in the preamble for the first turn only', async () => {
    const system = { role: 'system', content: 'Always answer with a rating from 1 to 7.' } as const
    const first = { role: 'user', content: 'Your friend lied.' } as const
    const answered = { role: 'assistant', content: 'Rating: 3' } as const
    const next = { role: 'user', content: 'Why is that?' } as const
    expect(await textOf({ model: 'a', messages: [system, first] })).toMatch(/^Rating: [1-7]/)
    expect(await textOf({ model: 'a', messages: [system, first, answered, next] })).not.toMatch(/^Rating/)
  })

  it('mentions words of the prompt', async () => {
    expect(await textOf(ask('a', DILEMMA))).toMatch(/neighbour|wallet|acceptable|keeping|lost/)
  })

  it('has models that lean to different sides', async () => {
    const means = await Promise.all(
      ['a', 'b'].map(async (model) => {
        const texts = await Promise.all(
          Array.from({ length: 60 }, (_, at) =>
            textOf(ask(model, `Case of the ${at}th baker${at}: rate it from 1 to 5.`)),
          ),
        )
        const ratings = texts.flatMap((text) => /^Rating: (\d)/.exec(text)?.[1] ?? []).map(Number)
        return ratings.reduce((sum, rating) => sum + rating, 0) / ratings.length
      }),
    )
    expect(means[0]).toBeGreaterThan((means[1] ?? Infinity) + 0.3)
  })

  it('has a refuser that refuses most times, and not every time', async () => {
    const texts = await Promise.all(Array.from({ length: 60 }, (_, seed) => textOf(ask('refuser', DILEMMA, { seed }))))
    const refusals = texts.filter((text) => !text.startsWith('Rating')).length
    expect(refusals).toBeGreaterThan(25)
    expect(refusals).toBeLessThan(60)
  })

  it('has a flaky model that fails some requests once and answers their retry', async () => {
    const requests = Array.from({ length: 20 }, (_, seed) => ask('flaky', `${DILEMMA} Case ${process.pid}.`, { seed }))
    const first = await Promise.all(requests.map(textOf))
    expect(first).toContain('SERVER_ERROR')
    expect(first).toContain('RATE_LIMIT')
    expect(first.some((text) => text.startsWith('Rating'))).toBe(true)
    const second = await Promise.all(requests.map(textOf))
    expect(second.every((text) => text.startsWith('Rating'))).toBe(true)
  })

  it('has models that are down, empty, long and odd', async () => {
    expect(await textOf(ask('down', DILEMMA))).toBe('SERVER_ERROR')
    expect(await textOf(ask('empty', DILEMMA))).toBe('INVALID_RESPONSE')
    expect((await textOf(ask('long', DILEMMA))).length).toBeGreaterThan(200_000)
    const odd = await textOf(ask('odd', DILEMMA))
    expect(odd.isWellFormed()).toBe(false)
    expect(odd).toContain('\u0000')
  })

  it('cuts an answer at maxTokens', async () => {
    const { answer } = await generate(quick, ask('long', DILEMMA, { maxTokens: 40 }), never)
    expect(answer).toMatchObject({ finishReason: 'length', truncated: true })
    expect(answer?.usage.outputTokens).toBeLessThanOrEqual(41)
  })

  it('has a model that drops the temperature and says so', async () => {
    const { answer } = await generate(quick, ask('c', DILEMMA, { temperature: 1, seed: 1 }), never)
    expect(answer?.settings).toEqual({
      asked: { temperature: 1, seed: 1 },
      sent: { seed: 1 },
      dropped: ['temperature'],
    })
  })

  it('never cuts a letter in two between pieces', async () => {
    const smileys = createFake({ latencyMs: 0, script: [{ text: 'x🙃'.repeat(3000) }] })
    const events = await eventsOf(smileys, ask('a', DILEMMA))
    expect(events.length).toBeGreaterThan(10)
    expect(events.every((event) => event.type !== 'text' || event.text.isWellFormed())).toBe(true)
  })

  it('follows a script call by call, then answers as usual, and counts its calls', async () => {
    const before = fakeCalls()
    const scripted = createFake({ latencyMs: 0, script: [{ text: 'one' }, { failure: failureOf('BILLING') }] })
    const ends = []
    for (let call = 0; call < 3; call++) ends.push(await generate(scripted, ask('a', DILEMMA), never))
    expect(ends[0]?.answer?.text).toBe('one')
    expect(ends[1]?.failure?.code).toBe('BILLING')
    expect(ends[2]?.answer?.text).toMatch(/^Rating/)
    expect(scripted.calls).toBe(3)
    expect(fakeCalls() - before).toBe(3)
  })

  it('knows its models and no others', async () => {
    for (const model of Object.keys(FAKE_MODELS)) expect(await quick.check(model)).toBeNull()
    expect(await quick.check('z')).toMatchObject({ code: 'UNKNOWN_MODEL', retryable: false })
    expect(await quick.check('constructor')).toMatchObject({ code: 'UNKNOWN_MODEL' })
    expect(await textOf(ask('z', DILEMMA))).toBe('UNKNOWN_MODEL')
  })
})
