/**
 * A probe run: every sampled scenario × every model × every sample is one slot,
 * one task, one transcript.  What is asked is a snapshot; nothing outside of it
 * is read again.
 */
import { createHash } from 'node:crypto'
import { defineRun, toJson, toText, type Failure, type TaskSpec, type Tx } from '@millrace/engine'
import { definitionHash } from './definition/definition.ts'
import { openExpansion, sampleScenarios, type Scenario } from './definition/expand.ts'
import { analyseAtEnd, keepAtEnd } from './analysis/analyse.ts'
import { askOf, askTasks, type Outside } from './ask.ts'
import { mostOf } from './cost.ts'
import { probeInput, type ProbeInput, type Slot } from './input.ts'
import { usesOf } from './uses.ts'
import type { Catalogue } from '../../providers/catalogue.ts'

/** The run kind; what is left of it outside is the door to the models, their prices, and workers in other languages. */
export function probeRun(catalogue: Catalogue, outside: Outside) {
  const { prices } = outside
  const kind = defineRun<ProbeInput>({
    name: 'probe',
    input: probeInput,
    tasks: askTasks(catalogue, outside),
    *plan(input): Iterable<TaskSpec> {
      const { indexes } = sampleOf(input)
      const uses = usesOf(input)
      // What no table has a price of is held up by tokens alone.
      const models = input.models.map((model) => ({ model, micros: mostOf(input, model, catalogue, prices) ?? 0 }))
      for (let sample = 1; sample <= input.samplesPerScenario; sample++) {
        for (const scenario of indexes) {
          for (const { model, micros } of models) {
            const slot: Slot = { scenario, model, sample }
            const provider = model.slice(0, model.indexOf(':'))
            yield {
              kind: askOf(provider),
              key: provider,
              input: slot,
              uses: { ...uses, micros },
            }
          }
        }
      }
    },
    async next(soFar) {
      if (soFar.succeeded === 0) return { fail: (await soFar.commonestFailure()) ?? NOTHING_ANSWERED }
      const { note, made } = await analyseAtEnd(soFar, outside.python)
      return { succeed: { answered: soFar.succeeded, failed: soFar.failed, analysis: note }, made }
    },
    save: keepAtEnd,
  })
  return { ...kind, priced: { catalogue, prices } }
}

const NOTHING_ANSWERED: Failure = {
  code: 'NOTHING_ANSWERED',
  message: 'No model answered any scenario.',
  retryable: false,
  origin: 'task',
}

/** The scenarios that a run asks: indexes, ascending, and how to make each. */
export function sampleOf(input: Pick<ProbeInput, 'definition' | 'samplePercentage' | 'sampleSeed' | 'mostScenarios'>) {
  const seed = BigInt(input.sampleSeed)
  const expansion = openExpansion(input.definition, { seed })
  const indexes = sampleScenarios(expansion.count, input.samplePercentage, seed)
  return { expansion, indexes: indexes.slice(0, input.mostScenarios) }
}

/**
 * The same question gives the same key: definition, models and parameters, in whatever order the models stand.
 * Who holds the conversations is no part of it: the answers are the same.
 */
export function questionOf(input: ProbeInput): string {
  const { definition, models, worker: _, ...parameters } = input
  const said = JSON.stringify([
    definitionHash(definition),
    models.toSorted(),
    Object.entries(parameters).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ])
  return createHash('sha256').update(said).digest('hex')
}

const CHUNK = 1_000

/** The probe's own rows about a run, written in the transaction that starts it. */
export async function recordRun(
  tx: Tx,
  run: number,
  workspace: number,
  input: ProbeInput,
  stored?: { readonly id: number; readonly version: number },
): Promise<void> {
  const { expansion, indexes } = sampleOf(input)
  await tx.query(
    `insert into probe.runs (run_id, workspace_id, name, definition_hash, question, seed, models, scenarios, samples,
                             definition_id, definition_version)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      run,
      workspace,
      toText(input.definition.name),
      definitionHash(input.definition),
      questionOf(input),
      input.sampleSeed,
      input.models,
      indexes.length,
      input.samplesPerScenario,
      stored?.id ?? null,
      stored?.version ?? null,
    ],
  )
  for (let at = 0; at < indexes.length; at += CHUNK) {
    const scenarios: Scenario[] = indexes.slice(at, at + CHUNK).map((index) => expansion.at(index))
    await tx.query(
      `insert into probe.scenarios (run_id, n, workspace_id, key, dimensions, prompt)
       select $1, s.n, $2, s.key, s.dimensions, s.prompt
         from unnest($3::integer[], $4::text[], $5::jsonb[], $6::text[]) as s(n, key, dimensions, prompt)`,
      [
        run,
        workspace,
        scenarios.map((scenario) => scenario.index),
        scenarios.map((scenario) => toText(scenario.key)),
        scenarios.map((scenario) => toJson(scenario.dimensions)),
        scenarios.map((scenario) => toText(scenario.prompt)),
      ],
    )
  }
}
