/** `millrace probe`: from a definition to results and a CSV, in one command that can be repeated. */
import { relative } from 'node:path'
import { glance, openApp, operator, ownProviders, productKinds, WORKSPACE, type App, type Served } from '../app.ts'
import { readConfig, type Config } from '../config.ts'
import { readDefinition, type Definition } from '../domains/probe/definition/definition.ts'
import { lengthsSeen } from '../domains/probe/forecast.ts'
import { resultsOf } from '../domains/probe/results.ts'
import { prepare, startProbe, unfinished, type DryRun } from '../domains/probe/start.ts'
import type { ProbeInput } from '../domains/probe/input.ts'
import { PRIORITY, type Priority } from '../runs/priority.ts'
import { checkOut, endOf, exportTo, failureLines, resultTable } from './follow-run.ts'
import { budgetFrom, changeBudget } from './budget.ts'
import { costOf, forecastLine, forecastTable, methodLines, paidLines } from './money.ts'
import { COMING_TO_AN_END, performRun } from './perform-run.ts'
import { readTextFile } from './read-file.ts'
import { grouped, remark, say, table } from './screen.ts'
import { onInterrupt } from './session.ts'

export interface ProbeOptions {
  readonly models: string[]
  readonly sample?: number
  readonly seed?: string
  readonly samples?: number
  readonly temperature?: number
  readonly maxTokens?: number
  readonly maxTurns?: number
  readonly worker?: ProbeInput['worker']
  readonly priority?: Priority
  readonly test?: boolean
  readonly dryRun?: boolean
  readonly new?: boolean
  readonly budgetTokens?: number
  readonly budgetUsd?: number
  readonly out?: string
  readonly json?: boolean
}

export async function probe(file: string, options: ProbeOptions): Promise<number> {
  const config = readConfig()
  const served = productKinds(config, await ownProviders(config))
  try {
    const request = requestOf(await readDefinitionFile(file), options)
    const { input, dry } = await glance(config, served, ({ ask: look }) =>
      prepare(request, served.catalogue, {
        prices: served.prices,
        python: served.python,
        seen: async (models) =>
          (await look?.((engine) => lengthsSeen(engine, operator, models, served.catalogue))) ?? new Map(),
      }),
    )
    for (const warning of dry.warnings) remark(`Note: ${warning}`)
    if (options.dryRun === true) return showDryRun(dry, options.json === true)
    await checkOut(options.out)
    return await ask(config, served, input, dry, options)
  } finally {
    await served.leave()
  }
}

async function ask(
  config: Config,
  served: Served,
  input: ProbeInput,
  dry: DryRun,
  options: ProbeOptions,
): Promise<number> {
  const interruption = onInterrupt(() => remark(COMING_TO_AN_END))
  const app = await openApp(config, remark, served)
  try {
    const run = await startOrGoOn(app, input, dry, options)
    return await perform(app, config, run, options, interruption.signal)
  } finally {
    await app.close()
    interruption.stop()
  }
}

/** @throws Refusal for a file that is not there, is too large, or is no definition */
export async function readDefinitionFile(file: string): Promise<Definition> {
  const text = await readTextFile(file, {
    what: 'a definition',
    missing: 'Name a definition, for example examples/value-dilemma/definition.yaml.',
    tooLarge: 'Move long texts into fewer levels, or split the definition.',
  })
  return readDefinition(text, { file })
}

function requestOf(definition: Definition, options: ProbeOptions) {
  return {
    definition,
    models: options.test === true ? options.models.slice(0, 1) : options.models,
    ...(options.sample === undefined ? {} : { samplePercentage: options.sample }),
    ...(options.seed === undefined ? {} : { sampleSeed: options.seed }),
    ...(options.samples === undefined ? {} : { samplesPerScenario: options.samples }),
    ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
    ...(options.maxTokens === undefined ? {} : { maxTokens: options.maxTokens }),
    ...(options.maxTurns === undefined ? {} : { maxTurns: options.maxTurns }),
    ...(options.worker === undefined ? {} : { worker: options.worker }),
    ...(options.test === true ? { mostScenarios: 1 } : {}),
  }
}

async function startOrGoOn(app: App, input: ProbeInput, dry: DryRun, options: ProbeOptions): Promise<number> {
  const budget = budgetFrom({
    ...(options.budgetTokens === undefined ? {} : { tokens: options.budgetTokens }),
    ...(options.budgetUsd === undefined ? {} : { usd: options.budgetUsd }),
  })
  const hasBudget = Object.keys(budget).length > 0
  if (options.new !== true) {
    const before = await unfinished(app.engine, operator, WORKSPACE, input)
    if (before !== undefined) {
      const { status, progress } = await app.engine.run(operator, before)
      remark(
        `Going on with run ${before}: ${progress.total - progress.open} of ${progress.total} are done (--new starts another).`,
      )
      if (hasBudget) await changeBudget(app, { run: before }, budget)
      if (status === 'paused') remark(`It is paused: \`millrace runs resume ${before}\` lets it go on.`)
      return before
    }
  }
  const priority = PRIORITY[options.priority ?? 'normal']
  const { run } = await startProbe(app.engine, app.probe, operator, input, {
    workspace: WORKSPACE,
    priority,
    ...(hasBudget ? { budget } : {}),
  })
  remark(forecastLine(dry.forecast))
  return run
}

/** Works on a probe run, follows it, and shows and keeps its results. */
export async function perform(
  app: App,
  config: Config,
  run: number,
  options: Pick<ProbeOptions, 'json' | 'out'>,
  signal: AbortSignal,
): Promise<number> {
  // The analysis at the end asks it: it is looked for while models are asked.
  void app.python.health()
  const ended = await performRun(app, config, run, signal)
  if (ended.finishedAt === null) {
    const { progress } = ended
    remark(`Run ${run} has ${progress.open} of ${progress.total} to go. The same command goes on with it.`)
    return 130
  }
  const results = await resultsOf(app.engine, operator, run)
  const csv = await exportTo(app.engine, run, { format: 'csv' }, options.out, config.folder)
  if (options.json === true) {
    say(JSON.stringify({ run: ended, results, csv: csv.path }))
  } else {
    say()
    say(`Run ${run} ${endOf(ended)}.`)
    say()
    say(resultTable(results))
    for (const line of failureLines(results)) say(line)
    for (const line of await paidLines(app.engine, run)) say(line)
    say()
    say(`${grouped(csv.rows)} transcripts are in ${relative('.', csv.path)}`)
  }
  return ended.state === 'succeeded' ? 0 : 1
}

function showDryRun(dry: DryRun, json: boolean): number {
  if (json) {
    say(JSON.stringify(dry))
    return 0
  }
  const scenarios =
    dry.scenarios === dry.scenariosInAll
      ? grouped(dry.scenarios)
      : `${grouped(dry.scenarios)} of ${grouped(dry.scenariosInAll)}`
  say('Nothing was started. A start would create:')
  say()
  say(
    table(
      ['', ''],
      [
        ['scenarios', scenarios],
        ['models', dry.models.join(', ')],
        ['tasks', grouped(dry.tasks)],
        ['calls', grouped(dry.calls)],
        ['tokens in, about', grouped(dry.inputTokens)],
        ['tokens out, about', grouped(dry.outputTokens)],
        ['cost, about', costOf(dry.forecast)],
      ],
    )
      .split('\n')
      .slice(1)
      .join('\n'),
  )
  say()
  say(forecastTable(dry.forecast))
  say()
  for (const line of methodLines(dry.forecast)) say(line)
  return 0
}
