/** What a process answers: a document of success, or of failure in the words of the table. */
import { TaskFailed, type Failure } from '@millrace/engine'
import { z } from 'zod'
import { FAILURES, type FailureCode } from '../../providers/failure-table.ts'
import { failureOf } from '../../providers/failures.ts'
import { processFailed } from './line-process.ts'
import type { Program } from './launch.ts'

export type Document = Readonly<Record<string, unknown>>

const failed = z.object({
  success: z.literal(false),
  error: z.object({
    code: z.string(),
    retryable: z.boolean(),
    statusCode: z.int().min(100).max(599).optional(),
    retryAfter: z.number().min(0).max(86_400).optional(),
  }),
})
const succeeded = z.looseObject({ success: z.literal(true) })
const anyReply = z.union([succeeded, failed])

/**
 * The document of a line. @throws TaskFailed WORKER_PROTOCOL, or what the process says
 * failed: its code if the table has it, and never its text.
 */
export function readReply(program: Program, line: string, id?: string): Document {
  const document = jsonOf(line)
  const reply = anyReply.safeParse(document)
  if (!reply.success || (id !== undefined && (document as { id?: unknown }).id !== id)) {
    throw processFailed('WORKER_PROTOCOL', program, { reason: 'not an answer' })
  }
  if (reply.data.success) return reply.data
  throw new TaskFailed(failureOfError(reply.data.error))
}

function failureOfError(error: z.output<typeof failed>['error']): Failure {
  const code: FailureCode = Object.hasOwn(FAILURES, error.code) ? (error.code as FailureCode) : 'UNKNOWN'
  const made = failureOf(code, {
    ...(error.statusCode === undefined ? {} : { status: error.statusCode }),
    ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter }),
  })
  // Who did the work knows best that it is no use to try again.
  return { ...made, retryable: made.retryable && error.retryable }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch {
    return undefined
  }
}
