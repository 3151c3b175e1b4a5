/** How a step's model is asked, as its parameters say. */
import type { StepSnapshot } from './snapshot.ts'

const DEFAULT_MAX_TOKENS = 8_192

type Asked = Pick<StepSnapshot, 'params'>

/** Of one answer. */
export function maxTokensOf({ params: { maxTokens } }: Asked): number {
  return typeof maxTokens === 'number' ? maxTokens : DEFAULT_MAX_TOKENS
}

export function temperatureOf({ params: { temperature } }: Asked): number | undefined {
  return typeof temperature === 'number' ? temperature : undefined
}
