/** What calls cost, by the kept table and by a person's own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Refusal } from '@millrace/engine'
import { openPrices } from './prices.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-prices-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function file(text: string): string {
  const path = join(folder, `${(files += 1)}.yaml`)
  writeFileSync(path, text)
  return path
}

const AT = new Date('2026-09-01T12:00:00Z')
const CALL = { inputTokens: 1_000, outputTokens: 100, cachedTokens: 400 }

describe('the kept table', () => {
  const prices = openPrices()

  test('prices a call of a model that it knows, cached input by its own price, and says where that stands', () => {
    const cost = prices.cost('openai', 'gpt-5.4', CALL, AT)
    expect(cost).toMatchObject({
      table: 'genai-prices',
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      date: '2026-09-01',
      model: 'gpt-5.4',
      rates: { input: 2.5, output: 15, cached: 0.25 },
    })
    // 600 × 2.5 + 400 × 0.25 + 100 × 15
    expect(cost?.micros).toBe(3_100)
  })

  test('says null for a model that nobody knows, also for one without prices of text, and never 0', () => {
    for (const [provider, model] of [
      ['openai', 'no-such-model'],
      ['google', 'gemini-3-pro'],
      ['mistral', 'codestral'],
      ['openai', 'whisper-1'],
      ['nobody', 'gpt-5.4'],
    ] as const) {
      expect([model, prices.cost(provider, model, CALL, AT)]).toEqual([model, null])
      expect([model, prices.most(provider, model, CALL, AT)]).toEqual([model, null])
    }
  })

  test('has no price of a server of one’s own, whatever its models are called', () => {
    expect(prices.cost('openai-compatible', 'gpt-5.4', CALL, AT)).toBeNull()
  })

  test('lets the fake models cost nothing', () => {
    expect(prices.cost('fake', 'a', CALL, AT)).toMatchObject({ micros: 0, table: 'fake' })
  })

  test('knows all six providers by our names, and which models are deprecated', () => {
    for (const [provider, model] of [
      ['openai', 'o3'],
      ['anthropic', 'claude-opus-4-5'],
      ['google', 'gemini-2.5-pro'],
      ['xai', 'grok-4'],
      ['deepseek', 'deepseek-chat'],
      ['mistral', 'mistral-large-latest'],
    ] as const) {
      expect([model, prices.cost(provider, model, CALL, AT)?.micros]).toEqual([model, expect.any(Number)])
    }
    expect(prices.of('xai', 'grok-2-1212', AT)?.deprecated).toBe(true)
    expect(prices.of('openai', 'gpt-5.4', AT)?.deprecated).toBe(false)
  })

  test('takes the dearest hour of the day for the most that a call can cost', () => {
    const midnight = new Date('2026-09-01T00:00:00Z')
    const used = { inputTokens: 1_000_000, outputTokens: 0 }
    const now = prices.cost('deepseek', 'deepseek-v4-flash', used, midnight)?.micros ?? 0
    expect(prices.most('deepseek', 'deepseek-v4-flash', used, midnight)).toBe(now * 2)
  })

  test('takes what is dearer beyond a size by that, and more cached than sent as all of it', () => {
    const small = prices.cost('google', 'gemini-2.5-pro', { inputTokens: 100_000, outputTokens: 0 }, AT)?.micros ?? 0
    const large = prices.cost('google', 'gemini-2.5-pro', { inputTokens: 400_000, outputTokens: 0 }, AT)?.micros ?? 0
    expect(large).toBeGreaterThan(small * 4)
    const odd = prices.cost('openai', 'gpt-5.4', { inputTokens: 10, outputTokens: 0, cachedTokens: 50 }, AT)
    expect(odd?.micros).toBe(3)
  })
})

describe('a file of one’s own', () => {
  test('comes before the table, by model or for all others of a provider, and is known by its content', () => {
    const text = [
      'openai-compatible:m: {input: 1, output: 2, cached: 0.5}',
      '"openai-compatible:*": {input: 0, output: 0}',
      'openai:gpt-5.4: {input: 10, output: 10}',
      'fake:a: {input: 1, output: 1}',
    ].join('\n')
    const prices = openPrices({ file: file(text) })
    expect(prices.cost('openai-compatible', 'm', CALL, AT)).toEqual({
      table: 'own',
      version: expect.stringMatching(/^[0-9a-f]{12}$/),
      date: '2026-09-01',
      model: 'openai-compatible:m',
      rates: { input: 1, output: 2, cached: 0.5 },
      // 600 + 400 × 0.5 + 100 × 2
      micros: 1_000,
    })
    expect(prices.cost('openai-compatible', 'other', CALL, AT)?.micros).toBe(0)
    expect(prices.cost('openai', 'gpt-5.4', CALL, AT)?.micros).toBe(11_000)
    expect(prices.cost('openai', 'o3', CALL, AT)?.table).toBe('genai-prices')
    expect(prices.cost('fake', 'a', CALL, AT)?.micros).toBe(1_100)
  })

  test('that is wrong is refused with each place and what is wanted there', () => {
    const text = [
      'gpt-5.4: {input: 1, output: 2}',
      'openai:a: {input: -1, output: 2}',
      'openai:b: {input: 1}',
      'openai:c: {input: 1, output: 2, cache: 1}',
      'openai:d: 5',
      'openai:e: {input: 1, output: "2"}',
    ].join('\n')
    const path = file(text)
    const refused = causesOf(() => openPrices({ file: path }))
    expect(refused).toEqual([
      '"gpt-5.4": a model is named as provider:model, or provider:*',
      'openai:a: input must be a number of US dollars per million tokens, from 0 to 1,000,000',
      'openai:b: output must be a number of US dollars per million tokens, from 0 to 1,000,000',
      'openai:c: cache is not one of input, output, cached',
      'openai:d: it is not a table of input, output and cached',
      'openai:e: output must be a number of US dollars per million tokens, from 0 to 1,000,000',
    ])
    expect(causesOf(() => openPrices({ file: file('a: [1') }))).toEqual([expect.stringMatching(/^line 1: .*YAML/)])
    expect(causesOf(() => openPrices({ file: file('- 1') }))).toEqual([expect.stringMatching(/not a table/)])
    expect(() => openPrices({ file: join(folder, 'none.yaml') })).toThrow(/cannot be read \(ENOENT\)/)
    expect(openPrices({ file: file('') }).cost('fake', 'a', CALL)?.micros).toBe(0)
  })
})

function causesOf(work: () => unknown): readonly string[] {
  try {
    work()
  } catch (error) {
    if (error instanceof Refusal) return error.causes
    throw error
  }
  return []
}
