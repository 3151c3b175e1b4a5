import { describe, expect, it } from 'vitest'
import { generate } from './provider.ts'
import type { ModelEvent, Provider } from './provider.ts'

/** A provider that breaks its contract in the given way. */
function broken(stream: () => AsyncGenerator<ModelEvent>): Provider {
  return { id: 'broken', name: 'Broken', stream, check: async () => null, models: async () => ({}) }
}

const request = { model: 'x', messages: [{ role: 'user', content: 'Hello' }] } as const

describe('generate', () => {
  it('gives a failure, never an exception, when a provider throws', async () => {
    const provider = broken(async function* () {
      yield { type: 'text', text: 'Rating' }
      throw new Error('secret prose')
    })
    const { failure } = await generate(provider, request, new AbortController().signal)
    expect(failure).toMatchObject({ code: 'UNKNOWN', retryable: true })
    expect(JSON.stringify(failure)).not.toContain('secret')
    expect((await generate(provider, request, AbortSignal.abort())).failure?.code).toBe('CANCELLED')
  })

  it('takes a stream without an end for an unusable answer', async () => {
    const provider = broken(async function* () {
      yield { type: 'text', text: 'Rating: 4' }
    })
    const { answer, failure } = await generate(provider, request, new AbortController().signal)
    expect(answer).toBeUndefined()
    expect(failure?.code).toBe('INVALID_RESPONSE')
  })
})
