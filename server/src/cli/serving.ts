/** The HTTP server of a program: it listens before anything is made, and serves when all is there. */
import { Refusal, type Worker } from '@millrace/engine'
import { openAccess, type Access } from '../access/access.ts'
import { isLoopback } from '../access/origin.ts'
import { ensureFirst, firstLink, LINK_HOURS } from '../access/people.ts'
import { homeOf, operator, providerHealth, type App } from '../app.ts'
import type { Config } from '../config.ts'
import { CONSOLE, isBuilt } from '../http/console.ts'
import { byToken, localToken } from '../http/local-token.ts'
import { openLog } from '../http/log.ts'
import { openHouse, type OpenHouse } from '../http/open-house.ts'
import { listen, openServer } from '../http/server.ts'
import type { Shelf } from '../mcp/shelf.ts'

export interface Serving {
  readonly url: string
  /** From now on it answers what needs the database; the worker is the one beside it, if there is one. */
  open(app: App, worker?: Worker): Promise<{ tokenFile: string; signIn: readonly string[] }>
  /** Before the app is closed. */
  close(): Promise<void>
}

/**
 * `open`: who is at this machine need not sign in.
 * @throws Refusal OPEN_NOT_ON_LOOPBACK, PORT_IN_USE, PORT_NOT_ALLOWED, ADDRESS_NOT_HERE
 */
export async function openServing(config: Config, open = false, shelves: readonly Shelf[] = []): Promise<Serving> {
  if (open && !isLoopback(config.host)) {
    throw new Refusal(
      'OPEN_NOT_ON_LOOPBACK',
      `With --open nobody signs in, and ${config.host} is reached from elsewhere.`,
      { remedy: 'Leave out --open, or HOST.' },
    )
  }
  let house: OpenHouse | undefined
  let beside: Worker | undefined
  let access: Access | undefined
  const starting = () => new Refusal('STARTING', 'The server is starting; in a moment it will be there.')
  const door = await openServer({
    house() {
      if (house === undefined) throw starting()
      return house
    },
    access() {
      if (access === undefined) throw starting()
      return access
    },
    async authenticate(asking) {
      if (access === undefined) throw starting()
      return access.authenticate(asking)
    },
    async health() {
      if (house === undefined) return ['starting']
      await house.engine.as(operator, (tx) => tx.query('select 1'))
      return []
    },
    performed: () => beside,
    log: openLog(config.logLevel),
    host: config.host,
    hosts: hostsOf(config),
    origins: config.origins,
    web: CONSOLE,
    shelves,
  })
  const http = await listen(door, config.host, config.port)
  return {
    url: http.url,
    async open(app, worker) {
      const { engine, catalogue } = app
      const people = openAccess({ ...config, engine, open })
      const { token, path } = await localToken(config.folder)
      const local = byToken(token, operator)
      access = { ...people, authenticate: async (asking) => (await local(asking)) ?? people.authenticate(asking) }
      beside = worker
      house = openHouse(
        { ...app, home: homeOf(config), providerHealth: (fresh) => providerHealth(catalogue, Date.now, fresh) },
        app.logins.api,
      )
      return {
        tokenFile: path,
        signIn: [
          ...(isBuilt(CONSOLE) ? [] : [NOT_BUILT]),
          ...(await howToSignIn(app, config.publicUrl?.origin ?? http.url, open)),
        ],
      }
    },
    async close() {
      await http.close()
      access?.close()
      await house?.close()
    },
  }
}

const NOT_BUILT = 'The console is not built; everything else is served. `npm run build -w web` builds it.'

/** A server on loopback is asked by its own names, and by that under which a proxy shows it. */
function hostsOf({ host, hosts, publicUrl }: Config): readonly string[] | undefined {
  return publicUrl !== undefined && isLoopback(host) ? [...(hosts ?? []), publicUrl.hostname] : hosts
}

/** The first start makes an admin, who has no password yet; later there is nothing to tell. */
async function howToSignIn({ engine }: App, url: string, open: boolean): Promise<readonly string[]> {
  if (open) {
    await ensureFirst(engine, operator)
    return ['Open: everybody at this machine is its admin, without signing in.']
  }
  const token = await firstLink(engine, operator)
  return token === undefined ? [] : [`Sign in, once, within ${LINK_HOURS} hours:  ${url}/sign-in?token=${token}`]
}
