/**
 * The public door: `import { defineRun, defineTask, startWorker } from 'millrace'`.
 * The plug as the engine has it, and two programs' ways to the database.
 */
import {
  openEngine,
  startWorker as startEngineWorker,
  type AnyRunKind,
  type Event,
  type Run,
  type RunKind,
  type StartOptions as EngineStartOptions,
  type Worker as EngineWorker,
} from '@millrace/engine'
import { kindNamed, openDatabase, operator, WORKSPACE, type Where } from './app.ts'
import { readConfig, type Config } from './config.ts'
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
export type { Priority } from './runs/priority.ts'

/** Which database; what is named here comes before DATABASE_URL and MILLRACE_FOLDER. */
export interface DatabaseOptions {
  /** Of a PostgreSQL, version 15 or newer. */
  readonly url?: string
  /** Of the embedded PostgreSQL. */
  readonly folder?: string
}

export interface WorkerOptions {
  readonly kinds: readonly AnyRunKind[]
  readonly database?: DatabaseOptions
  /** Tasks at a time. Default: WORKER_SLOTS, 200. */
  readonly slots?: number
  /** Serves this workspace alone. Default: all. */
  readonly workspace?: number
  /** For people. Default: host and process. */
  readonly name?: string
  /** Told of errors that no kind named; they are never stored. Default: standard error, once in a while. */
  readonly report?: (error: unknown) => void
}

export interface Worker {
  readonly id: number
  /** Claims nothing more, waits this long for what is performed, gives back the rest, and leaves the database. */
  drain(seconds?: number): Promise<void>
}

/** Opens the database, brings it up to date if it may, and performs tasks of these kinds until it is drained. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { database, ...rest } = options
  const config = readConfig()
  const { postgres, logins } = await openDatabase(whereOf(config, database), tell)
  let worker: EngineWorker
  try {
    worker = await startEngineWorker({
      slots: config.slots,
      report: reporter(tell),
      ...rest,
      kinds: rest.kinds.map(traced),
      settings: logins.worker,
    })
  } catch (error) {
    await postgres.close()
    throw error
  }
  return {
    get id() {
      return worker.id
    },
    async drain(seconds) {
      await worker.drain(seconds)
      await postgres.close()
    },
  }
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
