/** The basic analysis as `workers/basic_analysis.py` gives it; what each number is: docs/guides/read-the-analysis.md. */
import { z } from 'zod'

/** Of the analysis: raised with every change that may give other numbers; the same as in basic_analysis.py. */
export const VERSION = '1'

const known = z.number().nullable()
/** A share with its Wilson interval, 95 %; nulls without anything to share. */
const share = z.object({ rate: known, low: known, high: known, n: z.int() })

/** A win is a decision above the middle of the scale, a neutral one stands in the middle. */
const wins = z.object({
  n: z.int(),
  wins: z.int(),
  losses: z.int(),
  neutrals: z.int(),
  withNeutrals: share,
  withoutNeutrals: share,
})

const model = z.object({
  modelId: z.string(),
  slots: z.int(),
  answered: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  /** Decisions. */
  n: z.int(),
  mean: known,
  sd: known,
  median: known,
  decisions: z.record(z.string(), z.int()),
  refusal: z.int(),
  other: z.int(),
  unparsed: z.int(),
  /** Of what was answered. */
  refusalRate: share,
  wins,
  winRates: z.array(wins.extend({ dimension: z.string(), level: z.string() })),
})

const effect = z.object({
  n: z.int(),
  groups: z.int(),
  h: known,
  df: z.int().nullable(),
  p: known,
  etaSquared: known,
  /** By level. */
  means: z.record(z.string(), known),
})

const pair = z.object({
  a: z.string(),
  b: z.string(),
  /** Scenarios that both decided. */
  n: z.int(),
  spearman: known,
  p: known,
  pHolm: known,
  cohensD: known,
  /** Slots in which both decided the same, of those in which both decided. */
  same: share,
})

export const analysisSchema = z.object({
  version: z.literal(VERSION),
  slots: z.int(),
  scale: z.object({
    codes: z.array(z.string()),
    numeric: z.boolean(),
    lowest: known,
    highest: known,
    middle: known,
  }),
  models: z.array(model),
  dimensions: z.array(
    effect.extend({ dimension: z.string(), models: z.array(effect.extend({ modelId: z.string() })) }),
  ),
  pairs: z.array(pair),
  contested: z.array(
    z.object({
      scenarioId: z.string(),
      sd: z.number(),
      levels: z.record(z.string(), z.string()),
      means: z.record(z.string(), z.number()),
    }),
  ),
  warnings: z.array(z.object({ code: z.string(), modelId: z.string().nullable(), n: z.int(), message: z.string() })),
})
export type Analysis = z.output<typeof analysisSchema>
