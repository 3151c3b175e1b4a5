/**
 * Lines that stay open: server-sent events to one reader.  His right is asked for
 * again while it lasts; if he does not take what is sent, the line is cut, and he
 * goes on later by the number of the last event that he has.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isConnectionLoss, Refusal } from '@millrace/engine'
import { allows, type Authenticator, type Scope } from '../access/signed-in.ts'
import { signedIn } from './door.ts'

export interface Line {
  /** Aborted when the reader is gone, may not read any more, or the server ends. */
  readonly signal: AbortSignal
  /** Waits until the reader has taken enough. */
  send(text: string): Promise<void>
  /** Sends a last event and hangs up. */
  end(name: string, data: unknown): void
}

export interface Lines {
  open(request: FastifyRequest, reply: FastifyReply, right: Scope): Line
  /** Ends all of them; their readers come again by themselves. */
  close(): void
}

export interface LineTimes {
  /** Milliseconds between two askings for the right. */
  readonly recheck: number
  readonly keepAlive: number
  /** After which a reader who takes nothing is cut. */
  readonly stall: number
}

const TIMES: LineTimes = { recheck: 5_000, keepAlive: 15_000, stall: 20_000 }

export function openLines(authenticate: Authenticator['authenticate'], times: LineTimes = TIMES): Lines {
  const all = new Set<AbortController>()
  return {
    open(request, reply, right) {
      const { raw } = reply
      const begun = viewOf(signedIn(request).principal.workspaces)
      reply.hijack()
      raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      const abort = new AbortController()
      all.add(abort)
      const keepAlive = setInterval(() => raw.write(': still here\n\n'), times.keepAlive)
      let asking = false
      const recheck = setInterval(() => {
        if (asking) return
        asking = true
        void mayStill()
          .then((may) => {
            if (!may) cut('NOT_ALLOWED')
          })
          .finally(() => (asking = false))
      }, times.recheck)
      async function mayStill(): Promise<boolean> {
        try {
          const who = await authenticate({ method: request.method, headers: request.headers, address: request.ip })
          return who !== undefined && allows(who, right) && viewOf(who.principal.workspaces) === begun
        } catch (error) {
          // Where nobody can be asked, nothing can be read either.
          return isConnectionLoss(error) || (error instanceof Error && isConnectionLoss(error.cause)) || isAway(error)
        }
      }
      function cut(code: string) {
        raw.write(`event: cut\ndata: ${JSON.stringify({ code })}\n\n`)
        over()
        raw.end()
      }
      function over() {
        clearInterval(keepAlive)
        clearInterval(recheck)
        all.delete(abort)
        abort.abort()
      }
      raw.on('close', over)
      abort.signal.addEventListener('abort', () => raw.end(), { once: true })
      raw.write('retry: 2000\n\n')
      return {
        signal: abort.signal,
        async send(text) {
          if (abort.signal.aborted || raw.write(text)) return
          await new Promise<void>((resolve) => {
            const timer = setTimeout(() => raw.destroy(), times.stall)
            const go = () => {
              clearTimeout(timer)
              raw.off('drain', go)
              raw.off('close', go)
              resolve()
            }
            raw.once('drain', go)
            raw.once('close', go)
          })
        },
        end(name, data) {
          if (!abort.signal.aborted) raw.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
          over()
        },
      }
    },
    close() {
      for (const abort of all) abort.abort()
      all.clear()
    },
  }
}

const viewOf = (workspaces: object) => Object.keys(workspaces).sort().join(',')

const isAway = (error: unknown) => error instanceof Refusal && /^(STARTING|DATABASE_)/.test(error.code)
