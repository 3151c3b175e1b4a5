/** `millrace serve`: the server alone; workers are other programs. */
import { openApp, servedKinds, type App } from '../app.ts'
import { readConfig } from '../config.ts'
import { relative } from 'node:path'
import { bold, dim, remark, say } from './screen.ts'
import { tellSettings } from './settings-file.ts'
import { openServing } from './serving.ts'
import { onInterrupt } from './session.ts'

export async function serve(): Promise<number> {
  const config = readConfig()
  const served = await servedKinds(config)
  const interruption = onInterrupt(() =>
    remark('\nStopping: what is asked is answered first. Ctrl-C again ends at once.'),
  )
  const serving = await openServing(config)
  let app: App | undefined
  try {
    app = await openApp(config, remark, served)
    const { tokenFile, signIn } = await serving.open(app)
    await tellSettings(app, config)
    say(`${bold('Millrace')} serves on ${serving.url}  ${dim(`(database: ${app.postgres.place})`)}`)
    say(
      `Programs sign in with the token in ${relative('.', tokenFile)}; ${serving.url}/api/docs says what can be asked.`,
    )
    for (const line of signIn) say(line)
    say('Nothing is performed here: `millrace worker` starts a worker. Ctrl-C stops.')
    if (!interruption.signal.aborted) {
      await new Promise((resolve) => interruption.signal.addEventListener('abort', resolve, { once: true }))
    }
    return 0
  } finally {
    await serving.close()
    await app?.close()
    interruption.stop()
  }
}
