/**
 * What is said over MCP: the tools that somebody may use, and calls of them.  One such
 * server is made for each request over HTTP, and one for a connection over stdio; the
 * package beneath speaks both revisions of the protocol that are alive.
 */
import {
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type CallToolResult,
  type ClientCapabilities,
  type InputRequiredResult,
  type ServerContext,
  type Tool as Offered,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { allows, mustAllow } from '../access/signed-in.ts'
import { envelopeOf } from '../tools/envelope.ts'
import { issuesOf } from '../tools/schemas.ts'
import { pageOfRun, type Asking, type CallHand } from './asking.ts'
import { callTool, offeredTools } from './registry-tools.ts'
import { dataResult, errorResult, thrownResult } from './results.ts'
import { awaitsApproval, RUN_TOOLS, type RunTool } from './run-tools.ts'

const ABOUT = { name: 'millrace', title: 'Millrace', version: '0.1.0' }
const INSTRUCTIONS = `Millrace runs AI work that must not be lost. runs_start asks for a run and runs_watch waits for its end; runs go on when you leave. Every other tool does one thing and is a run too. A run that awaits approval is decided about by a person at its url, never here.`

export function openMcpServer(asking: Asking): McpServer {
  const mcp = new McpServer(ABOUT, { capabilities: { tools: {} }, instructions: INSTRUCTIONS })
  const { server } = mcp
  server.setRequestHandler('tools/list', async () => {
    const mine = RUN_TOOLS.filter(({ scope }) => allows(asking.who, scope)).map(offeredRunTool)
    return { tools: [...mine, ...(await offeredTools(asking))] }
  })
  server.setRequestHandler('tools/call', async ({ params: { name, arguments: input = {} } }, context) => {
    const tool = RUN_TOOLS.find((one) => one.name === name)
    const hand = handOf(context, asking)
    try {
      if (tool !== undefined) return await performRunTool(tool, input, asking, hand, context)
      const called = await callTool(asking, { name, input }, hand)
      if (called !== undefined) return called
    } catch (error) {
      return thrownResult(error, name, asking.correlationId())
    }
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no tool of that name here.')
  })
  return mcp
}

function offeredRunTool({ name, title, description, input, output, hints }: RunTool): Offered {
  return {
    name,
    title,
    description,
    inputSchema: schemaOf(input, 'input') as Offered['inputSchema'],
    outputSchema: schemaOf(output, 'output') as NonNullable<Offered['outputSchema']>,
    annotations: { ...hints, openWorldHint: false },
  }
}

const schemas = new WeakMap<z.ZodType, object>()

/** Moments are texts once they are JSON. */
function schemaOf(type: z.ZodType, io: 'input' | 'output'): object {
  const known = schemas.get(type)
  if (known !== undefined) return known
  const { $schema: _, ...schema } = z.toJSONSchema(type, {
    io,
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      if (zodSchema._zod.def.type === 'date') Object.assign(jsonSchema, { type: 'string', format: 'date-time' })
    },
  })
  schemas.set(type, schema)
  return schema
}

async function performRunTool(
  tool: RunTool,
  input: unknown,
  asking: Asking,
  hand: CallHand,
  context: ServerContext,
): Promise<CallToolResult | InputRequiredResult> {
  mustAllow(asking.who, tool.scope)
  const read = tool.input.safeParse(input)
  if (!read.success) {
    const about = { tool: tool.name, correlationId: asking.correlationId() }
    return errorResult(envelopeOf('INVALID_INPUT', { ...about, details: { issues: issuesOf(read.error.issues) } }))
  }
  const answer = tool.output.parse(await tool.perform(read.data as never, asking, hand))
  const awaited = awaitsApproval(answer)
  // Who was asked once, and says that somebody looked, is told how it is now.
  if (awaited !== undefined && context.mcpReq.inputResponses === undefined && opensAddresses(context)) {
    return inputRequired({
      inputRequests: {
        approval: inputRequired.elicitUrl({
          message: `Run ${awaited} awaits approval. A person decides about it on this page.`,
          url: pageOfRun(asking, awaited),
        }),
      },
    })
  }
  return dataResult(JSON.parse(JSON.stringify(answer)))
}

/** Does the client show a person an address?  It says so with every request, in the newer revision. */
function opensAddresses({ mcpReq: { envelope } }: ServerContext): boolean {
  const said = envelope?.[CLIENT_CAPABILITIES_META_KEY as keyof typeof envelope] as ClientCapabilities | undefined
  return said?.elicitation?.url !== undefined
}

function handOf({ mcpReq: { signal, _meta, notify } }: ServerContext, { takenBack }: Asking): CallHand {
  const progressToken = _meta?.progressToken
  let last = -1
  return {
    signal: takenBack === undefined ? signal : AbortSignal.any([signal, takenBack]),
    progress(done, total) {
      // The protocol wants it to grow.
      if (progressToken === undefined || done <= last) return
      last = done
      const params = { progressToken, progress: done, ...(total === undefined ? {} : { total }) }
      void notify({ method: 'notifications/progress', params }).catch(() => {})
    },
  }
}
