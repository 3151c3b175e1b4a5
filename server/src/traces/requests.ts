/** Requests to the server as spans; a caller that is traced itself goes on with his own trace. */
import { context, propagation, SpanKind, type Context, type Span } from '@opentelemetry/api'
import type { FastifyInstance } from 'fastify'
import { HTTP } from './names.ts'
import { begin, fail, isRecorded } from './spans.ts'

declare module 'fastify' {
  interface FastifyRequest {
    traced?: { readonly span: Span; readonly inside: Context } | undefined
  }
}

/** Before all other hooks. */
export function traceRequests(door: Pick<FastifyInstance, 'addHook' | 'decorateRequest'>): void {
  door.decorateRequest('traced', undefined)
  door.addHook('onRequest', (request, _reply, done) => {
    const route = request.routeOptions.url
    // What monitors ask all the time is nobody's trace.
    if (!isRecorded() || route === undefined || /^\/(health|metrics)/.test(route)) return done()
    request.traced = begin({
      name: `${request.method} ${route}`,
      kind: SpanKind.SERVER,
      attributes: { [HTTP.method]: request.method, [HTTP.route]: route },
      parent: propagation.extract(context.active(), request.headers),
    })
    done()
  })
  // A body that is read comes from the connection, which knows no trace: it is entered after that.
  door.addHook('preHandler', (request, _reply, done) => {
    if (request.traced === undefined) done()
    else context.with(request.traced.inside, done)
  })
  door.addHook('onResponse', (request, reply, done) => {
    const span = request.traced?.span
    span?.setAttribute(HTTP.status, reply.statusCode)
    if (span !== undefined && reply.statusCode >= 500) fail(span, String(reply.statusCode))
    span?.end()
    done()
  })
}
