/**
 * A vendor's wire format as the AI SDK's package speaks it.  The package asks for a
 * `fetch` and gets our way out: a document comes read already, in a response that is
 * no more than the SDK looks at, because a real one costs more than the call itself.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider'
import type { ModelRequest } from './provider.ts'
import type { Counted, Part, Speak, Speech } from './speech.ts'
import type { Reply, Send } from './way-out.ts'

/** What a package is given: no key, which is put into each request on its way out. */
export interface Opening {
  readonly baseURL: string
  readonly apiKey: string
  readonly fetch: typeof globalThis.fetch
}

type OpenModel = (model: string) => LanguageModelV4

/** The SDK wants one at hand; the real one goes into the headers on the way out. */
const NO_KEY = 'none'

export function library(
  open: (opening: Opening) => Promise<OpenModel>,
  options?: NonNullable<LanguageModelV4CallOptions['providerOptions']>,
): Speak {
  return async (send, baseUrl) => {
    const make = await open({ baseURL: baseUrl, apiKey: NO_KEY, fetch: fetchOver(send) })
    return (name) => new Library(make(name), options)
  }
}

class Library implements Speech {
  readonly #model: LanguageModelV4
  readonly #options: LanguageModelV4CallOptions['providerOptions']

  constructor(model: LanguageModelV4, options: LanguageModelV4CallOptions['providerOptions']) {
    this.#model = model
    this.#options = options
  }

  async whole(request: ModelRequest, signal: AbortSignal) {
    const result = await this.#model.doGenerate(this.#call(request, signal))
    const { content, finishReason, usage, response, request: sent } = result
    return {
      text: content.map((part) => (part.type === 'text' ? part.text : '')).join(''),
      finishReason,
      usage: counted(usage),
      said: response?.body,
      body: bodyOf(sent?.body),
    }
  }

  async stream(request: ModelRequest, signal: AbortSignal) {
    const { stream, request: sent } = await this.#model.doStream(this.#call(request, signal))
    return { parts: partsOf(stream), body: bodyOf(sent?.body) }
  }

  #call(request: ModelRequest, signal: AbortSignal): LanguageModelV4CallOptions {
    const { temperature, maxTokens, seed, schema } = request
    const call: LanguageModelV4CallOptions = {
      prompt: request.messages.map(({ role, content }) =>
        role === 'system' ? { role, content } : { role, content: [{ type: 'text', text: content }] },
      ),
      abortSignal: signal,
      // The version stands in chunks that the SDK does not look at.
      includeRawChunks: true,
    }
    if (temperature !== undefined) call.temperature = temperature
    if (maxTokens !== undefined) call.maxOutputTokens = maxTokens
    if (seed !== undefined) call.seed = seed
    if (schema !== undefined) call.responseFormat = { type: 'json', schema }
    if (this.#options !== undefined) call.providerOptions = this.#options
    return call
  }
}

async function* partsOf(stream: ReadableStream<LanguageModelV4StreamPart>): AsyncGenerator<Part> {
  const reader = stream.getReader()
  for (;;) {
    const { done, value: part } = await reader.read()
    if (done) return
    if (part.type === 'raw') yield { type: 'said', said: part.rawValue }
    else if (part.type === 'text-delta') yield { type: 'text', text: part.delta }
    else if (part.type === 'error') yield { type: 'failed', error: part.error }
    else if (part.type === 'finish') {
      yield { type: 'end', finishReason: part.finishReason, usage: counted(part.usage) }
    }
  }
}

function counted({ inputTokens, outputTokens, raw }: LanguageModelV4Usage): Counted {
  return { input: inputTokens.total, output: outputTokens.total, raw }
}

function bodyOf(sent: unknown): unknown {
  return typeof sent === 'string' ? JSON.parse(sent) : sent
}

function fetchOver(send: Send): typeof globalThis.fetch {
  return async (input, init) => {
    const { status, headers, body } = await send({
      url: input instanceof Request ? input.url : String(input),
      headers: init?.headers as Record<string, string>,
      ...(typeof init?.body === 'string' ? { body: init.body } : {}),
      ...(init?.signal instanceof AbortSignal ? { signal: init.signal } : {}),
    })
    if (Buffer.isBuffer(body)) return new Document(status, headers, body) as unknown as Response
    return new Response(webStream(body), { status, headers: singleHeaders(headers) })
  }
}

/** A response that is here whole, as far as the SDK looks at one: the contract suite asks all six. */
class Document {
  readonly ok = true
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: { getReader(): Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel' | 'releaseLock'> }

  constructor(status: number, headers: Reply['headers'], bytes: Buffer) {
    this.status = status
    this.headers = new Map(singleHeaders(headers))
    this.body = { getReader: () => readerOf(bytes) }
  }
}

function readerOf(bytes: Buffer) {
  let isRead = false
  return {
    async read() {
      if (isRead) return { done: true as const, value: undefined }
      isRead = true
      // The SDK copies what is a part of something larger; it need not here.
      return { done: false as const, value: bytes as Uint8Array<ArrayBuffer> }
    },
    async cancel() {},
    releaseLock() {},
  }
}

function webStream(body: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pieces.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await pieces.return?.()
    },
  })
}

function singleHeaders(headers: Reply['headers']): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
  )
}
