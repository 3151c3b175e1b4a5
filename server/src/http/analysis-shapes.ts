/** What is answered about the meaning and the time of runs, as schemas. */
import { z } from 'zod'
import { analysisSchema } from '../domains/probe/analysis/analysis-shape.ts'

const list = <T extends z.ZodType>(item: T) => z.array(item).readonly()
const known = z.number().nullable()

export const keptAnalysisSchema = z
  .object({
    state: z.enum(['current', 'outdated', 'none']).describe('`outdated`: of other answers than those of now.'),
    version: z.string().optional(),
    madeAt: z.date().optional(),
    analysis: analysisSchema.meta({ id: 'BasicAnalysis' }).optional(),
    code: z.string().optional().describe('Why there is none.'),
    message: z.string().optional(),
  })
  .meta({ id: 'KeptAnalysis' })

const share = z.object({ rate: known, low: known, high: known, n: z.int() })
const changes = z.object({ gained: z.int(), lost: z.int(), n: z.int(), p: known, pHolm: known })
const said = z.record(z.string(), z.int()).readonly()

export const comparisonSchema = z
  .object({
    runs: list(z.int()),
    name: z.string(),
    definitionHash: z.string(),
    pairing: z.enum(['models of the run', 'same model in other runs', 'all of other runs']),
    measure: z.string().nullable(),
    seed: z.number(),
    draws: z.int(),
    arms: list(
      z.object({
        run: z.int(),
        modelId: z.string(),
        slots: z.int(),
        decision: z.int(),
        refusal: z.int(),
        other: z.int(),
        unparsed: z.int(),
        none: z.int(),
        failed: z.int(),
        cancelled: z.int(),
        decided: share,
        mean: known,
      }),
    ),
    pairs: list(
      z.object({
        a: z.int().describe('Place in `arms`.'),
        b: z.int(),
        asked: z.int(),
        n: z.int().describe('Scenarios that both decided.'),
        onlyA: z.int(),
        onlyB: z.int(),
        neither: z.int(),
        difference: known.describe('Mean of b − a; its interval is of 95 %, by paired bootstrap.'),
        low: known,
        high: known,
        p: known,
        pHolm: known,
        needed: known.describe('Scenarios that would be needed to see this difference.'),
        wins: changes,
        decided: changes,
        tied: z.boolean().nullable(),
        changed: list(z.object({ scenarioId: z.string(), a: known, b: known, saidA: said, saidB: said })),
      }),
    ),
    tied: list(list(z.int())).describe('Sets of arms that could not be told apart.'),
    notes: list(z.string()),
  })
  .meta({ id: 'Comparison' })

const lost = z.object({ attempts: z.int(), seconds: z.number() })

export const efficiencySchema = z
  .object({
    run: z.int(),
    makespan: z.number().describe('Seconds, as all times here.'),
    paused: z.number(),
    idle: z.number(),
    beforeFirst: known,
    afterLast: known,
    ideal: known,
    ratio: known.describe('makespan / ideal.'),
    callTime: z.number(),
    longestSlot: z.number(),
    peak: z.int(),
    average: known,
    providers: list(
      z.object({
        provider: z.string(),
        calls: z.int(),
        answered: z.int(),
        callTime: z.number(),
        medianCall: known,
        p95Call: known,
        failedTime: z.number(),
        failures: said,
        lost: z.object({ backoff: lost, limits: lost, stopped: lost, workers: lost }).readonly(),
      }),
    ),
    drift: list(
      z.object({
        model: z.string(),
        answers: z.int(),
        versions: list(z.object({ version: z.string(), answers: z.int() })),
        others: z.int().describe('Answers from another snapshot than most.'),
        unsaid: z.int(),
      }),
    ),
    unknown: list(z.string()),
  })
  .meta({ id: 'Efficiency' })
