/** The HTTP server: for now whether it is alive and whether it is ready. */
import Fastify, { type FastifyInstance } from 'fastify'
import { Refusal } from '@millrace/engine'
import { portOwner } from './port-owner.ts'

export interface Health {
  /** What is not as it should be; empty when ready. Closed words, no details. */
  (): Promise<readonly string[]>
}

export interface HttpServer {
  readonly url: string
  close(): Promise<void>
}

/**
 * Listens at once, so that a port in use is known before anything is made.
 * @throws Refusal PORT_IN_USE, PORT_NOT_ALLOWED, ADDRESS_NOT_HERE
 */
export async function listen(host: string, port: number, health: Health): Promise<HttpServer> {
  const app = Fastify({ forceCloseConnections: true })
  routes(app, health)
  try {
    await app.listen({ host, port })
  } catch (error) {
    await app.close()
    throw await told(error, host, port)
  }
  const [address] = app.addresses()
  const shown = host.includes(':') ? `[${host}]` : host
  return { url: `http://${shown}:${typeof address === 'object' ? address.port : port}`, close: () => app.close() }
}

function routes(app: FastifyInstance, health: Health) {
  const ready = async () => {
    const missing = await health().catch(() => ['database'])
    return { status: missing.length === 0 ? 'ok' : 'unavailable', missing }
  }
  app.get('/health/live', async () => ({ status: 'ok' }))
  app.get('/health/ready', async (_, reply) => {
    const answer = await ready()
    return reply.code(answer.missing.length === 0 ? 200 : 503).send(answer)
  })
  app.get('/health', async (_, reply) => {
    const answer = await ready()
    return reply.code(answer.missing.length === 0 ? 200 : 503).send(answer)
  })
  app.setNotFoundHandler((_, reply) =>
    reply
      .code(404)
      .type('application/problem+json')
      .send({ type: 'about:blank', title: 'Not found', status: 404, code: 'NOT_FOUND' }),
  )
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
