/** The tools of the registry as tools of MCP; a call is a run of the kind `tool`, as at every door. */
import type { CallToolResult, InputRequiredResult, Tool as Offered } from '@modelcontextprotocol/server'
import { allows, mustAllow } from '../access/signed-in.ts'
import { jobAtEnd, outputOf, seenTools, toolToCall, type SeenTool } from '../domains/tool/jobs.ts'
import { envelopeOf, type ErrorEnvelope } from '../tools/envelope.ts'
import type { Askable, Questions } from '../tools/questions.ts'
import type { Asking, CallHand } from './asking.ts'
import { contentResult, dataResult, errorResult } from './results.ts'

/** Those that somebody can call: a tool that gives a prompt is offered as one. */
export async function registryTools({ house, who }: Asking, as: 'tool' | 'prompt'): Promise<SeenTool[]> {
  if (!allows(who, 'tools')) return []
  const all = await seenTools(house.engine, who.principal)
  return all.filter((tool) => tool.version !== null && tool.places.length > 0 && isPrompt(tool) === (as === 'prompt'))
}

export async function offeredTools(asking: Asking): Promise<Offered[]> {
  return (await registryTools(asking, 'tool')).map(offered)
}

const isContent = ({ capabilities }: SeenTool) => capabilities?.includes('content') === true
const isPrompt = ({ capabilities }: SeenTool) => capabilities?.includes('prompt') === true

function offered(tool: SeenTool): Offered {
  const input = tool.input as Record<string, unknown>
  return {
    name: tool.name,
    ...(tool.description === null ? {} : { description: tool.description }),
    // Arguments are an object, whatever else the schema says of them.
    inputSchema: { ...input, type: 'object' },
    ...(isContent(tool) ? {} : { outputSchema: tool.output as NonNullable<Offered['outputSchema']> }),
  }
}

export interface Call {
  readonly name: string
  readonly input: unknown
  readonly askable: Askable
}
export type Ended =
  | { readonly error: ErrorEnvelope; readonly run?: number }
  | { readonly questions: Questions }
  | { readonly output: unknown; readonly run: number; readonly tool: SeenTool }

/** Undefined where nobody ever had a tool of that name. */
export async function performCall(
  { house, who, workspace, correlationId }: Asking,
  { name, input, askable: { asks, answers } }: Call,
  { signal, progress, log }: CallHand,
): Promise<Ended | undefined> {
  mustAllow(who, 'tools')
  const { engine } = house
  const { principal } = who
  const found = await toolToCall(engine, principal, name)
  if ('missing' in found) {
    if (found.missing === 'UNKNOWN_TOOL') return undefined
    return { error: envelopeOf(found.missing, { tool: name, correlationId: correlationId() }) }
  }
  const { tool } = found
  const asked = { tool: name, input, retries: 0, asks: [...asks], answers }
  const { run } = await engine.start(principal, house.tool, asked, { workspace: workspace() })
  const { error } = await jobAtEnd(engine, principal, { run, tool }, signal, ({ kind, data }) => {
    if (kind === 'log') log(data)
    const { done, total } = data
    if (kind !== 'progress' || typeof done !== 'number') return
    progress(done, typeof total === 'number' ? total : undefined)
  })
  if (error !== null) return { error, run }
  const { output, questions } = await outputOf(engine, principal, run)
  return questions === undefined ? { output, run, tool } : { questions }
}

/** @param ask how its questions are put to the client */
export async function callTool(
  asking: Asking,
  call: Call,
  hand: CallHand,
  ask: (questions: Questions) => Promise<InputRequiredResult>,
): Promise<CallToolResult | InputRequiredResult | undefined> {
  const ended = await performCall(asking, call, hand)
  if (ended === undefined) return undefined
  if ('error' in ended) return errorResult(ended.error, ended.run)
  if ('questions' in ended) return ask(ended.questions)
  const { tool, output, run } = ended
  return isContent(tool) ? contentResult(output, run) : dataResult(output, run)
}
