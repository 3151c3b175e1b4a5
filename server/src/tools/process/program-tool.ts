/** Tools that are programs: asked what they are, and kept warm while they are called. */
import { TaskFailed } from '@millrace/engine'
import { z } from 'zod'
import { failed } from '../envelope.ts'
import { fromInner } from '../host/inner.ts'
import { carriedTool, LARGEST_OUTPUT, type Carry, type Told, type Tool } from '../runner.ts'
import type { Program } from './launch.ts'
import { processFailed } from './line-process.ts'
import type { Processes } from './processes.ts'
import type { Document } from './reply.ts'

const word = z.union([z.string(), z.number(), z.boolean(), z.null()])
const schema = z.record(z.string(), z.unknown())
/** What a program, or the file beside it, says of a tool. */
export const told = z.object({
  name: z.string(),
  version: z.string(),
  description: z.string(),
  input: schema,
  output: schema,
  errors: z
    .record(
      z.string(),
      z.object({
        message: z.string(),
        blame: z.enum(['caller', 'tool', 'outside']),
        retryable: z.boolean().optional(),
      }),
    )
    .optional(),
  timeoutMs: z.number().optional(),
  concurrency: z.number().optional(),
  capabilities: z.array(z.string()).optional(),
})
const described = z.union([
  z.object({ tool: told }),
  z.object({ problem: z.object({ reason: z.string().max(2_000), line: z.int().min(1).optional() }) }),
])
export type Described = { readonly tool: Told } | { readonly problem: { reason: string; line?: number | undefined } }

/** Milliseconds in which a file must say what it is. */
const DESCRIBE = 20_000

/** Asks a host what the tool in its file is. @throws TaskFailed where it does not answer */
export async function describeProgram(processes: Processes, program: Program): Promise<Described> {
  const until = { signal: AbortSignal.timeout(DESCRIBE), deadline: new Date(Date.now() + DESCRIBE) }
  const asked = { ...program, args: [...program.args, '--describe'] }
  const answer = described.safeParse(await processes.once(asked, {}, until))
  return answer.success ? (answer.data as Described) : { problem: { reason: 'it does not describe a tool as it must' } }
}

/** Bytes of a call's line: what is around the output is small. */
const LINE = LARGEST_OUTPUT + 64 * 1024
const LOG = 16 * 1024 * 1024
/** Milliseconds by which the process may be late: the runner's own deadline comes first. */
const LATE = 2_000

const reply = z.union([
  z.object({ id: z.string(), success: z.literal(true), output: z.unknown() }),
  z.object({
    id: z.string(),
    success: z.literal(false),
    error: z.object({
      code: z.string().max(100),
      details: z.record(z.string(), word).nullish(),
      evidence: z.string().optional(),
      questions: z.unknown().optional(),
    }),
  }),
])
type Reply = z.output<typeof reply>

/** A failure that it names is an answer here: only the tool knows its codes. */
function readAnswer(program: Program, line: string, id?: string): Document {
  let document: unknown
  try {
    document = JSON.parse(line)
  } catch {
    document = undefined
  }
  const read = reply.safeParse(document)
  if (!read.success || read.data.id !== id) {
    throw processFailed('WORKER_PROTOCOL', program, { reason: 'not an answer' })
  }
  return read.data
}

export function programTool(processes: Processes, program: Program, about: Told): Tool {
  const most = about.concurrency ?? 4
  const pool = processes.warm(program, { most, line: LINE, log: LOG, read: readAnswer })
  const carry: Carry = async (input, { signal, deadline, askable }) => {
    const until = { signal, deadline: new Date(deadline.getTime() + LATE) }
    const answer = (await pool.ask({ input, askable }, until).catch((error: unknown) => {
      throw named(error)
    })) as Document & Reply
    if (answer.success) return answer.output
    const { code, details, evidence, questions } = answer.error
    throw fromInner({ code, details: details ?? {}, ...(evidence === undefined ? {} : { evidence }), questions })
  }
  return carriedTool({ ...about, concurrency: most }, 'process', carry)
}

/** 127: it could not be started; 126: not by this user. */
const MISSING = new Set<unknown>([126, 127])

function named(error: unknown): unknown {
  if (!(error instanceof TaskFailed)) return error
  const { code, details = {} } = error.failure
  if (code === 'TIMEOUT') return failed('TIMEOUT')
  if (code === 'CANCELLED') return failed('CANCELLED')
  if (code === 'WORKER_CRASH') {
    return failed(MISSING.has(details['exitCode']) ? 'UNAVAILABLE' : 'TOOL_CRASHED', {}, error.cause)
  }
  if (details['reason'] === 'a line too long')
    return failed('OUTPUT_TOO_LARGE', { mostBytes: LARGEST_OUTPUT }, error.cause)
  return failed('TOOL_PROTOCOL', {}, error.cause)
}
