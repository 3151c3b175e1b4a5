/**
 * Asking by a run: started for who asks, performed by a worker, waited for, and
 * cancelled when nobody waits any more.  Nothing is performed here.
 */
import { TaskFailed, type Engine, type Failure, type Principal, type Waiting } from '@millrace/engine'
import { failureOf } from '../../providers/failures.ts'
import type { Answered } from '../../gateway/ask.ts'
import { chatAnswer, type chatRun, type ChatInput } from './chat.ts'

export interface Waits {
  readonly engine: Engine
  readonly kind: ReturnType<typeof chatRun>
  /** Follows a run until it has ended. */
  readonly ended: (who: Principal, run: number, signal: AbortSignal) => Promise<void>
}

/** Milliseconds after which it is looked whether anybody will begin, again and again. */
const LOOK = 2_000
/** Milliseconds after which nobody waits any longer. */
const LONGEST = 900_000

/** @throws TaskFailed; Refusal of the start */
export async function askByRun(
  { engine, kind, ended }: Waits,
  who: Principal,
  workspace: number,
  input: ChatInput,
  gone: AbortSignal,
): Promise<Answered> {
  const { run } = await engine.start(who, kind, input, {
    workspace,
    alongside: (tx, made) => kind.refuseUnheld(tx, made, input),
  })
  const over = new AbortController()
  const timedOut = AbortSignal.timeout(LONGEST)
  const signal = AbortSignal.any([gone, timedOut, over.signal])
  let hopeless: Failure | undefined
  const look = setInterval(() => {
    void engine.why(who, run).then(
      (waiting) => {
        hopeless ??= hopelessness(waiting)
        if (hopeless !== undefined) over.abort()
      },
      () => {},
    )
  }, LOOK)
  try {
    await ended(who, run, signal)
  } finally {
    clearInterval(look)
  }
  const seen = await engine.run(who, run)
  if (seen.finishedAt === null) {
    // Where it has just ended there is nothing to cancel.
    await engine.cancel(who, run).catch(() => {})
    throw new TaskFailed(hopeless ?? failureOf(timedOut.aborted ? 'TIMEOUT' : 'CANCELLED'))
  }
  if (seen.state === 'failed') throw new TaskFailed(seen.failure ?? failureOf('UNKNOWN'))
  if (seen.state !== 'succeeded') throw new TaskFailed(failureOf('CANCELLED'))
  const { rows } = await engine.as(who, (tx) =>
    tx.query<{ output: unknown }>('select output from engine.outputs where run_id = $1 and n = 1', [run]),
  )
  return { id: `chatcmpl-run-${run}`, ...chatAnswer.parse(rows[0]?.output) }
}

/** What waiting does not help: nobody performs it, the money is gone, or somebody has to let it go on. */
function hopelessness(waiting: readonly Waiting[]): Failure | undefined {
  const told = (code: string, message: string): Failure => ({ code, message, retryable: false, origin: 'worker' })
  for (const { reason, key } of waiting) {
    if (reason === 'no_worker') {
      return told('NO_WORKER', 'No worker is there that could answer; `millrace worker` starts one.')
    }
    if (reason === 'budget') return told('BUDGET_REACHED', 'A budget of the workspace is reached.')
    if (reason === 'stopped') {
      return told('PROVIDER_STOPPED', `Nothing begins under ${key} until somebody releases it.`)
    }
  }
  return undefined
}
