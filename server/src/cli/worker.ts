/** `millrace worker`: one more process that performs tasks. */
import { openApp, servedKinds } from '../app.ts'
import { readConfig } from '../config.ts'
import { performAll } from '../performing.ts'
import { reporter } from '../report.ts'
import { tellPython } from './python.ts'
import { keepPruning } from './retention.ts'
import { remark, say } from './screen.ts'
import { tellSettings } from './settings-file.ts'
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
    const running = await performAll(app, config, {
      slots,
      report: reporter(remark),
      superseded: () => interruption.fail(),
      ...(options.name === undefined ? {} : { workerId: options.name }),
    })
    await app.joinTools(app.logins.worker, running)
    await tellSettings(app, config)
    const endPruning = keepPruning(app.engine, config.retentionDays, reporter(remark))
    say(
      `Worker ${running.id} performs up to ${slots} tasks at a time: ${app.kinds.map((kind) => kind.name).join(', ')}. Ctrl-C drains.`,
    )
    if (!interruption.signal.aborted) {
      await new Promise((resolve) => interruption.signal.addEventListener('abort', resolve, { once: true }))
    }
    await Promise.all([running.drain(DRAIN), endPruning()])
    const { closed, fenced } = running.counts
    say(`Worker ${running.id} closed ${closed} tasks${fenced === 0 ? '' : `; ${fenced} came too late`}.`)
    return interruption.code
  } finally {
    await app.close()
    interruption.stop()
  }
}
