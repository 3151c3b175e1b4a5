/**
 * Starting a probe run: everything that is wrong is said at once, before
 * anything is created; the same unfinished question is gone on with.
 */
import { Refusal, type Budget, type Engine, type Failure, type Principal } from '@millrace/engine'
import type { Catalogue } from '../../providers/catalogue.ts'
import { guessSpec } from '../../providers/guess.ts'
import { openPrices, type Prices } from '../../prices/prices.ts'
import { refuseUnheld } from './budget.ts'
import { PYTHON_REMEDY, sayHealth, type Python } from '../../tools/python/python.ts'
import { definitionWarnings, type Definition } from './definition/definition.ts'
import { expansionLimits, isSamplePercentage } from './definition/expand.ts'
import { forecast, together, type Lengths, type ModelForecast } from './forecast.ts'
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
  readonly worker?: ProbeInput['worker']
}

/** What a start would create. */
export interface DryRun {
  readonly scenarios: number
  readonly scenariosInAll: number
  readonly models: readonly string[]
  readonly tasks: number
  /** Calls of a model: tasks × turns. */
  readonly calls: number
  /** The likely ones, of all models. */
  readonly inputTokens: number
  readonly outputTokens: number
  /** US dollars, the likely ones; null where the price of a model is not known. */
  readonly costUsd: number | null
  /** Model by model, with intervals, and on what they stand. */
  readonly forecast: readonly ModelForecast[]
  readonly warnings: readonly string[]
}

const TURNS = 10

/** What a forecast stands on. */
export interface Known {
  /** Default: the table that comes with the program. */
  readonly prices?: Prices
  /** Asked how it is if it is to work. */
  readonly python?: Pick<Python, 'health'>
  /** How long the answers of models were before. */
  readonly seen?: (models: readonly string[]) => Promise<ReadonlyMap<string, Lengths>>
}

/**
 * Checks everything, asks the providers whether they know the models, and Python how it is if it is to work.
 * @throws Refusal CANNOT_START with one cause a line
 */
export async function prepare(
  request: ProbeRequest,
  catalogue: Catalogue,
  { prices = openPrices(), python, seen }: Known = {},
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
    worker: request.worker ?? 'inline',
    ...(request.mostScenarios === undefined ? {} : { mostScenarios: request.mostScenarios }),
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.maxTokens === undefined ? {} : { maxTokens: request.maxTokens }),
  }
  const parsed = probeInput.safeParse(draft)
  if (!parsed.success) causes.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`))
  for (const { spec, failure } of await catalogue.check(models)) {
    if (failure !== null) causes.push(`${spec}: ${failure.message}${hint(failure, spec)}`)
  }
  if (request.worker === 'python') {
    const health = await python?.health()
    if (health?.healthy !== true) {
      causes.push(`worker: ${health === undefined ? 'no Python is known here.' : sayHealth(health)} ${PYTHON_REMEDY}`)
    }
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
  const before = (await seen?.(parsed.data.models)) ?? new Map()
  const forecasts = await forecast(parsed.data, sample, catalogue, prices, before)
  return { input: parsed.data, dry: dryRun(parsed.data, sample, forecasts) }
}

function hint(failure: Failure, spec: string): string {
  const meant = failure.code === 'UNSUPPORTED_PROVIDER' ? guessSpec(spec) : undefined
  if (meant !== undefined) return ` Did you mean ${meant}?`
  const known = failure.details?.['known']
  return typeof known === 'string' ? ` Known are: ${known}.` : ''
}

function dryRun(
  input: ProbeInput,
  { expansion, indexes }: ReturnType<typeof sampleOf>,
  forecasts: readonly ModelForecast[],
): DryRun {
  const warnings = [...definitionWarnings(input.definition)]
  if (indexes.length > expansionLimits.warnAbove) {
    warnings.push(`${indexes.length} scenarios are a lot; --sample asks a part of them.`)
  }
  for (const { model } of forecasts.filter(({ deprecated }) => deprecated)) {
    warnings.push(`${model} is deprecated, by the table of prices.`)
  }
  return {
    scenarios: indexes.length,
    scenariosInAll: expansion.count,
    models: input.models,
    tasks: indexes.length * input.models.length * input.samplesPerScenario,
    calls: forecasts.reduce((sum, { calls }) => sum + calls, 0),
    inputTokens: together(forecasts.map(({ inputTokens }) => inputTokens))?.likely ?? 0,
    outputTokens: together(forecasts.map(({ outputTokens }) => outputTokens))?.likely ?? 0,
    costUsd: together(forecasts.map(({ costUsd }) => costUsd))?.likely ?? null,
    forecast: forecasts,
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
  readonly held?: 'paused'
  readonly delay?: number
  /** The stored version that it asks. */
  readonly definition?: { readonly id: number; readonly version: number }
}

/** @throws Refusal BUDGET_CANNOT_HOLD */
export async function startProbe(
  engine: Engine,
  kind: ReturnType<typeof probeRun>,
  who: Principal,
  input: ProbeInput,
  { definition, ...options }: StartProbe,
): Promise<{ run: number; created: boolean }> {
  return engine.start(who, kind, input, {
    ...options,
    async alongside(tx, run) {
      await recordRun(tx, run, options.workspace, input, definition)
      await refuseUnheld(tx, run, input, kind.priced)
    },
  })
}
