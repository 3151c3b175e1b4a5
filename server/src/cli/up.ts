/** `millrace up`: everything in one program.  On an empty database it shows what it can do, then keeps serving. */
import { fileURLToPath } from 'node:url'
import type { Worker } from '@millrace/engine'
import { openApp, operator, servedKinds, WORKSPACE, type App } from '../app.ts'
import { readConfig, type Config } from '../config.ts'
import { prepare, startProbe } from '../domains/probe/start.ts'
import { resultsOf } from '../domains/probe/results.ts'
import { performAll } from '../performing.ts'
import { reporter } from '../report.ts'
import { endOf, exportTo, resultTable, watch } from './follow-run.ts'
import { readDefinitionFile } from './probe.ts'
import { tellPython } from './python.ts'
import { keepPruning } from './retention.ts'
import { bold, dim, grouped, remark, say } from './screen.ts'
import { onInterrupt } from './session.ts'
import { tellSettings } from './settings-file.ts'
import { openServing } from './serving.ts'
import { relative } from 'node:path'

const example = (name: string) => fileURLToPath(new URL(`../../../examples/${name}/definition.yaml`, import.meta.url))
const EXAMPLE_MODELS = ['fake:a', 'fake:b']
const DRAIN = 30

export async function up(options: { example: boolean; open?: boolean }): Promise<number> {
  const config = readConfig()
  const served = await servedKinds(config)
  const interruption = onInterrupt(() =>
    remark('\nStopping: what is under way is finished first. Ctrl-C again ends at once.'),
  )
  let app: App | undefined
  let worker: Worker | undefined
  let endPruning: (() => Promise<void>) | undefined
  // The port first: if somebody has it, nothing has been made yet.
  const serving = await openServing(config, options.open)
  try {
    await tellPython(served.python, config.pythonStrict, remark)
    await served.tools.load()
    const opened = await openApp(config, remark, served)
    app = opened
    worker = await performAll(app, config, { report: reporter(remark), superseded: () => interruption.fail() })
    await app.joinTools(app.logins.worker, worker)
    await tellSettings(app, config)
    const { signIn } = await serving.open(app, worker)
    endPruning = keepPruning(app.engine, config.retentionDays, reporter(remark))
    say(`${bold('Millrace')} serves on ${serving.url}  ${dim(`(database: ${app.postgres.place})`)}`)
    for (const line of signIn) say(line)
    const empty = await isEmpty(app)
    const showing = options.example && empty
    if (showing) await showExample(app, config, interruption.signal)
    if (!interruption.signal.aborted) {
      // Once more where it is seen, below the example: this is the way into the console.
      tellWhatNext(empty && !showing, showing ? signIn : [])
      await new Promise((resolve) => interruption.signal.addEventListener('abort', resolve, { once: true }))
    }
    return interruption.code
  } finally {
    await Promise.all([worker?.drain(DRAIN), endPruning?.()])
    await serving.close()
    await app?.close()
    interruption.stop()
  }
}

async function isEmpty(app: App): Promise<boolean> {
  return (await app.engine.runs(operator, { limit: 1 })).length === 0
}

async function showExample(app: App, config: Config, signal: AbortSignal): Promise<void> {
  const definition = await readDefinitionFile(example('value-dilemma'))
  const { input, dry } = await prepare({ definition, models: EXAMPLE_MODELS }, app.catalogue, {
    prices: app.prices,
  })
  say()
  say(`This database is empty, so here is an example: ${bold(definition.name)}.`)
  say(`${grouped(dry.scenarios)} scenarios × ${dry.models.length} keyless models, ${grouped(dry.calls)} calls.`)
  const { run } = await startProbe(app.engine, app.probe, operator, input, { workspace: WORKSPACE })
  const ended = await watch(app.engine, run, signal)
  if (ended.finishedAt === null) return
  const csv = await exportTo(app.engine, run, { format: 'csv' }, undefined, config.folder)
  say()
  say(`Run ${run} ${endOf(ended)}.`)
  say()
  say(resultTable(await resultsOf(app.engine, operator, run)))
  say()
  say(`${grouped(csv.rows)} transcripts are in the database and in ${relative('.', csv.path)}`)
}

function tellWhatNext(empty: boolean, signIn: readonly string[]) {
  say()
  for (const line of signIn) say(line)
  if (signIn.length > 0) say()
  say('Try next, in another terminal:')
  if (!empty) {
    say('  npx millrace runs show 1                     results of a run')
    say('  npx millrace runs export 1 --texts --out -   its answers')
  }
  say(`  npx millrace probe ${relative('.', example('refusal-prone'))} --models fake:a,fake:refuser`)
  say('  npx millrace models                          which models can be asked')
  say('  npx millrace --help                          everything else')
  say(dim('Ctrl-C stops.'))
}
