/** Working on a run and following it in one process, until it has ended or somebody interrupts. */
import type { Run } from '@millrace/engine'
import { operator, type App } from '../app.ts'
import type { Config } from '../config.ts'
import { performAll } from '../performing.ts'
import { reporter } from '../report.ts'
import { watch } from './follow-run.ts'
import { remark } from './screen.ts'

export const COMING_TO_AN_END = '\nComing to an end: what is under way is finished first. Ctrl-C again ends at once.'

/** Seconds that tasks under way may take after Ctrl-C. */
const DRAIN = 10

/** Gives the run as it is after the drain: what was under way may have been the last. */
export async function performRun(app: App, config: Config, run: number, signal: AbortSignal): Promise<Run> {
  await app.tools.load()
  const worker = await performAll(app, config, { report: reporter(remark) })
  await app.joinTools(app.logins.worker, worker)
  // At once, so that nothing more is claimed while the watch comes to its end.
  signal.addEventListener('abort', () => void worker.drain(DRAIN), { once: true })
  if (signal.aborted) void worker.drain(DRAIN)
  try {
    await watch(app.engine, run, signal)
  } finally {
    await worker.drain(DRAIN)
  }
  return app.engine.run(operator, run)
}
