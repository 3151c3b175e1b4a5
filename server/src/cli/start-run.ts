/** `millrace runs start`: a run of any kind, with what a person gives as its input. */
import { parse } from 'yaml'
import { Refusal, type Run } from '@millrace/engine'
import { kindNamed, openApp, operator, servedKinds, type App } from '../app.ts'
import { PRIORITY, type Priority } from '../runs/priority.ts'
import { readConfig } from '../config.ts'
import { endOf, outputLines } from './follow-run.ts'
import { COMING_TO_AN_END, performRun } from './perform-run.ts'
import { readTextFile } from './read-file.ts'
import { remark, say } from './screen.ts'
import { onInterrupt } from './session.ts'

export interface StartRunOptions {
  readonly input?: string
  readonly inputFile?: string
  readonly priority: Priority
  readonly key?: string
  readonly hold?: boolean
  readonly wait?: boolean
  readonly json?: boolean
}

export async function startRun(name: string, options: StartRunOptions): Promise<number> {
  const config = readConfig()
  const served = await servedKinds(config)
  const hint = config.ownKinds === undefined ? ' MILLRACE_KINDS names the folder of your own kinds.' : ''
  const kind = kindNamed(served.kinds, name, hint)
  const input = await inputOf(options)
  const interruption = onInterrupt(() => remark(COMING_TO_AN_END))
  const app = await openApp(config, remark, served)
  try {
    const { run, created } = await app.start(kind, input, {
      priority: PRIORITY[options.priority],
      ...(options.key === undefined ? {} : { key: options.key }),
      ...(options.hold === true ? { held: 'paused' } : {}),
    })
    if (!created) remark(`Run ${run} was started with this key before.`)
    if (options.wait !== true) return await tellStarted(app, run, created, options.json === true)
    const { status } = await app.engine.run(operator, run)
    if (status === 'paused') remark(`Run ${run} is paused: \`millrace runs resume ${run}\` lets it go on.`)
    return tellEnd(await performRun(app, config, run, interruption.signal), created, options.json === true)
  } finally {
    await app.close()
    interruption.stop()
  }
}

/** Nothing given is an empty object; files may be YAML, of which JSON is a part. */
export async function inputOf({ input, inputFile }: Pick<StartRunOptions, 'input' | 'inputFile'>): Promise<unknown> {
  if (inputFile === undefined) return input === undefined ? {} : read(input, JSON.parse, '--input is not JSON.')
  const text = await readTextFile(inputFile, {
    what: 'an input',
    missing: 'Name a file of JSON or YAML with --input-file.',
    tooLarge: 'Put large data where the tasks can read it, and name the place in the input.',
  })
  return inputFile.endsWith('.json')
    ? read(text, JSON.parse, `${inputFile} is not JSON.`)
    : read(text, parse, `${inputFile} is not YAML.`)
}

function read(text: string, how: (text: string) => unknown, wrong: string): unknown {
  try {
    return how(text)
  } catch (error) {
    throw new Refusal('INVALID_INPUT', wrong, {
      causes: [error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'it cannot be read'],
      remedy: '`millrace kinds` shows what each kind is started with.',
      cause: error,
    })
  }
}

async function tellStarted(app: App, id: number, created: boolean, json: boolean): Promise<number> {
  const run = await app.engine.run(operator, id)
  if (json) say(JSON.stringify({ run, created }))
  else say(`Run ${id} (${run.kind}) ${run.finishedAt === null ? `is ${run.status}` : endOf(run)}.`)
  const waiting = await app.engine.why(operator, id)
  if (waiting.some(({ reason }) => reason === 'no_worker')) {
    remark('No worker is there for it: start `millrace worker`. With --wait a start works on its run itself.')
  }
  return 0
}

function tellEnd(run: Run, created: boolean, json: boolean): number {
  if (run.finishedAt === null) {
    remark(
      `Run ${run.id} has ${run.progress.open} of ${run.progress.total} to go. \`millrace worker\` goes on with it.`,
    )
    return 130
  }
  if (json) say(JSON.stringify({ run, created }))
  else {
    say(`Run ${run.id} (${run.kind}) ${endOf(run)}.`)
    for (const line of outputLines(run)) say(line)
  }
  return run.state === 'succeeded' ? 0 : 1
}
