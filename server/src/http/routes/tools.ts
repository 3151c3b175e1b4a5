/** Tools: which there are, how they do, and calling them; each call is a run. */
import { Refusal } from '@millrace/engine'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import {
  findJobs,
  jobAtEnd,
  jobNumbered,
  outputOf,
  seenTools,
  stateOf,
  toolToCall,
  type Job,
  type SeenTool,
} from '../../domains/tool/jobs.ts'
import { envelopeOf } from '../../tools/envelope.ts'
import { STATES } from '../../tools/lifecycle.ts'
import type { Door } from '../door.ts'
import { afterOf, cut, given, page, pageOf, runParams, who, workspaceOf, type House, type Opened } from '../house.ts'
import { errorSchema } from '../problem.ts'
import { ToolProblem } from '../tool-problem.ts'
import { DOORS, statusAt, type Status } from '../words.ts'

const tags = ['tools']
const config = { right: 'tools' } as const
const enveloped = { right: 'tools', envelope: true } as const
/** Bytes: an image in base64, or a large text. */
const BODY = 16 * 1024 * 1024

const JOB_STATUSES = ['PENDING', 'RUNNING', 'SUCCESS', 'FAILED'] as const
const toolName = z.string().min(1).max(64)

const place = z.object({
  worker: z.int(),
  state: z.enum(STATES),
  inFlight: z.int(),
  lastOutcome: z.enum(['success', 'error', 'caller_error']).nullable(),
  reason: z.string().nullable(),
  file: z.string().nullable(),
  line: z.int().nullable(),
})
const toolSchema = z
  .object({
    name: z.string(),
    version: z.string().nullable().describe('Null, as its schemas are, of a file that does not load.'),
    description: z.string().nullable(),
    carrier: z.string().nullable().describe('function, thread, process or mcp.'),
    capabilities: z.array(z.string()),
    timeout_ms: z.int().nullable(),
    concurrency: z.int().nullable().describe('Calls at a time, in one worker.'),
    state: z.enum(STATES).describe('The worst of its places; UNAVAILABLE where no worker has it.'),
    places: z.array(place).describe('Where it stands in each worker that is alive, the worst first.'),
    success_count: z.int(),
    error_count: z.int(),
    caller_error_count: z.int().describe('Calls that were the caller’s mistake, or were cancelled.'),
    last_execution_time_ms: z.number().nullable(),
    avg_execution_time_ms: z.number().nullable(),
    p95_execution_time_ms: z.number().nullable().describe('At most a tenth above what it was.'),
    last_used: z.date().nullable(),
  })
  .meta({ id: 'Tool' })

const jobSchema = z
  .object({
    id: z.int().describe('Number of the run.'),
    tool: z.string(),
    plugin: z.string().describe('The same, as older callers say it.'),
    status: z.enum(JOB_STATUSES),
    createdAt: z.date(),
    startedAt: z.date().nullable(),
    finishedAt: z.date().nullable(),
    error: errorSchema.nullable(),
  })
  .meta({ id: 'ToolJob' })

const resultSchema = z
  .object({
    run: z.int(),
    tool: z.string(),
    plugin: z.string(),
    status: z.enum(['SUCCESS', 'FAILED']),
    output: z.unknown(),
    elapsedMs: z.number().nullable(),
    error: errorSchema.nullable(),
  })
  .meta({ id: 'ToolResult' })

const body = z.strictObject({
  tool: toolName.optional(),
  input: z.unknown().optional(),
  plugin: toolName.optional().describe('With `image`: of a tool with the capability `image`.'),
  image: z.string().optional().describe('Base64.'),
  mime_type: z.string().max(100).optional(),
  mode: z.enum(['sync', 'async']).default('sync'),
  retries: z
    .int()
    .min(0)
    .max(10)
    .default(0)
    .describe('How often a call that may go well another time is made once more.'),
})

export function toolRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'GET',
    url: '/api/health/tools',
    config: { right: 'runs:read' },
    schema: {
      tags: ['health'],
      operationId: 'toolHealth',
      summary: 'How many tools are in which state, and which are not well.',
      response: {
        200: z.object({
          states: z.record(z.string(), z.int()),
          unwell: z.array(z.object({ name: z.string(), state: z.enum(STATES), reason: z.string().nullable() })),
        }),
      },
    },
    async handler(request) {
      const all = await seenTools(house().engine, who(request))
      const states: Record<string, number> = {}
      for (const tool of all) states[stateOf(tool)] = (states[stateOf(tool)] ?? 0) + 1
      const unwell = all.filter((tool) => stateOf(tool) === 'FAILED' || stateOf(tool) === 'UNAVAILABLE')
      const about = (tool: SeenTool) => ({
        name: tool.name,
        state: stateOf(tool),
        reason: tool.places[0]?.reason ?? 'No worker has it.',
      })
      return { states, unwell: unwell.map(about) }
    },
  })

  door.route({
    method: 'GET',
    url: '/v1/tools',
    config,
    schema: {
      tags,
      operationId: 'listTools',
      summary: 'The tools, with their states and what is counted of them.',
      response: { 200: z.object({ tools: z.array(toolSchema) }) },
    },
    handler: async (request) => ({ tools: (await seenTools(house().engine, who(request))).map(toolAt) }),
  })

  door.route({
    method: 'GET',
    url: '/v1/tools/:name',
    config,
    schema: {
      tags,
      operationId: 'getTool',
      summary: 'One tool, with the schemas of what it takes and gives, and its own errors.',
      params: z.strictObject({ name: toolName }),
      response: { 200: toolSchema.extend({ input: z.unknown(), output: z.unknown(), errors: z.unknown() }) },
    },
    async handler(request) {
      const [found] = await seenTools(house().engine, who(request), request.params.name)
      if (found === undefined) throw new Refusal('NO_SUCH_TOOL', 'There is no tool of that name here.')
      return { ...toolAt(found), input: found.input, output: found.output, errors: found.errors }
    },
  })

  door.route({
    method: 'POST',
    url: '/v1/analyze-execution',
    config: enveloped,
    bodyLimit: BODY,
    schema: {
      tags,
      operationId: 'callTool',
      summary: 'Call a tool, as a run of its own: wait for its end, or take its number.',
      description:
        'Whatever the tool does, it is 200 with its output, or 400 with an envelope in `error`; 202 with `mode: "async"`. 401, 403, 413, 429 and 503 are the platform’s, with the same envelope.',
      body,
      response: { 200: resultSchema, 202: z.object({ run: z.int(), status: z.enum(JOB_STATUSES) }) },
    },
    handler: (request, reply) => call(house(), request, reply, request.body),
  })

  door.route({
    method: 'GET',
    url: '/v1/analyze-execution/jobs',
    config: enveloped,
    schema: {
      tags,
      operationId: 'listToolJobs',
      summary: 'Calls, the newest first, page by page.',
      querystring: z.strictObject({
        ...page,
        status: z.enum(JOB_STATUSES).optional(),
        tool: toolName.optional(),
        plugin: toolName.optional(),
        since: z.iso.datetime({ offset: true }).optional(),
        until: z.iso.datetime({ offset: true }).optional(),
      }),
      response: { 200: pageOf(jobSchema) },
    },
    async handler(request) {
      const { limit, cursor, status, tool, plugin, since, until } = request.query
      const found = await findJobs(house().engine, who(request), {
        ...given({
          statuses: status === undefined ? undefined : statusesAt(status),
          tool: tool ?? plugin,
          since: since === undefined ? undefined : new Date(since),
          until: until === undefined ? undefined : new Date(until),
          before: afterOf(cursor),
        }),
        limit: limit + 1,
      })
      const { items, next } = cut(found, limit, ({ run }) => run.id)
      return { items: items.map(jobAt), next }
    },
  })

  door.route({
    method: 'GET',
    url: '/v1/analyze-execution/jobs/:id',
    config: enveloped,
    schema: {
      tags,
      operationId: 'getToolJob',
      summary: 'One call: how far it is.',
      params: runParams,
      response: { 200: jobSchema },
    },
    handler: async (request) => jobAt(await jobOf(house(), request, request.params.id)),
  })

  door.route({
    method: 'GET',
    url: '/v1/analyze-execution/jobs/:id/result',
    config: enveloped,
    schema: {
      tags,
      operationId: 'getToolResult',
      summary: 'What a call that has ended gave, or its error.',
      params: runParams,
      response: { 200: resultSchema },
    },
    async handler(request) {
      const job = await jobOf(house(), request, request.params.id)
      if (job.run.finishedAt === null) throw new Refusal('NOT_ENDED', `The call ${job.run.id} has not ended.`)
      return resultAt(house(), request, job)
    },
  })

  door.route({
    method: 'DELETE',
    url: '/v1/analyze-execution/jobs/:id',
    config: enveloped,
    schema: {
      tags,
      operationId: 'cancelToolJob',
      summary: 'Cancel a call.',
      params: runParams,
      response: { 200: jobSchema },
    },
    async handler(request) {
      const job = await jobOf(house(), request, request.params.id)
      if (job.run.finishedAt !== null) throw new Refusal('WRONG_STATE', `The call ${job.run.id} has ended.`)
      await house().engine.cancel(who(request), job.run.id)
      return jobAt(await jobOf(house(), request, request.params.id))
    },
  })
}

async function call(house: House, request: FastifyRequest, reply: FastifyReply, asked: z.output<typeof body>) {
  const { engine } = house
  const name = asked.tool ?? asked.plugin
  if (name === undefined || (asked.tool !== undefined && asked.plugin !== undefined)) {
    throw new Refusal('INVALID_REQUEST', 'Name a tool: `tool` and its `input`, or `plugin` and an `image`.')
  }
  const about = { tool: name, correlationId: request.id }
  const found = await toolToCall(engine, who(request), name)
  if ('missing' in found) throw new ToolProblem(envelopeOf(found.missing, about))
  const { tool } = found
  const { run } = await engine.start(
    who(request),
    house.tool,
    { tool: name, input: inputOf(asked, tool, about), retries: asked.retries },
    { workspace: workspaceOf(request) },
  )
  if (asked.mode === 'async') {
    reply.code(202).header('location', `/v1/analyze-execution/jobs/${run}`)
    return { run, status: 'PENDING' as const }
  }
  const left = new AbortController()
  reply.raw.once('close', () => left.abort())
  const job = await jobAtEnd(engine, who(request), { run, tool }, left.signal)
  if (job.error !== null) throw new ToolProblem(job.error, run)
  return resultAt(house, request, job)
}

/** What the tool is given; an image as older callers send it, where the tool says that it takes one. */
function inputOf(
  asked: z.output<typeof body>,
  tool: SeenTool,
  about: { tool: string; correlationId: string },
): unknown {
  if (asked.image === undefined) return asked.input ?? {}
  if (tool.capabilities?.includes('image') === true && asked.input === undefined) {
    return { image: asked.image, ...(asked.mime_type === undefined ? {} : { mime_type: asked.mime_type }) }
  }
  const issues = '/image: this tool takes `input`'
  throw new ToolProblem(envelopeOf('INVALID_INPUT', { ...about, details: { issues } }))
}

async function jobOf({ engine }: House, request: FastifyRequest, id: number): Promise<Job> {
  const job = await jobNumbered(engine, who(request), id)
  if (job === undefined) throw new Refusal('NO_SUCH_RUN', `Run ${id} is no call of a tool.`)
  return job
}

/** The words of the engine that are one word here. */
function statusesAt(word: (typeof JOB_STATUSES)[number]): Status[] {
  return (Object.keys(DOORS.tool) as Status[]).filter((status) => statusAt('tool', status) === word)
}

function jobAt({ run, tool, error }: Job): z.output<typeof jobSchema> {
  const { id, createdAt, startedAt, finishedAt } = run
  const status = statusAt('tool', run.status as Status)
  return { id, tool, plugin: tool, status, createdAt, startedAt, finishedAt, error: errorAt(error) }
}

async function resultAt({ engine }: House, request: FastifyRequest, { run, tool, error }: Job) {
  const at = { run: run.id, tool, plugin: tool, error: errorAt(error) }
  if (error !== null) return { ...at, status: 'FAILED' as const, output: null, elapsedMs: null }
  const { output, elapsedMs } = await outputOf(engine, who(request), run.id)
  return { ...at, status: 'SUCCESS' as const, output, elapsedMs }
}

const errorAt = (error: Job['error']) => (error === null ? null : { ...error, plugin: error.tool })

function toolAt(tool: SeenTool): z.output<typeof toolSchema> {
  const { input: _, output: __, errors: ___, capabilities, places, ...rest } = tool
  return { ...rest, capabilities: [...(capabilities ?? [])], state: stateOf(tool), places: [...places] }
}
