/**
 * `/mcp`: Streamable HTTP.  Who is signed in may ask, with a key, a token or the session
 * of a browser; what he may do, each tool, resource and prompt asks.  Of the newer
 * revision nothing is kept between two requests, of the older one a session.
 */
import { createMcpHandler, isLegacyRequest, ProtocolError, type AuthInfo } from '@modelcontextprotocol/server'
import { toNodeHandler, toWebRequest } from '@modelcontextprotocol/node'
import { Refusal } from '@millrace/engine'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { cameFrom, crossOrigin } from '../access/origin.ts'
import type { Authenticator, SignedIn } from '../access/signed-in.ts'
import { signedIn, type Door } from '../http/door.ts'
import { workspaceNamed, type Opened } from '../http/house.ts'
import type { Logger } from '../http/log.ts'
import type { Asking } from './asking.ts'
import { openListening, refusedListening } from './listening.ts'
import { openMcpServer } from './server.ts'
import { openSessions } from './sessions.ts'
import type { Shelf } from './shelf.ts'

/** Bytes: an image in base64, or a large text. */
const BODY = 16 * 1024 * 1024
/** Milliseconds between two askings whether who listens may still. */
const RECHECK = 5_000

interface McpOptions {
  readonly house: Opened
  readonly authenticate: Authenticator['authenticate']
  /** Other sites whose pages may ask. */
  readonly origins: readonly string[]
  /** By which people reach this server; undefined: as the request names it. */
  readonly publicUrl: () => URL | undefined
  /** What can be read besides runs and skills. */
  readonly shelves: readonly Shelf[]
  readonly log: Logger
}

type Raw = Parameters<ReturnType<typeof toNodeHandler>>[0]

/** One request, and who asks it. */
interface Exchange {
  readonly asking: Asking
  /** As he is asked for again. */
  readonly asks: Parameters<Authenticator['authenticate']>[0]
  readonly raw: IncomingMessage & { readonly auth: AuthInfo }
  readonly answer: ServerResponse
  readonly body: unknown
}

export function mcpRoutes(door: Door, options: McpOptions): void {
  const { house, authenticate, origins, publicUrl, shelves, log } = options
  // Refusals by the protocol are answers; what else goes wrong leaves its name here.
  const onerror = (error: Error) => log.debug({ route: '/mcp', err: error })
  const serve = () => openMcpServer({ house: house(), askingIn: ({ http }) => askingIn(http?.authInfo), shelves })
  const handler = createMcpHandler(serve, { onerror })
  const node = toNodeHandler(handler, { onerror })
  const sessions = openSessions(serve)
  const streams = new Set<() => void>()
  door.addHook('preClose', async () => {
    for (const cut of streams) cut()
    await Promise.all([handler.close(), sessions.close()])
  })

  /** A stream lasts: who it is for is asked again meanwhile, and it ends when that has changed. */
  function keepAsking({ asks, asking: { who }, answer }: Exchange, over: () => void = () => {}) {
    const cut = () => answer.destroy()
    streams.add(cut)
    const again = setInterval(() => {
      authenticate(asks).then(
        (now) => {
          if (viewOf(now) !== viewOf(who)) cut()
        },
        // Where nobody can be asked, nothing can be read either.
        () => {},
      )
    }, RECHECK)
    answer.once('close', () => {
      clearInterval(again)
      streams.delete(cut)
      over()
    })
  }

  async function inSession(exchange: Exchange): Promise<void> {
    const { asking, raw, answer, body } = exchange
    const { id } = asking.who
    const isFirst = (body as { method?: unknown } | null | undefined)?.method === 'initialize'
    const session = isFirst ? await sessions.begin(id) : sessions.named(id, raw.headers['mcp-session-id'])
    if (session === 'not ours') return node(raw as Raw, answer, body)
    if (session === 'ended') {
      answer.writeHead(404, { 'content-type': 'application/json' })
      const error = { code: -32001, message: 'This session has ended: begin another.' }
      return void answer.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }))
    }
    answer.once('close', session.use())
    // What it is told later is told on this stream.
    if (raw.method === 'GET') keepAsking(exchange)
    await session.transport.handleRequest(raw, answer, body)
  }

  async function listenOrAnswer(exchange: Exchange): Promise<void> {
    const { asking, raw, answer, body } = exchange
    try {
      const listening = await openListening(body, asking, shelves)
      if (listening === undefined) return await node(raw as Raw, answer, body)
      keepAsking(exchange, () => listening.close())
      const own = createMcpHandler(serve, { onerror, bus: listening.bus })
      await toNodeHandler(own, { onerror })(raw as Raw, answer, body)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      const refused = { fetch: async () => refusedListening(body, error) }
      await toNodeHandler(refused, { onerror })(raw as Raw, answer, body)
    }
  }

  door.route({
    method: ['GET', 'POST', 'DELETE'],
    url: '/mcp',
    // Whoever is signed in, with whatever scopes: `open` says that the door asks for none.
    config: { right: 'open', replays: false },
    bodyLimit: BODY,
    schema: { hide: true },
    // The body is read only for those who may ask.
    async onRequest(request) {
      const { method, headers, ip } = request
      const asks = { method, headers, address: ip }
      if (cameFrom(asks, publicUrl()) === 'elsewhere' && !origins.includes(headers.origin ?? '')) throw crossOrigin()
      const known = await authenticate(asks)
      if (known === undefined) throw new Refusal('NOT_SIGNED_IN', 'This needs somebody who is signed in.')
      request.signedIn = known
    },
    async handler(request, reply) {
      const { method, headers, ip, body } = request
      const asks = { method, headers, address: ip }
      const who = signedIn(request)
      const asking: Asking = {
        house: house(),
        who,
        workspace: () => workspaceNamed(who.principal, headers['x-millrace-workspace']),
        origin: publicUrl()?.origin ?? `http://${headers.host ?? 'localhost'}`,
        correlationId: () => request.id,
      }
      const older = await isLegacyRequest(await toWebRequest(request.raw as Raw, body), body)
      // From here on the package answers, and has what the door says of every answer.
      reply.hijack()
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value)
      }
      reply.raw.setHeader('cache-control', 'no-store')
      const auth: AuthInfo = { token: '', clientId: who.id, scopes: [], extra: { asking } }
      const exchange = { asking, asks, raw: Object.assign(request.raw, { auth }), answer: reply.raw, body }
      await (older ? inSession(exchange) : listenOrAnswer(exchange))
      return reply
    },
  })
}

const viewOf = (who: SignedIn | undefined) =>
  who === undefined
    ? ''
    : JSON.stringify([who.id, who.principal.workspaces, who.scopes === 'all' ? 'all' : [...who.scopes].toSorted()])

function askingIn(auth: AuthInfo | undefined): Asking {
  const asking = auth?.extra?.['asking'] as Asking | undefined
  if (asking === undefined) throw new Error('nobody asks')
  return asking
}
