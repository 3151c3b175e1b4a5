/**
 * The gateway of one worker process, for its own children: on loopback, at a port that
 * is free, with a token for each task that ends with the task.
 */
import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Ask } from './ask.ts'

export interface Admission {
  /** Of the gateway, with the path: `http://127.0.0.1:41234/v1`. */
  readonly url: string
  readonly token: string
  /** The token is good for nothing any more. */
  end(): void
}

export interface Loopback {
  admit(ask: Ask): Promise<Admission>
  close(): Promise<void>
}

/** Listens when somebody is admitted first. */
export function openLoopback(): Loopback {
  const asks = new Map<string, Ask>()
  let opening: Promise<{ app: FastifyInstance; url: string }> | undefined

  async function open() {
    const [{ default: Fastify }, { gateway }] = await Promise.all([import('fastify'), import('./gateway.ts')])
    const app = Fastify({ forceCloseConnections: true })
    await app.register(gateway, { authorise: (token) => asks.get(token) })
    return { app, url: `${await app.listen({ host: '127.0.0.1', port: 0 })}/v1` }
  }

  return {
    async admit(ask) {
      opening ??= open()
      opening.catch(() => (opening = undefined))
      const { url } = await opening
      const token = randomBytes(32).toString('base64url')
      asks.set(token, ask)
      return { url, token, end: () => void asks.delete(token) }
    },
    async close() {
      asks.clear()
      await (await opening?.catch(() => undefined))?.app.close()
    },
  }
}
