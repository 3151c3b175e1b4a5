/**
 * `/mcp`: Streamable HTTP.  Who is signed in may ask, with a key, a token or the session
 * of a browser; what he may do, each tool asks.  Nothing is kept between two requests.
 */
import { createMcpHandler, type AuthInfo } from '@modelcontextprotocol/server'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { Refusal } from '@millrace/engine'
import { cameFrom, crossOrigin } from '../access/origin.ts'
import type { Authenticator } from '../access/signed-in.ts'
import { signedIn, type Door } from '../http/door.ts'
import { workspaceNamed, type Opened } from '../http/house.ts'
import type { Logger } from '../http/log.ts'
import type { Asking } from './asking.ts'
import { openMcpServer } from './server.ts'
import { openTakenBack } from './taken-back.ts'

/** Bytes: an image in base64, or a large text. */
const BODY = 16 * 1024 * 1024

interface McpOptions {
  readonly house: Opened
  readonly authenticate: Authenticator['authenticate']
  /** Other sites whose pages may ask. */
  readonly origins: readonly string[]
  /** By which people reach this server; undefined: as the request names it. */
  readonly publicUrl: () => URL | undefined
  readonly log: Logger
}

export function mcpRoutes(door: Door, options: McpOptions): void {
  const { house, authenticate, origins, publicUrl, log } = options
  // Refusals by the protocol are answers; what else goes wrong leaves its name here.
  const onerror = (error: Error) => log.debug({ route: '/mcp', err: error })
  const handler = createMcpHandler(({ authInfo }) => openMcpServer(askingIn(authInfo)), { onerror })
  const node = toNodeHandler(handler, { onerror })
  const takenBack = openTakenBack()
  door.addHook('preClose', () => handler.close())

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
      const { headers } = request
      const who = signedIn(request)
      const { session, signal, end } = takenBack.begin({ who: who.id, headers, body: request.body })
      const asking: Asking = {
        house: house(),
        who,
        workspace: () => workspaceNamed(who.principal, headers['x-millrace-workspace']),
        origin: publicUrl()?.origin ?? `http://${headers.host ?? 'localhost'}`,
        correlationId: () => request.id,
        ...(signal === undefined ? {} : { takenBack: signal }),
      }
      // From here on the package answers, and has what the door says of every answer.
      reply.hijack()
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value)
      }
      reply.raw.setHeader('cache-control', 'no-store')
      if (session !== undefined) reply.raw.setHeader('mcp-session-id', session)
      reply.raw.once('close', end)
      const auth: AuthInfo = { token: '', clientId: who.id, scopes: [], extra: { asking } }
      await node(Object.assign(request.raw, { auth }) as Parameters<typeof node>[0], reply.raw, request.body)
      return reply
    },
  })
}

function askingIn(auth: AuthInfo | undefined): Asking {
  const asking = auth?.extra?.['asking'] as Asking | undefined
  if (asking === undefined) throw new Error('nobody asks')
  return asking
}
