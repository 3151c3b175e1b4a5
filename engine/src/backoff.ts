/** Which try is this, and how long until the next?  Decided by the failure's data alone. */
import type { Failure } from './errors.ts'

/** Tries after the first, when a task kind says nothing else. */
export const RETRIES = 3
const FIRST_S = 1
const LONGEST_S = 60

export type Again =
  /** This is final. */
  | { readonly outcome: 'failed' }
  /** Once more after `delay` seconds, and it costs a try. */
  | { readonly outcome: 'again'; readonly delay: number }
  /** Once more after `delay` seconds; waiting for a limit is nobody's failure. */
  | { readonly outcome: 'later'; readonly delay: number }
  /** The same, and nobody under this task's key before then: the other side asked all of us to wait. */
  | { readonly outcome: 'throttled'; readonly delay: number }
  /** Once more when somebody has released this task's key, and nobody under it before; without a key: final. */
  | { readonly outcome: 'stopped' }

/**
 * @param tries how many tries this task has already spent
 * @param random from 0 up to 1; spreads the retries of many tasks
 */
export function again(failure: Failure, tries: number, retries = RETRIES, random = Math.random()): Again {
  if (!failure.retryable || tries >= retries) return { outcome: 'failed' }
  const growing = Math.min(LONGEST_S, FIRST_S * 2 ** tries)
  const delay = failure.retryAfter ?? growing / 2 + (growing / 2) * random
  return { outcome: 'again', delay }
}
