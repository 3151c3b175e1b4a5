/** The HTTP server as a whole: its door with all routes, and listening. */
import compress from '@fastify/compress'
import cors from '@fastify/cors'
import etag from '@fastify/etag'
import { Refusal } from '@millrace/engine'
import type { Opened as OpenedAccess } from '../access/guard.ts'
import { accessRoutes } from '../access/routes.ts'
import type { Authenticator } from '../access/signed-in.ts'
import { graphqlRoutes } from '../graphql/routes.ts'
import { consoleRoutes, isBuilt } from './console.ts'
import { mcpRoutes } from '../mcp/routes.ts'
import type { Shelf } from '../mcp/shelf.ts'
import { openDoor, type Door } from './door.ts'
import type { Opened } from './house.ts'
import { openLines, type LineTimes } from './lines.ts'
import type { Logger } from './log.ts'
import { metricRoutes, type Performed } from './metrics.ts'
import { describeRoutes } from './openapi.ts'
import { portOwner } from './port-owner.ts'
import { publicGateway } from './public-gateway.ts'
import { keepReplays } from './replays.ts'
import { actingRoutes } from './routes/acting.ts'
import { analysisRoutes } from './routes/analysis.ts'
import { artifactRoutes } from './routes/artifacts.ts'
import { boardRoutes } from './routes/board.ts'
import { cardRoutes } from './routes/cards.ts'
import { cardWorkRoutes } from './routes/card-work.ts'
import { definitionRoutes } from './routes/definitions.ts'
import { diagnosisPeopleRoutes } from './routes/diagnosis-people.ts'
import { diagnosisRoutes } from './routes/diagnosis.ts'
import { exportRoutes } from './routes/export.ts'
import { healthRoutes, type Health } from './routes/health.ts'
import { workerRoutes } from './routes/workers.ts'
import { limitRoutes } from './routes/limits.ts'
import { modelRoutes } from './routes/models.ts'
import { moneyRoutes } from './routes/money.ts'
import { noticeRoutes } from './routes/notices.ts'
import { pageRoutes } from './routes/pages.ts'
import { recipeRoutes } from './routes/recipes.ts'
import { recordRoutes } from './routes/records.ts'
import { resultRoutes } from './routes/results.ts'
import { retentionRoutes } from './routes/retention.ts'
import { runFactRoutes } from './routes/run-facts.ts'
import { findRunRoutes } from './routes/find-runs.ts'
import { runRoutes } from './routes/runs.ts'
import { skillRoutes } from './routes/skills.ts'
import { startRoutes } from './routes/start.ts'
import { toolRoutes } from './routes/tools.ts'
import { watchRoutes } from './routes/watch.ts'

export interface ServerOptions extends OpenedAccess {
  /** Throws STARTING until it is opened. */
  readonly house: Opened
  readonly authenticate: Authenticator['authenticate']
  readonly health: Health
  /** The worker beside it, if there is one. */
  readonly performed: () => Performed | undefined
  readonly log: Logger
  readonly host: string
  /** Further names by which it may be asked. */
  readonly hosts?: readonly string[] | undefined
  /** Other sites whose pages may ask; none if left out. */
  readonly origins?: readonly string[] | undefined
  /** The folder of the built console; without one the pages say so. */
  readonly web?: string | undefined
  readonly lineTimes?: LineTimes
  /** What agents can read besides runs and skills. */
  readonly shelves?: readonly Shelf[] | undefined
  /** Milliseconds in which the reader of an export must take something. */
  readonly exportStall?: number
}

/** What another site's page may see of an answer. */
const EXPOSED = ['content-disposition', 'etag', 'location', 'retry-after', 'x-request-id', 'idempotent-replayed']

/** The door with everything behind it, not listening yet. */
export async function openServer(options: ServerOptions): Promise<Door> {
  const { house, authenticate, log, host, hosts, origins } = options
  const door = openDoor({ authenticate, log, host, ...(hosts === undefined ? {} : { hosts }) })
  await describeRoutes(door)
  // The order is that of what is sent: kept for a replay, then digested, then made smaller.
  keepReplays(door, house, log)
  await door.register(etag, { weak: true })
  await door.register(compress, { encodings: ['gzip', 'deflate'], globalDecompression: false, threshold: 1024 })
  if (origins !== undefined) {
    await door.register(cors, { origin: [...origins], exposedHeaders: EXPOSED, maxAge: 600 })
  }
  const lines = openLines(authenticate, options.lineTimes)
  door.addHook('preClose', async () => lines.close())

  pageRoutes(door)
  await door.register(accessRoutes, { access: options.access, form: !isBuilt(options.web) })
  findRunRoutes(door, house)
  runRoutes(door, house)
  runFactRoutes(door, house)
  actingRoutes(door, house)
  startRoutes(door, house)
  watchRoutes(door, house, lines)
  resultRoutes(door, house)
  analysisRoutes(door, house)
  exportRoutes(door, house, options.exportStall)
  artifactRoutes(door, house)
  definitionRoutes(door, house)
  diagnosisRoutes(door, house)
  recipeRoutes(door, house)
  cardWorkRoutes(door, house)
  diagnosisPeopleRoutes(door, house)
  modelRoutes(door, house)
  limitRoutes(door, house)
  moneyRoutes(door, house)
  retentionRoutes(door, house)
  toolRoutes(door, house)
  boardRoutes(door, house, lines)
  cardRoutes(door, house)
  recordRoutes(door, house)
  noticeRoutes(door, house, lines)
  skillRoutes(door, house)
  healthRoutes(door, house, options.health)
  workerRoutes(door, house)
  metricRoutes(door, house, authenticate, options.performed)
  await publicGateway(door, house, authenticate)
  mcpRoutes(door, {
    house,
    authenticate,
    origins: origins ?? [],
    publicUrl: () => options.access().publicUrl,
    shelves: options.shelves ?? [],
    log,
  })
  await graphqlRoutes(door, { house, authenticate, log })
  await consoleRoutes(door, options.web)
  return door
}

export interface HttpServer {
  readonly url: string
  /** Takes nothing new, lets what is asked be answered, and ends what goes on for ever. */
  close(): Promise<void>
}

/** Milliseconds that answers under way may take when the server ends. */
const GRACE = 5_000

/**
 * Listens at once, so that a port in use is known before anything is made.
 * @throws Refusal PORT_IN_USE, PORT_NOT_ALLOWED, ADDRESS_NOT_HERE
 */
export async function listen(door: Door, host: string, port: number): Promise<HttpServer> {
  try {
    // Where it serves the program says itself, when it does.
    const { level } = door.log
    door.log.level = 'warn'
    await door.listen({ host, port })
    door.log.level = level
  } catch (error) {
    await door.close()
    throw await told(error, host, port)
  }
  const [address] = door.addresses()
  // Every address of the machine is none that a browser could ask.
  const named = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  const shown = named.includes(':') ? `[${named}]` : named
  return {
    url: `http://${shown}:${typeof address === 'object' ? address.port : port}`,
    async close() {
      const late = setTimeout(() => door.server.closeAllConnections(), GRACE)
      await door.close()
      clearTimeout(late)
    },
  }
}

async function told(error: unknown, host: string, port: number): Promise<unknown> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') {
    const owner = await portOwner(port)
    return new Refusal('PORT_IN_USE', `Port ${port} is in use${owner === undefined ? '' : ` by ${owner}`}.`, {
      remedy: `Stop that program, or choose another port: PORT=${port === 65_535 ? 3000 : port + 1}.`,
      cause: error,
    })
  }
  if (code === 'EACCES') {
    return new Refusal('PORT_NOT_ALLOWED', `This user may not listen on port ${port}.`, {
      remedy: 'Choose a port from 1024 up: PORT=3000.',
      cause: error,
    })
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new Refusal('ADDRESS_NOT_HERE', `This machine has no address ${host}.`, {
      remedy: 'Set HOST to 127.0.0.1, or to an address of this machine.',
      cause: error,
    })
  }
  return error
}
