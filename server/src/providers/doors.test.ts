import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startWireServer, type WireServer } from '../../testing/wire.ts'
import { readConfig, settings } from '../config.ts'
import { startSimulator, type Simulator } from '../simulator/simulator.ts'
import { openProviders, type ProviderSettings } from './catalogue.ts'
import { isFailure } from './failures.ts'
import { providerHealth } from './health.ts'
import { generate, type ModelRequest } from './provider.ts'
import { VENDORS } from './vendors.ts'

const never = new AbortController().signal
const IDS = VENDORS.map(({ id }) => id)

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({ latencyMs: 0 })
})
beforeEach(() => simulator.reset())
afterAll(async () => await simulator.close())

function ask(settings: ProviderSettings, spec: string) {
  return askIn(openProviders(settings), spec)
}

async function askIn(catalogue: ReturnType<typeof openProviders>, spec: string, more: Partial<ModelRequest> = {}) {
  const found = catalogue.resolve(spec)
  if (isFailure(found)) return { failure: found }
  return await generate(
    found.provider,
    { model: found.model, messages: [{ role: 'user', content: 'Hello' }], ...more },
    never,
  )
}

describe('a vendor', () => {
  it.each(IDS)('%s without a key says which variable is missing, and asks nobody', async (id) => {
    const { keys, name } = VENDORS.find((vendor) => vendor.id === id) ?? VENDORS[0]!
    const addresses = { [id]: `${simulator.url}/x` }
    expect((await ask({ addresses }, `${id}:m`)).failure).toMatchObject({
      code: 'MISSING_API_KEY',
      retryable: false,
      origin: 'input',
      message: `${name} has no key: set ${keys[0]}.`,
      details: { provider: id, setting: keys[0] },
    })
    const [offer] = await openProviders({ addresses }).models(id)
    expect(offer?.failure?.code).toBe('MISSING_API_KEY')
    expect(simulator.stats().providers[id as 'openai'].requests).toBe(0)
  })

  it('has its variables among the settings, where they are secret', () => {
    const known = Object.values<{ env: string; secret?: boolean }>(settings)
    for (const { keys, address } of VENDORS) {
      for (const key of keys) expect(known).toContainEqual(expect.objectContaining({ env: key, secret: true }))
      expect(known).toContainEqual(expect.objectContaining({ env: address }))
    }
    expect(readConfig({ GEMINI_API_KEY: 'g' }).geminiKey).toBe('g')
  })

  it.each(IDS)('%s takes the key that is there when it is asked', async (id) => {
    let key: string | undefined = 'bad-one'
    const addresses = { [id]: simulator.baseUrls[id as 'openai'] }
    const catalogue = openProviders({ keyOf: () => key, addresses })
    const [offer] = await catalogue.models(id)
    expect(offer?.failure).toMatchObject({ code: 'AUTH_ERROR', retryable: false })
    const spec = `${id}:${(await openProviders({ simulator: simulator.url }).models(id))[0]?.models[0]?.model ?? ''}`
    expect((await askIn(catalogue, spec)).failure).toMatchObject({ code: 'AUTH_ERROR' })
    key = 'good'
    expect((await askIn(catalogue, spec)).answer?.text).not.toBe('')
    key = undefined
    expect((await askIn(catalogue, spec)).failure).toMatchObject({ code: 'MISSING_API_KEY' })
    key = 'sk-secret\nx: y'
    const { failure } = await askIn(catalogue, spec)
    expect(failure).toMatchObject({ code: 'CONFIGURATION' })
    expect(JSON.stringify(failure)).not.toContain('secret')
  })

  it.each(IDS)('%s knows its models by its free list, and no others', async (id) => {
    const catalogue = openProviders({ simulator: simulator.url })
    const [offer] = await catalogue.models(id)
    const specs = offer?.models.map(({ spec }) => spec) ?? []
    expect(specs.length).toBeGreaterThan(2)
    const checked = await catalogue.check([...specs.slice(0, 2), `${id}:no-such-model`])
    expect(checked.map(({ failure }) => failure?.code ?? null)).toEqual([null, null, 'UNKNOWN_MODEL'])
  })

  it('is spoken to at its own path where an address is only a host', async () => {
    const wire = await startWireServer({ models: ['m'] })
    const catalogue = openProviders({ keyOf: () => 'k', addresses: { mistral: new URL(wire.url).origin } })
    expect((await catalogue.models('mistral'))[0]?.models.map(({ model }) => model)).toEqual(['m'])
    expect(wire.requests.map(({ path }) => path)).toEqual(['/v1/models'])
    await wire.close()
  })

  it.each(['localhost:1', 'http://127.0.0.1:99999', 'file:///etc'])(
    'with the address %j is a matter of configuration',
    async (address) => {
      const { failure } = await ask({ keyOf: () => 'k', addresses: { xai: address } }, 'xai:m')
      expect(failure).toMatchObject({ code: 'CONFIGURATION', details: { setting: 'XAI_BASE_URL' } })
    },
  )

  it('keeps no answers at the vendor, and sends no largest answer that nobody asked for', async () => {
    const wire = await startWireServer()
    const addresses = { openai: wire.url, anthropic: wire.url, xai: wire.url }
    for (const spec of ['openai:gpt-5.4', 'xai:grok-4.6', 'anthropic:claude-opus-4-7']) {
      await ask({ keyOf: () => 'k', addresses }, spec)
    }
    expect(wire.requests.map(({ body }) => body)).toMatchObject([
      { store: false },
      { store: false },
      { max_tokens: 8192 },
    ])
    await wire.close()
  })
})

describe('a request that fails again and again', () => {
  let wire: WireServer
  beforeAll(async () => {
    wire = await startWireServer()
  })
  afterAll(async () => await wire.close())
  const open = () => openProviders({ openaiCompatible: { baseUrl: wire.url } })
  const bad = { messages: [{ role: 'user', content: 'Poison' }] } as const
  const failing = async (catalogue: ReturnType<typeof open>, status = 500) => {
    wire.script((call) => call.error(status, { message: 'no' }))
    return (await askIn(catalogue, 'openai-compatible:m', bad)).failure
  }
  const others = async (catalogue: ReturnType<typeof open>, amount: number, model = 'm') => {
    for (let at = 0; at < amount; at++) {
      await askIn(catalogue, `openai-compatible:${model}`, { messages: [{ role: 'user', content: `Case ${at}` }] })
    }
  }

  it('with one status, while the model answers others, is POISON_REQUEST the third time', async () => {
    const catalogue = open()
    expect(await failing(catalogue)).toMatchObject({ code: 'SERVER_ERROR', retryable: true })
    await others(catalogue, 2)
    expect(await failing(catalogue)).toMatchObject({ code: 'SERVER_ERROR' })
    await others(catalogue, 1)
    expect(await failing(catalogue)).toMatchObject({
      code: 'POISON_REQUEST',
      retryable: false,
      details: { status: 500 },
    })
    // Whoever asks again later begins anew.
    expect(await failing(catalogue)).toMatchObject({ code: 'SERVER_ERROR' })
  })

  it('while nobody else is answered, stays the provider’s fault', async () => {
    const catalogue = open()
    await others(catalogue, 5)
    for (let time = 0; time < 4; time++) expect(await failing(catalogue)).toMatchObject({ code: 'SERVER_ERROR' })
  })

  it('while only other models answer, stays the provider’s fault', async () => {
    const catalogue = open()
    await failing(catalogue)
    await others(catalogue, 5, 'another')
    for (let time = 0; time < 2; time++) expect(await failing(catalogue)).toMatchObject({ code: 'SERVER_ERROR' })
  })

  it('with another status, or with an answer in between, is not the same', async () => {
    const catalogue = open()
    await failing(catalogue)
    await others(catalogue, 5)
    await failing(catalogue, 503)
    expect(await failing(catalogue)).toMatchObject({ code: 'SERVER_ERROR' })
    const again = open()
    await failing(again)
    await others(again, 5)
    await failing(again)
    await askIn(again, 'openai-compatible:m', bad)
    expect(await failing(again)).toMatchObject({ code: 'SERVER_ERROR' })
  })

  it('for a configured host that nobody knows, is a matter of configuration the third time', async () => {
    const catalogue = openProviders({ keyOf: () => 'k', addresses: { deepseek: 'http://millrace.invalid' } })
    const codes = []
    for (let time = 0; time < 3; time++) codes.push((await askIn(catalogue, 'deepseek:m')).failure)
    expect(codes).toMatchObject([
      { code: 'NETWORK_ERROR', retryable: true },
      { code: 'NETWORK_ERROR', retryable: true },
      { code: 'CONFIGURATION', retryable: false, details: { setting: 'DEEPSEEK_BASE_URL' } },
    ])
  })
})

describe('the health of the providers', () => {
  it('tells what is configured and what answers, without a call that is paid for', async () => {
    const addresses = Object.fromEntries(IDS.map((id) => [id, simulator.baseUrls[id as 'openai']]))
    const keys: Record<string, string> = { openai: 'good', anthropic: 'bad', google: 'good' }
    const catalogue = openProviders({ keyOf: (id) => keys[id], addresses, commands: 'c=cat' })
    const { providers } = await providerHealth(catalogue)
    const told = Object.fromEntries(providers.map((one) => [one.id, [one.configured, one.connected, one.error?.code]]))
    expect(told).toEqual({
      fake: [true, true, undefined],
      openai: [true, true, undefined],
      anthropic: [true, false, 'AUTH_ERROR'],
      google: [true, true, undefined],
      xai: [false, false, 'MISSING_API_KEY'],
      deepseek: [false, false, 'MISSING_API_KEY'],
      mistral: [false, false, 'MISSING_API_KEY'],
      'openai-compatible': [false, false, 'CONFIGURATION'],
      cli: [true, true, undefined],
    })
    // Only what asks a model is counted as being in flight.
    expect(simulator.stats().mostInFlight).toBe(0)
  })

  it('is asked again at once when somebody wants it, and tells how long the answer took', async () => {
    let now = 0
    const catalogue = openProviders({ keyOf: () => 'good', addresses: { openai: simulator.baseUrls.openai } })
    const of = async (fresh: boolean) =>
      (await providerHealth(catalogue, () => now, fresh)).providers.find(({ id }) => id === 'openai')
    expect((await of(false))?.latencyMs).toBeTypeOf('number')
    now = 1_000
    expect((await of(false))?.checkedAt).toBe('1970-01-01T00:00:00.000Z')
    expect((await of(true))?.checkedAt).toBe('1970-01-01T00:00:01.000Z')
  })

  it('is asked once in five minutes, unless a key came', async () => {
    let key: string | undefined
    let now = 0
    const catalogue = openProviders({ keyOf: () => key, addresses: { openai: simulator.baseUrls.openai } })
    const of = async () => (await providerHealth(catalogue, () => now)).providers.find(({ id }) => id === 'openai')
    expect(await of()).toMatchObject({ configured: false, checkedAt: '1970-01-01T00:00:00.000Z' })
    key = 'good'
    now = 1_000
    expect(await of()).toMatchObject({ configured: true, connected: true, checkedAt: '1970-01-01T00:00:01.000Z' })
    now = 300_000
    expect((await of())?.checkedAt).toBe('1970-01-01T00:00:01.000Z')
    now = 301_001
    expect((await of())?.checkedAt).toBe('1970-01-01T00:05:01.001Z')
  })
})
