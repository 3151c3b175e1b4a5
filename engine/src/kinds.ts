/**
 * The plug: what a domain tells the engine.  A task kind performs; a run kind
 * plans, and after all planned tasks have ended it may decide what comes next.
 */
import type { z } from 'zod'
import type { Tx } from './database.ts'
import type { Failure } from './errors.ts'
import type { Again } from './backoff.ts'
import { refuseContent } from './sensitive.ts'

/** One task to be: of which kind, with which input, under which limiter key, not before when. */
export interface TaskSpec {
  readonly kind: string
  readonly input: unknown
  /** Tasks with one key stand in one lane and share a limit, for example `openai`. */
  readonly key?: string
  /**
   * A second key, for whoever sets bounds besides: of its limit, how many at a time and
   * a stop hold too, and never a rate or a pause.  One for all tasks of a kind under one key.
   */
  readonly bound?: string
  /** Seconds from now before which nobody may claim it. */
  readonly delay?: number
  /** The most that it can use: what limits and budgets set aside for it. Default: one request. */
  readonly uses?: Uses
}

/** Requests, tokens, and cost in millionths of the currency. */
export interface Uses {
  readonly requests?: number
  readonly tokens?: number
  readonly micros?: number
}

/** What a task's code holds while it performs. */
export interface Hand<In> {
  readonly run: number
  /** The number of the task in its run. */
  readonly task: number
  readonly attempt: number
  readonly workspace: number
  readonly input: In
  /** Aborted when the run is cancelled, the deadline passes, or the lease is lost. */
  readonly signal: AbortSignal
  readonly deadline: Date
  /** The snapshot that the run was started with; read once a run and process. */
  runInput(): Promise<unknown>
  /** A line of the run's log: identifiers and numbers, no person's words in sensitive kinds. */
  log(text: string, data?: Record<string, unknown>): void
  /** How far this task is; thinned to a few a second. */
  progress(data: Record<string, unknown>): void
  /**
   * Does an outside call once.  The intent is in the ledger before it and what
   * came is there after it; the next attempt with the same `request` gets that
   * instead of calling again.  Only what returns is kept; what throws is not.
   */
  remember<T>(name: string, request: unknown, call: () => Promise<T>, options?: Remember<T>): Promise<T>
  /**
   * Keeps what outlives the task, up to 64 MiB: seen by others once the task has
   * succeeded.  The same name again, also in a later round, replaces it.
   * @throws TaskFailed ARTIFACT_TOO_LARGE, INVALID_ARTIFACT_NAME, DISK_FULL
   */
  artifact(name: string, content: Content, mediaType?: string): Promise<void>
  /** Reads as the worker; for the domain's own rows. */
  read: Tx['query']
}

/** Text is kept as UTF-8. */
export type Content = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>

export interface Remember<T> {
  /** What the answer used; counts against budgets, and gives unused tokens back to the limit. */
  readonly used?: (value: T) => Omit<Uses, 'requests'>
  /** Where a sensitive kind keeps the answer: the ledger holds the number that `put` gives, nothing else. */
  readonly vault?: {
    put(tx: Tx, value: T): Promise<number>
    get(tx: Tx, place: number): Promise<T>
  }
}

/** A task that ended well, as its `save` sees it. */
export interface Finished<In, Out> {
  readonly run: number
  readonly task: number
  readonly attempt: number
  readonly workspace: number
  readonly input: In
  readonly output: Out
}

export interface TaskKind<In = unknown, Out = unknown> {
  readonly name: string
  readonly input: z.ZodType<In>
  readonly output: z.ZodType<Out>
  /** Seconds that one attempt may take. Default 600. */
  readonly timeout?: number
  /** What a failure means for this kind; the default is `again` of backoff.ts. */
  readonly retry?: (failure: Failure, tries: number) => Again
  /** Can this process perform it now?  Asked every few seconds; while it cannot, it claims none of them.  Default: yes. */
  readonly able?: () => boolean
  /** Once, perhaps again later, perhaps elsewhere; must end soon after its signal is aborted. */
  readonly perform: (hand: Hand<In>) => Promise<NoInfer<Out>>
  /** The domain's rows, in the transaction that closes the attempts. */
  readonly save?: (tx: Tx, finished: readonly Finished<In, Out>[]) => Promise<void>
  /** What the engine keeps as the output, where `save` keeps the rest. Default: all of it. */
  readonly keep?: (output: Out) => unknown
  /**
   * Input, output, events and ledger hold numbers, ids and codes only; content is
   * in the domain's own tables.  Schemas that could hold a person's words are refused.
   */
  readonly sensitive?: Sensitive
}

export interface Sensitive {
  /** What `keep` gives; strings must be of a closed set, or ids. */
  readonly kept: z.ZodType
  /** All that it may write down besides: texts of logs, names of fields, of remembered calls, of limiter keys. */
  readonly words: readonly string[]
}

/** Facts about a run whose planned tasks have all ended. */
export interface SoFar<In> {
  readonly run: number
  readonly input: In
  readonly total: number
  readonly succeeded: number
  readonly failed: number
  /** How many tasks of a kind ended in a state. */
  count(kind: string, state: 'succeeded' | 'failed' | 'cancelled'): Promise<number>
  /** Outputs of a kind as they were kept, by number, page by page. */
  outputs<Kept>(
    kind: string,
    kept: z.ZodType<Kept>,
    after?: number,
    limit?: number,
  ): Promise<{ task: number; output: Kept }[]>
  /** The failure that most failed tasks ended with. */
  commonestFailure(): Promise<Failure | null>
  /** Aborted when the run is cancelled, the deadline passes, or the lease is lost. */
  readonly signal: AbortSignal
  read: Tx['query']
}

/**
 * `hold`: what it asks for waits until somebody releases the run, from the moment at which
 * it is there.  `made` is for the run kind's `save`; the engine keeps nothing of it.
 */
export type Next<Out> =
  | { readonly do: readonly TaskSpec[]; readonly hold?: 'paused' | 'awaiting_approval' }
  | { readonly succeed: Out; readonly made?: unknown }
  | { readonly fail: Failure }

/** A run that ended well, as its `save` sees it. */
export interface EndedRun {
  readonly run: number
  readonly workspace: number
  readonly made: unknown
}

export interface RunKind<In = unknown, Out = unknown> {
  readonly name: string
  readonly input: z.ZodType<In>
  readonly tasks: readonly AnyTaskKind[]
  /** The first tasks; may be a generator, so that a hundred thousand are never held at once. */
  readonly plan: (input: NoInfer<In>) => Iterable<TaskSpec> | AsyncIterable<TaskSpec>
  /**
   * Asked when all tasks have ended; a task like any other, so it may be asked
   * again.  Without it the run succeeds if any task did.
   */
  readonly next?: (soFar: SoFar<In>) => Promise<Next<Out>> | Next<Out>
  /** The domain's rows about an end, from what `next` made, in the transaction that ends the run: once a round. */
  readonly save?: (tx: Tx, ended: readonly EndedRun[]) => Promise<void>
  /** As for its task kinds, which must all be sensitive: `kept` is for what `next` succeeds with. */
  readonly sensitive?: Sensitive
  /** Is this a task kind that some other worker may perform?  It may then be planned here; `why` says if nobody does. */
  readonly elsewhere?: (taskKind: string) => boolean
}

/** Keeps the types of a task kind together; `perform` must return what `output` accepts. */
export function defineTask<In, Out>(kind: TaskKind<In, Out>): TaskKind<In, Out> {
  refuseContent(kind)
  return kind
}

/** Keeps the types of a run kind together. */
export function defineRun<In, Out = unknown>(kind: RunKind<In, Out>): RunKind<In, Out> {
  refuseContent(kind)
  const open = kind.tasks.filter((task) => task.sensitive === undefined)
  if (kind.sensitive !== undefined && open.length > 0) {
    throw new Error(`${kind.name} is sensitive, so ${open.map((task) => task.name).join(', ')} must be too`)
  }
  return kind
}

/** A kind among others: its types are known to itself alone, and checked by its schemas. */
export interface AnyTaskKind {
  readonly name: string
  readonly input: z.ZodType
  readonly output: z.ZodType
  readonly timeout?: number
  readonly retry?: (failure: Failure, tries: number) => Again
  readonly able?: () => boolean
  readonly perform: (hand: never) => Promise<unknown>
  readonly save?: (tx: Tx, finished: never) => Promise<void>
  readonly keep?: (output: never) => unknown
  readonly sensitive?: Sensitive
}

export interface AnyRunKind {
  readonly name: string
  readonly input: z.ZodType
  readonly tasks: readonly AnyTaskKind[]
  readonly plan: (input: never) => Iterable<TaskSpec> | AsyncIterable<TaskSpec>
  readonly next?: (soFar: never) => Promise<Next<unknown>> | Next<unknown>
  readonly save?: (tx: Tx, ended: readonly EndedRun[]) => Promise<void>
  readonly sensitive?: Sensitive
  readonly elsewhere?: (taskKind: string) => boolean
}

/** The first kind among tasks to be that a run kind does not list: no worker would claim it. */
export function unlisted(
  kind: Pick<AnyRunKind, 'tasks' | 'elsewhere'>,
  specs: readonly { kind: string }[],
): string | undefined {
  const listed = new Set(kind.tasks.map((task) => task.name))
  return specs.find((spec) => !listed.has(spec.kind) && kind.elsewhere?.(spec.kind) !== true)?.kind
}
