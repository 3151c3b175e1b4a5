/** What the dialog holds, and how it is said to the server. */
import type { Given, Run } from '../api.ts'

type Start = Given<'post', '/api/runs'>['body']
type Rerun = NonNullable<Given<'post', '/api/runs/{id}/rerun'>['body']>

export type Priority = 'low' | 'normal' | 'high'

export interface Form {
  readonly definition: number | null
  /** The newest, if null. */
  readonly version: number | null
  readonly models: readonly string[]
  readonly samplePercentage: number
  readonly sampleSeed: string
  readonly samplesPerScenario: number | null
  readonly temperature: number | null
  readonly maxTokens: number | null
  readonly maxTurns: number | null
  readonly worker: 'inline' | 'python'
  readonly priority: Priority
  /** US dollars. */
  readonly budget: number | null
  readonly hold: boolean
}

export const INITIAL: Form = {
  definition: null,
  version: null,
  models: [],
  samplePercentage: 100,
  sampleSeed: '0',
  samplesPerScenario: 1,
  temperature: null,
  maxTokens: null,
  maxTurns: 10,
  worker: 'inline',
  priority: 'normal',
  budget: null,
  hold: false,
}

/** What a probe run was asked with, as the server keeps it. */
export interface RunInput {
  readonly definition: NonNullable<Start['definition']>
  readonly models: readonly string[]
  readonly samplePercentage: number
  readonly sampleSeed: string
  readonly samplesPerScenario: number
  readonly temperature?: number
  readonly maxTokens?: number
  readonly maxTurns: number
  readonly worker?: 'inline' | 'python'
}

export function formOf(input: RunInput, run: Pick<Run, 'definition' | 'priority'>): Form {
  return {
    ...INITIAL,
    definition: run.definition?.id ?? null,
    version: run.definition?.version ?? null,
    models: input.models,
    samplePercentage: input.samplePercentage,
    sampleSeed: input.sampleSeed,
    samplesPerScenario: input.samplesPerScenario,
    temperature: input.temperature ?? null,
    maxTokens: input.maxTokens ?? null,
    maxTurns: input.maxTurns,
    worker: input.worker ?? 'inline',
    priority: run.priority >= 10 ? 'high' : run.priority >= 5 ? 'normal' : 'low',
  }
}

const MICROS = 1_000_000

function common(form: Form) {
  return {
    models: form.models,
    samplePercentage: form.samplePercentage,
    sampleSeed: form.sampleSeed.trim() === '' ? '0' : form.sampleSeed.trim(),
    samplesPerScenario: form.samplesPerScenario ?? 1,
    maxTurns: form.maxTurns ?? INITIAL.maxTurns ?? 10,
    worker: form.worker,
    priority: form.priority,
    hold: form.hold,
    ...(form.budget === null ? {} : { budget: { micros: Math.round(form.budget * MICROS) } }),
  }
}

/** Undefined while something is missing. */
export function bodyOf(form: Form, inline?: RunInput['definition']): Start | undefined {
  if (form.models.length === 0 || (form.definition === null && inline === undefined)) return undefined
  return {
    ...(inline === undefined
      ? { definitionId: form.definition ?? 0, ...(form.version === null ? {} : { version: form.version }) }
      : { definition: inline }),
    ...common(form),
    ...(form.temperature === null ? {} : { temperature: form.temperature }),
    ...(form.maxTokens === null ? {} : { maxTokens: form.maxTokens }),
  }
}

/** Everything is said, so that what was taken out here is not taken from the old run. */
export const rerunOf = (form: Form): Rerun => ({
  ...common(form),
  temperature: form.temperature,
  maxTokens: form.maxTokens,
})
