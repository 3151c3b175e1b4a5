/**
 * The most that a step can use, estimated when it is planned: limits and budgets set so
 * much aside, and get back what was not used.  Its prompt is filled as it will be; a step
 * that cannot be filled asks nobody, and fails by itself.
 */
import { estimateTokenCount } from 'tokenx'
import { TaskFailed, type Tx, type Uses } from '@millrace/engine'
import { isFailure } from '../../../providers/failures.ts'
import type { Catalogue } from '../../../providers/catalogue.ts'
import type { Prices } from '../../../prices/prices.ts'
import { questionsOf } from '../executors/declared.ts'
import { maxTokensOf } from './asking.ts'
import { messagesOf } from './prompt.ts'
import { makeReady } from './ready.ts'
import { workSnapshot } from './snapshot.ts'

/** An estimate of a text may be too low by a quarter; each message has its role and its bounds besides. */
const SAFETY = 1.25
const MESSAGE = 4
/** Tasks have no such numbers: all that are there are before it. */
const LAST = 2 ** 31 - 1

export interface Planned {
  readonly read: Tx['query']
  readonly workspace: number
  readonly run: number
  /** The run's snapshot, and which of its steps, from 0. */
  readonly input: unknown
  readonly step: number
}

/** `micros`: null where no table knows the price. */
export interface StepUses extends Required<Omit<Uses, 'micros'>> {
  readonly micros: number | null
}

export type UsesOfStep = (planned: Planned) => Promise<StepUses>

export function openUses({
  catalogue,
  prices,
}: {
  readonly catalogue: Catalogue
  readonly prices: Prices
}): UsesOfStep {
  return async ({ read, workspace, run, input, step: nth }) => {
    const snapshot = workSnapshot.parse(input)
    const step = snapshot.steps[nth]
    const resolved = step === undefined ? undefined : catalogue.resolve(step.model)
    if (step === undefined || resolved === undefined || isFailure(resolved)) return NOTHING
    const outputTokens = maxTokensOf(step)
    try {
      const { skill, inputs } = await makeReady({ read, workspace, run, before: LAST }, snapshot, step)
      const questions = await questionsOf(read, step, inputs)
      const texts = [JSON.stringify(skill.outputSchema ?? {})]
      const calls = questions.map((variables) => {
        const messages = messagesOf(skill, variables).map(({ content }) => content)
        const inputTokens = [...messages, ...texts].reduce((sum, text) => sum + tokensOf(text), 0)
        return { inputTokens, outputTokens }
      })
      const { providerId, model } = resolved
      return {
        requests: calls.length,
        tokens: calls.reduce((sum, call) => sum + call.inputTokens + call.outputTokens, 0),
        micros: calls.reduce<number | null>((sum, call) => {
          const most = prices.most(providerId, model, call)
          return sum === null || most === null ? null : sum + most
        }, 0),
      }
    } catch (error) {
      if (error instanceof TaskFailed) return NOTHING
      throw error
    }
  }
}

const NOTHING: StepUses = { requests: 1, tokens: 0, micros: 0 }

const tokensOf = (text: string) => Math.ceil(estimateTokenCount(text) * SAFETY) + MESSAGE
