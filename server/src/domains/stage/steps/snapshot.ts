/** What the steps and gates of a stage run need of its input: the snapshot that `stage.snapshot` took when the card came. */
import { z } from 'zod'

export const stepSnapshot = z.object({
  order: z.int(),
  skill: z.object({ id: z.string(), key: z.string(), name: z.string(), version: z.int(), digest: z.string() }),
  params: z.record(z.string(), z.unknown()),
  inputsMapping: z.record(z.string(), z.string()),
  outputsMapping: z.record(z.string(), z.string()),
  /** Milliseconds for a try. */
  timeout: z.int(),
  retryCount: z.int(),
  provider: z.string(),
  /** `provider:model`. */
  model: z.string(),
})
export type StepSnapshot = z.output<typeof stepSnapshot>

export const workSnapshot = z.looseObject({
  stage: z.string(),
  card: z.looseObject({
    id: z.int(),
    title: z.string(),
    description: z.string(),
    stage: z.string(),
    priority: z.string(),
  }),
  steps: z.array(stepSnapshot),
  gates: z.array(z.unknown()),
})
export type WorkSnapshot = z.output<typeof workSnapshot>
