/** What a run's analyses and comparisons go by: its scale, dimensions, scenarios, and every slot. */
import { Refusal, type Tx } from '@millrace/engine'
import type { Definition } from '../definition/definition.ts'
import type { Scenario } from '../definition/expand.ts'

/** `none`: answered, and the definition has no scale. */
export const OUTCOMES = ['decision', 'refusal', 'other', 'unparsed', 'none', 'failed', 'cancelled'] as const
export type Outcome = (typeof OUTCOMES)[number]

export interface Slot {
  readonly scenarioId: string
  /** `provider:model[@version]` as it was asked for. */
  readonly modelId: string
  /** From 1. */
  readonly sample: number
  readonly outcome: Outcome
  /** Of the scale; null unless the outcome is a decision. */
  readonly code: string | null
}

/** The document that `workers/analyze_basic.py` reads. */
export interface Facts {
  readonly runId: string
  /** Codes in the order of the scale; null without one. */
  readonly scale: readonly string[] | null
  readonly dimensions: readonly { readonly name: string; readonly levels: readonly string[] }[]
  readonly models: readonly string[]
  /** Labels of the levels by dimension. */
  readonly scenarios: readonly { readonly scenarioId: string; readonly levels: Readonly<Record<string, string>> }[]
  /** Slots that have ended, in the order of their tasks. */
  readonly answers: readonly Slot[]
}

/** @throws Refusal NO_SUCH_RUN, NOT_A_PROBE: also for a run that the reader may not see */
export async function factsOf(read: Tx['query'], run: number): Promise<Facts> {
  const { definition, models } = await probeOf(read, run)
  const scenarios = await read<{ n: number; key: string; dimensions: Scenario['dimensions'] }>(
    'select n, key, dimensions from probe.scenarios where run_id = $1 order by n',
    [run],
  )
  const slots = await read<{ scenario: number; model: string; sample: number; outcome: Outcome; code: string | null }>(
    'select scenario, model, sample, outcome, code from probe.slots($1) where outcome is not null order by task',
    [run],
  )
  const keys = new Map(scenarios.rows.map(({ n, key }) => [n, key]))
  return {
    runId: String(run),
    scale: definition.decision?.labels.map(({ code }) => code) ?? null,
    dimensions: definition.dimensions.map(({ name, levels }) => ({ name, levels: levels.map(({ label }) => label) })),
    models,
    scenarios: scenarios.rows.map(({ key, dimensions }) => ({
      scenarioId: key,
      levels: Object.fromEntries(Object.entries(dimensions).map(([name, { label }]) => [name, label])),
    })),
    answers: slots.rows.map(({ scenario, model, sample, outcome, code }) => ({
      scenarioId: keys.get(scenario) ?? String(scenario),
      modelId: model,
      sample,
      outcome,
      code,
    })),
  }
}

export interface ProbeOf {
  readonly name: string
  readonly definition: Definition
  readonly definitionHash: string
  readonly models: readonly string[]
}

/** A probe run's snapshot. */
export async function probeOf(read: Tx['query'], run: number): Promise<ProbeOf> {
  const { rows } = await read<{
    kind: string
    definition: Definition
    name: string | null
    hash: string
    models: string[]
  }>(
    `select r.kind, b.input -> 'definition' as definition, p.name, p.definition_hash as hash, p.models
       from engine.runs r join engine.run_bodies b on b.run_id = r.id left join probe.runs p on p.run_id = r.id
      where r.id = $1`,
    [Number.isSafeInteger(run) ? run : 0],
  )
  const [row] = rows
  if (row === undefined) {
    throw new Refusal('NO_SUCH_RUN', `There is no run ${run}.`, {
      remedy: '`millrace runs list` shows those you may see.',
    })
  }
  if (row.name === null) {
    throw new Refusal('NOT_A_PROBE', `Run ${run} is a ${row.kind} run; only probe runs have answers to analyse.`)
  }
  return { name: row.name, definition: row.definition, definitionHash: row.hash, models: row.models }
}
