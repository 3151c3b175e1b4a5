/** The tools of the registry as tools of MCP; a call is a run of the kind `tool`, as at every door. */
import type { CallToolResult, Tool as Offered } from '@modelcontextprotocol/server'
import { allows, mustAllow } from '../access/signed-in.ts'
import { jobAtEnd, outputOf, seenTools, toolToCall, type SeenTool } from '../domains/tool/jobs.ts'
import { envelopeOf } from '../tools/envelope.ts'
import type { Asking, CallHand } from './asking.ts'
import { contentResult, dataResult, errorResult } from './results.ts'

/** Those that somebody can call, by name. */
export async function offeredTools({ house, who }: Asking): Promise<Offered[]> {
  if (!allows(who, 'tools')) return []
  const all = await seenTools(house.engine, who.principal)
  return all.filter(({ version, places }) => version !== null && places.length > 0).map(offered)
}

const isContent = ({ capabilities }: SeenTool) => capabilities?.includes('content') === true

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

/** Undefined where nobody ever had a tool of that name. */
export async function callTool(
  { house, who, workspace, correlationId }: Asking,
  { name, input }: { name: string; input: unknown },
  { signal, progress }: CallHand,
): Promise<CallToolResult | undefined> {
  mustAllow(who, 'tools')
  const { engine } = house
  const { principal } = who
  const found = await toolToCall(engine, principal, name)
  if ('missing' in found) {
    if (found.missing === 'UNKNOWN_TOOL') return undefined
    return errorResult(envelopeOf(found.missing, { tool: name, correlationId: correlationId() }))
  }
  const { tool } = found
  const asked = { tool: name, input, retries: 0 }
  const { run } = await engine.start(principal, house.tool, asked, { workspace: workspace() })
  const { error } = await jobAtEnd(engine, principal, { run, tool }, signal, ({ kind, data }) => {
    const { done, total } = data
    if (kind !== 'progress' || typeof done !== 'number') return
    progress(done, typeof total === 'number' ? total : undefined)
  })
  if (error !== null) return errorResult(error, run)
  const { output } = await outputOf(engine, principal, run)
  return isContent(tool) ? contentResult(output, run) : dataResult(output, run)
}
