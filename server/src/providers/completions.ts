/**
 * OpenAI's chat completions, written and read by ourselves: the format that all the
 * others copied, and the one that every task of a probe may go through.  The AI SDK
 * does it at four times the processor time; what it reads from the same documents
 * stands beside in the tests.
 */
import type { LanguageModelV4FinishReason } from '@ai-sdk/provider'
import { isRecord } from './answer.ts'
import type { ModelRequest } from './provider.ts'
import type { Ending, Part, Speak, StreamedAnswer, WholeAnswer } from './speech.ts'
import type { Reply, Send } from './way-out.ts'

export const speakCompletions: Speak = async (send, baseUrl) => {
  const url = `${baseUrl}/chat/completions`
  return (model) => ({
    async whole(request, signal) {
      const body = bodyOf(model, request)
      return { ...wholeOf(await documentOf(await ask(send, url, body, signal))), body }
    },
    async stream(request, signal): Promise<StreamedAnswer> {
      const body = { ...bodyOf(model, request), stream: true, stream_options: { include_usage: true } }
      const { body: said } = await ask(send, url, body, signal)
      return { parts: Buffer.isBuffer(said) ? partsOfOne(said) : partsOf(said), body }
    },
  })
}

function ask(send: Send, url: string, body: object, signal: AbortSignal): Promise<Reply> {
  const headers = { 'content-type': 'application/json' }
  return send({ url, headers, body: JSON.stringify(body), signal })
}

function bodyOf(model: string, { messages, temperature, maxTokens, seed, schema }: ModelRequest): object {
  return {
    model,
    messages: messages.map(({ role, content }) => ({ role, content })),
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    ...(seed === undefined ? {} : { seed }),
    ...(schema === undefined
      ? {}
      : { response_format: { type: 'json_schema', json_schema: { schema, strict: true, name: 'response' } } }),
  }
}

/** What is no completion. */
class Unreadable extends SyntaxError {}

async function documentOf({ body }: Reply): Promise<unknown> {
  // Who asked for a document and got events reads them to their end, and finds none in them.
  if (Buffer.isBuffer(body)) return JSON.parse(textOf(body))
  for await (const _ of body);
  throw new Unreadable()
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return text.startsWith('\ufeff') ? text.slice(1) : text
}

function wholeOf(said: unknown): Omit<WholeAnswer, 'body'> {
  // Whoever asked looks for it, and says what it is.
  if (isRecord(said) && isRecord(said['error'])) return { text: '', ...endingOf(undefined, undefined), said }
  const [choice] = choicesOf(said)
  if (choice === undefined || !isRecord(choice['message'])) throw new Unreadable()
  return { text: textIn(choice['message']), ...endingOf(choice['finish_reason'], usageIn(said)), said }
}

/** Some servers answer a request for a stream with one document, or call their stream something else. */
async function* partsOfOne(bytes: Buffer): AsyncGenerator<Part> {
  let said: unknown
  try {
    said = JSON.parse(textOf(bytes))
  } catch {
    yield* partsOf([bytes])
    return
  }
  yield { type: 'said', said }
  const { text, finishReason, usage } = wholeOf(said)
  yield { type: 'text', text }
  yield { type: 'end', finishReason, usage }
}

async function* partsOf(body: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Part> {
  let finish: unknown
  let usage: Record<string, unknown> | undefined
  for await (const data of eventsIn(body)) {
    const said: unknown = JSON.parse(data)
    yield { type: 'said', said }
    usage = usageIn(said) ?? usage
    const [choice] = choicesOf(said)
    if (choice === undefined) continue
    finish = choice['finish_reason'] ?? finish
    if (!isRecord(choice['delta'])) continue
    yield { type: 'text', text: textIn(choice['delta']) }
  }
  if (finish !== undefined) yield { type: 'end', ...endingOf(finish, usage) }
}

const END = '[DONE]'

/** The data of server-sent events, as far as these streams use them: names and numbers say nothing. */
async function* eventsIn(body: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<string> {
  // Letters may come in pieces.
  const decoder = new TextDecoder()
  let rest = ''
  let data: string[] = []
  for await (const piece of body) {
    const lines = decoder.decode(piece, { stream: true }).split('\n')
    lines[0] = rest + (lines[0] ?? '')
    rest = lines.pop() ?? ''
    for (const ended of lines) {
      const line = ended.endsWith('\r') ? ended.slice(0, -1) : ended
      if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
      else if (line === '' && data.length > 0) {
        const event = data.join('\n')
        data = []
        if (event !== END) yield event
      }
    }
  }
}

function choicesOf(said: unknown): Record<string, unknown>[] {
  const choices = isRecord(said) ? said['choices'] : undefined
  if (!Array.isArray(choices) || !choices.every(isRecord)) throw new Unreadable()
  return choices
}

function usageIn(said: unknown): Record<string, unknown> | undefined {
  const usage = isRecord(said) ? said['usage'] : undefined
  return isRecord(usage) ? usage : undefined
}

/** The content, in one piece or in several, of which some may be thoughts; a model's own refusal is one too. */
function textIn({ content, refusal }: Record<string, unknown>): string {
  const refused = typeof refusal === 'string' ? refusal : ''
  if (typeof content === 'string') return content + refused
  if (content === null || content === undefined) return refused
  if (!Array.isArray(content) || !content.every(isRecord)) throw new Unreadable()
  const texts = content.map(({ type, text }) => (type === 'text' && typeof text === 'string' ? text : ''))
  return texts.join('') + refused
}

const REASONS: Readonly<Record<string, LanguageModelV4FinishReason['unified']>> = {
  stop: 'stop',
  length: 'length',
  content_filter: 'content-filter',
  function_call: 'tool-calls',
  tool_calls: 'tool-calls',
}

function endingOf(finish: unknown, raw: Record<string, unknown> | undefined): Ending {
  const reason = typeof finish === 'string' ? finish : undefined
  return {
    finishReason: { unified: REASONS[reason ?? ''] ?? 'other', raw: reason },
    usage: { input: numberIn(raw, 'prompt_tokens'), output: numberIn(raw, 'completion_tokens'), raw },
  }
}

function numberIn(usage: Record<string, unknown> | undefined, name: string): number | undefined {
  const value = usage?.[name]
  return typeof value === 'number' ? value : undefined
}
