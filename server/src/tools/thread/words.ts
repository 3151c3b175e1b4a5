/** What a thread is asked, and what it answers. */
import type { Answer } from '../host/inner.ts'

export interface Asked {
  /** URL of the tool's file. */
  readonly file: string
  readonly input: unknown
}
export type Answered = Answer
