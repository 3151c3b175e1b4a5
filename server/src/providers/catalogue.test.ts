import { describe, expect, it } from 'vitest'
import { startWireServer } from '../../testing/wire.ts'
import { openProviders } from './catalogue.ts'
import { isFailure } from './failures.ts'

const alone = openProviders({ fakeLatencyMs: 0 })
const wired = openProviders({ openaiCompatible: { baseUrl: 'http://127.0.0.1:9/v1', models: ['qwen2.5:7b'] } })

describe('a spec', () => {
  it.each([
    ['fake:a', 'fake', 'a', undefined],
    ['fake:a@2026-01', 'fake', 'a', '2026-01'],
    [' fake : b ', 'fake', 'b', undefined],
    ['openai-compatible:qwen2.5:7b', 'openai-compatible', 'qwen2.5:7b', undefined],
    ['openai-compatible:meta-llama/Llama-4', 'openai-compatible', 'meta-llama/Llama-4', undefined],
    ['openai-compatible:@cf/meta/llama-3@v2', 'openai-compatible', '@cf/meta/llama-3', 'v2'],
    ['openai-compatible:@cf/meta/llama-3', 'openai-compatible', '@cf/meta/llama-3', undefined],
  ])('%j names a provider, a model and perhaps a version', (spec, providerId, model, version) => {
    const found = wired.resolve(spec)
    expect(found).toMatchObject({ providerId, model, provider: { id: providerId } })
    expect('version' in found ? found.version : undefined).toBe(version)
  })

  it.each(['nothing', 'acme:gpt-9', ':a', 'fake:', '', '__proto__:x'])('%j names no provider that we have', (spec) => {
    expect(alone.resolve(spec)).toMatchObject({ code: 'UNSUPPORTED_PROVIDER', retryable: false, origin: 'input' })
  })

  it('of an unknown fake model is told which there are', () => {
    const failure = alone.resolve('fake:zzz')
    expect(failure).toMatchObject({ code: 'UNKNOWN_MODEL', message: 'There is no model fake:zzz.' })
    expect(isFailure(failure) && failure.details?.['known']).toContain('a, b, c')
  })

  it('of a provider that is not set up is told which setting is missing or wrong', () => {
    expect(alone.resolve('openai-compatible:x')).toMatchObject({
      code: 'CONFIGURATION',
      details: { setting: 'OPENAI_COMPATIBLE_URL' },
    })
    for (const baseUrl of ['localhost:11434', 'file:///etc', 'http://']) {
      const wrong = openProviders({ openaiCompatible: { baseUrl } })
      expect(wrong.resolve('openai-compatible:x')).toMatchObject({ code: 'CONFIGURATION' })
    }
  })

  it('is repeated in a failure only clipped and printable', () => {
    const failure = alone.resolve(`fake:\u001b[31m\u0000\ud83d${'🙃'.repeat(500)}`)
    const told = JSON.stringify(failure)
    expect(told.length).toBeLessThan(600)
    expect(told).not.toMatch(/\\u00|\\ud/)
  })
})

describe('the catalogue', () => {
  it('lists what can be asked for, one line each', () => {
    expect(alone.list().map(({ spec }) => spec)).toContain('fake:flaky')
    expect(wired.list()).toContainEqual({
      spec: 'openai-compatible:qwen2.5:7b',
      providerId: 'openai-compatible',
      model: 'qwen2.5:7b',
      description: 'Served by 127.0.0.1:9.',
    })
    expect(wired.list().every(({ description }) => /^[^\n]+\.$/.test(description))).toBe(true)
  })

  it('checks many specs at once, in their order, each with its own cause', async () => {
    const wire = await startWireServer({ models: ['llama'] })
    const open = openProviders({ openaiCompatible: { baseUrl: wire.url } })
    const specs = ['fake:a', 'openai-compatible:llama', 'fake:zzz', 'openai-compatible:gpt', 'acme:x', 'fake:a']
    const checked = await open.check(specs)
    expect(checked.map(({ spec }) => spec)).toEqual(specs)
    expect(checked.map(({ failure }) => failure?.code ?? null)).toEqual([
      null,
      null,
      'UNKNOWN_MODEL',
      'UNKNOWN_MODEL',
      'UNSUPPORTED_PROVIDER',
      null,
    ])
    expect(wire.requests).toHaveLength(1)
    await wire.close()
  })
})
