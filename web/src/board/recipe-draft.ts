/** A recipe as it is edited: what is typed stays as it is typed, and becomes fields when it is checked or saved. */
import type { StageRecipe } from '../api.ts'

/** Names and values in the order in which they were written. */
export type Lines = readonly (readonly [name: string, value: string])[]

export interface DraftStep {
  /** For React only. */
  readonly key: number
  /** Empty: none has been chosen. */
  readonly skillId: string
  readonly skillVersion: number | undefined
  readonly params: string
  readonly inputs: Lines
  readonly outputs: Lines
  readonly seconds: number | null
  readonly retryCount: number | null
}

export interface DraftGate {
  readonly key: number
  readonly id: string
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly message: string
  readonly config: Readonly<Record<string, unknown>>
}

export interface Draft {
  readonly automationLevel: StageRecipe['automationLevel']
  readonly onFailBehavior: StageRecipe['onFailBehavior']
  readonly provider: string
  readonly enabled: boolean
  readonly steps: readonly DraftStep[]
  readonly gates: readonly DraftGate[]
}

let keys = 0
const next = () => (keys += 1)

export const EMPTY: Draft = {
  automationLevel: 'human_approval',
  onFailBehavior: 'stay',
  provider: 'anthropic',
  enabled: true,
  steps: [],
  gates: [],
}

export function draftOf(recipe: StageRecipe): Draft {
  const { automationLevel, onFailBehavior, provider, enabled, recipeSteps, gates } = recipe
  return {
    automationLevel,
    onFailBehavior,
    provider,
    enabled,
    steps: recipeSteps
      .toSorted((a, b) => a.order - b.order)
      .map((step) => ({
        key: next(),
        skillId: String(step.skillId),
        skillVersion: step.skillVersion,
        params: Object.keys(step.params).length === 0 ? '' : JSON.stringify(step.params, null, 2),
        inputs: Object.entries(step.inputsMapping),
        outputs: Object.entries(step.outputsMapping),
        seconds: step.timeout / 1_000,
        retryCount: step.retryCount,
      })),
    gates: gates.map(({ id, name = '', type, required, message = '', config }) => ({
      key: next(),
      id,
      name: name === id ? '' : name,
      type,
      required,
      message,
      config,
    })),
  }
}

export const newStep = (): DraftStep => ({
  key: next(),
  skillId: '',
  skillVersion: undefined,
  params: '',
  inputs: [['', '']],
  outputs: [['$', '']],
  seconds: 300,
  retryCount: 1,
})

export const newGate = (n: number): DraftGate => ({
  key: next(),
  id: `gate-${n}`,
  name: '',
  type: 'file_exists',
  required: true,
  message: '',
  config: { pattern: '' },
})

/** Undefined: it is no JSON object. */
export function paramsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text.trim() === '') return {}
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

const mappingOf = (lines: Lines) =>
  Object.fromEntries(
    lines
      .filter(([name, value]) => name.trim() !== '' || value.trim() !== '')
      .map(([name, value]) => [name.trim(), value]),
  )

/** The fields that the server takes; the order of the steps is their order. */
export function fieldsOf(draft: Draft): Readonly<Record<string, unknown>> & { workspaceId?: number } {
  const { steps, gates, ...rest } = draft
  return {
    ...rest,
    recipeSteps: steps.map((step, i) => ({
      skillId: Number(step.skillId) || step.skillId,
      ...(step.skillVersion === undefined ? {} : { skillVersion: step.skillVersion }),
      order: i + 1,
      params: paramsOf(step.params) ?? step.params,
      inputsMapping: mappingOf(step.inputs),
      outputsMapping: mappingOf(step.outputs),
      timeout: Math.round((step.seconds ?? 0) * 1_000),
      retryCount: step.retryCount ?? 0,
    })),
    gates: gates.map(({ id, type, required, config, name, message }) => ({
      id,
      type,
      required,
      config,
      ...(name.trim() === '' ? {} : { name }),
      ...(message.trim() === '' ? {} : { message }),
    })),
  }
}

/** Another order of what stands in a list. */
export function swapped<T>(list: readonly T[], at: number, by: -1 | 1): readonly T[] {
  const to = at + by
  const [one, other] = [list[at], list[to]]
  return one === undefined || other === undefined ? list : list.with(at, other).with(to, one)
}
