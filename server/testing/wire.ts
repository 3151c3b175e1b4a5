/**
 * A local server that speaks OpenAI's chat completions, streamed and whole, and
 * misbehaves on request: by the name of the model, or by a queue of behaviours.
 * Real sockets, so that what a transport does wrong is tested too.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** One request as it came in. */
export interface WireRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** The parsed JSON body, `null` if there was none. */
  readonly body: WireBody | null
  /** Milliseconds since the epoch. */
  readonly at: number
  /** The client went away before the answer was whole. */
  aborted: boolean
}

/** What a client may send to /chat/completions, as far as it is looked at here. */
export interface WireBody {
  readonly model: string
  readonly messages: readonly { readonly role: string; readonly content: string }[]
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
  readonly temperature?: number
  readonly max_tokens?: number
  readonly seed?: number
}

export interface WireServer {
  /** With the path: `http://127.0.0.1:41234/v1`. */
  readonly url: string
  /** Everything that came in, oldest first; may be emptied with `length = 0`. */
  readonly requests: WireRequest[]
  /** The next calls behave like this, one each, whatever their model is. */
  readonly script: (...behaviours: Behaviour[]) => void
  /** Ends every open connection and the server. */
  readonly close: () => Promise<void>
}

export interface WireOptions {
  /** The text of an ordinary answer. */
  readonly answer?: (body: WireBody) => string
  /** The names that GET /models lists, or a status that it answers with. */
  readonly models?: readonly string[] | number
  /** With it, every request needs `Authorization: Bearer <apiKey>`. */
  readonly apiKey?: string
}

/** How a call can be answered: as a name of `BEHAVIOURS`, or as a function. */
export type Behaviour = string | Handler
type Handler = (call: Call) => void | Promise<void>

/** Starts on 127.0.0.1, a free port. Models whose names are no behaviour answer as they should. */
export async function startWireServer(options: WireOptions = {}): Promise<WireServer> {
  const requests: WireRequest[] = []
  const queue: Behaviour[] = []

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(incoming)
    const seen: WireRequest = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
      body,
      at: Date.now(),
      aborted: false,
    }
    response.on('close', () => {
      seen.aborted = !response.writableFinished
    })
    requests.push(seen)
    const call = new Call(response, body ?? { model: '', messages: [] }, options.answer ?? usualAnswer)
    if (options.apiKey !== undefined && incoming.headers.authorization !== `Bearer ${options.apiKey}`) {
      call.error(401, {
        message: 'Incorrect API key provided.',
        type: 'invalid_request_error',
        code: 'invalid_api_key',
      })
    } else if (seen.path.endsWith('/models')) {
      const models = options.models ?? Object.keys(BEHAVIOURS)
      if (typeof models === 'number') call.error(models, { message: 'no' })
      else call.json(200, { object: 'list', data: models.map((id) => ({ id, object: 'model' })) })
    } else if (!seen.path.endsWith('/chat/completions') || body === null) {
      call.error(404, { message: 'Unknown address.' })
    } else {
      const behaviour = queue.shift() ?? body.model
      const handler = typeof behaviour === 'function' ? behaviour : BEHAVIOURS[behaviour]
      await (handler ?? answerWell)(call)
    }
  }

  const server = createServer((incoming, response) => {
    // A client that goes away in the middle is one of the cases, not a fault of the server.
    handle(incoming, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    script: (...behaviours) => void queue.push(...behaviours),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** What may be said differently from an ordinary answer. */
export interface Said {
  readonly text?: string
  readonly finish?: string | null
  /** `null`: says nothing of usage. */
  readonly usage?: object | null
  /** The model that claims to have answered; `null`: says nothing of it. */
  readonly model?: string | null
}

/** One call to be answered. */
export class Call {
  readonly response: ServerResponse
  readonly body: WireBody
  readonly text: string

  constructor(response: ServerResponse, body: WireBody, answer: (body: WireBody) => string) {
    this.response = response
    this.body = body
    this.text = answer(body)
  }

  json(status: number, value: unknown, headers: Record<string, string> = {}): void {
    this.response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
  }

  error(status: number, error: object, headers: Record<string, string> = {}): void {
    this.json(status, { error }, headers)
  }

  /** Begins a stream; what follows is `data`, `raw` and `end`. */
  begin(): void {
    this.response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    this.response.flushHeaders()
  }

  data(value: unknown): void {
    this.response.write(`data: ${JSON.stringify(value)}\n\n`)
  }

  chunk(delta: object, finish: string | null = null, model: string | null = this.body.model): object {
    return {
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1_767_225_600,
      ...(model === null ? {} : { model }),
      choices: [{ index: 0, delta, finish_reason: finish }],
    }
  }

  end(): void {
    this.response.end('data: [DONE]\n\n')
  }

  /** A whole, well-formed answer, streamed if that was asked for. */
  say({
    text = this.text,
    finish = 'stop',
    usage = usualUsage(this.body, text),
    model = this.body.model,
  }: Said = {}): void {
    if (this.body.stream !== true) return this.sayWhole({ text, finish, usage, model })
    this.begin()
    this.data(this.chunk({ role: 'assistant', content: '' }, null, model))
    const size = Math.max(8, Math.ceil(text.length / 8))
    for (let at = 0; at < text.length; at += size)
      this.data(this.chunk({ content: text.slice(at, at + size) }, null, model))
    this.data(this.chunk({}, finish, model))
    if (usage !== null && this.body.stream_options?.include_usage === true) {
      this.data({ ...this.chunk({}, null, model), choices: [], usage })
    }
    this.end()
  }

  /** A whole answer as one JSON document, as servers give that know no streams. */
  sayWhole({
    text = this.text,
    finish = 'stop',
    usage = usualUsage(this.body, text),
    model = this.body.model,
  }: Said = {}): void {
    this.json(200, {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1_767_225_600,
      ...(model === null ? {} : { model }),
      choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: finish }],
      ...(usage === null ? {} : { usage }),
    })
  }
}

const answerWell: Handler = (call) => call.say()

const failing = (status: number, error: object, headers: Record<string, string> = {}): Handler => {
  return (call) => call.error(status, error, headers)
}

/** Every way to answer, by the name of a model that answers so. */
export const BEHAVIOURS: Readonly<Record<string, Handler>> = {
  well: answerWell,
  // Statuses, with bodies as the providers' documentation shows them.
  'rate-limited': failing(
    429,
    { message: 'Rate limit reached', type: 'requests', code: 'rate_limit_exceeded' },
    { 'retry-after': '7' },
  ),
  'rate-limited-ms': failing(429, { message: 'Slow down' }, { 'retry-after-ms': '1500', 'retry-after': '2' }),
  'no-quota': failing(429, {
    message: 'You exceeded your current quota',
    type: 'insufficient_quota',
    param: null,
    code: 'insufficient_quota',
  }),
  'bad-key': failing(401, {
    message: 'Incorrect API key provided: sk-secret.',
    type: 'invalid_request_error',
    code: 'invalid_api_key',
  }),
  forbidden: failing(403, { message: 'Country not supported', type: 'request_forbidden' }),
  'not-found': failing(404, {
    message: 'The model does not exist',
    type: 'invalid_request_error',
    code: 'model_not_found',
  }),
  'bad-request': failing(400, {
    message: 'Invalid messages',
    type: 'invalid_request_error',
    param: 'messages',
    code: null,
  }),
  'no-money': failing(402, { message: 'Insufficient Balance', type: 'unknown_error', code: 'invalid_request_error' }),
  'request-timeout': failing(408, { message: 'Request timeout' }),
  'too-early': failing(425, { message: 'Too early' }),
  conflict: failing(409, { message: 'Conflict' }),
  'too-large': failing(413, { message: 'Payload too large' }),
  unprocessable: failing(422, { message: 'Unprocessable' }),
  'server-error': failing(500, { message: 'The server had an error', type: 'server_error' }),
  overloaded: failing(529, { message: 'Overloaded', type: 'overloaded_error' }),
  teapot: failing(418, { message: 'I am a teapot' }),
  'filtered-prompt': failing(400, {
    message: 'Filtered',
    code: 'content_filter',
    innererror: { code: 'ResponsibleAIPolicyViolation' },
  }),
  'bad-gateway': ({ response }) =>
    void response.writeHead(502, { 'content-type': 'text/html' }).end('<html>502 Bad Gateway</html>'),
  'no-temperature': (call) =>
    call.body.temperature === undefined
      ? call.say()
      : call.error(400, {
          message: "Unsupported value: 'temperature' does not support 0.5 with this model.",
          type: 'invalid_request_error',
          param: 'temperature',
          code: 'unsupported_value',
        }),
  // A 200 that is none.
  'not-json': ({ response }) =>
    void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome</html>'),
  'not-json-chunk': (call) => {
    call.begin()
    call.response.write('data: {"choices": [{"delta"\n\n')
    call.end()
  },
  'fields-missing': (call) => call.json(200, { id: 'chatcmpl-1', object: 'chat.completion' }),
  'fields-missing-chunk': (call) => {
    call.begin()
    call.data({ id: 'chatcmpl-1' })
    call.end()
  },
  'error-in-200': (call) => call.json(200, { error: { message: 'Something broke', type: 'server_error' } }),
  'no-quota-in-200': (call) => call.json(200, { error: { message: 'No credit', code: 'insufficient_quota' } }),
  'error-mid-stream': (call) => {
    call.begin()
    call.data(call.chunk({ content: 'Rating: ' }))
    call.data({ error: { message: 'The upstream failed', type: 'server_error', code: null } })
    call.end()
  },
  'status-mid-stream': (call) => {
    call.begin()
    call.data(call.chunk({ content: 'Rating: ' }))
    call.data({ ...call.chunk({ content: '' }, 'error'), error: { message: 'Upstream overloaded', code: 502 } })
    call.end()
  },
  'no-choices': (call) => call.json(200, { id: 'chatcmpl-1', choices: [] }),
  empty: (call) => call.say({ text: '' }),
  blank: (call) => call.say({ text: ' \n' }),
  filtered: (call) => call.say({ text: '', finish: 'content_filter' }),
  'filtered-midway': (call) => call.say({ text: 'It would be', finish: 'content_filter' }),
  refuses: (call) => {
    call.begin()
    call.data(call.chunk({ refusal: 'I cannot help with that.' }))
    call.data(call.chunk({}, 'stop'))
    call.end()
  },
  // Ends of good answers.
  cut: (call) => call.say({ finish: 'length' }),
  'no-finish': (call) => call.say({ finish: null }),
  tools: (call) => call.say({ finish: 'tool_calls' }),
  whole: (call) => call.sayWhole(),
  // Transport.
  'hang-before': () => {},
  'hang-midway': (call) => {
    call.begin()
    call.data(call.chunk({ content: 'Rating: ' }))
  },
  reset: ({ response }) => void response.socket?.resetAndDestroy(),
  'cut-midway': (call) => {
    call.begin()
    call.response.write(`data: ${JSON.stringify(call.chunk({ content: 'Rating: 4' }))}\n\n`, () =>
      call.response.socket?.destroy(),
    )
  },
  'cut-whole': ({ response }) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
    response.write('{"choices": [', () => response.socket?.destroy())
  },
  drip: async (call) => {
    call.begin()
    for (const letter of call.text.slice(0, 12)) {
      call.data(call.chunk({ content: letter }))
      await sleep(5)
    }
    call.data(call.chunk({}, 'stop'))
    call.end()
  },
  large: (call) => call.say({ text: `Rating: 2\n\n${'All work and no play. '.repeat(50_000)}` }),
  'split-letters': async (call) => {
    call.begin()
    // Byte by byte: every letter of more than one byte comes in pieces.
    for (const byte of Buffer.from(`data: ${JSON.stringify(call.chunk({ content: 'Größe 🙃 雪' }))}\n\n`)) {
      call.response.write(Buffer.of(byte))
      if (byte > 127) await sleep(1)
    }
    call.data(call.chunk({}, 'stop'))
    call.end()
  },
  rated: (call) => call.say({ text: '{"rating":4,"reason":"It helps."}' }),
  fenced: (call) => call.say({ text: '```json\n{"rating":2,"reason":"fenced"}\n```' }),
  odd: (call) => call.say({ text: 'NUL \u0000 lone \ud83d end' }),
  // What is said of the answer.
  'no-usage': (call) => call.say({ usage: null }),
  'rich-usage': (call) =>
    call.say({
      usage: {
        prompt_tokens: 1200,
        completion_tokens: 340,
        total_tokens: 1540,
        prompt_tokens_details: { cached_tokens: 1024 },
        completion_tokens_details: { reasoning_tokens: 256 },
      },
    }),
  'other-version': (call) => call.say({ model: 'other-version-2026-03-01' }),
  'no-version': (call) => call.say({ model: null }),
  'late-version': (call) => {
    call.begin()
    call.data({ ...call.chunk({ role: 'assistant', content: '' }, null, ''), choices: [] })
    call.data(call.chunk({ content: call.text }, null, 'late-version-2026-03-01'))
    call.data(call.chunk({}, 'stop', 'late-version-2026-03-01'))
    call.end()
  },
}

function usualAnswer(body: WireBody): string {
  return `Rating: 4\n\nThat is what ${body.messages.length} message(s) lead to.`
}

function usualUsage(body: WireBody, text: string): object {
  const input = body.messages.reduce((sum, message) => sum + message.content.length, 0)
  const [prompt_tokens, completion_tokens] = [Math.ceil(input / 4), Math.ceil(text.length / 4)]
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens }
}

async function bodyOf(incoming: IncomingMessage): Promise<WireBody | null> {
  const pieces: Uint8Array[] = []
  for await (const piece of incoming) pieces.push(piece as Uint8Array)
  const text = Buffer.concat(pieces).toString('utf8')
  return text === '' ? null : (JSON.parse(text) as WireBody)
}
