/**
 * A chat run: one question to one model, one task.  It is under its provider's
 * limits, in the budgets and in the ledger as every other call, and thrown away
 * with its text as every other run.
 */
import { z } from 'zod'
import {
  again,
  defineRun,
  defineTask,
  TaskFailed,
  type Again,
  type Failure,
  type TaskSpec,
  type Tx,
} from '@millrace/engine'
import { estimateTokenCount } from 'tokenx'
import type { Prices } from '../../prices/prices.ts'
import { canAsk, type Catalogue } from '../../providers/catalogue.ts'
import { isFailure, triesFor } from '../../providers/failures.ts'
import { generate, type Message, type ModelRequest } from '../../providers/provider.ts'
import { refuseUnheld } from './budget.ts'

export const chatInput = z.object({
  /** `provider:model[@version]`. */
  model: z.string().min(3).max(200),
  messages: z
    .array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
    .min(1)
    .max(1_000),
  temperature: z.number().min(0).max(2).optional(),
  maxTokens: z.int().min(1).max(1_000_000).optional(),
  seed: z.int().optional(),
})
export type ChatInput = z.output<typeof chatInput>

/** The task has the model alone: the conversation is the run's. */
const slot = z.object({ model: z.string() })

export const chatAnswer = z.object({
  text: z.string(),
  modelVersion: z.string().nullable(),
  finishReason: z.enum(['stop', 'length', 'content_filter', 'tool_calls', 'other']),
  usage: z.object({
    inputTokens: z.number(),
    outputTokens: z.number(),
    reasoningTokens: z.number().nullable(),
    cachedTokens: z.number().nullable(),
    source: z.enum(['reported', 'estimated']),
  }),
})

/** Somebody waits: what a pause does not help is told at once. */
function retry(failure: Failure, tries: number): Again {
  if (failure.code !== 'RATE_LIMIT') return again(failure, tries, triesFor(failure))
  return failure.retryAfter === undefined
    ? { outcome: 'later', delay: 1 + Math.random() }
    : { outcome: 'throttled', delay: failure.retryAfter }
}

/** Tokens of an answer where the request does not say it; a budget of money needs that it does. */
const LONGEST_ANSWER = 1_000
/** Of an estimate. */
const SAFETY = 1.25
const MESSAGE = 4

const answerOf = (providerId: string) => `chat.answer.${providerId}`

/** One for each provider: a worker without its key leaves it to another. */
function answerTask(providerId: string, catalogue: Catalogue, prices: Prices) {
  return defineTask({
    name: answerOf(providerId),
    able: () => canAsk(catalogue, providerId),
    input: slot,
    output: chatAnswer,
    retry,
    async perform(hand) {
      const { model, ...asked } = chatInput.parse(await hand.runInput())
      const resolved = catalogue.resolve(model)
      if (isFailure(resolved)) throw new TaskFailed(resolved)
      const request: ModelRequest = { model: resolved.model, ...stated(asked) }
      return hand.remember(
        'answer',
        [model, request],
        async () => {
          const { answer: made, failure } = await generate(resolved.provider, request, hand.signal)
          if (failure !== undefined) throw new TaskFailed(failure)
          const { text, modelVersion, finishReason, usage, completedAt } = made
          const cost = prices.cost(resolved.providerId, resolved.model, usage, completedAt)
          return { text, modelVersion, finishReason, usage, cost }
        },
        { used: ({ usage, cost }) => ({ tokens: usage.inputTokens + usage.outputTokens, micros: cost?.micros ?? 0 }) },
      )
    },
  })
}

export function chatRun(catalogue: Catalogue, prices: Prices) {
  const most = ({ model, messages, maxTokens }: ChatInput) => {
    const resolved = catalogue.resolve(model)
    const inputTokens = messages.reduce((sum, { content }) => sum + tokensOf(content), 0)
    const outputTokens = maxTokens ?? LONGEST_ANSWER
    const micros = isFailure(resolved)
      ? null
      : prices.most(resolved.providerId, resolved.model, { inputTokens, outputTokens })
    return { tokens: inputTokens + outputTokens, micros }
  }
  const kind = defineRun<ChatInput>({
    name: 'chat',
    input: chatInput,
    tasks: catalogue.providers().map(({ id }) => answerTask(id, catalogue, prices)),
    plan(input): TaskSpec[] {
      const { tokens, micros } = most(input)
      const { model } = input
      const uses = { requests: 1, tokens, micros: micros ?? 0 }
      const provider = model.slice(0, model.indexOf(':'))
      return [{ kind: answerOf(provider), key: provider, input: { model }, uses }]
    },
  })
  return {
    ...kind,
    /** For the transaction that starts it. @throws Refusal BUDGET_CANNOT_HOLD */
    refuseUnheld: (tx: Tx, run: number, input: ChatInput) =>
      refuseUnheld(tx, run, { model: input.model, micros: most(input).micros, endless: input.maxTokens === undefined }),
  }
}

const tokensOf = (text: string) => Math.ceil(estimateTokenCount(text) * SAFETY) + MESSAGE

function stated({ messages, temperature, maxTokens, seed }: Omit<ChatInput, 'model'>) {
  return {
    messages: messages as Message[],
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(seed === undefined ? {} : { seed }),
  }
}
