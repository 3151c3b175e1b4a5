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
import type { Message } from '../../../providers/provider.ts'
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
    if (step === undefined) return NOTHING
    try {
      const { skill, inputs } = await makeReady({ read, workspace, run, before: LAST }, snapshot, step)
      const questions = await questionsOf(read, step, inputs)
      const prompts = questions.of.map((variables) => messagesOf(skill, variables))
      const told = JSON.stringify(skill.outputSchema ?? {})
      const call = {
        inputTokens: [...longest(prompts), told].reduce((sum, text) => sum + tokensOf(text), 0),
        outputTokens: maxTokensOf(step),
      }
      const requests = prompts.length * questions.times
      // Who cannot ask the model does not know what it costs; he may still plan it.
      const resolved = catalogue.resolve(step.model)
      const most = isFailure(resolved) ? 0 : prices.most(resolved.providerId, resolved.model, call)
      return {
        requests,
        tokens: requests * (call.inputTokens + call.outputTokens),
        micros: most === null ? null : requests * most,
      }
    } catch (error) {
      if (error instanceof TaskFailed) return NOTHING
      throw error
    }
  }
}

const NOTHING: StepUses = { requests: 1, tokens: 0, micros: 0 }

/** By bytes: what takes more of them takes more tokens, in every script. */
function longest(prompts: readonly (readonly Message[])[]): string[] {
  const texts = prompts.map((messages) => messages.map(({ content }) => content))
  const bytes = (of: readonly string[]) => of.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  return texts.reduce((most, one) => (bytes(one) > bytes(most) ? one : most), [])
}

/** Characters that are counted; a document of a mebibyte would take more than a second. */
const COUNTED = 65_536

function tokensOf(text: string): number {
  const counted = text.slice(0, COUNTED)
  const share = counted === text ? 1 : Buffer.byteLength(text) / Buffer.byteLength(counted)
  return Math.ceil(estimateTokenCount(counted) * share * SAFETY) + MESSAGE
}
