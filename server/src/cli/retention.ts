/** Throwing old runs away: when a person asks for it, and every hour where a program runs for long. */
import { createInterface } from 'node:readline/promises'
import { Refusal, type Engine } from '@millrace/engine'
import { operator } from '../app.ts'
import { oldRuns } from '../runs/old-runs.ts'
import { grouped, remark, say, when } from './screen.ts'
import { onInterrupt, withApp } from './session.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

export async function pruneRuns(options: { olderThan: number; kind?: string; yes?: boolean }): Promise<number> {
  const interruption = onInterrupt(() => remark('\nComing to an end after this batch.'))
  return withApp(async ({ engine }) => {
    const before = new Date(Date.now() - options.olderThan)
    const { runs, oldest } = await oldRuns(engine, operator, { before, kind: options.kind })
    if (oldest === null) {
      say('Nothing to prune: no such run ended before that.')
      return 0
    }
    const what = `${runsOf(runs)} that ended before ${when(before)}; the oldest is run ${oldest.id} (${oldest.kind}), which ended ${when(oldest.at)}`
    if (options.yes !== true && !(await agreed(what))) return 0
    const kind = options.kind === undefined ? {} : { kind: options.kind }
    const gone = await engine.prune(operator, { before, ...kind, signal: interruption.signal })
    say(`Pruned ${runsOf(gone)}. What is left of each is its line in the archive.`)
    return interruption.signal.aborted ? 130 : 0
  }).finally(() => interruption.stop())
}

async function agreed(what: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new Refusal('NOT_ASKED', `This would prune ${what}. Nobody is here to be asked.`, {
      remedy: 'Add --yes to do it.',
    })
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question(`This prunes ${what}. What is pruned cannot be brought back. Go on? [y/N] `)
    if (/^y(es)?$/i.test(answer.trim())) return true
    say('Nothing was pruned.')
    return false
  } finally {
    lines.close()
  }
}

const runsOf = (amount: number) => `${grouped(amount)} ${amount === 1 ? 'run' : 'runs'}`

/** What is left of a run that was pruned. */
export interface PrunedRun {
  readonly id: number
  readonly kind: string
  readonly state: string
  readonly round: number
  readonly total: number
  readonly succeeded: number
  readonly failed: number
  readonly cancelled: number
  readonly events: number
  readonly createdAt: Date
  readonly finishedAt: Date
  readonly prunedAt: Date
}

export async function prunedRun(engine: Engine, id: number): Promise<PrunedRun | undefined> {
  const { rows } = await engine.as(operator, (tx) =>
    tx.query(
      `select run_id as id, kind, state, round, total, succeeded, failed, cancelled, events, created_at as "createdAt",
              finished_at as "finishedAt", pruned_at as "prunedAt" from engine.archive where run_id = $1`,
      [id],
    ),
  )
  return rows[0] as unknown as PrunedRun | undefined
}

export function prunedLine(run: PrunedRun): string {
  const counts = [
    `${grouped(run.succeeded)} of ${grouped(run.total)} tasks succeeded`,
    ...(run.failed > 0 ? [`${grouped(run.failed)} failed`] : []),
    ...(run.cancelled > 0 ? [`${grouped(run.cancelled)} cancelled`] : []),
  ].join(', ')
  return `Run ${run.id} (${run.kind}) was pruned ${when(run.prunedAt)}. It ${run.state === 'cancelled' ? 'was cancelled' : run.state} ${when(run.finishedAt)}: ${counts}; started ${when(run.createdAt)}.`
}

/** Prunes now and every hour; 0 days keep everything. Gives what ends it, between two batches. */
export function keepPruning(engine: Engine, days: number, report: (error: unknown) => void): () => Promise<void> {
  if (days === 0) return async () => {}
  const abort = new AbortController()
  let pruning: Promise<void> | undefined
  const prune = () => {
    pruning ??= engine
      .prune(operator, { before: new Date(Date.now() - days * DAY), signal: abort.signal })
      .then((gone) => {
        if (gone > 0) remark(`Pruned ${runsOf(gone)} that ended more than ${days} ${days === 1 ? 'day' : 'days'} ago.`)
      })
      .catch(report)
      .finally(() => (pruning = undefined))
  }
  prune()
  const timer = setInterval(prune, HOUR)
  return async () => {
    clearInterval(timer)
    abort.abort()
    await pruning
  }
}
