/**
 * The vendors as data: where they are, how their key travels, how their documents
 * spell what we look for, and which package speaks their wire format.  A package is
 * imported when its first model is asked: the command line must start fast.
 */
import type { Dialect } from './answer.ts'
import { library } from './library.ts'
import type { Speak } from './speech.ts'

/** How a provider is spoken to. */
export interface Wire extends Dialect {
  readonly id: string
  /** For people. */
  readonly name: string
  /** Headers of a request, with the key if there is one. */
  readonly headers: (key: string | undefined) => Record<string, string>
  /** Where its models are listed, free of charge, after the base URL. */
  readonly models: {
    readonly path: string
    /** `GET /models/NAME` knows aliases that the list does not have. */
    readonly one?: boolean
  }
  readonly speak: Speak
  /** Sent where nothing else was asked for. */
  readonly otherwise?: { readonly maxTokens: number }
}

export interface Vendor extends Wire {
  /** Variables that its key is read from; the first is the one that people are told. */
  readonly keys: readonly [string, ...string[]]
  /** The variable of its base URL. */
  readonly address: string
  readonly baseUrl: string
  /** Its path at the simulator. */
  readonly simulated: string
}

const bearer = (key: string | undefined) => (key === undefined ? {} : { authorization: `Bearer ${key}` })

/** OpenAI's chat completions and whoever speaks them. */
export const CHAT: Dialect = {
  settings: { temperature: ['temperature'], maxTokens: ['max_tokens'], seed: ['seed'] },
  served: [['model']],
  usage: {
    input: ['prompt_tokens'],
    reasoning: [['completion_tokens_details', 'reasoning_tokens']],
    cached: [['prompt_tokens_details', 'cached_tokens'], ['prompt_cache_hit_tokens']],
  },
  // The SDK calls a model's own refusal a filter; it is an answer, and it is whole.
  finish: { stop: 'stop' },
}

/** OpenAI's responses, in a stream inside of `response`. */
const RESPONSES: Dialect = {
  settings: { temperature: ['temperature'], maxTokens: ['max_output_tokens'], seed: ['seed'] },
  served: [['response', 'model'], ['model']],
  usage: {
    input: ['input_tokens'],
    reasoning: [['output_tokens_details', 'reasoning_tokens']],
    cached: [['input_tokens_details', 'cached_tokens']],
  },
}

export const VENDORS: readonly Vendor[] = [
  {
    ...RESPONSES,
    id: 'openai',
    name: 'OpenAI',
    keys: ['OPENAI_API_KEY'],
    address: 'OPENAI_BASE_URL',
    baseUrl: 'https://api.openai.com/v1',
    simulated: '/openai/v1',
    headers: bearer,
    models: { path: '/models', one: true },
    // Of a whole answer it gives no reason; the SDK calls a model's own refusal a filter.
    finish: { '': 'stop' },
    // Otherwise they keep each answer for a month.
    speak: library(
      async (opening) => {
        const { createOpenAI } = await import('@ai-sdk/openai')
        const openai = createOpenAI(opening)
        return (model) => openai.responses(model)
      },
      { openai: { store: false } },
    ),
  },
  {
    id: 'anthropic',
    name: 'Anthropic',
    keys: ['ANTHROPIC_API_KEY'],
    address: 'ANTHROPIC_BASE_URL',
    baseUrl: 'https://api.anthropic.com/v1',
    simulated: '/anthropic/v1',
    headers: (key) => ({ 'anthropic-version': '2023-06-01', ...(key === undefined ? {} : { 'x-api-key': key }) }),
    models: { path: '/models?limit=1000', one: true },
    // The API wants a limit, and the package would send the model's largest, which
    // counts whole against the output tokens a minute.  The audit shows ours.
    otherwise: { maxTokens: 8_192 },
    settings: { temperature: ['temperature'], maxTokens: ['max_tokens'] },
    served: [['message', 'model'], ['model']],
    usage: {
      input: ['input_tokens'],
      reasoning: [['output_tokens_details', 'thinking_tokens']],
      cached: [['cache_read_input_tokens']],
    },
    speak: library(async (opening) => {
      const { createAnthropic } = await import('@ai-sdk/anthropic')
      const anthropic = createAnthropic(opening)
      return (model) => anthropic(model)
    }),
  },
  {
    id: 'google',
    name: 'Google',
    keys: ['GOOGLE_API_KEY', 'GEMINI_API_KEY'],
    address: 'GOOGLE_BASE_URL',
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
    simulated: '/google/v1beta',
    headers: (key) => (key === undefined ? {} : { 'x-goog-api-key': key }),
    models: { path: '/models?pageSize=1000', one: true },
    settings: {
      temperature: ['generationConfig', 'temperature'],
      maxTokens: ['generationConfig', 'maxOutputTokens'],
      seed: ['generationConfig', 'seed'],
    },
    served: [['modelVersion']],
    usage: {
      input: ['promptTokenCount'],
      reasoning: [['thoughtsTokenCount']],
      cached: [['cachedContentTokenCount']],
    },
    speak: library(async (opening) => {
      const { createGoogle } = await import('@ai-sdk/google')
      const google = createGoogle(opening)
      return (model) => google(model)
    }),
  },
  {
    ...RESPONSES,
    id: 'xai',
    name: 'xAI',
    keys: ['XAI_API_KEY'],
    address: 'XAI_BASE_URL',
    baseUrl: 'https://api.x.ai/v1',
    simulated: '/xai/v1',
    headers: bearer,
    models: { path: '/models', one: true },
    unfinished: ['incomplete_details', 'reason'],
    finish: { max_output_tokens: 'length', content_filter: 'content_filter' },
    speak: library(
      async (opening) => {
        const { createXai } = await import('@ai-sdk/xai')
        const xai = createXai(opening)
        return (model) => xai.responses(model)
      },
      { xai: { store: false } },
    ),
  },
  {
    ...CHAT,
    id: 'deepseek',
    name: 'DeepSeek',
    keys: ['DEEPSEEK_API_KEY'],
    address: 'DEEPSEEK_BASE_URL',
    baseUrl: 'https://api.deepseek.com',
    simulated: '/deepseek',
    headers: bearer,
    models: { path: '/models' },
    speak: library(async (opening) => {
      const { createDeepSeek } = await import('@ai-sdk/deepseek')
      const deepseek = createDeepSeek(opening)
      return (model) => deepseek(model)
    }),
  },
  {
    ...CHAT,
    id: 'mistral',
    name: 'Mistral',
    keys: ['MISTRAL_API_KEY'],
    address: 'MISTRAL_BASE_URL',
    baseUrl: 'https://api.mistral.ai/v1',
    simulated: '/mistral/v1',
    headers: bearer,
    models: { path: '/models', one: true },
    settings: { ...CHAT.settings, seed: ['random_seed'] },
    usage: {
      ...CHAT.usage,
      cached: [
        ['num_cached_tokens'],
        ['prompt_tokens_details', 'cached_tokens'],
        ['prompt_token_details', 'cached_tokens'],
      ],
    },
    speak: library(async (opening) => {
      const { createMistral } = await import('@ai-sdk/mistral')
      const mistral = createMistral(opening)
      return (model) => mistral(model)
    }),
  },
]
