/** `millrace mcp`: a server of MCP on standard input and output, for a client at this machine. */
import { randomUUID } from 'node:crypto'
import { startWorker, type Worker } from '@millrace/engine'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { homeOf, openApp, operator, providerHealth, servedKinds, WORKSPACE } from '../app.ts'
import { readConfig } from '../config.ts'
import { openHouse } from '../http/open-house.ts'
import { listeningStdio } from '../mcp/listening.ts'
import { openMcpServer } from '../mcp/server.ts'
import { reporter } from '../report.ts'
import { remark } from './screen.ts'
import { onInterrupt } from './session.ts'

const DRAIN = 10

/** Nothing but the protocol goes to standard output. */
export async function mcp(options: { worker: boolean }): Promise<number> {
  const config = readConfig()
  const served = await servedKinds(config)
  const interruption = onInterrupt(() => remark('\nStopping: what is under way is finished first.'))
  const app = await openApp(config, remark, served)
  const house = openHouse(
    { ...app, home: homeOf(config), providerHealth: (fresh) => providerHealth(app.catalogue, Date.now, fresh) },
    app.logins.api,
  )
  let worker: Worker | undefined
  try {
    if (options.worker) {
      await app.tools.load()
      worker = await startWorker({
        settings: app.logins.worker,
        kinds: app.kinds,
        slots: config.slots,
        report: reporter(remark),
      })
      await app.joinTools(app.logins.worker, worker)
    }
    const asking = {
      house,
      who: { principal: operator, by: 'open', scopes: 'all', id: 'local' },
      workspace: () => WORKSPACE,
      origin: config.publicUrl?.origin ?? `http://${config.host}:${config.port}`,
      correlationId: randomUUID,
    } as const
    const left = new Promise<void>((resolve) => {
      process.stdin.once('end', resolve).once('close', resolve)
      interruption.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    let pinned: ReturnType<typeof openMcpServer> | undefined
    const transport = listeningStdio(asking, (uri) => void pinned?.server.sendResourceUpdated({ uri }).catch(() => {}))
    const served = serveStdio(() => (pinned = openMcpServer({ house, askingIn: () => asking })), { transport })
    if (!interruption.signal.aborted) await left
    transport.leave()
    await served.close()
    return 0
  } finally {
    await worker?.drain(DRAIN)
    await house.close()
    await app.close()
    interruption.stop()
  }
}
