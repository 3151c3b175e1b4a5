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
  mount(app, health)
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

interface Route {
  readonly method: 'GET'
  readonly url: string
  readonly sentence: string
  readonly answer: (health: Health) => Promise<{ status: number; body: unknown }>
}

const ready: Route['answer'] = async (health) => {
  const missing = await health().catch(() => ['database'])
  return {
    status: missing.length === 0 ? 200 : 503,
    body: { status: missing.length === 0 ? 'ok' : 'unavailable', missing },
  }
}

/** All routes; the reference is made from them. */
export const routes: readonly Route[] = [
  {
    method: 'GET',
    url: '/health/live',
    sentence: 'The program is alive: always 200 `{"status":"ok"}`.',
    answer: async () => ({ status: 200, body: { status: 'ok' } }),
  },
  {
    method: 'GET',
    url: '/health/ready',
    sentence: 'It can serve: 200, or 503 with what is missing, `{"status":"unavailable","missing":["database"]}`.',
    answer: ready,
  },
  { method: 'GET', url: '/health', sentence: 'The same as `/health/ready`.', answer: ready },
]

function mount(app: FastifyInstance, health: Health) {
  for (const { method, url, answer } of routes) {
    app.route({
      method,
      url,
      handler: async (_, reply) => {
        const { status, body } = await answer(health)
        return reply.code(status).send(body)
      },
    })
  }
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
