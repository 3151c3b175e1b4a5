/**
 * What is said over MCP: tools and calls of them, things to read, prompts.  One such
 * server is made for each request over HTTP, for each session of the older revision, and
 * for a connection over stdio; the package beneath speaks both revisions that are alive.
 */
import {
  inputRequired,
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type CallToolResult,
  type InputRequiredResult,
  type ServerContext,
  type Tool as Offered,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { allows, mustAllow } from '../access/signed-in.ts'
import { envelopeOf } from '../tools/envelope.ts'
import type { Questions } from '../tools/questions.ts'
import { issuesOf } from '../tools/schemas.ts'
import { pageOfRun, type Asking, type CallHand } from './asking.ts'
import { askableIn, asks, capabilitiesOf, openStates } from './caller.ts'
import { completePrompt, getPrompt, listPrompts } from './prompts.ts'
import { callTool, offeredTools } from './registry-tools.ts'
import { listResources, readResource, serveSubscriptions, SHELVES } from './resources.ts'
import { dataResult, errorResult, thrownProtocol, thrownResult } from './results.ts'
import { awaitsApproval, RUN_TOOLS, type RunTool } from './run-tools.ts'
import type { Shelf } from './shelf.ts'

const ABOUT = { name: 'millrace', title: 'Millrace', version: '0.1.0' }
const INSTRUCTIONS = `Millrace runs AI work that must not be lost. runs_start asks for a run and runs_watch waits for its end; runs go on when you leave. Every other tool does one thing and is a run too. What runs brought is read as resources too (millrace://runs/ID), and vetted skills are prompts. A run that awaits approval is decided about by a person at its url, never here.`

/** Milliseconds for which a client may keep an answer: lists change when somebody works here, templates never. */
const KEPT = {
  'tools/list': { ttlMs: 10_000, cacheScope: 'private' },
  'prompts/list': { ttlMs: 10_000, cacheScope: 'private' },
  'resources/list': { ttlMs: 1_000, cacheScope: 'private' },
  'resources/templates/list': { ttlMs: 3_600_000, cacheScope: 'public' },
  'resources/read': { ttlMs: 0, cacheScope: 'private' },
} as const
const MOST_COMPLETIONS = 100

export interface McpServed {
  readonly house: Asking['house']
  /** Who asks this; a connection may be one person's for ever. */
  readonly askingIn: (context: Pick<ServerContext, 'http'>) => Asking
  /** What can be read here besides runs and skills. */
  readonly shelves?: readonly Shelf[] | undefined
}

export function openMcpServer({ house, askingIn, shelves: more = [] }: McpServed): McpServer {
  const shelves = [...SHELVES, ...more]
  const states = openStates(house.keys, (context) => askingIn(context).who.id)
  const mcp = new McpServer(ABOUT, {
    capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {}, logging: {} },
    instructions: INSTRUCTIONS,
    cacheHints: KEPT,
    requestState: { verify: (state, context) => states.verify(state, context) },
  })
  const { server } = mcp

  /** What a call that may ask has: who asks, what he has answered, and how he is asked. */
  function callIn(context: ServerContext, to: string) {
    const asking = askingIn(context)
    const askable = askableIn(context, server, to)
    const { answers } = askable
    const ask = (questions: Questions) => asks(questions, { to, answers, states, context })
    return { asking, askable, ask, hand: handOf(context) }
  }

  server.setRequestHandler('tools/list', async (_, context) => {
    const asking = askingIn(context)
    const mine = RUN_TOOLS.filter(({ scope }) => allows(asking.who, scope)).map(offeredRunTool)
    return { tools: [...mine, ...(await offeredTools(asking))] }
  })
  server.setRequestHandler('tools/call', async ({ params: { name, arguments: input = {} } }, context) => {
    const tool = RUN_TOOLS.find((one) => one.name === name)
    const { asking, askable, ask, hand } = callIn(context, name)
    try {
      if (tool !== undefined) {
        const opensAddresses = capabilitiesOf(context, server).elicitation?.url !== undefined
        return await performRunTool(tool, input, asking, { hand, context, opensAddresses })
      }
      const called = await callTool(asking, { name, input, askable }, hand, ask)
      if (called !== undefined) return called
    } catch (error) {
      return thrownResult(error, name, asking.correlationId())
    }
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no tool of that name here.')
  })

  /** What is refused is an error of the protocol. */
  async function refusable<T>(context: ServerContext, work: (asking: Asking) => Promise<T>): Promise<T> {
    const asking = askingIn(context)
    try {
      return await work(asking)
    } catch (error) {
      throw thrownProtocol(error, asking.correlationId())
    }
  }

  server.setRequestHandler('resources/list', ({ params }, context) =>
    refusable(context, (asking) => listResources(shelves, asking, params?.cursor)),
  )
  server.setRequestHandler('resources/templates/list', () => ({
    resourceTemplates: shelves.flatMap(({ templates }) => [...templates]),
  }))
  server.setRequestHandler('resources/read', ({ params: { uri } }, context) =>
    readResource(shelves, askingIn(context), uri),
  )
  const watching = serveSubscriptions(mcp, shelves, (context) => askingIn(context as ServerContext))
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- it is no target of events
  server.onclose = () => watching.close()

  server.setRequestHandler('prompts/list', (_, context) =>
    refusable(context, async (asking) => ({ prompts: await listPrompts(asking) })),
  )
  server.setRequestHandler('prompts/get', async ({ params: { name, arguments: values = {} } }, context) => {
    const { askable, ask, hand } = callIn(context, name)
    return refusable(context, (asking) => getPrompt(asking, { name, values, askable }, hand, ask))
  })

  server.setRequestHandler('completion/complete', ({ params: { ref, argument, context: others } }, context) =>
    refusable(context, async (asking) => {
      const shelf =
        ref.type === 'ref/resource'
          ? shelves.find(({ templates }) => templates.some(({ uriTemplate }) => uriTemplate === ref.uri))
          : undefined
      const all =
        ref.type === 'ref/prompt'
          ? await completePrompt(asking, ref.name, argument.name)
          : await shelf?.complete(asking, argument.name, others?.arguments ?? {})
      const fitting = (all ?? []).filter((word) => word.startsWith(argument.value))
      const values = fitting.slice(0, MOST_COMPLETIONS)
      return { completion: { values, total: fitting.length, hasMore: fitting.length > values.length } }
    }),
  )
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
  { hand, context, opensAddresses }: { hand: CallHand; context: ServerContext; opensAddresses: boolean },
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
  if (awaited !== undefined && context.mcpReq.inputResponses === undefined && opensAddresses) {
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

function handOf({ mcpReq: { signal, _meta, notify, log } }: ServerContext): CallHand {
  const progressToken = _meta?.progressToken
  let last = -1
  return {
    signal,
    progress(done, total) {
      // The protocol wants it to grow.
      if (progressToken === undefined || done <= last) return
      last = done
      const params = { progressToken, progress: done, ...(total === undefined ? {} : { total }) }
      void notify({ method: 'notifications/progress', params }).catch(() => {})
    },
    log: (data) => void log('info', data, 'run').catch(() => {}),
  }
}
