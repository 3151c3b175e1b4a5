/**
 * Starting a probe run: everything that is wrong is said at once, before
 * anything is created; the same unfinished question is gone on with.
 */
import { Refusal, type Budget, type Engine, type Failure, type Principal } from '@millrace/engine'
import { estimateTokenCount } from 'tokenx'
import type { Catalogue } from '../../providers/catalogue.ts'
import { definitionWarnings, type Definition } from './definition/definition.ts'
import { expansionLimits, isSamplePercentage } from './definition/expand.ts'
import { probeInput, type ProbeInput } from './input.ts'
import { questionOf, recordRun, sampleOf, type probeRun } from './run.ts'

/** What a person asks for; everything but the definition and the models has a default. */
export interface ProbeRequest {
  readonly definition: Definition
  readonly models: readonly string[]
  readonly samplePercentage?: number
  readonly sampleSeed?: string
  /** At most so many scenarios; a test run asks one. */
  readonly mostScenarios?: number
  readonly samplesPerScenario?: number
  readonly temperature?: number
  readonly maxTokens?: number
  readonly maxTurns?: number
}

/** What a start would create. */
export interface DryRun {
  readonly scenarios: number
  readonly scenariosInAll: number
  readonly models: readonly string[]
  readonly tasks: number
  /** Calls of a model: tasks × turns. */
  readonly calls: number
  /** Estimate for all prompts, follow-ups with an answer of 200 tokens each. */
  readonly inputTokens: number
  /** Estimate: 200 tokens an answer. */
  readonly outputTokens: number
  /** US dollars; null where no price is known. */
  readonly costUsd: number | null
  readonly warnings: readonly string[]
}

const TURNS = 10
const ANSWER_TOKENS = 200
/** Scenarios that are looked at to estimate tokens. */
const ESTIMATED = 50

/**
 * Checks everything and asks the providers whether they know the models.
 * @throws Refusal CANNOT_START with one cause a line
 */
export async function prepare(
  request: ProbeRequest,
  catalogue: Catalogue,
): Promise<{ input: ProbeInput; dry: DryRun }> {
  const causes: string[] = []
  const models = [...new Set(request.models.map((model) => model.trim()).filter((model) => model !== ''))]
  if (models.length === 0) causes.push('models: name at least one, for example fake:a')
  const percentage = request.samplePercentage ?? 100
  if (!isSamplePercentage(percentage)) {
    causes.push(`sample percentage: ${percentage} is not a whole number from 1 to 100`)
  }
  const draft = {
    definition: request.definition,
    models: models.length === 0 ? ['?:?'] : models,
    samplePercentage: isSamplePercentage(percentage) ? percentage : 100,
    sampleSeed: request.sampleSeed ?? '0',
    samplesPerScenario: request.samplesPerScenario ?? 1,
    maxTurns: request.maxTurns ?? TURNS,
    ...(request.mostScenarios === undefined ? {} : { mostScenarios: request.mostScenarios }),
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.maxTokens === undefined ? {} : { maxTokens: request.maxTokens }),
  }
  const parsed = probeInput.safeParse(draft)
  if (!parsed.success) causes.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`))
  for (const { spec, failure } of await catalogue.check(models)) {
    if (failure !== null) causes.push(`${spec}: ${failure.message}${hint(failure)}`)
  }
  let sample: ReturnType<typeof sampleOf> | undefined
  try {
    sample = sampleOf({ ...draft, sampleSeed: parsed.success ? parsed.data.sampleSeed : '0' })
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    causes.push(`scenarios: ${error.message}${error.remedy === undefined ? '' : ` ${error.remedy}`}`)
  }
  if (causes.length > 0 || !parsed.success || sample === undefined) {
    throw new Refusal(
      'CANNOT_START',
      `The run cannot start: ${causes.length} ${causes.length === 1 ? 'thing is' : 'things are'} wrong.`,
      { causes },
    )
  }
  return { input: parsed.data, dry: estimate(parsed.data, sample) }
}

function hint(failure: Failure): string {
  const known = failure.details?.['known']
  return typeof known === 'string' ? ` Known are: ${known}.` : ''
}

function estimate(input: ProbeInput, { expansion, indexes }: ReturnType<typeof sampleOf>): DryRun {
  const turns = Math.min(input.maxTurns, 1 + input.definition.followups.length)
  const looked = indexes.slice(0, ESTIMATED)
  const prompt = looked.reduce((sum, index) => sum + estimateTokenCount(expansion.at(index).prompt), 0) / looked.length
  const preamble = estimateTokenCount(input.definition.preamble ?? '')
  const followups = input.definition.followups.slice(0, turns - 1).map((one) => estimateTokenCount(one.prompt))
  let history = preamble + prompt
  let perTask = history
  for (const followup of followups) {
    history += ANSWER_TOKENS + followup
    perTask += history
  }
  const tasks = indexes.length * input.models.length * input.samplesPerScenario
  const warnings = [...definitionWarnings(input.definition)]
  if (indexes.length > expansionLimits.warnAbove) {
    warnings.push(`${indexes.length} scenarios are a lot; --sample asks a part of them.`)
  }
  return {
    scenarios: indexes.length,
    scenariosInAll: expansion.count,
    models: input.models,
    tasks,
    calls: tasks * turns,
    inputTokens: Math.round(perTask * tasks),
    outputTokens: tasks * turns * ANSWER_TOKENS,
    costUsd: input.models.every((model) => model.startsWith('fake:')) ? 0 : null,
    warnings,
  }
}

/** The newest run of the same question that has not ended, if there is one. */
export async function unfinished(
  engine: Engine,
  who: Principal,
  workspace: number,
  input: ProbeInput,
): Promise<number | undefined> {
  const { rows } = await engine.as(who, (tx) =>
    tx.query<{ run_id: number }>(
      `select p.run_id from probe.runs p join engine.runs r on r.id = p.run_id
        where p.workspace_id = $1 and p.question = $2 and r.finished_at is null order by p.run_id desc limit 1`,
      [workspace, questionOf(input)],
    ),
  )
  return rows[0]?.run_id
}

export interface StartProbe {
  readonly workspace: number
  readonly priority?: number
  readonly parent?: number
  readonly key?: string
  readonly budget?: Budget
}

export async function startProbe(
  engine: Engine,
  kind: ReturnType<typeof probeRun>,
  who: Principal,
  input: ProbeInput,
  options: StartProbe,
): Promise<{ run: number; created: boolean }> {
  return engine.start(who, kind, input, {
    ...options,
    alongside: (tx, run) => recordRun(tx, run, options.workspace, input),
  })
}
