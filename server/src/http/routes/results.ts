/** What came of a probe run: per model, per scenario, transcript by transcript. */
import { z } from 'zod'
import { Refusal } from '@millrace/engine'
import { override, resultsOf } from '../../domains/probe/results.ts'
import {
  matrixOf,
  scenariosOf,
  transcriptOf,
  transcriptsOf,
  type TranscriptOpened,
  type TranscriptSeen,
} from '../../domains/probe/transcripts.ts'
import type { Door } from '../door.ts'
import { afterOf, cut, given, page, pageOf, runParams, small, who, type Opened } from '../house.ts'
import type { FastifyRequest } from 'fastify'

const tags = ['results']
const read = { right: 'runs:read' } as const

const counts = z.record(z.string(), z.int())
const dimensions = z.record(z.string(), z.object({ score: z.number(), label: z.string(), option: z.string() }))

const modelResult = z
  .object({
    model: z.string(),
    answered: z.int(),
    failed: z.int(),
    cancelled: z.int(),
    open: z.int(),
    decisions: counts.describe('By code, in the order of the scale; then refusal, other, unparsed.'),
    mean: z.number().nullable(),
    inputTokens: z.int(),
    outputTokens: z.int(),
    costUsd: z.number().nullable().describe('Null where the price of a transcript is not known.'),
    medianMs: z.number().nullable(),
    failures: counts.describe('By the failure’s code.'),
  })
  .meta({ id: 'ModelResult' })

const matrixRow = z
  .object({
    scenario: z.int(),
    key: z.string(),
    dimensions,
    cells: z.record(
      z.string(),
      z.object({ answered: z.int(), failed: z.int(), open: z.int(), decisions: counts, transcripts: z.array(z.int()) }),
    ),
  })
  .meta({ id: 'MatrixRow', description: 'A scenario, with a cell a model.' })

const transcript = z
  .object({
    n: z.int().describe('The number of its task in the run.'),
    scenario: z.int(),
    scenarioKey: z.string(),
    model: z.string(),
    modelVersion: z.string().nullable(),
    sample: z.int(),
    decision: z.string().nullable(),
    decisionLabel: z.string().nullable(),
    overridden: z.boolean(),
    turnCount: z.int(),
    wordCount: z.int(),
    inputTokens: z.int(),
    outputTokens: z.int(),
    costUsd: z.number().nullable(),
    durationMs: z.int(),
    createdAt: z.date(),
  })
  .meta({ id: 'Transcript' })

const turn = z
  .object({
    label: z.string(),
    prompt: z.string(),
    answer: z.string(),
    inputTokens: z.number(),
    outputTokens: z.number(),
    reasoningTokens: z.number().nullable(),
    cachedTokens: z.number().nullable(),
    tokens: z.enum(['reported', 'estimated']),
    startedAt: z.string(),
    completedAt: z.string(),
    finishReason: z.string(),
    truncated: z.boolean(),
    settings: z.object({
      asked: z.record(z.string(), z.number()),
      sent: z.record(z.string(), z.number()),
      dropped: z.array(z.string()),
    }),
    modelVersion: z.string().nullable(),
    promptHash: z.string(),
  })
  .meta({ id: 'Turn' })

const opened = transcript.extend({
  dimensions,
  turns: z.array(turn),
  read: z
    .object({
      outcome: z.string(),
      code: z.string().nullable(),
      label: z.string().nullable(),
      by: z.string().nullable().describe('marker, label or pattern: how it was found in the answer.'),
    })
    .nullable()
    .describe('What was read out of the first answer; null without a scale.'),
  overrides: z.array(
    z.object({
      outcome: z.string().nullable().describe('Null: taken back, so what was read counts again.'),
      code: z.string().nullable(),
      label: z.string().nullable(),
      by: z.string(),
      at: z.date(),
    }),
  ),
  previous: z.int().nullable(),
  next: z.int().nullable(),
})

/** Which transcripts; also of the one before and the one after. */
const filter = {
  model: z.string().max(400).optional().describe('`provider:model[@version]` as it was asked for.'),
  scenario: z.coerce.number().int().min(0).max(2_147_483_647).optional(),
  scenarioKey: z.string().min(1).max(4_000).optional().describe('The scenario by its key, as an analysis names it.'),
  decision: z.string().max(100).optional().describe('A code, or refusal, other, unparsed.'),
  search: z.string().min(1).max(200).optional().describe('In prompts and answers.'),
}

export function resultRoutes(door: Door, house: Opened): void {
  /** @throws Refusal NO_SUCH_RUN, NOT_A_PROBE */
  async function mustBeProbe(request: FastifyRequest, id: number) {
    const { kind } = await house().engine.run(who(request), id)
    if (kind !== house().probe.name) {
      throw new Refusal('NOT_A_PROBE', `Run ${id} is a ${kind} run; only probe runs have transcripts.`)
    }
    house().accesses.saw(who(request), { run: id })
  }

  door.route({
    method: 'GET',
    url: '/api/runs/:id/results',
    config: read,
    schema: {
      tags,
      operationId: 'getResults',
      summary: 'What came of it, model by model.',
      params: runParams,
      response: { 200: z.object({ models: z.array(modelResult) }) },
    },
    async handler(request) {
      await mustBeProbe(request, request.params.id)
      const found = await resultsOf(house().engine, who(request), request.params.id)
      return {
        models: found.map((one) => ({ ...one, decisions: { ...one.decisions }, failures: { ...one.failures } })),
      }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/runs/:id/matrix',
    config: read,
    schema: {
      tags,
      operationId: 'getMatrix',
      summary: 'Scenario × model, page by page.',
      params: runParams,
      querystring: z.strictObject(page),
      response: { 200: pageOf(matrixRow) },
    },
    async handler(request) {
      await mustBeProbe(request, request.params.id)
      const { limit, cursor } = request.query
      const found = await house().engine.as(who(request), (tx) =>
        matrixOf(tx, request.params.id, { after: afterOf(cursor) ?? -1, limit: limit + 1 }),
      )
      const { items, next } = cut(found, limit, ({ scenario }) => scenario)
      return { items: items as z.output<typeof matrixRow>[], next }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/runs/:id/scenarios',
    config: read,
    schema: {
      tags,
      operationId: 'getRunScenarios',
      summary: 'The scenarios as this run asks them, page by page.',
      params: runParams,
      querystring: z.strictObject(page),
      response: { 200: pageOf(z.object({ n: z.int(), key: z.string(), dimensions, prompt: z.string() })) },
    },
    async handler(request) {
      await mustBeProbe(request, request.params.id)
      const { limit, cursor } = request.query
      const found = await house().engine.as(who(request), (tx) =>
        scenariosOf(tx, request.params.id, { after: afterOf(cursor) ?? -1, limit: limit + 1 }),
      )
      const { items, next } = cut(found, limit, ({ n }) => n)
      return { items: items.map((one) => ({ ...one, dimensions: { ...one.dimensions } })), next }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/runs/:id/transcripts',
    config: read,
    schema: {
      tags,
      operationId: 'listTranscripts',
      summary: 'Transcripts of a run, filtered and searched, page by page.',
      params: runParams,
      querystring: z.strictObject({ ...page, ...filter }),
      response: { 200: pageOf(transcript) },
    },
    async handler(request) {
      await mustBeProbe(request, request.params.id)
      const { limit, cursor, ...wanted } = request.query
      const found = await house().engine.as(who(request), (tx) =>
        transcriptsOf(tx, request.params.id, { ...given(wanted), after: afterOf(cursor) ?? 0, limit: limit + 1 }),
      )
      return cut<TranscriptSeen>(found, limit, ({ n }) => n)
    },
  })

  const place = runParams.extend({ n: small.describe('Number of the transcript in its run.') })
  const readOne = (request: FastifyRequest, run: number, n: number, wanted: object): Promise<TranscriptOpened> =>
    house().engine.as(who(request), (tx) => transcriptOf(tx, run, n, wanted))
  const plain = (one: TranscriptOpened) => ({
    ...one,
    dimensions: { ...one.dimensions },
    turns: [...one.turns],
    overrides: [...one.overrides],
  })

  door.route({
    method: 'GET',
    url: '/api/runs/:id/transcripts/:n',
    config: read,
    schema: {
      tags,
      operationId: 'getTranscript',
      summary: 'One conversation whole, and which ones come before and after it under the same filter.',
      params: place,
      querystring: z.strictObject(filter),
      response: { 200: opened },
    },
    async handler(request) {
      const { id, n } = request.params
      await mustBeProbe(request, id)
      const found = await readOne(request, id, n, given(request.query))
      house().accesses.saw(who(request), { run: id, task: n })
      return plain(found)
    },
  })

  door.route({
    method: 'PUT',
    url: '/api/runs/:id/transcripts/:n/decision',
    config: { right: 'runs:write' },
    schema: {
      tags,
      operationId: 'overrideDecision',
      summary: 'Put your decision in place of the one that was read; it is recorded with who and when.',
      params: place,
      body: z.strictObject({
        decision: z
          .string()
          .min(1)
          .max(100)
          .nullable()
          .describe('A code of the scale, or refusal, other, unparsed; null: as it was read.'),
      }),
      response: { 200: opened },
    },
    async handler(request) {
      const { id, n } = request.params
      await mustBeProbe(request, id)
      await override(house().engine, who(request), id, n, request.body.decision)
      return plain(await readOne(request, id, n, {}))
    },
  })
}
