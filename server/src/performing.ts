/**
 * One process that performs: a worker of the engine, and where there are stage runs
 * a second one for them alone, whose slots are the stage runs that it may perform at
 * a time.  A stage run has one task at a time, so its tasks count its runs.  That one
 * looks for work as often as the boards say, where there are any.
 */
import { hostname } from 'node:os'
import { setTimeout as later } from 'node:timers/promises'
import { isConnectionLoss, startWorker, type AnyRunKind, type Settings, type Worker } from '@millrace/engine'
import type { Config } from './config.ts'
import { openExporter } from './domains/stage/documents/exporter.ts'
import { openPace } from './domains/stage/pace.ts'

export interface PerformOptions {
  readonly settings: Settings
  readonly kinds: readonly AnyRunKind[]
  readonly report: (error: unknown) => void
  /** Called when the database was brought to a version that this program cannot serve. */
  readonly superseded?: (() => void) | undefined
  /** Tasks at a time, other than those of stage runs. */
  readonly slots: number
  /** Stage runs at a time, besides the slots. */
  readonly maxConcurrent: number
  readonly pollIntervalMs: number
  /** For people. Default: host and process. */
  readonly workerId?: string | undefined
  /** Serves this workspace alone. Default: all. */
  readonly workspace?: number | undefined
}

/** Milliseconds until a worker that found no connection asks for one again. */
const AGAIN = 1_000

/** The run kind that MAX_CONCURRENT is about. */
const BOUNDED = 'stage'

/** What the settings say about a process that performs. */
export function performanceOf(
  config: Config,
): Pick<PerformOptions, 'slots' | 'maxConcurrent' | 'pollIntervalMs' | 'workerId'> {
  const { slots, maxConcurrent, pollInterval, workerId } = config
  return { slots, maxConcurrent, pollIntervalMs: pollInterval, workerId }
}

/**
 * Everything that this installation performs, as its variables and the boards say; and
 * documents of cards are written into the workspace folder meanwhile.
 */
export async function performAll(
  { kinds, logins }: { readonly kinds: readonly AnyRunKind[]; readonly logins: { readonly worker: Settings } },
  config: Config,
  more: Pick<PerformOptions, 'report'> & Partial<PerformOptions>,
): Promise<Worker> {
  const settings = logins.worker
  const worker = await startPerforming({ ...performanceOf(config), settings, kinds, ...more })
  const exporter = openExporter({
    settings,
    folder: config.workspacePath,
    report: more.report,
    tell: (line) => void process.stderr.write(`${line}\n`),
  })
  let drained: Promise<void> | undefined
  async function drain(seconds?: number) {
    await worker.drain(seconds)
    // What was made while it drained is written too.
    await exporter.close()
  }
  return {
    get id() {
      return worker.id
    },
    get performing() {
      return worker.performing
    },
    get counts() {
      return worker.counts
    },
    drain: (seconds) => (drained ??= drain(seconds)),
  }
}

export async function startPerforming(options: PerformOptions): Promise<Worker> {
  const { kinds, workerId = `${hostname()}/${process.pid}`, workspace, slots } = options
  const usual = () => options.pollIntervalMs
  const start = (some: readonly AnyRunKind[], most: number, name: string, lookEvery = usual) =>
    patiently(options.report, () =>
      startWorker({
        settings: options.settings,
        report: options.report,
        ...(options.superseded === undefined ? {} : { superseded: options.superseded }),
        kinds: some,
        slots: most,
        name,
        lookEvery,
        ...(workspace === undefined ? {} : { workspace }),
      }),
    )
  const [bounded, others] = [kinds.filter(isBounded), kinds.filter((kind) => !isBounded(kind))]
  if (bounded.length === 0) return start(others, slots, workerId)
  const pace = await openPace(options.settings, options.pollIntervalMs)
  const alone = others.length === 0
  const started: Worker[] = []
  try {
    if (!alone) started.push(await start(others, slots, workerId))
    started.push(await start(bounded, options.maxConcurrent, alone ? workerId : `${workerId} stages`, () => pace.every))
  } catch (error) {
    await Promise.all([...started.map((worker) => worker.drain(0)), pace.close()])
    throw error
  }
  let drained: Promise<void> | undefined
  async function drain(seconds?: number) {
    await Promise.all([...started.map((worker) => worker.drain(seconds)), pace.close()])
  }
  const sum = (of: (worker: Worker) => number) => started.reduce((total, worker) => total + of(worker), 0)
  return {
    get id() {
      return started[0]?.id ?? 0
    },
    get performing() {
      return sum((worker) => worker.performing)
    },
    get counts() {
      return {
        closed: sum((worker) => worker.counts.closed),
        failed: sum((worker) => worker.counts.failed),
        fenced: sum((worker) => worker.counts.fenced),
      }
    },
    drain: (seconds) => (drained ??= drain(seconds)),
  }
}

/** A database that has no connection left just now, or is away, is said and waited for. */
async function patiently<T>(report: PerformOptions['report'], start: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await start()
    } catch (error) {
      if (!isConnectionLoss(error)) throw error
      report(error)
      await later(AGAIN)
    }
  }
}

function isBounded({ name }: AnyRunKind): boolean {
  return name === BOUNDED
}
