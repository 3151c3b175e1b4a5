import { OpenAICompatibleChatLanguageModel } from '@ai-sdk/openai-compatible'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { BEHAVIOURS, startWireServer, type Call, type WireServer } from '../../testing/wire.ts'
import { speakCompletions } from './completions.ts'
import { library } from './library.ts'
import { eventsOf } from './provider.contract.ts'
import type { ModelEvent, ModelRequest } from './provider.ts'
import type { Speak } from './speech.ts'
import { CHAT } from './vendors.ts'
import { createWire } from './wire.ts'

/** The same format as the AI SDK's package speaks it. */
const byTheSdk = library(
  async ({ baseURL, fetch }) =>
    (model) =>
      new OpenAICompatibleChatLanguageModel(model, {
        provider: 'millrace',
        url: ({ path }) => `${baseURL}${path}`,
        headers: {},
        fetch,
        includeUsage: true,
        supportsStructuredOutputs: true,
      }),
)

let wire: WireServer
beforeAll(async () => {
  wire = await startWireServer()
})
beforeEach(() => {
  wire.requests.length = 0
})
afterAll(async () => await wire.close())

const never = new AbortController().signal
const speaking = (speak: Speak) =>
  createWire(
    { ...CHAT, id: 'chat', name: 'Chat', headers: () => ({}), models: { path: '/models' }, speak },
    { baseUrl: wire.url, keyOf: () => undefined, keySetting: 'KEY', streams: true },
  )

/** Without times; the pieces of a text as one. */
function told(events: readonly ModelEvent[]) {
  const last = events.at(-1)
  const pieces = events.map((event) => (event.type === 'text' ? event.text : '')).join('')
  if (last?.type !== 'done') return { pieces, last }
  const { startedAt: _, completedAt: __, ...answer } = last.answer
  return { pieces, answer }
}

async function both(request: ModelRequest) {
  const sdk = told(await eventsOf(speaking(byTheSdk), request, never))
  return { own: told(await eventsOf(speaking(speakCompletions), request, never)), sdk }
}

const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hello' },
] as const
/** Documents that are answers to a question for a stream: the SDK knows none. */
const DOCUMENTS = ['whole', 'error-in-200', 'no-quota-in-200', 'fields-missing', 'no-choices', 'not-json']

describe('a chat completion is read as the library of the vendors reads it', () => {
  const names = Object.keys(BEHAVIOURS).filter((name) => !name.startsWith('hang'))

  it.each(names)('%s, whole', async (model) => {
    const { own, sdk } = await both({ model, messages, live: false })
    expect(own).toEqual(sdk)
  })

  it.each(names.filter((name) => !DOCUMENTS.includes(name)))('%s, streamed', async (model) => {
    const { own, sdk } = await both({ model, messages, live: true })
    expect(own).toEqual(sdk)
  })

  const parts = [
    { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
    { type: 'text', text: 'Rating' },
    { type: 'text', text: ': 3' },
  ]
  const odd: Record<string, (call: Call) => void> = {
    'content in parts': (call) => call.json(200, whole({ content: parts })),
    'a refusal beside no content': (call) => call.json(200, whole({ content: null, refusal: 'No.' })),
    'thoughts beside the content': (call) => call.json(200, whole({ content: 'Yes.', reasoning_content: 'Hm.' })),
    'a reason that nobody knows': (call) => call.json(200, whole({ content: 'Yes.' }, 'eos')),
    'content that is a number': (call) => call.json(200, whole({ content: 5 })),
    'a document that begins with a mark of its order': ({ response }) =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(`\ufeff${JSON.stringify(whole({ content: 'Yes.' }))}`),
  }
  it.each(Object.keys(odd))('%s', async (name) => {
    const behaviour = odd[name] ?? (() => {})
    wire.script(behaviour, behaviour)
    const { own, sdk } = await both({ model: 'm', messages, live: false })
    expect(own).toEqual(sdk)
  })

  it('events with comments, names, several lines and another way to end a line', async () => {
    const stream = ({ response }: Call) => {
      const said = (delta: object, finish: string | null = null) =>
        JSON.stringify({ model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`: hello\r\n\r\nevent: message\r\nid: 1\r\ndata:${said({ content: 'One ' })}\r\n\r\n`)
      response.write(`data: ${said({ content: 'two' }).replace('"choices"', '\ndata: "choices"')}\n\n`)
      response.end(`data: ${said({}, 'stop')}\n\ndata: [DONE]\n\n`)
    }
    wire.script(stream, stream)
    const { own, sdk } = await both({ model: 'm', messages, live: true })
    expect(own).toEqual(sdk)
    expect(own.pieces).toBe('One two')
  })
})

describe('a chat completion is asked for as the library of the vendors asks', () => {
  it.each([true, false])('with all settings and a schema (streamed: %s)', async (live) => {
    const schema = { type: 'object', properties: { rating: { type: 'integer' } } }
    await both({ model: 'rated', messages, live, temperature: 0, maxTokens: 9, seed: 7, schema })
    const [sdk, own] = wire.requests.map(({ method, path, headers, body }) => {
      return { method, path, type: headers['content-type'], body }
    })
    expect(own).toEqual(sdk)
  })
})

function whole(message: object, finish = 'stop') {
  return { model: 'm', choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }] }
}
