/** One worker's turn at one task: perform it, and say in data how it ended. */
import { writeArtifact, type Made } from './artifacts.ts'
import { again, type Again } from './backoff.ts'
import type { Chronicle } from './chronicle.ts'
import type { Tx } from './database.ts'
import { TaskFailed, type Failure } from './errors.ts'
import type { AnyTaskKind, Finished, Hand } from './kinds.ts'
import { toJson } from './json.ts'
import type { Ledger } from './ledger.ts'
import { discreetError, discreetHand, siftFailure } from './sensitive.ts'

/** A claimed task, as `turn` gives it. */
export interface Claimed {
  readonly run: number
  readonly task: number
  readonly attempt: number
  readonly tries: number
  readonly crashes: number
  readonly workspace: number
  readonly kind: string
  readonly input: unknown
}

/** How an attempt ended; `body` is the output or the failure, as JSON. */
export interface Ended {
  readonly claimed: Claimed
  readonly outcome: 'succeeded' | Again['outcome'] | 'released' | 'cancelled'
  readonly body: string | null
  readonly delay: number
  /** For `save`: what its domain is told, when it succeeded. */
  readonly finished?: Finished<unknown, unknown>
  /** What it made, to be seen with its success. */
  readonly made?: readonly Made[]
}

export type AbortCause = 'cancelled' | 'fenced' | 'draining' | 'timeout'

/** The reason of an aborted signal; `name` is what HTTP clients look at. */
export class Aborted extends Error {
  readonly why: AbortCause
  constructor(why: AbortCause) {
    super(why)
    this.why = why
    this.name = why === 'timeout' ? 'TimeoutError' : 'AbortError'
  }
}

/** What an attempt needs of its worker. */
export interface Bench {
  readonly ledger: Ledger
  readonly chronicle: Chronicle
  readonly read: Tx['query']
  runInput(run: number): Promise<unknown>
  /** For the program's own log; never stored. */
  report(error: unknown, claimed: Claimed): void
}

const DEFAULT_TIMEOUT_S = 600
/** Milliseconds that code has to end after its signal was aborted; then nobody waits for it. */
const GRACE = 5_000

export async function perform(
  kind: AnyTaskKind,
  claimed: Claimed,
  abort: AbortController,
  bench: Bench,
): Promise<Ended> {
  const seconds = kind.timeout ?? DEFAULT_TIMEOUT_S
  const timer = setTimeout(() => abort.abort(new Aborted('timeout')), seconds * 1000)
  try {
    const input = kind.input.safeParse(claimed.input)
    if (!input.success) return failed(claimed, kind, INVALID_INPUT, bench)
    const made: Made[] = []
    const deadline = new Date(Date.now() + seconds * 1000)
    const hand = makeHand(claimed, kind, input.data, abort.signal, deadline, bench, made)
    const result = await Promise.race([kind.perform(hand as never), graceAfter(abort.signal)])
    const output = kind.output.safeParse(result)
    if (!output.success) return failed(claimed, kind, INVALID_OUTPUT, bench)
    const finished = { ...identity(claimed), input: input.data, output: output.data }
    const body = kept(kind, output.data)
    return body === undefined
      ? failed(claimed, kind, INVALID_OUTPUT, bench)
      : { claimed, outcome: 'succeeded', body, delay: 0, finished, made }
  } catch (error) {
    if (abort.signal.aborted) return aborted(claimed, kind, abort.signal.reason, bench)
    if (error instanceof TaskFailed) return failed(claimed, kind, error.failure, bench)
    tell(error, kind, claimed, bench)
    return failed(claimed, kind, unknown(error), bench)
  } finally {
    clearTimeout(timer)
  }
}

function makeHand(
  claimed: Claimed,
  kind: AnyTaskKind,
  input: unknown,
  signal: AbortSignal,
  deadline: Date,
  bench: Bench,
  made: Made[],
): Hand<unknown> {
  const { chronicle, ledger } = bench
  const hand: Hand<unknown> = {
    ...identity(claimed),
    input,
    signal,
    deadline,
    read: bench.read,
    runInput: () => bench.runInput(claimed.run),
    log: (text, data) => chronicle.log(claimed, text, data),
    progress: (data) => chronicle.progress(claimed, data),
    remember: (name, request, call, options) => ledger.remember(claimed, name, request, call, options),
    async artifact(name, content, mediaType) {
      made.push(await writeArtifact(bench.read, claimed.workspace, name, content, mediaType))
    },
  }
  return kind.sensitive === undefined ? hand : discreetHand(hand, kind.sensitive.words)
}

function identity(claimed: Claimed) {
  const { run, task, attempt, workspace } = claimed
  return { run, task, attempt, workspace }
}

function graceAfter(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const give = () => setTimeout(() => reject(signal.reason as Error), GRACE).unref()
    if (signal.aborted) give()
    else signal.addEventListener('abort', give, { once: true })
  })
}

/** The output as it is kept; undefined for what JSON cannot hold. */
function kept(kind: AnyTaskKind, output: unknown): string | undefined {
  try {
    const what = kind.keep === undefined ? output : kind.keep(output as never)
    return toJson(kind.sensitive === undefined ? what : kind.sensitive.kept.parse(what))
  } catch {
    return undefined
  }
}

function failed(claimed: Claimed, kind: AnyTaskKind, failure: Failure, bench: Bench): Ended {
  const then = decide(claimed, kind, failure, bench)
  const body = toJson(kind.sensitive === undefined ? failure : siftFailure(failure, kind.sensitive.words))
  return { claimed, outcome: then.outcome, body, delay: 'delay' in then ? then.delay : 0 }
}

/** The program's own log gets what was thrown; of a sensitive kind, where it was thrown and no text. */
function tell(error: unknown, kind: AnyTaskKind, claimed: Claimed, bench: Bench) {
  bench.report(kind.sensitive === undefined ? error : discreetError(error), claimed)
}

/** The kind's word; a kind that cannot say it has no second try. */
function decide(claimed: Claimed, kind: AnyTaskKind, failure: Failure, bench: Bench): Again {
  try {
    return (kind.retry ?? again)(failure, claimed.tries)
  } catch (error) {
    tell(error, kind, claimed, bench)
    return { outcome: 'failed' }
  }
}

function aborted(claimed: Claimed, kind: AnyTaskKind, reason: unknown, bench: Bench): Ended {
  const why = reason instanceof Aborted ? reason.why : 'draining'
  if (why === 'timeout') return failed(claimed, kind, TIMEOUT, bench)
  return { claimed, outcome: why === 'cancelled' ? 'cancelled' : 'released', body: null, delay: 0 }
}

const INVALID_INPUT: Failure = {
  code: 'INVALID_INPUT',
  message: 'The input of this task is not what its kind expects.',
  retryable: false,
  origin: 'input',
}
const INVALID_OUTPUT: Failure = {
  code: 'INVALID_OUTPUT',
  message: 'The task gave an output that its kind does not allow.',
  retryable: false,
  origin: 'task',
}
const TIMEOUT: Failure = {
  code: 'TIMEOUT',
  message: 'The task took longer than its kind allows.',
  retryable: true,
  origin: 'worker',
}

function unknown(error: unknown): Failure {
  const name = error instanceof Error && /^[A-Za-z]{1,40}$/.test(error.name) ? error.name : 'unknown'
  return {
    code: 'UNKNOWN',
    message: 'The task ended in an error that its kind did not name.',
    retryable: true,
    origin: 'task',
    details: { type: name },
  }
}
