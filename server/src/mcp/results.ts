/** What a call answers: data that also stands in a text, or an error in the envelope of every door. */
import { ProtocolError, ProtocolErrorCode, type CallToolResult, type ContentBlock } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { enveloped } from '../http/tool-problem.ts'
import { toProblem } from '../http/problem.ts'
import type { ErrorEnvelope } from '../tools/envelope.ts'

export function dataResult(data: unknown, run?: number): CallToolResult {
  return {
    content: [{ type: 'text', text: JSON.stringify(data) }],
    structuredContent: data,
    ...aboutRun(run),
  }
}

/** @param sentence for a model that reads: what to do about it */
export function errorResult(error: ErrorEnvelope, run?: number, sentence?: string): CallToolResult {
  const { issues } = error.details
  const said = [`${error.code}: ${sentence ?? error.message}`, typeof issues === 'string' ? issues : undefined]
  return {
    isError: true,
    content: [{ type: 'text', text: said.filter((line) => line !== undefined).join('\n') }],
    structuredContent: { error },
    ...aboutRun(run),
  }
}

/** Where an answer cannot say what went wrong: an error of the protocol, with the code of the other doors. */
export function thrownProtocol(thrown: unknown, correlationId: string): ProtocolError {
  if (thrown instanceof ProtocolError) return thrown
  const { status, code, title, detail, causes = [] } = toProblem(thrown, correlationId)
  const kind = status < 500 ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError
  const sentence = [`${code}: ${detail ?? title}`, ...causes.slice(0, 20)].join('; ')
  return new ProtocolError(kind, sentence, { code, correlationId })
}

/** Anything thrown as the other doors would tell it: of what nobody foresaw, nothing but the id. */
export function thrownResult(thrown: unknown, tool: string, correlationId: string): CallToolResult {
  const problem = toProblem(thrown, correlationId)
  const { error } = enveloped(problem, { tool })
  if (error === undefined) throw thrown
  const { plugin: _, ...envelope } = error
  const causes = problem.causes === undefined ? '' : ` ${problem.causes.slice(0, 20).join('; ')}.`
  const sentence = [`${problem.detail ?? problem.title}${causes}`, problem.remedy].filter(Boolean).join(' ')
  return errorResult({ ...envelope, tool }, problem.run, sentence)
}

/** The number of the run, for `runs_get` and those after it. */
const aboutRun = (run: number | undefined) => (run === undefined ? {} : { _meta: { 'millrace/run': run } })

const annotations = z.looseObject({}).optional()
const resource = z.looseObject({ uri: z.string().max(2_000), mimeType: z.string().max(200).optional() })
/** Blocks as the protocol has them; a tool with the capability `content` gives such. */
export const blocks = z.object({
  content: z.array(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('text'), text: z.string(), annotations }),
      z.object({ type: z.literal('image'), data: z.base64(), mimeType: z.string().max(200), annotations }),
      z.object({ type: z.literal('audio'), data: z.base64(), mimeType: z.string().max(200), annotations }),
      z.object({ type: z.literal('resource'), resource, annotations }),
      z.looseObject({ type: z.literal('resource_link'), uri: z.string().max(2_000), name: z.string().max(500) }),
    ]),
  ),
})

export function contentResult(output: unknown, run: number): CallToolResult {
  const read = blocks.safeParse(output)
  return read.success ? { content: read.data.content as ContentBlock[], ...aboutRun(run) } : dataResult(output, run)
}
