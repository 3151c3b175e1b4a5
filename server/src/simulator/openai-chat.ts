/**
 * OpenAI's Chat Completions, and what its relatives share of it.
 * Follows https://platform.openai.com/docs/api-reference/chat/create,
 * …/chat-streaming/streaming and https://platform.openai.com/docs/guides/reasoning.
 */
import { Trouble } from './dialect.ts'
import type { Ending, Format, Json, Said, SimulatedModel, Turn } from './dialect.ts'
import { chatTurns, data, isRecord, modelNamed, numberIn, schemaOf } from './reading.ts'

const ROLES = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'user',
  function: 'user',
} as const satisfies Record<string, Turn['role']>

/** What differs between the relatives. */
export interface ChatManner {
  readonly models: readonly SimulatedModel[]
  readonly roles?: Readonly<Record<string, Turn['role']>>
  readonly temperature: readonly [number, number]
  /** Refuses what the shared reading lets pass. @throws Trouble */
  readonly check?: (body: Json, model: SimulatedModel, turns: readonly Turn[]) => void
  readonly finish: Readonly<Record<Ending, string>>
  readonly usage: (said: Said) => Json
  /** Fields of a message or delta beside `content`. */
  readonly thought?: (said: Said) => Json
  /** Fields of the document beside the usual ones. */
  readonly around?: (said: Said) => Json
  readonly seed: string
  /** Usage comes with the last chunk, asked for or not. */
  readonly alwaysUsage?: boolean
  /** A comment that keeps the connection open comes before the first chunk. */
  readonly keepsAlive?: boolean
  readonly idOf: (said: Said) => string
  readonly broken: Json
  readonly complain?: (message: string, about: string) => Trouble
}

export function chatFormat(manner: ChatManner): Format {
  const complain = manner.complain ?? invalid
  const chunk = (said: Said, choices: readonly Json[], more: Json = {}) => ({
    id: manner.idOf(said),
    object: 'chat.completion.chunk',
    created: said.at,
    model: said.model.served,
    ...manner.around?.(said),
    choices,
    ...more,
  })
  const choice = (delta: Json, finish: string | null = null) => ({
    index: 0,
    delta,
    logprobs: null,
    finish_reason: finish,
  })
  return {
    read(body) {
      const model = askedModel(body, manner.models, complain)
      const turns = chatTurns(body['messages'], manner.roles ?? ROLES, complain)
      numberIn(body, 'temperature', manner.temperature, complain)
      numberIn(body, 'top_p', [0, 1], complain)
      const most =
        numberIn(body, 'max_completion_tokens', [1, 1_000_000], complain) ??
        numberIn(body, 'max_tokens', [1, 1_000_000], complain)
      manner.check?.(body, model, turns)
      const seed = body[manner.seed]
      const options = body['stream_options']
      return {
        model,
        turns,
        stream: body['stream'] === true,
        schema: schemaOf(body['response_format']),
        ...(most === undefined ? {} : { maxTokens: most }),
        ...(typeof seed === 'number' ? { seed } : {}),
        streamUsage: manner.alwaysUsage === true || (isRecord(options) && options['include_usage'] === true),
        body,
      }
    },
    whole: (_asked, said) => ({
      id: manner.idOf(said),
      object: 'chat.completion',
      created: said.at,
      model: said.model.served,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: said.text, ...manner.thought?.(said), refusal: null, annotations: [] },
          logprobs: null,
          finish_reason: manner.finish[said.ending],
        },
      ],
      usage: manner.usage(said),
      ...manner.around?.(said),
    }),
    frames(asked, said, pieces) {
      const frames = manner.keepsAlive === true ? [': keep-alive\n\n'] : []
      frames.push(data(chunk(said, [choice({ role: 'assistant', content: '', refusal: null })])))
      if (manner.thought !== undefined && said.thought !== '')
        frames.push(data(chunk(said, [choice({ content: null, ...manner.thought(said) })])))
      for (const piece of pieces) frames.push(data(chunk(said, [choice({ content: piece })])))
      const end = [choice({}, manner.finish[said.ending])]
      if (manner.alwaysUsage === true) {
        frames.push(data(chunk(said, end, { usage: manner.usage(said) })))
      } else {
        frames.push(data(chunk(said, end)))
        if (asked.streamUsage === true) frames.push(data(chunk(said, [], { usage: manner.usage(said) })))
      }
      frames.push('data: [DONE]\n\n')
      return frames
    },
    brokenFrame: () => data(manner.broken),
  }
}

/** @throws Trouble when no model is named, or one that is not there */
export function askedModel(
  body: Json,
  models: readonly SimulatedModel[],
  complain: (message: string, about: string) => Trouble = invalid,
): SimulatedModel {
  const name = body['model']
  if (typeof name !== 'string' || name === '') throw complain('you must provide a model parameter', 'model')
  const model = modelNamed(models, name)
  if (model === undefined) throw new Trouble('unknown-model', { about: name })
  return model
}

export function openaiChat(models: readonly SimulatedModel[]): Format {
  return chatFormat({
    models,
    temperature: [0, 2],
    seed: 'seed',
    check(body, model) {
      if (model.fixedTemperature !== true) return
      if (typeof body['max_tokens'] === 'number') {
        throw new Trouble('invalid', {
          message:
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
          about: 'max_tokens',
          code: 'unsupported_parameter',
        })
      }
      for (const name of ['temperature', 'top_p']) {
        const value = body[name]
        if (typeof value !== 'number' || value === 1) continue
        throw new Trouble('invalid', {
          message: `Unsupported value: '${name}' does not support ${value} with this model. Only the default (1) value is supported.`,
          about: name,
          code: 'unsupported_value',
        })
      }
    },
    finish: { stop: 'stop', length: 'length', filter: 'content_filter', resources: 'stop' },
    usage: chatUsage,
    around: (said) => ({ service_tier: 'default', system_fingerprint: `fp_${said.id.slice(0, 10)}` }),
    idOf: (said) => `chatcmpl-${said.id.slice(0, 29)}`,
    broken: {
      error: {
        message: 'The server had an error processing your request. Sorry about that!',
        type: 'server_error',
        param: null,
        code: null,
      },
    },
  })
}

export function chatUsage({ usage }: Said): Json {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

function invalid(message: string, about: string): Trouble {
  return new Trouble('invalid', { message, about })
}
