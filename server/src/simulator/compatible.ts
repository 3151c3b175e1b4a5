/**
 * A server that speaks OpenAI's chat completions without being OpenAI: Ollama, vLLM, LM Studio.
 * Follows https://docs.ollama.com/api/openai-compatibility: no snapshots, no limit headers, no reasoning.
 */
import type { Dialect, Route, SimulatedModel } from './dialect.ts'
import { chatFormat } from './openai-chat.ts'
import { familyRoute, openai } from './openai.ts'
import { bearer } from './reading.ts'

const MODELS: readonly SimulatedModel[] = [
  { id: 'llama3.2', served: 'llama3.2', temper: 'warm' },
  { id: 'qwen2.5:7b', served: 'qwen2.5:7b', temper: 'wary' },
  { id: 'mistral-nemo', served: 'mistral-nemo', temper: 'bold' },
]

const WAYS: Readonly<Record<string, Route>> = {
  '/v1/chat/completions': {
    kind: 'generate',
    format: chatFormat({
      models: MODELS,
      temperature: [0, 2],
      seed: 'seed',
      finish: { stop: 'stop', length: 'length', filter: 'content_filter', resources: 'stop' },
      usage: ({ usage: { input, output } }) => ({
        prompt_tokens: input,
        completion_tokens: output,
        total_tokens: input + output,
      }),
      around: () => ({ system_fingerprint: 'fp_ollama' }),
      idOf: (said) => `chatcmpl-${Number.parseInt(said.id.slice(0, 4), 16) % 1000}`,
      broken: {
        error: {
          message: 'an error was encountered while running the model',
          type: 'api_error',
          param: null,
          code: null,
        },
      },
    }),
  },
}

export const compatible: Dialect = {
  name: 'compatible',
  models: MODELS,
  basePath: '/v1',
  // Such servers ask for no key; a wrong one is refused all the same, as a gateway before them would.
  key: (place) => bearer(place) ?? 'none',
  route: (place) => familyRoute(place, WAYS),
  headers: () => ({}),
  refuse: (trouble, requestId) => openai.refuse(trouble, requestId),
  list: () => ({ object: 'list', data: MODELS.map(card) }),
  describe: card,
}

function card(model: SimulatedModel) {
  return { id: model.id, object: 'model', created: 1_767_225_600, owned_by: 'library' }
}
