/** What a probe run is asked with, and what one of its tasks is. */
import { z } from 'zod'
import { definitionSchema } from './definition/definition.ts'
import { isSamplePercentage } from './definition/expand.ts'

export const probeInput = z.object({
  definition: definitionSchema,
  /** `provider:model[@version]`, each once. */
  models: z.array(z.string().min(3).max(200)).min(1).max(100),
  samplePercentage: z.custom<number>(isSamplePercentage),
  /** At most so many scenarios of the sample; a test run asks one. */
  mostScenarios: z.int().min(1).optional(),
  /** Decimal digits of any integer: chooses the sample and the wordings. */
  sampleSeed: z.string().regex(/^-?\d{1,40}$/, 'must be a whole number, at most 40 digits'),
  samplesPerScenario: z.int().min(1).max(1_000),
  temperature: z.number().min(0).max(2).optional(),
  maxTokens: z.int().min(1).max(1_000_000).optional(),
  maxTurns: z.int().min(1).max(100),
  /** Who holds the conversations: this program, or the worker in Python.  What is asked and kept is the same. */
  worker: z.enum(['inline', 'python']).default('inline'),
})
export type ProbeInput = z.output<typeof probeInput>

/** One slot of a run: one scenario, one model, one sample; one task, one transcript. */
export const slotSchema = z.object({
  /** Index of the scenario in the definition's product. */
  scenario: z.int().min(0),
  /** `provider:model[@version]` */
  model: z.string(),
  /** From 1. */
  sample: z.int().min(1),
})
export type Slot = z.output<typeof slotSchema>
