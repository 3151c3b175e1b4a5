/** Each wire format over plain HTTP: what is answered, streamed and refused is what the vendor documents. */
import { describe, expect, test } from 'vitest'
import { ask, at, listen, send, simulated, WIRE_NAMES, WIRES } from '../../testing/simulator.ts'

describe('each wire format', () => {
  test.each(WIRE_NAMES)('%s: an answer has a rating that can be read, a dated model, and usage', async (name) => {
    const simulator = await simulated()
    const { status, body } = await ask(simulator, name)
    expect(status).toBe(200)
    expect(WIRES[name].text(body)).toMatch(/^Rating: [1-5]\n/)
    expect(WIRES[name].served(body)).not.toBe(WIRES[name].model)
    expect(WIRES[name].served(body)).toMatch(/^[a-z]+-/)
    expect(Object.values((body['usage'] ?? body['usageMetadata']) as object)).toContainEqual(expect.any(Number))
  })

  test.each(WIRE_NAMES)('%s: a stream says in pieces what the whole answer says', async (name) => {
    const simulator = await simulated()
    const [whole, stream] = await Promise.all([ask(simulator, name), listen(simulator, name)])
    expect(stream.text).toBe(WIRES[name].text(whole.body))
    expect(stream.events.length).toBeGreaterThan(2)
  })

  test.each(WIRE_NAMES)('%s: the system message can hold the scale', async (name) => {
    const simulator = await simulated()
    const scale = 'Give a rating from 1 to 7.'
    const prompt = 'A doctor keeps a diagnosis from a patient.'
    const more = {
      'openai responses': { instructions: scale },
      'xai responses': { instructions: scale },
      anthropic: { system: [{ type: 'text', text: scale }] },
      google: { systemInstruction: { parts: [{ text: scale }] } },
    }
    const messages = [
      { role: 'system', content: scale },
      { role: 'user', content: prompt },
    ]
    const reply = await ask(simulator, name, {
      prompt,
      more: Object.hasOwn(more, name) ? more[name as never] : { messages },
    })
    expect(WIRES[name].text(reply.body)).toMatch(/^Rating: [1-7]\n/)
  })

  test.each(WIRE_NAMES)('%s: an answer stops at its token limit and says so', async (name) => {
    const simulator = await simulated()
    const more = {
      'openai responses': { max_output_tokens: 16 },
      'xai responses': { max_output_tokens: 16 },
      google: { generationConfig: { maxOutputTokens: 16 } },
    }
    const reply = await ask(simulator, name, {
      more: Object.hasOwn(more, name) ? more[name as never] : { max_tokens: 16 },
    })
    expect(String(WIRES[name].text(reply.body)).length).toBeLessThanOrEqual(64)
    expect(['length', 'max_tokens', 'MAX_TOKENS', 'max_output_tokens']).toContain(WIRES[name].ending(reply.body))
  })

  test.each([
    ['openai responses', { text: { format: { type: 'json_schema', name: 'r', schema: SCHEMA() } } }],
    ['openai chat', { response_format: { type: 'json_schema', json_schema: { name: 'r', schema: SCHEMA() } } }],
    ['anthropic', { output_config: { format: { type: 'json_schema', schema: SCHEMA() } } }],
    ['google', { generationConfig: { responseMimeType: 'application/json', responseJsonSchema: SCHEMA() } }],
    ['mistral', { response_format: { type: 'json_schema', json_schema: { name: 'r', schema: SCHEMA() } } }],
  ] as const)('%s: what was asked for by a schema fits it', async (name, more) => {
    const simulator = await simulated()
    const { body } = await ask(simulator, name, { more })
    const document = JSON.parse(String(WIRES[name].text(body))) as Record<string, unknown>
    expect(Object.keys(document).toSorted()).toEqual(['rating', 'reasons', 'side'])
    expect(document['rating']).toBeGreaterThanOrEqual(2)
    expect(document['rating']).toBeLessThanOrEqual(4)
    expect(['for', 'against']).toContain(document['side'])
    expect(document['reasons']).toEqual([expect.any(String), expect.any(String)])
  })

  function SCHEMA() {
    return {
      type: 'object',
      properties: {
        rating: { type: 'integer', minimum: 2, maximum: 4 },
        side: { $ref: '#/$defs/side' },
        reasons: { type: 'array', minItems: 2, items: { anyOf: [{ type: 'null' }, { type: 'string' }] } },
      },
      required: ['rating', 'side', 'reasons'],
      $defs: { side: { enum: ['for', 'against'] } },
    }
  }
})

describe('what a vendor says of an answer', () => {
  test('thinking is told in words and tokens by DeepSeek, and in tokens by OpenAI and Google', async () => {
    const simulator = await simulated()
    const [deepseek, openai, google] = await Promise.all([
      ask(simulator, 'deepseek'),
      ask(simulator, 'openai responses'),
      ask(simulator, 'google'),
    ])
    expect(at(deepseek.body, 'choices', 0, 'message', 'reasoning_content')).toEqual(expect.any(String))
    expect(at(deepseek.body, 'usage', 'completion_tokens_details', 'reasoning_tokens')).toBeGreaterThan(0)
    expect(at(openai.body, 'usage', 'output_tokens_details', 'reasoning_tokens')).toBeGreaterThan(0)
    const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount, totalTokenCount } = google.body[
      'usageMetadata'
    ] as Record<string, number>
    expect(thoughtsTokenCount).toBeGreaterThan(0)
    expect(totalTokenCount).toBe((promptTokenCount ?? 0) + (candidatesTokenCount ?? 0) + (thoughtsTokenCount ?? 0))
  })

  test('the beginning of a long conversation was cached', async () => {
    const simulator = await simulated()
    const messages = [
      { role: 'user', content: 'A long story about a harbour. '.repeat(400) },
      { role: 'assistant', content: 'Rating: 3' },
      { role: 'user', content: 'Why?' },
    ]
    const [first, followUp] = await Promise.all([
      ask(simulator, 'deepseek', { more: { messages: messages.slice(0, 1) } }),
      ask(simulator, 'deepseek', { more: { messages } }),
    ])
    const usage = followUp.body['usage'] as Record<string, number>
    expect(at(first.body, 'usage', 'prompt_cache_hit_tokens')).toBe(0)
    expect(usage['prompt_cache_hit_tokens']).toBeGreaterThan(1000)
    expect(usage['prompt_tokens']).toBe(
      (usage['prompt_cache_hit_tokens'] ?? 0) + (usage['prompt_cache_miss_tokens'] ?? 0),
    )
  })

  test('each model that is listed can be asked', async () => {
    const simulator = await simulated()
    for (const [provider, name] of [
      ['openai', 'openai responses'],
      ['anthropic', 'anthropic'],
      ['google', 'google'],
      ['xai', 'xai chat'],
      ['deepseek', 'deepseek'],
      ['mistral', 'mistral'],
    ] as const) {
      const headers = WIRES[name].headers('sk-1')
      const list = (await (await fetch(`${simulator.baseUrls[provider]}/models`, { headers })).json()) as {
        data?: { id: string }[]
        models?: { name: string }[]
      }
      const models = list.data?.map(({ id }) => id) ?? list.models?.map((one) => one.name.replace('models/', '')) ?? []
      expect(models.length).toBeGreaterThan(2)
      const replies = await Promise.all(models.map((model) => ask(simulator, name, { model })))
      expect(replies.map(({ status }) => status)).toEqual(models.map(() => 200))
      const one = await fetch(`${simulator.baseUrls[provider]}/models/${models[0]}`, { headers })
      expect(one.status).toBe(200)
    }
  })
})

describe('what a vendor refuses', () => {
  test.each([
    ['openai responses', 401, { error: { code: 'invalid_api_key' } }],
    ['openai chat', 401, { error: { type: 'invalid_request_error' } }],
    ['anthropic', 401, { type: 'error', error: { type: 'authentication_error' } }],
    ['google', 400, { error: { status: 'INVALID_ARGUMENT', details: [{ reason: 'API_KEY_INVALID' }] } }],
    ['xai chat', 400, { code: 'Client specified an invalid argument' }],
    ['deepseek', 401, { error: { type: 'authentication_error' } }],
    ['mistral', 401, { object: 'error', type: 'authentication_error' }],
  ] as const)('%s: a wrong key is refused, and shown nowhere', async (name, status, body) => {
    const simulator = await simulated()
    const reply = await ask(simulator, name, { key: 'bad-secret' })
    expect(reply).toMatchObject({ status, body })
    expect(reply.text + JSON.stringify(simulator.stats())).not.toContain('secret')
  })

  test.each([
    ['openai responses', 401],
    ['anthropic', 401],
    ['google', 403],
    ['xai responses', 401],
    ['deepseek', 401],
    ['mistral', 401],
  ] as const)('%s: no key is refused', async (name, status) => {
    expect((await ask(await simulated(), name, { key: '' })).status).toBe(status)
  })

  test.each([
    ['openai responses', 404, { error: { code: 'model_not_found', param: null } }],
    ['anthropic', 404, { error: { type: 'not_found_error', message: 'model: nobody' } }],
    ['google', 404, { error: { code: 404, status: 'NOT_FOUND' } }],
    ['xai chat', 404, { error: expect.stringContaining('nobody') }],
    ['deepseek', 400, { error: { message: 'Model Not Exist' } }],
    ['mistral', 404, { code: 'unknown_model', param: 'model' }],
  ] as const)('%s: a model that is not there is refused', async (name, status, body) => {
    expect(await ask(await simulated(), name, { model: 'nobody' })).toMatchObject({ status, body })
  })

  test.each([
    ['openai responses', { temperature: 0.5 }, 400, { error: { param: 'temperature', code: 'unsupported_parameter' } }],
    ['openai chat', { temperature: 3 }, 400, { error: { param: 'temperature' } }],
    ['openai chat', { messages: [{ role: 'boss', content: 'x' }] }, 400, { error: { param: 'messages[0].role' } }],
    ['openai chat', { model: '' }, 400, { error: { param: 'model', message: 'you must provide a model parameter' } }],
    ['anthropic', { max_tokens: undefined }, 400, { error: { message: 'max_tokens: Field required' } }],
    ['anthropic', { temperature: 1.5 }, 400, { error: { type: 'invalid_request_error' } }],
    ['anthropic', { model: 'claude-opus-4-7', temperature: 0 }, 400, { type: 'error' }],
    ['anthropic', { messages: [{ role: 'system', content: 'x' }] }, 400, { type: 'error' }],
    ['google', { contents: [] }, 400, { error: { status: 'INVALID_ARGUMENT' } }],
    ['google', { generationConfig: { temperature: 3 } }, 400, { error: { code: 400 } }],
    ['google', { contents: [{ role: 'assistant', parts: [{ text: 'x' }] }] }, 400, { error: { code: 400 } }],
    ['deepseek', { response_format: { type: 'json_object' } }, 400, { error: { type: 'invalid_request_error' } }],
    ['openai responses', { max_tokens: 5 }, 400, { error: { param: 'max_tokens', code: 'unknown_parameter' } }],
    ['anthropic', { seed: 1 }, 400, { error: { message: 'seed: Extra inputs are not permitted' } }],
    ['google', { temperature: 1 }, 400, { error: { status: 'INVALID_ARGUMENT' } }],
    ['mistral', { seed: 1 }, 422, { detail: [{ loc: ['body', 'seed'] }] }],
    ['mistral', { temperature: 2 }, 422, { detail: [{ loc: ['body', 'temperature'] }] }],
    ['mistral', { messages: [{ role: 'assistant', content: 'x' }] }, 400, { object: 'error' }],
  ] as const)('%s: %o is refused in its own words', async (name, more, status, body) => {
    expect(await ask(await simulated(), name, { more })).toMatchObject({ status, body })
  })

  test('a model that thinks takes no temperature and no max_tokens in chat', async () => {
    const simulator = await simulated()
    const question = (more: object) => ask(simulator, 'openai chat', { model: 'gpt-5.4', more: { ...more } })
    const [temperature, most, right] = await Promise.all([
      question({ temperature: 0.2 }),
      question({ max_tokens: 100 }),
      question({ max_completion_tokens: 100, temperature: 1 }),
    ])
    expect(temperature.body).toMatchObject({ error: { param: 'temperature', code: 'unsupported_value' } })
    expect(most.body).toMatchObject({ error: { param: 'max_tokens', code: 'unsupported_parameter' } })
    expect(right.status).toBe(200)
  })

  test('an address that is not there, and a body that is no JSON, are refused', async () => {
    const { url } = await simulated()
    const headers = { authorization: 'Bearer sk-1' }
    const [path, body, provider] = await Promise.all([
      fetch(`${url}/openai/v1/engines`, { headers }),
      fetch(`${url}/openai/v1/responses`, { method: 'POST', headers, body: '{' }),
      fetch(`${url}/nobody/v1/responses`, { method: 'POST', headers, body: '{}' }),
    ])
    expect([path.status, body.status, provider.status]).toEqual([404, 400, 404])
  })
})

test('the same seed gives the same answer, another seed another one', async () => {
  const [one, again, other] = await Promise.all([
    simulated({ seed: '7' }),
    simulated({ seed: '7' }),
    simulated({ seed: '8' }),
  ])
  const texts = async (simulator: { url: string }) =>
    await Promise.all(
      Array.from({ length: 12 }, async (_, n) => {
        const reply = await ask(simulator, 'mistral', { prompt: `Rate from 1 to 5 the case of ship number ${n}.` })
        return WIRES.mistral.text(reply.body)
      }),
    )
  const first = await texts(one)
  expect(await texts(again)).toEqual(first)
  expect(await texts(other)).not.toEqual(first)
  expect(new Set(first).size).toBeGreaterThan(3)
})

test('a stream comes in pieces, the first one before the last', async () => {
  const simulator = await simulated({ latencyMs: 300 })
  const response = await send(simulator, 'anthropic', {}, true)
  let pieces = 0
  for await (const _ of response.body ?? []) pieces += 1
  expect(pieces).toBeGreaterThan(1)
})
