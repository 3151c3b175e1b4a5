/**
 * The envelope of a tool's error at the HTTP door.  Where a route promises envelopes,
 * what the platform refuses carries one too, and nothing is ever a 500.
 */
import type { ErrorEnvelope, ErrorType } from '../tools/envelope.ts'
import type { Problem } from './problem.ts'

/** Thrown by a route: a call that ended with an error. */
export class ToolProblem extends Error {
  readonly envelope: ErrorEnvelope
  readonly run: number | undefined
  constructor(envelope: ErrorEnvelope, run?: number) {
    super(envelope.code)
    this.envelope = envelope
    this.run = run
  }
}

/** What of a problem comes from the envelope. */
export function partsOf({ envelope, run }: ToolProblem): Partial<Problem> {
  const away = envelope.code === 'NO_WORKER'
  return {
    status: away ? 503 : 400,
    title: away ? 'No worker is there' : 'The call of the tool failed',
    detail: envelope.message,
    error: { ...envelope, plugin: envelope.tool },
    ...(away ? { retryAfter: 2 } : {}),
    ...(run === undefined ? {} : { run }),
  }
}

const TYPES: Readonly<Record<number, ErrorType>> = {
  404: 'NotFoundError',
  429: 'ExecutionError',
  503: 'ExecutionError',
}

/** The same problem with an envelope, as a route that promises one answers. */
export function enveloped(problem: Problem, body: unknown): Problem {
  if (problem.error !== undefined) return problem
  const unforeseen = problem.status >= 500 && problem.status !== 503
  const tool = toolIn(body)
  const error = {
    type: unforeseen ? ('InternalError' as const) : (TYPES[problem.status] ?? 'ValidationError'),
    code: problem.code,
    message: problem.title,
    details: {},
    tool,
    plugin: tool,
    retryable: unforeseen || problem.status === 429 || problem.status === 503,
    timestamp: new Date().toISOString(),
    correlationId: problem.correlationId,
  }
  return { ...problem, error, ...(unforeseen ? { status: 400 } : {}) }
}

/** Its name, if it looks like one. */
function toolIn(body: unknown): string {
  if (typeof body !== 'object' || body === null) return ''
  const { tool, plugin } = body as Record<string, unknown>
  const name = tool ?? plugin
  return typeof name === 'string' && /^[a-z][a-z0-9_]{0,63}$/.test(name) ? name : ''
}
