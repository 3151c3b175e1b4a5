/**
 * OpenAI's Responses API.
 * Follows https://platform.openai.com/docs/api-reference/responses/create,
 * …/responses-streaming and https://platform.openai.com/docs/guides/structured-outputs.
 */
import { Trouble } from './dialect.ts'
import type { Asked, Format, Json, Said, SimulatedModel, Turn } from './dialect.ts'
import { askedModel } from './openai-chat.ts'
import { isRecord, named, numberIn, schemaOf, strangeIn, textOf } from './reading.ts'

const ROLES: Readonly<Record<string, Turn['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
}

/** What xAI, which speaks it too, has differently. */
export interface ResponsesManner {
  readonly models: readonly SimulatedModel[]
  /** Names of sampling parameters that a reasoning model refuses. */
  readonly fixed: readonly string[]
  /** Names that belong to other ways of asking. */
  readonly strange: readonly string[]
  readonly usage: (said: Said) => Json
}

export function responsesFormat(manner: ResponsesManner): Format {
  return {
    read(body) {
      const strange = strangeIn(body, manner.strange)
      if (strange !== undefined) {
        throw new Trouble('invalid', {
          message: `Unknown parameter: '${strange}'.`,
          about: strange,
          code: 'unknown_parameter',
        })
      }
      const model = askedModel(body, manner.models)
      for (const name of manner.fixed) {
        if (model.fixedTemperature !== true || body[name] === undefined || body[name] === null) continue
        throw new Trouble('invalid', {
          message: `Unsupported parameter: '${name}' is not supported with this model.`,
          about: name,
          code: 'unsupported_parameter',
        })
      }
      numberIn(body, 'temperature', [0, 2], invalid)
      numberIn(body, 'top_p', [0, 1], invalid)
      const most = numberIn(body, 'max_output_tokens', [16, 1_000_000], invalid)
      const text = body['text']
      const seed = body['seed']
      return {
        model,
        turns: inputTurns(body),
        stream: body['stream'] === true,
        schema: isRecord(text) ? schemaOf(text['format']) : undefined,
        ...(most === undefined ? {} : { maxTokens: most }),
        ...(typeof seed === 'number' ? { seed } : {}),
        body,
      }
    },
    whole: (asked, said) => response(manner, asked, said),
    frames: (asked, said, pieces) => streamOf(manner, asked, said, pieces),
    brokenFrame: () =>
      named('error', {
        type: 'error',
        code: 'server_error',
        message: 'The server had an error processing your request. Sorry about that!',
        param: null,
        sequence_number: 99,
      }),
  }
}

export function openaiResponses(models: readonly SimulatedModel[]): Format {
  return responsesFormat({
    models,
    fixed: ['temperature', 'top_p'],
    strange: ['messages', 'max_tokens', 'max_completion_tokens', 'response_format', 'seed', 'frequency_penalty', 'n'],
    usage: ({ usage }) => ({
      input_tokens: usage.input,
      input_tokens_details: { cached_tokens: usage.cached },
      output_tokens: usage.output,
      output_tokens_details: { reasoning_tokens: usage.reasoning },
      total_tokens: usage.input + usage.output,
    }),
  })
}

/** `input` is a text or a list of items; `instructions` go before it. */
function inputTurns(body: Json): Turn[] {
  const input = body['input']
  const instructions = body['instructions']
  const turns: Turn[] = typeof instructions === 'string' ? [{ role: 'system', content: instructions }] : []
  if (input === undefined) throw invalid("Missing required parameter: 'input'.", 'input')
  if (typeof input === 'string') return [...turns, { role: 'user', content: input }]
  if (!Array.isArray(input)) throw invalid("Invalid type for 'input': expected a string or an array.", 'input')
  for (const [at, item] of (input as unknown[]).entries()) {
    if (!isRecord(item)) throw invalid(`Invalid type for 'input[${at}]': expected an object.`, `input[${at}]`)
    // Items of other kinds (reasoning, item references) say nothing that is answered to.
    if (item['type'] !== undefined && item['type'] !== 'message') continue
    const given = item['role']
    const role = typeof given === 'string' && Object.hasOwn(ROLES, given) ? ROLES[given] : undefined
    if (role === undefined) {
      throw invalid(
        `Invalid value: '${typeof given === 'string' ? given : ''}'. Supported values are: 'assistant', 'system', 'developer', and 'user'.`,
        `input[${at}].role`,
      )
    }
    const content = textOf(item['content'])
    if (content === undefined)
      throw invalid(`Missing required parameter: 'input[${at}].content'.`, `input[${at}].content`)
    turns.push({ role, content })
  }
  return turns
}

function invalid(message: string, about: string): Trouble {
  return new Trouble('invalid', { message, about })
}

type Status = 'in_progress' | 'completed' | 'incomplete' | 'failed'

function response(manner: ResponsesManner, asked: Asked, said: Said, status: Status = statusOf(said)): Json {
  const { body } = asked
  const ended = status !== 'in_progress'
  return {
    id: `resp_${said.id}`,
    object: 'response',
    created_at: said.at,
    status,
    background: false,
    completed_at: status === 'completed' ? said.at : null,
    error: null,
    incomplete_details:
      status === 'incomplete' ? { reason: said.ending === 'filter' ? 'content_filter' : 'max_output_tokens' } : null,
    instructions: body['instructions'] ?? null,
    max_output_tokens: asked.maxTokens ?? null,
    model: said.model.served,
    output: ended ? [...reasoning(said), message(said, status, [part(said.text)])] : [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: said.model.reasons === true ? 'medium' : null, summary: null },
    service_tier: 'default',
    store: body['store'] ?? true,
    temperature: body['temperature'] ?? 1,
    text: isRecord(body['text']) ? body['text'] : { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: body['top_p'] ?? 1,
    truncation: 'disabled',
    usage: ended ? manner.usage(said) : null,
    user: null,
    metadata: isRecord(body['metadata']) ? body['metadata'] : {},
  }
}

function statusOf({ ending }: Said): Status {
  return ending === 'length' || ending === 'filter' ? 'incomplete' : 'completed'
}

function reasoning(said: Said): Json[] {
  return said.model.reasons === true
    ? [{ id: `rs_${said.id}`, type: 'reasoning', summary: [], status: 'completed' }]
    : []
}

function message(said: Said, status: Status, content: readonly Json[]): Json {
  return { id: `msg_${said.id}`, type: 'message', status, role: 'assistant', content }
}

function part(text: string): Json {
  return { type: 'output_text', annotations: [], logprobs: [], text }
}

function streamOf(manner: ResponsesManner, asked: Asked, said: Said, pieces: readonly string[]): string[] {
  const frames: string[] = []
  const say = (type: string, more: Json) => {
    frames.push(named(type, { type, sequence_number: frames.length, ...more }))
  }
  const ended = statusOf(said)
  const begun = response(manner, asked, said, 'in_progress')
  say('response.created', { response: begun })
  say('response.in_progress', { response: begun })
  let index = 0
  for (const item of reasoning(said)) {
    say('response.output_item.added', { output_index: index, item })
    say('response.output_item.done', { output_index: index, item })
    index += 1
  }
  const where = { item_id: `msg_${said.id}`, output_index: index, content_index: 0 }
  say('response.output_item.added', { output_index: index, item: message(said, 'in_progress', []) })
  say('response.content_part.added', { ...where, part: part('') })
  for (const delta of pieces) say('response.output_text.delta', { ...where, delta, logprobs: [] })
  say('response.output_text.done', { ...where, text: said.text, logprobs: [] })
  say('response.content_part.done', { ...where, part: part(said.text) })
  say('response.output_item.done', { output_index: index, item: message(said, ended, [part(said.text)]) })
  say(`response.${ended}`, { response: response(manner, asked, said, ended) })
  return frames
}
