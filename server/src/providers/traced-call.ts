/** A call of a model as a span: which model, how it was set, what it used, and how it ended; not a word of it. */
import { SpanKind } from '@opentelemetry/api'
import { GEN_AI, GEN_AI_PROVIDERS } from '../traces/names.ts'
import { fail, within } from '../traces/spans.ts'
import type { Generated, ModelRequest } from './provider.ts'

export function tracedCall(
  providerId: string,
  { model, temperature, maxTokens, seed }: ModelRequest,
  call: () => Promise<Generated>,
): Promise<Generated> {
  const attributes = {
    [GEN_AI.operation]: 'chat',
    [GEN_AI.provider]: GEN_AI_PROVIDERS[providerId] ?? providerId,
    [GEN_AI.model]: model,
    ...(temperature === undefined ? {} : { [GEN_AI.temperature]: temperature }),
    ...(maxTokens === undefined ? {} : { [GEN_AI.maxTokens]: maxTokens }),
    ...(seed === undefined ? {} : { [GEN_AI.seed]: seed }),
  }
  const of = { name: `chat ${model}`, kind: SpanKind.CLIENT, attributes }
  return within(
    of,
    () => 'UNKNOWN',
    async (span) => {
      const generated = await call()
      const { answer, failure } = generated
      if (failure !== undefined) fail(span, failure.code)
      else {
        span.setAttributes({
          [GEN_AI.finishReasons]: [answer.finishReason],
          [GEN_AI.inputTokens]: answer.usage.inputTokens,
          [GEN_AI.outputTokens]: answer.usage.outputTokens,
          ...(answer.modelVersion === null ? {} : { [GEN_AI.responseModel]: answer.modelVersion }),
        })
      }
      return generated
    },
  )
}
