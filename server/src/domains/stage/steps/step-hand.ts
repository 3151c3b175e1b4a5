/** What a skill's own way of answering holds while its step performs. */
import type { Tx } from '@millrace/engine'
import type { StepSnapshot } from './snapshot.ts'

export interface StepHand {
  readonly step: StepSnapshot
  /** Checked by the skill's schema of inputs. */
  readonly inputs: Readonly<Record<string, unknown>>
  /** A line of the run's log: names, numbers, no words of a model. */
  log(text: string, data?: Record<string, unknown>): void
  progress(data: Record<string, unknown>): void
  read: Tx['query']
  /**
   * Asks the step's model with the skill's prompt, filled with `variables`; each name is asked
   * once an attempt, and not again by the next one.  Gives the answer, checked by `schema`,
   * or by the skill's own.
   */
  ask(name: string, how: AskHow): Promise<unknown>
}

export interface AskHow {
  readonly variables: Readonly<Record<string, unknown>>
  readonly seed?: number
  readonly temperature?: number
  readonly schema?: Readonly<Record<string, unknown>>
}
