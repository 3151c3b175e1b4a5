/** `millrace worker`: one more process that performs tasks. */
import { startWorker } from '@millrace/engine'
import { openApp, servedKinds } from '../app.ts'
import { readConfig } from '../config.ts'
import { reporter } from '../report.ts'
import { tellPython } from './python.ts'
import { keepPruning } from './retention.ts'
import { remark, say } from './screen.ts'
import { onInterrupt } from './session.ts'

const DRAIN = 30

export async function worker(options: { name?: string; slots?: number }): Promise<number> {
  const config = readConfig()
  const served = await servedKinds(config)
  const interruption = onInterrupt(() =>
    remark('\nDraining: what is under way is finished first. Ctrl-C again ends at once.'),
  )
  await tellPython(served.python, config.pythonStrict, remark)
  await served.tools.load()
  const app = await openApp(config, remark, served)
  try {
    const slots = options.slots ?? config.slots
    const running = await startWorker({
      settings: app.logins.worker,
      kinds: app.kinds,
      slots,
      report: reporter(remark),
      ...(options.name === undefined ? {} : { name: options.name }),
    })
    await app.joinTools(app.logins.worker, running)
    const endPruning = keepPruning(app.engine, config.retentionDays, reporter(remark))
    say(
      `Worker ${running.id} performs up to ${slots} tasks at a time: ${app.kinds.map((kind) => kind.name).join(', ')}. Ctrl-C drains.`,
    )
    if (!interruption.signal.aborted) {
      await new Promise((resolve) => interruption.signal.addEventListener('abort', resolve, { once: true }))
    }
    await Promise.all([running.drain(DRAIN), endPruning()])
    say(`Worker ${running.id} closed ${running.counts.closed} tasks.`)
    return 0
  } finally {
    await app.close()
    interruption.stop()
  }
}
