/**
 * What went wrong, as data.  A failure is stored and shown, so it never holds a
 * person's, a model's or an exception's text: the code chooses the message.
 */

/** Where a failure arose; decides who is asked to act, never whether to retry. */
export type Origin = 'input' | 'task' | 'provider' | 'tool' | 'storage' | 'worker' | 'engine'

/** The one shape of a failure, safe to store and to show. */
export interface Failure {
  /** UPPER_SNAKE, from a closed registry of the room that made it. */
  readonly code: string
  /** One sentence, chosen by the code; identifiers of ours and numbers only. */
  readonly message: string
  /** May the same task be tried again? */
  readonly retryable: boolean
  /** Seconds before which trying again is useless. */
  readonly retryAfter?: number
  /** Typed facts: numbers, our own identifiers, closed words. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>
  readonly origin: Origin
}

/** Thrown by a task's code when it knows what failed; anything else thrown becomes `UNKNOWN`. */
export class TaskFailed extends Error {
  readonly failure: Failure
  constructor(failure: Failure, options?: ErrorOptions) {
    super(`${failure.code}: ${failure.message}`, options)
    this.name = 'TaskFailed'
    this.failure = failure
  }
}

/**
 * Bad input or a wrong situation, told to a person: what is wrong, where, and
 * what to do.  The CLI prints it without a stack and exits with `exitCode`.
 */
export class Refusal extends Error {
  readonly code: string
  /** What to do about it, one sentence. */
  readonly remedy: string | undefined
  /** Each cause on its own, when there are several. */
  readonly causes: readonly string[]
  constructor(
    code: string,
    message: string,
    options: { remedy?: string; causes?: readonly string[]; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Refusal'
    this.code = code
    this.remedy = options.remedy
    this.causes = options.causes ?? []
  }
}

export function noSuchRun(run: number): Refusal {
  return new Refusal('NO_SUCH_RUN', `There is no run ${run}.`, {
    remedy: '`millrace runs list` shows those you may see.',
  })
}
