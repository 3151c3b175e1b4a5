/** The simulator with its wire formats at hand: one question in each, sent as plain HTTP. */
import { onTestFinished } from 'vitest'
import type { ProviderName } from '../src/simulator/dialect.ts'
import { startSimulator, type Simulator, type SimulatorOptions } from '../src/simulator/simulator.ts'

export type Body = Record<string, unknown>

/** One way of asking: where, as whom, and how the body is made. */
export interface Wire {
  readonly provider: ProviderName
  readonly model: string
  readonly path: (model: string, stream: boolean) => string
  readonly headers: (key: string) => Record<string, string>
  readonly body: (model: string, prompt: string, stream: boolean) => Body
  /** The text of a whole answer. */
  readonly text: (body: Body) => unknown
  /** The text in one event of a stream. */
  readonly delta: (event: Body) => unknown
  /** Where the word for the ending stands. */
  readonly ending: (body: Body) => unknown
  /** The name of the model that answered. */
  readonly served: (body: Body) => unknown
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
/** Follows names and numbers into a document; nothing when it ends before. */
export const at = (body: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>((here, name) => (here as Record<string | number, unknown> | null | undefined)?.[name], body)

const chat = (provider: ProviderName, model: string, path = '/v1/chat/completions'): Wire => ({
  provider,
  model,
  path: () => path,
  headers: bearer,
  body: (name, prompt, stream) => ({ model: name, messages: [{ role: 'user', content: prompt }], stream }),
  text: (body) => at(body, 'choices', 0, 'message', 'content'),
  delta: (event) => at(event, 'choices', 0, 'delta', 'content'),
  ending: (body) => at(body, 'choices', 0, 'finish_reason'),
  served: (body) => body['model'],
})

const responses = (provider: ProviderName, model: string): Wire => ({
  provider,
  model,
  path: () => '/v1/responses',
  headers: bearer,
  body: (name, prompt, stream) => ({ model: name, input: prompt, stream }),
  text: (body) =>
    at(
      (body['output'] as Body[] | undefined)?.find((item) => item['type'] === 'message'),
      'content',
      0,
      'text',
    ),
  delta: (event) => (event['type'] === 'response.output_text.delta' ? event['delta'] : undefined),
  ending: (body) => at(body, 'incomplete_details', 'reason') ?? body['status'],
  served: (body) => body['model'],
})

export const WIRES = {
  'openai responses': responses('openai', 'gpt-5.4'),
  'openai chat': chat('openai', 'gpt-4o'),
  anthropic: {
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    path: () => '/v1/messages',
    headers: (key) => ({ 'x-api-key': key, 'anthropic-version': '2023-06-01' }),
    body: (model, prompt, stream) => ({
      model,
      max_tokens: 1000,
      messages: [{ role: 'user', content: prompt }],
      stream,
    }),
    text: (body) => at(body, 'content', 0, 'text'),
    delta: (event) => at(event, 'delta', 'text'),
    ending: (body) => body['stop_reason'],
    served: (body) => body['model'],
  },
  google: {
    provider: 'google',
    model: 'gemini-3.8-flash',
    path: (model, stream) => `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    headers: (key) => ({ 'x-goog-api-key': key }),
    body: (_model, prompt) => ({ contents: [{ role: 'user', parts: [{ text: prompt }] }] }),
    text: (body) => at(body, 'candidates', 0, 'content', 'parts', 0, 'text'),
    delta: (event) => at(event, 'candidates', 0, 'content', 'parts', 0, 'text'),
    ending: (body) => at(body, 'candidates', 0, 'finishReason') ?? at(body, 'promptFeedback', 'blockReason'),
    served: (body) => body['modelVersion'],
  },
  'xai responses': responses('xai', 'grok-4.6'),
  'xai chat': chat('xai', 'grok-4.6'),
  deepseek: chat('deepseek', 'deepseek-v4-flash', '/chat/completions'),
  mistral: chat('mistral', 'mistral-large-latest'),
} as const satisfies Record<string, Wire>
export type WireName = keyof typeof WIRES
export const WIRE_NAMES = Object.keys(WIRES) as WireName[]

export interface Question {
  readonly prompt?: string
  readonly model?: string
  readonly key?: string
  /** Beside the usual fields of the body, or in their place. */
  readonly more?: Body
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Body
}

export const PROMPT = 'Rate from 1 to 5: a newspaper prints a secret that could end a war.'

/** A simulator for one test, quick unless it says otherwise. */
export async function simulated(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator({ latencyMs: 0, ...options })
  onTestFinished(() => simulator.close())
  return simulator
}

export async function send(
  { url }: Pick<Simulator, 'url'>,
  name: WireName,
  question: Question = {},
  stream = false,
  signal: AbortSignal | null = null,
): Promise<Response> {
  const wire: Wire = WIRES[name]
  const model = question.model ?? wire.model
  return await fetch(`${url}/${wire.provider}${wire.path(model, stream)}`, {
    method: 'POST',
    signal,
    headers: {
      'content-type': 'application/json',
      ...(question.key === '' ? {} : wire.headers(question.key ?? 'sk-1')),
    },
    body: JSON.stringify({ ...wire.body(model, question.prompt ?? PROMPT, stream), ...question.more }),
  })
}

/** A whole answer, or a refusal. */
export async function ask(simulator: Pick<Simulator, 'url'>, name: WireName, question: Question = {}): Promise<Reply> {
  const response = await send(simulator, name, question)
  const text = await response.text()
  let body: Body = {}
  try {
    body = JSON.parse(text) as Body
  } catch {
    // Some faults send no JSON.
  }
  return { status: response.status, headers: response.headers, text, body }
}

/** The events of a stream, parsed. */
export async function listen(
  simulator: Pick<Simulator, 'url'>,
  name: WireName,
  question: Question = {},
): Promise<{ events: Body[]; text: string }> {
  const response = await send(simulator, name, question, true)
  const events = (await response.text())
    .split('\n')
    .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
    .map((line) => JSON.parse(line.slice(6)) as Body)
  return { events, text: events.map((event) => wordsIn(WIRES[name].delta(event))).join('') }
}

function wordsIn(delta: unknown): string {
  return typeof delta === 'string' ? delta : ''
}
