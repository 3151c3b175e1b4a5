/** A tool that runs elsewhere: what its side does with a call, and what ours makes of its answer. */
import { failed, ToolFailed, type Details, type ToolErrorCode } from '../envelope.ts'
import { asking, type Askable } from '../questions.ts'
import { openRunner, type Tool } from '../runner.ts'

/** A code and closed words, and for operators what was behind it. */
export interface InnerError {
  readonly code: string
  readonly details: Details
  readonly evidence?: string
  /** It is no error: this is what the tool asks. */
  readonly questions?: unknown
}
export type Answer =
  | { readonly ok: true; readonly output: unknown }
  | { readonly ok: false; readonly error: InnerError }

/** Over there: through a runner of its own, which counts nothing. */
export function openInner(tool: Tool): (input: unknown, askable?: Askable) => Promise<Answer> {
  let evidence: string | undefined
  const recorder = {
    async record({ trace }: { trace: { evidence: string } | null }) {
      evidence = trace?.evidence
    },
    changed() {},
  }
  // Whether it is to be asked is decided on our side.
  const runner = openRunner({ recorder, faults: Infinity })
  runner.add(tool)
  return async (input, askable) => {
    const called = await runner.run(tool.name, input, askable === undefined ? {} : { askable })
    if (called.ok) return { ok: true, output: called.output }
    const { code, details } = called.error
    if (called.questions !== undefined) return { ok: false, error: { code, details, questions: called.questions } }
    return { ok: false, error: { code, details, ...(evidence === undefined ? {} : { evidence }) } }
  }
}

/** Codes of ours that the other side may say. */
const SAYABLE = new Set(['INVALID_INPUT', 'INVALID_OUTPUT', 'OUTPUT_TOO_LARGE', 'TOOL_FAILED', 'TIMEOUT'])

/** Here: what it says is taken for a claim, its code for the name of a row. */
export function fromInner({ code, details, evidence, questions }: InnerError): Error {
  if (questions !== undefined) return asking(questions)
  if (SAYABLE.has(code)) return failed(code as ToolErrorCode, details, evidence)
  return new ToolFailed(code, details, evidence === undefined ? undefined : { cause: evidence })
}
