/**
 * The names in our traces.  Those of `gen_ai` are still in development and may
 * change: they stand here and nowhere else.
 */
export const LIBRARY = 'millrace'

export const RUN = {
  run: 'millrace.run',
  task: 'millrace.task',
  attempt: 'millrace.attempt',
  workspace: 'millrace.workspace',
  kind: 'millrace.task.kind',
} as const

export const HTTP = {
  method: 'http.request.method',
  route: 'http.route',
  status: 'http.response.status_code',
} as const

export const ERROR_TYPE = 'error.type'

export const GEN_AI = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  model: 'gen_ai.request.model',
  temperature: 'gen_ai.request.temperature',
  maxTokens: 'gen_ai.request.max_tokens',
  seed: 'gen_ai.request.seed',
  responseModel: 'gen_ai.response.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
} as const

/** Our providers as the convention calls them; others by our own names. */
export const GEN_AI_PROVIDERS: Readonly<Record<string, string>> = {
  google: 'gcp.gemini',
  xai: 'x_ai',
  mistral: 'mistral_ai',
}
