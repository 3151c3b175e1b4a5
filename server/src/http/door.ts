/**
 * The one HTTP server: limits, request ids, who asks and with what right, and how
 * errors are told.  Every route under `/api/` names the right that it needs in its
 * `config`; one that names none is refused when it is registered.
 */
import { randomUUID } from 'node:crypto'
import Fastify, { LogController, type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { Refusal } from '@millrace/engine'
import { mustAllow, type Authenticator, type Scope, type SignedIn } from '../access/signed-in.ts'
import { traceRequests } from '../traces/requests.ts'
import { refuseHosts } from './hosts.ts'
import type { Logger } from './log.ts'
import { problemOf, toProblem, type Problem } from './problem.ts'
import { refuseUnstorable } from './storable.ts'
import { enveloped } from './tool-problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What whoever asks must be allowed; or `open`, for everybody. */
    right?: Scope | 'open'
    /** False: no answer of this route is kept for an idempotency key, nor a digest of its body. */
    replays?: false
    /** Its errors carry a tool's envelope, and none is a 500. */
    envelope?: boolean
  }
  interface FastifyRequest {
    /** Set by the door before the handler of every route that is not open. */
    signedIn?: SignedIn
  }
}

export interface DoorOptions {
  /** Who asks; throws what refuses everybody, such as STARTING. */
  readonly authenticate: Authenticator['authenticate']
  readonly log: Logger
  /** Where it will listen: on loopback the names it is asked by are looked at. */
  readonly host: string
  /** Further names by which it may be asked. */
  readonly hosts?: readonly string[]
}

const LIMITS = {
  /** Bytes. A definition has at most 1 MiB, and JSON escapes some of it. */
  body: 4 * 1024 * 1024,
  /** Where nobody has said who he is: what is read is parsed before anybody is asked. */
  openBody: 16 * 1024,
  headers: 16 * 1024,
  parameter: 200,
  /** Milliseconds until a request is there whole. */
  request: 30_000,
}

const SECURITY: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

export type Door = ReturnType<typeof openDoor>

export function openDoor({ authenticate, log, host, hosts = [] }: DoorOptions) {
  const door = Fastify({
    loggerInstance: log as unknown as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: 'idle',
    bodyLimit: LIMITS.body,
    requestTimeout: LIMITS.request,
    http: { maxHeaderSize: LIMITS.headers },
    routerOptions: { maxParamLength: LIMITS.parameter, ignoreTrailingSlash: true },
    genReqId: ({ headers }) => {
      const given = headers['x-request-id']
      return typeof given === 'string' && /^[\w-]{8,64}$/.test(given) ? given : randomUUID()
    },
    frameworkErrors: (error, request, reply) =>
      void tell(reply as unknown as FastifyReply, toProblem(error, request.id)),
    clientErrorHandler(error, socket) {
      if (!socket.writable) return
      const tooLarge = 'code' in error && error.code === 'HPE_HEADER_OVERFLOW'
      const problem = problemOf(tooLarge ? 'HEADERS_TOO_LARGE' : 'INVALID_REQUEST', randomUUID())
      const body = JSON.stringify(problem)
      socket.end(
        `HTTP/1.1 ${problem.status} Refused\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      )
    },
  }).withTypeProvider<ZodTypeProvider>()
  door.setValidatorCompiler(validatorCompiler)
  door.setSerializerCompiler(serializerCompiler)
  door.removeContentTypeParser(['text/plain', 'application/json'])
  const parse = door.getDefaultJsonParser('error', 'error')
  door.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    const text = textOf(bytes)
    if (text === undefined) done(new Refusal('INVALID_TEXT', 'The body is not UTF-8.'))
    else void parse(request, text, done)
  })
  door.decorateRequest('signedIn')
  traceRequests(door)

  const patterns: { method: string; url: string }[] = []
  door.addHook('onRoute', (route) => {
    const { method, url, config } = route
    if (config?.right === 'open') route.bodyLimit ??= LIMITS.openBody
    // The gateway has tokens of its own.
    if (/^\/(api|v1\/(?!models|chat\/))/.test(url) && config?.right === undefined)
      throw new Error(`${url} names no right`)
    for (const one of [method].flat()) patterns.push({ method: one, url })
  })

  door.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-request-id': request.id, ...SECURITY })
    refuseHosts(request.headers.host, host, hosts)
    const right = request.routeOptions.config.right
    if (right === undefined || right === 'open') return
    reply.header('cache-control', 'private, no-cache')
    request.signedIn = await mustBeSignedIn(authenticate, request, right)
  })
  door.addHook('preValidation', async ({ body, query, params }) => {
    for (const given of [params, query, body]) refuseUnstorable(given)
  })
  door.addHook('onResponse', async (request, reply) => {
    const quiet = request.routeOptions.config.right === undefined && reply.statusCode < 400
    const level = reply.statusCode >= 500 ? 'warn' : quiet ? 'debug' : 'info'
    log[level]({
      reqId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? '(none)',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      sub: request.signedIn?.principal.sub,
    })
  })
  door.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error, request.id)
    if (problem.status >= 500)
      log.error({ reqId: request.id, route: request.routeOptions.url, code: problem.code, err: error })
    return tell(reply, request.routeOptions.config.envelope === true ? enveloped(problem, request.body) : problem)
  })
  door.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    const others = patterns.filter(({ url }) => matches(url, path)).map(({ method }) => method)
    if (others.length === 0) return tell(reply, problemOf('NOT_FOUND', request.id))
    return tell(reply.header('allow', [...new Set(others)].join(', ')), problemOf('METHOD_NOT_ALLOWED', request.id))
  })
  return door
}

/** @throws Refusal NOT_SIGNED_IN, MISSING_SCOPE */
export async function mustBeSignedIn(
  authenticate: Authenticator['authenticate'],
  request: FastifyRequest,
  right: Scope,
): Promise<SignedIn> {
  const who = await authenticate({ method: request.method, headers: request.headers, address: request.ip })
  if (who === undefined) throw new Refusal('NOT_SIGNED_IN', 'This needs somebody who is signed in.')
  mustAllow(who, right)
  return who
}

/** Who asks, in a handler of a route that is not open. */
export function signedIn(request: FastifyRequest): SignedIn {
  if (request.signedIn === undefined) throw new Error('an open route asked who is signed in')
  return request.signedIn
}

export function tell(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="millrace"')
  if (problem.retryAfter !== undefined) reply.header('retry-after', Math.ceil(problem.retryAfter))
  return reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined where a letter would be lost. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** Is a path one of a route's, as far as its parts go? */
function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const given = path.replace(/\/$/, '').split('/')
  return wanted.length === given.length && wanted.every((part, i) => part.startsWith(':') || part === given[i])
}
