/**
 * What went wrong with a tool, as data: who is to blame, a fixed sentence, and the id
 * under which operators find the rest.  One function makes it of anything thrown.
 */
import { inspect } from 'node:util'

/** Who is to act: the caller, the tool's author, whoever runs the installation, nobody. */
export const ERROR_TYPES = [
  'ValidationError',
  'NotFoundError',
  'PluginError',
  'ExecutionError',
  'TimeoutError',
  'CancelledError',
  'InternalError',
] as const
export type ErrorType = (typeof ERROR_TYPES)[number]

/** Numbers, identifiers and closed words; `issues` holds a line for each part of an input. */
export type Details = Readonly<Record<string, string | number | boolean | null>>

export interface ErrorEnvelope {
  readonly type: ErrorType
  /** UPPER_SNAKE: one of ours, or one that the tool declares. */
  readonly code: string
  /** Chosen by the code; safe to show. */
  readonly message: string
  readonly details: Details
  readonly tool: string
  /** May the same call go well another time? */
  readonly retryable: boolean
  /** ISO 8601. */
  readonly timestamp: string
  readonly correlationId: string
}

export interface ErrorRow {
  readonly type: ErrorType
  readonly message: string
  readonly retryable: boolean
}

/** The codes that every tool has. */
export const TOOL_ERRORS = {
  INVALID_INPUT: { type: 'ValidationError', message: 'The input is not what the tool takes.', retryable: false },
  INPUT_REQUIRED: {
    type: 'ValidationError',
    message: 'The tool asks its caller something before it goes on.',
    retryable: false,
  },
  UNKNOWN_TOOL: { type: 'NotFoundError', message: 'There is no tool of that name here.', retryable: false },
  INVALID_OUTPUT: {
    type: 'PluginError',
    message: 'The tool gave an output that its own schema forbids.',
    retryable: false,
  },
  OUTPUT_TOO_LARGE: { type: 'PluginError', message: 'The tool gave more than a tool may give.', retryable: false },
  TOOL_FAILED: { type: 'PluginError', message: 'The tool ended in an error that it does not name.', retryable: false },
  TOOL_CRASHED: { type: 'ExecutionError', message: 'The tool’s process or thread died.', retryable: true },
  TOOL_PROTOCOL: { type: 'ExecutionError', message: 'The tool’s process broke the protocol.', retryable: true },
  OUT_OF_SERVICE: {
    type: 'ExecutionError',
    message: 'The tool failed again and again, or did not load, and is not asked for a while.',
    retryable: true,
  },
  UNAVAILABLE: {
    type: 'ExecutionError',
    message: 'What the tool needs, its interpreter or its server, is missing.',
    retryable: true,
  },
  NO_WORKER: { type: 'ExecutionError', message: 'No worker is there that has this tool.', retryable: true },
  TIMEOUT: { type: 'TimeoutError', message: 'The tool took longer than it may.', retryable: true },
  TOO_BUSY: { type: 'TimeoutError', message: 'Other calls of this tool took all of the time.', retryable: true },
  CANCELLED: { type: 'CancelledError', message: 'The call was cancelled.', retryable: false },
  INTERNAL: { type: 'InternalError', message: 'Something went wrong here.', retryable: true },
} as const satisfies Record<string, ErrorRow>
export type ToolErrorCode = keyof typeof TOOL_ERRORS

/** What a tool says of its own errors: its callers are told by the code alone. */
export interface DeclaredError {
  readonly message: string
  /** The caller's input, the tool itself, or the world outside. */
  readonly blame: 'caller' | 'tool' | 'outside'
  readonly retryable?: boolean
}
export type DeclaredErrors = Readonly<Record<string, DeclaredError>>

const BLAMED = { caller: 'ValidationError', tool: 'PluginError', outside: 'ExecutionError' } as const

interface Mark {
  readonly code: string
  readonly details: Details
  /** Said by the runner or a port, not by a tool. */
  readonly ours: boolean
}
/** By identity: nothing that a tool throws is asked what it is. */
const marks = new WeakMap<object, Mark>()

/** Thrown by a tool for what it declares in `errors`. */
export class ToolFailed extends Error {
  constructor(code: string, details: Details = {}, options?: ErrorOptions) {
    super(code, options)
    this.name = 'ToolFailed'
    marks.set(this, { code, details: closed(details), ours: false })
  }
}

/** Thrown by the runner and by what carries tools. @param evidence for operators */
export function failed(code: ToolErrorCode, details: Details = {}, evidence?: unknown): Error {
  const error = new Error(code, evidence === undefined ? undefined : { cause: evidence })
  marks.set(error, { code, details, ours: true })
  return error
}

const WORD = /^[\w.:/+-]{1,100}$/

/** Strings with spaces may be somebody's: they are left out. */
function closed(details: Details): Details {
  const kept = Object.entries(details).filter(
    ([name, value]) =>
      WORD.test(name) &&
      (value === null ||
        typeof value === 'boolean' ||
        (typeof value === 'number' && Number.isFinite(value)) ||
        (typeof value === 'string' && WORD.test(value))),
  )
  return Object.fromEntries(kept.slice(0, 20))
}

export interface About {
  readonly tool: string
  readonly correlationId: string
  readonly errors: DeclaredErrors
}

/** Never throws, whatever was thrown; `evidence` is for operators and leaves the server by no door. */
export function toEnvelope(thrown: unknown, about: About): { envelope: ErrorEnvelope; evidence: string } {
  const isObject = (typeof thrown === 'object' && thrown !== null) || typeof thrown === 'function'
  const mark = isObject ? marks.get(thrown) : undefined
  const said = mark === undefined ? undefined : rowOf(mark, about.errors)
  const code = said === undefined || mark === undefined ? 'TOOL_FAILED' : mark.code
  const { type, message, retryable } = said ?? TOOL_ERRORS.TOOL_FAILED
  const details = said === undefined ? {} : (mark?.details ?? {})
  const { tool, correlationId } = about
  const timestamp = new Date().toISOString()
  return {
    envelope: { type, code, message, details, tool, retryable, timestamp, correlationId },
    evidence: evidenceOf(thrown),
  }
}

/** A code as an envelope, where nothing was thrown. */
export function envelopeOf(
  code: ToolErrorCode,
  { tool, correlationId, details = {} }: { tool: string; correlationId: string; details?: Details },
): ErrorEnvelope {
  return toEnvelope(failed(code, details), { tool, correlationId, errors: {} }).envelope
}

function rowOf({ code, ours }: Mark, errors: DeclaredErrors): ErrorRow | undefined {
  if (ours) return TOOL_ERRORS[code as ToolErrorCode]
  const declared = Object.hasOwn(errors, code) ? errors[code] : undefined
  if (declared === undefined) return undefined
  return { type: BLAMED[declared.blame], message: declared.message, retryable: declared.retryable ?? false }
}

const MOST_EVIDENCE = 8_000

function evidenceOf(thrown: unknown): string {
  try {
    // Neither traps nor getters nor a custom inspection is asked.
    const text = inspect(thrown, {
      depth: 4,
      customInspect: false,
      getters: false,
      showProxy: true,
      maxStringLength: 4_000,
    })
    return text.slice(0, MOST_EVIDENCE)
  } catch {
    return 'it cannot be looked at'
  }
}
