/** What a run's answers say: the kept analysis and making it anew; runs beside one another; where the time went. */
import { z } from 'zod'
import { Refusal } from '@millrace/engine'
import { keptAnalysis } from '../../domains/probe/analysis/kept-analysis.ts'
import { compareRuns } from '../../domains/probe/compare/compare.ts'
import { efficiencyOf } from '../../domains/probe/efficiency/efficiency.ts'
import { foundRun } from '../../runs/find-runs.ts'
import { comparisonSchema, efficiencySchema, keptAnalysisSchema } from '../analysis-shapes.ts'
import type { Door } from '../door.ts'
import { runParams, who, type Opened } from '../house.ts'
import { runAt, runSchema } from '../shapes.ts'

const tags = ['analysis']
const read = { right: 'runs:read' } as const

/** Runs that are compared at a time. */
const MOST_RUNS = 20

const runs = z
  .string()
  .max(400)
  .transform((text) => text.split(','))
  .pipe(z.array(z.coerce.number<string>().int().min(1).max(Number.MAX_SAFE_INTEGER)).min(1).max(MOST_RUNS))
  .describe('Numbers, with commas between.')

export function analysisRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'GET',
    url: '/api/runs/:id/analysis',
    config: read,
    schema: {
      tags,
      operationId: 'getAnalysis',
      summary: 'The basic analysis that is kept, or why there is none.',
      params: runParams,
      response: { 200: keptAnalysisSchema },
    },
    handler: (request) => keptAnalysis(house().engine, who(request), request.params.id),
  })

  door.route({
    method: 'POST',
    url: '/api/runs/:id/analysis',
    config: { right: 'runs:write' },
    schema: {
      tags,
      operationId: 'analyseRun',
      summary: 'Make it anew, as a run of its own; nothing is done where it is of the answers as they are now.',
      params: runParams,
      response: {
        200: z.object({ run: z.null() }).describe('It is current.'),
        201: z.object({ run: runSchema }).describe('A worker makes it; the run that was analysed is its parent.'),
      },
    },
    async handler(request, reply) {
      const { engine, probeAnalysis } = house()
      const of = await engine.run(who(request), request.params.id)
      const kept = await keptAnalysis(engine, who(request), of.id)
      if (kept.state === 'current') return { run: null }
      if (of.finishedAt === null) {
        throw new Refusal('NOT_ENDED', `Run ${of.id} has not ended: only a run that has can be analysed.`)
      }
      const { run } = await engine.start(
        who(request),
        probeAnalysis,
        { run: of.id },
        { workspace: of.workspace, parent: of.id },
      )
      return reply
        .code(201)
        .header('location', `/api/runs/${run}`)
        .send({ run: runAt(await foundRun(engine, who(request), run)) })
    },
  })

  door.route({
    method: 'GET',
    url: '/api/compare',
    config: read,
    schema: {
      tags,
      operationId: 'compareRuns',
      summary: 'Runs of one definition beside one another; or the models of one run.',
      querystring: z.strictObject({
        runs,
        seed: z.coerce.number().int().min(0).max(2_147_483_647).default(1).describe('Of what is drawn.'),
      }),
      response: { 200: comparisonSchema },
    },
    handler: (request) => compareRuns(house().engine, who(request), request.query.runs, request.query.seed),
  })

  door.route({
    method: 'GET',
    url: '/api/runs/:id/efficiency',
    config: read,
    schema: {
      tags,
      operationId: 'getEfficiency',
      summary: 'Where the time of a run went, by provider; and answers that came from another snapshot.',
      params: runParams,
      response: { 200: efficiencySchema },
    },
    handler: (request) => efficiencyOf(house().engine, who(request), request.params.id),
  })
}
