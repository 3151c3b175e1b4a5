/**
 * The public door: `import { defineRun, defineTask, startWorker } from 'millrace'`.
 * The plug as the engine has it, and two programs' ways to the database.
 */
import {
  openEngine,
  Refusal,
  type AnyRunKind,
  type Event,
  type Run,
  type RunKind,
  type StartOptions as EngineStartOptions,
  type Worker as EngineWorker,
} from '@millrace/engine'
import { kindNamed, openApp, openDatabase, operator, servedKinds, WORKSPACE, type Where } from './app.ts'
import { readConfig, type Config } from './config.ts'
import { performAll, performanceOf, startPerforming } from './performing.ts'
import type { ExecutionProvider } from './providers/execution.ts'
import { PRIORITY, type Priority } from './runs/priority.ts'
import { reporter } from './report.ts'
import { carrying, traced } from './traces/carried.ts'

export { again, defineRun, defineTask, Refusal, RETRIES, TaskFailed } from '@millrace/engine'
export type {
  Again,
  AnyRunKind,
  Budget,
  Content,
  Event,
  Failure,
  Finished,
  Hand,
  Next,
  Origin,
  Progress,
  Remember,
  Run,
  RunKind,
  RunState,
  Sensitive,
  SoFar,
  TaskKind,
  TaskSpec,
  Tx,
  Uses,
} from '@millrace/engine'
export { AnthropicProvider, CLIProvider } from './providers/execution-providers.ts'
export type { AnthropicOptions, CLIOptions } from './providers/execution-providers.ts'
export type { ExecutionContext, ExecutionProvider, ExecutionResult, StreamCallback } from './providers/execution.ts'
export type { Priority } from './runs/priority.ts'

/** Which database; what is named here comes before DATABASE_URL and MILLRACE_FOLDER. */
export interface DatabaseOptions {
  /** Of a PostgreSQL, version 15 or newer. */
  readonly url?: string
  /** Of the embedded PostgreSQL. */
  readonly folder?: string
}

export interface WorkerOptions {
  /** What it performs. Default: all that Millrace does, and the kinds of MILLRACE_KINDS. */
  readonly kinds?: readonly AnyRunKind[]
  /** Providers of your own for what Millrace does, beside those of MILLRACE_PROVIDERS. */
  readonly providers?: readonly ExecutionProvider[]
  readonly database?: DatabaseOptions
  /** Tasks at a time. Default: WORKER_SLOTS, 200. */
  readonly slots?: number
  /** Stage runs at a time, besides the slots. Default: MAX_CONCURRENT, 1. */
  readonly maxConcurrent?: number
  /** Milliseconds after which it looks for work though nobody rang. Default: POLL_INTERVAL, 5000. */
  readonly pollIntervalMs?: number
  /** Serves this workspace alone. Default: all. */
  readonly workspaceId?: number | string
  /** For people. Default: WORKER_ID, otherwise host and process. */
  readonly workerId?: string
  /** Told of errors that no kind named; they are never stored. Default: standard error, once in a while. */
  readonly report?: (error: unknown) => void
}

export interface Worker {
  readonly id: number
  /** Claims nothing more, waits this long for what is performed, gives back the rest, and leaves the database. */
  drain(seconds?: number): Promise<void>
}

/**
 * Opens the database, brings it up to date if it may, and performs tasks until it is drained.
 * @throws Refusal INVALID_OPTIONS, INVALID_PROVIDERS
 */
export async function startWorker(options: WorkerOptions = {}): Promise<Worker> {
  const { database, kinds, providers, workspaceId, report = reporter(tell), ...rest } = options
  const config = readConfig()
  const workspace = workspaceId === undefined ? undefined : workspaceNumber(workspaceId)
  if (kinds !== undefined && providers !== undefined) {
    throw new Refusal('INVALID_OPTIONS', 'Providers are for what Millrace itself performs: leave out `kinds`.')
  }
  if (kinds === undefined) {
    const app = await openApp({ ...config, ...whereOf(config, database) }, tell, await servedKinds(config, providers))
    return workerOf(
      () => app.close(),
      async () => {
        await app.tools.load()
        const worker = await performAll(app, config, { ...rest, report, workspace })
        await app.joinTools(app.logins.worker, worker)
        return worker
      },
    )
  }
  const { postgres, logins } = await openDatabase(whereOf(config, database), tell)
  return workerOf(
    () => postgres.close(),
    () =>
      startPerforming({
        ...performanceOf(config),
        ...rest,
        report,
        workspace,
        settings: logins.worker,
        kinds: kinds.map(traced),
      }),
  )
}

async function workerOf(close: () => Promise<void>, start: () => Promise<EngineWorker>): Promise<Worker> {
  let worker: EngineWorker
  try {
    worker = await start()
  } catch (error) {
    await close()
    throw error
  }
  return {
    get id() {
      return worker.id
    },
    async drain(seconds) {
      await worker.drain(seconds)
      await close()
    },
  }
}

function workspaceNumber(given: number | string): number {
  const id = Number(given)
  if (Number.isSafeInteger(id) && id > 0) return id
  throw new Refusal('INVALID_OPTIONS', 'A workspace is a whole number from 1.')
}

export interface StartOptions extends Pick<EngineStartOptions, 'key' | 'budget' | 'delay'> {
  /** Before or after other runs. Default: normal. */
  readonly priority?: Priority
  /** Nobody claims from it until it is resumed. */
  readonly hold?: boolean
}

export interface Started {
  readonly run: number
  /** False when the key had started it before. */
  readonly created: boolean
}

/** The door of the local person: everything is allowed, in the one workspace. */
export interface Millrace {
  start<In>(kind: RunKind<In>, input: NoInfer<In>, options?: StartOptions): Promise<Started>
  /** By the name of one of the kinds; the input is checked by its schema all the same. */
  start(kind: string, input: unknown, options?: StartOptions): Promise<Started>
  run(id: number): Promise<Run>
  /** The events after a number, then those to come, until the run's end has been given. */
  follow(id: number, after?: number, signal?: AbortSignal): AsyncIterable<Event>
  /** The run as it is when it has ended. */
  ended(id: number, signal?: AbortSignal): Promise<Run>
  pause(id: number): Promise<void>
  resume(id: number): Promise<void>
  cancel(id: number): Promise<void>
  close(): Promise<void>
}

export interface MillraceOptions {
  /** What may be started here. */
  readonly kinds: readonly AnyRunKind[]
  readonly database?: DatabaseOptions
}

/** Opens the database, brings it up to date if it may, and starts, follows and steers runs. */
export async function openMillrace({ kinds, database }: MillraceOptions): Promise<Millrace> {
  const { postgres, logins } = await openDatabase(whereOf(readConfig(), database), tell)
  const engine = carrying(openEngine(logins.api))
  let closed: Promise<void> | undefined
  async function close() {
    await engine.close()
    await postgres.close()
  }
  return {
    async start(asked: AnyRunKind | string, input: unknown, { hold, priority, ...options }: StartOptions = {}) {
      const kind = kindNamed(kinds, asked)
      return engine.start(operator, kind as RunKind, input, {
        ...options,
        workspace: WORKSPACE,
        priority: PRIORITY[priority ?? 'normal'],
        ...(hold === true ? { held: 'paused' } : {}),
      })
    },
    run: (id) => engine.run(operator, id),
    follow: (id, after = 0, signal) => engine.follow(operator, id, after, signal),
    async ended(id, signal) {
      const begun = await engine.run(operator, id)
      for await (const _ of engine.follow(operator, id, begun.lastEvent, signal));
      return engine.run(operator, id)
    },
    pause: (id) => engine.hold(operator, id),
    resume: (id) => engine.release(operator, id),
    cancel: (id) => engine.cancel(operator, id),
    close: () => (closed ??= close()),
  }
}

function whereOf(config: Config, named: DatabaseOptions = {}): Where {
  const others = { databaseUrl: named.url, apiDatabaseUrl: undefined, workerDatabaseUrl: undefined }
  if (named.url !== undefined) return { ...others, folder: config.folder }
  return named.folder === undefined ? config : { ...others, folder: named.folder }
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}
