/** The run kind `tool`: one call of one tool, with the states, the cancelling and the trying again of every run. */
import { z } from 'zod'
import { again, defineRun, defineTask, TaskFailed, type Failure, type Origin } from '@millrace/engine'
import type { ErrorEnvelope, ErrorType } from '../../tools/envelope.ts'
import { QUESTION_KINDS, questions } from '../../tools/questions.ts'
import type { Tools } from '../../tools/tools.ts'

export const toolInput = z.object({
  tool: z.string().min(1).max(64),
  input: z.unknown(),
  /** How often a call that may go well another time is made once more. */
  retries: z.int().min(0).max(10).default(3),
  asks: z
    .array(z.enum(QUESTION_KINDS))
    .optional()
    .describe(
      'What the caller can be asked. If it is there, a tool that asks gives its `questions`; if not, it fails.',
    ),
  answers: z.record(z.string(), z.unknown()).optional().describe('To the questions of a call before, by their names.'),
})

export const toolOutput = z.object({
  /** Null where it asks. */
  output: z.unknown(),
  elapsedMs: z.number(),
  questions: questions.optional(),
})

/** Seconds: a little more than the longest that a tool may take. */
const TIMEOUT = 600

/** A task kind for each tool, so that a call waits for a worker that has it; what is no name of a tool any worker refuses. */
const ANY = 'tool.call'
const NAMED = /^tool\.call\.[a-z][a-z0-9_]{0,63}$/
export const kindOfCall = (tool: string) => (NAMED.test(`${ANY}.${tool}`) ? `${ANY}.${tool}` : ANY)

export function toolRun(tools: Tools) {
  const callOf = (name: string) =>
    defineTask({
      name,
      input: toolInput,
      output: toolOutput,
      timeout: TIMEOUT,
      async perform({ input: { tool, input, retries, asks, answers = {} }, run, signal, ...hand }) {
        await tools.load()
        const called = await tools.runner.run(tool, input, {
          signal,
          run,
          progress: (done, total) => hand.progress({ done, ...(total === undefined ? {} : { total }) }),
          log: (text, data) => hand.log(text, data),
          askable: { asks: asks ?? [], answers },
        })
        if (!called.ok && called.questions !== undefined && asks !== undefined) {
          return { output: null, elapsedMs: 0, questions: called.questions }
        }
        if (called.ok) return { output: called.output, elapsedMs: called.elapsedMs }
        throw new TaskFailed(failureOf(called.error, retries))
      },
      retry: (failure, tries) => again(failure, tries, Number(failure.details?.['retries'] ?? 0)),
    })
  return defineRun({
    name: 'tool',
    input: toolInput,
    /** Those of the tools that are loaded by now: a worker loads them before it starts. */
    get tasks() {
      return [ANY, ...tools.runner.tools.map(({ name }) => kindOfCall(name))].map(callOf)
    },
    elsewhere: (kind) => NAMED.test(kind),
    plan: (input) => [{ kind: kindOfCall(input.tool), input, key: `tool:${input.tool}` }],
  })
}
export type ToolRun = ReturnType<typeof toolRun>

const ORIGINS: Readonly<Record<ErrorType, Origin>> = {
  ValidationError: 'input',
  NotFoundError: 'input',
  PluginError: 'tool',
  ExecutionError: 'worker',
  TimeoutError: 'tool',
  CancelledError: 'engine',
  InternalError: 'engine',
}

/** An envelope as the engine keeps it: nothing of it is lost. */
function failureOf(
  { code, message, retryable, details, type, correlationId, timestamp }: ErrorEnvelope,
  retries: number,
): Failure {
  return {
    code,
    message,
    retryable,
    details: { ...details, type, correlationId, timestamp, retries },
    origin: ORIGINS[type],
  }
}

/** And as the doors tell it again. */
export function envelopeOfFailure(
  failure: Failure,
  tool: string,
  otherwise: { correlationId: string; at: Date },
): ErrorEnvelope {
  const { type, correlationId, timestamp, retries: _, ...details } = failure.details ?? {}
  return {
    type: typeof type === 'string' ? (type as ErrorType) : (BY_ENGINE[failure.code] ?? 'InternalError'),
    code: failure.code,
    message: failure.message,
    details,
    tool,
    retryable: failure.retryable,
    timestamp: typeof timestamp === 'string' ? timestamp : otherwise.at.toISOString(),
    correlationId: typeof correlationId === 'string' ? correlationId : otherwise.correlationId,
  }
}

/** Failures of the engine itself, which no tool named. */
const BY_ENGINE: Readonly<Record<string, ErrorType>> = {
  INVALID_INPUT: 'ValidationError',
  TIMEOUT: 'TimeoutError',
  QUARANTINED: 'ExecutionError',
  CANCELLED: 'CancelledError',
}
