/** Runs are asked for: a probe with all that it takes, any other kind by its name, and an old one once more. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import { definitionSchema } from '../../domains/probe/definition/definition.ts'
import { definitionOf } from '../../domains/probe/definitions.ts'
import { foundRun } from '../../runs/find-runs.ts'
import { probeInput } from '../../domains/probe/input.ts'
import { prepare, startProbe, type ProbeRequest, type StartProbe } from '../../domains/probe/start.ts'
import type { Door } from '../door.ts'
import {
  given,
  priorityOf,
  priorityWord,
  runParams,
  who,
  workspaceOf,
  type House,
  type Opened,
  knownTo,
} from '../house.ts'
import { runAt, runSchema } from '../shapes.ts'
import { startOfKind } from '../start-kind.ts'
import { others, refuseMixed, runOfCard } from './start-card.ts'

const tags = ['runs']
const write = { right: 'runs:write' } as const

const started = z.object({ run: runSchema, created: z.boolean().describe('False when the key had started it before.') })

/** How any run is started, whatever it asks. */
const start = {
  priority: priorityWord.default('normal'),
  hold: z.boolean().default(false).describe('Nobody claims from it until it is resumed.'),
  delay: z.number().min(0).max(31_536_000).optional().describe('Seconds before which it does not begin.'),
  budget: z
    .strictObject({
      tokens: z.int().min(0).optional(),
      micros: z.int().min(0).optional().describe('Millionths of a US dollar.'),
    })
    .optional()
    .describe('The most that it may use.'),
  idempotencyKey: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/)
    .optional()
    .describe('The same key with the same input is the same run; the header Idempotency-Key is the same.'),
}

const seed = z
  .union([z.int(), z.string().regex(/^-?\d{1,40}$/, 'must be a whole number, at most 40 digits')])
  .transform(String)

/** What a probe asks with; what is left out has a default. */
const parameters = {
  samplePercentage: z.int().min(1).max(100).optional(),
  sampleSeed: seed.optional().describe('Any whole number; chooses the sample and the wordings.'),
  samplesPerScenario: z.int().min(1).max(1_000).optional(),
  temperature: z.number().min(0).max(2).optional().describe('Sent only if given.'),
  maxTokens: z.int().min(1).max(1_000_000).optional(),
  maxTurns: z.int().min(1).max(100).optional(),
  worker: z
    .enum(['inline', 'python'])
    .optional()
    .describe('Who holds the conversations; what is asked and kept is the same.'),
}
const models = z
  .array(z.string().min(3).max(200))
  .min(1)
  .max(100)
  .describe('`provider:model[@version]`; repeated ones are one.')

const probe = {
  definition: definitionSchema.optional().describe('A definition itself, or …'),
  definitionId: z.int().min(1).optional().describe('… the number of a stored one.'),
  version: z.int().min(1).max(2_147_483_647).optional().describe('Of the stored one; the newest if left out.'),
  models,
  ...parameters,
}

const interval = z.object({ low: z.number(), likely: z.number(), high: z.number() })

const dryRun = z
  .object({
    scenarios: z.int(),
    scenariosInAll: z.int(),
    models: z.array(z.string()),
    tasks: z.int(),
    calls: z.int(),
    inputTokens: z.int().describe('An estimate.'),
    outputTokens: z.int().describe('An estimate.'),
    costUsd: z.number().nullable().describe('Null where no price is known.'),
    forecast: z.array(
      z.object({
        model: z.string(),
        calls: z.int(),
        inputTokens: interval,
        exact: z.boolean().describe("Counted by the model's own tokenizer; else estimated."),
        outputTokens: interval,
        costUsd: interval.nullable(),
        seen: z.int().describe('Answers that lengths were taken from; 0: they are assumed.'),
        secondsPerCall: z.number().nullable().describe('That a call took, of those answers.'),
        deprecated: z.boolean(),
      }),
    ),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'DryRun', description: 'What a start would create.' })

type Asked = z.output<z.ZodObject<typeof probe>>
type Started = z.output<z.ZodObject<typeof start>>

export function startRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'POST',
    url: '/api/runs',
    config: write,
    schema: {
      tags,
      operationId: 'startRun',
      summary:
        'Start a probe: every sampled scenario, every model, every sample is one task. With `cardId` the run of a card’s stage, with `kind` any other.',
      body: z.strictObject({ ...probe, ...start, ...others, models: models.optional() }).superRefine(refuseMixed),
      response: { 200: started, 201: started },
    },
    async handler(request, reply) {
      const { cardId, stage, workspaceId, triggeredBy: _, kind, input, models: asked = [], ...rest } = request.body
      if (cardId !== undefined) {
        const { run, created } = await runOfCard(house(), request, {
          cardId,
          ...given({ stage, workspaceId, idempotencyKey: rest.idempotencyKey }),
        })
        return answer(house(), request, reply, run, created)
      }
      if (kind !== undefined) return startKind(house(), request, reply, { kind, input, how: rest })
      return startAsked(house(), request, reply, { ...rest, models: asked }, rest)
    },
  })

  door.route({
    method: 'POST',
    url: '/api/runs/test',
    config: write,
    schema: {
      tags,
      operationId: 'startTestRun',
      summary: 'Try a definition out: one scenario, the first model.',
      body: z.strictObject({ ...probe, ...start }),
      response: { 200: started, 201: started },
    },
    handler(request, reply) {
      const { body } = request
      const one = { ...body, models: body.models.slice(0, 1), samplesPerScenario: 1 }
      return startAsked(house(), request, reply, one, body, { mostScenarios: 1 })
    },
  })

  door.route({
    method: 'POST',
    url: '/api/runs/dry-run',
    config: { right: 'runs:read' },
    schema: {
      tags,
      operationId: 'dryRun',
      summary: 'What a start would create, and what is missing for it; nothing is started.',
      body: z.strictObject(probe),
      response: { 200: dryRun },
    },
    async handler(request) {
      const { asked } = await requestOf(house(), request, request.body)
      const { dry } = await prepare(asked, house().catalogue, knownTo(house(), who(request)))
      return { ...dry, models: [...dry.models], forecast: [...dry.forecast], warnings: [...dry.warnings] }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/kinds',
    config: { right: 'runs:read' },
    schema: {
      tags,
      operationId: 'listKinds',
      summary: 'The kinds of runs that can be started here, and what each is started with.',
      response: {
        200: z.object({
          kinds: z.array(z.object({ name: z.string(), tasks: z.array(z.string()), input: z.unknown() })),
        }),
      },
    },
    async handler() {
      return {
        kinds: house().kinds.map(({ name, tasks, input }) => ({
          name,
          tasks: tasks.map((task) => task.name),
          input: inputSchemaOf(input),
        })),
      }
    },
  })

  door.route({
    method: 'POST',
    url: '/api/kinds/:kind/runs',
    config: write,
    schema: {
      tags,
      operationId: 'startRunOfKind',
      summary: 'Start a run of any kind by its name.',
      params: z.strictObject({ kind: z.string().min(1).max(200) }),
      body: z.strictObject({ input: z.unknown(), ...start }),
      response: { 200: started, 201: started },
    },
    async handler(request, reply) {
      return startKind(house(), request, reply, {
        kind: request.params.kind,
        input: request.body.input,
        how: request.body,
      })
    },
  })

  door.route({
    method: 'POST',
    url: '/api/runs/:id/rerun',
    config: write,
    schema: {
      tags,
      operationId: 'rerun',
      summary: 'Start another run with the configuration of this one, which becomes its parent.',
      description: 'For probes what is named in the body is otherwise. Nothing of the old run changes.',
      params: runParams,
      body: z
        .strictObject({
          models: models.optional(),
          ...parameters,
          temperature: parameters.temperature.nullable().describe('Null: it is not sent.'),
          maxTokens: parameters.maxTokens.nullable().describe('Null: as many as the model gives.'),
          ...start,
          priority: priorityWord.optional(),
        })
        .nullish(),
      response: { 200: started, 201: started },
    },
    async handler(request, reply) {
      const open = house()
      const parent = await foundRun(open.engine, who(request), request.params.id)
      const { priority: first, hold = false, delay, budget, idempotencyKey, ...changes } = request.body ?? {}
      const how = {
        hold,
        delay,
        budget,
        idempotencyKey,
        priority: first === undefined ? parent.priority : priorityOf(first),
        parent: parent.id,
      }
      const { rows } = await open.engine.as(who(request), (tx) =>
        tx.query<{ input: unknown }>('select input from engine.run_bodies where run_id = $1', [parent.id]),
      )
      if (parent.kind !== open.probe.name) {
        if (Object.keys(changes).length > 0) {
          throw new Refusal('NOT_A_PROBE', `Run ${parent.id} is a ${parent.kind} run; it is repeated as it was.`)
        }
        return startKind(open, request, reply, { kind: parent.kind, input: rows[0]?.input, how })
      }
      const before = probeInput.parse(rows[0]?.input)
      const { input } = await prepare(
        withoutNulls({ ...before, ...given(changes) }) as ProbeRequest,
        open.catalogue,
        knownTo(open, who(request)),
      )
      const { run, created } = await startProbe(open.engine, open.probe, who(request), input, {
        ...optionsOf(request, how),
        workspace: parent.workspace,
        ...(parent.definition === null ? {} : { definition: parent.definition }),
      })
      return answer(open, request, reply, run, created)
    },
  })
}

const withoutNulls = (fields: object) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined))

type How = Omit<Started, 'priority'> & { priority: Started['priority'] | number; parent?: number }

function optionsOf(request: FastifyRequest, how: How): StartProbe {
  const header = request.headers['idempotency-key']
  const key = typeof header === 'string' ? header : how.idempotencyKey
  return {
    workspace: workspaceOf(request),
    priority: typeof how.priority === 'number' ? how.priority : priorityOf(how.priority),
    ...given({ key, delay: how.delay, parent: how.parent }),
    ...(how.budget === undefined ? {} : { budget: given(how.budget) }),
    ...(how.hold ? { held: 'paused' as const } : {}),
  }
}

async function startAsked(
  house: House,
  request: FastifyRequest,
  reply: FastifyReply,
  body: Asked,
  how: How,
  more: { mostScenarios?: number } = {},
) {
  const { asked, definition, workspace } = await requestOf(house, request, body)
  const { input } = await prepare({ ...asked, ...more }, house.catalogue, knownTo(house, who(request)))
  const { run, created } = await startProbe(house.engine, house.probe, who(request), input, {
    ...optionsOf(request, how),
    ...given({ definition, workspace }),
  })
  return answer(house, request, reply, run, created)
}

/** The stored version is read once, here: the run keeps its own. */
async function requestOf(house: House, request: FastifyRequest, body: Asked) {
  const { definition: own, definitionId, version, models, ...rest } = body
  if ((own === undefined) === (definitionId === undefined)) {
    throw new Refusal('INVALID_REQUEST', 'Give either a definition, or the number of a stored one.')
  }
  const parameters = given({
    samplePercentage: rest.samplePercentage,
    sampleSeed: rest.sampleSeed,
    samplesPerScenario: rest.samplesPerScenario,
    temperature: rest.temperature,
    maxTokens: rest.maxTokens,
    maxTurns: rest.maxTurns,
    worker: rest.worker,
  })
  if (own !== undefined)
    return { asked: { definition: own, models, ...parameters }, definition: undefined, workspace: undefined }
  const stored = await house.engine.as(who(request), (tx) => definitionOf(tx, definitionId ?? 0, version))
  house.accesses.saw(who(request), { definition: stored.id })
  return {
    asked: { definition: stored.content, models, ...parameters },
    definition: { id: stored.id, version: stored.shown },
    workspace: stored.workspace,
  }
}

async function startKind(
  house: House,
  request: FastifyRequest,
  reply: FastifyReply,
  { kind, input, how }: { kind: string; input: unknown; how: How },
) {
  const { run, created } = await startOfKind(house, who(request), { kind, input }, optionsOf(request, how))
  return answer(house, request, reply, run, created)
}

async function answer(house: House, request: FastifyRequest, reply: FastifyReply, run: number, created: boolean) {
  reply.code(created ? 201 : 200).header('location', `/api/runs/${run}`)
  return { run: runAt(await foundRun(house.engine, who(request), run)), created }
}

function inputSchemaOf(type: z.ZodType): unknown {
  try {
    return z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' })
  } catch {
    // Another zod made it.
    return {}
  }
}
