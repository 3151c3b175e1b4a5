/**
 * Sessions of the older revision, in which a server may ask its client something and tell
 * him of changes.  They are in this program's memory; one of another program, or of before
 * it started anew, is served request by request: everything but that.
 */
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node'
import type { McpServer } from '@modelcontextprotocol/server'
import { randomUUID } from 'node:crypto'

export interface Session {
  readonly transport: NodeStreamableHTTPServerTransport
  /** While a request is answered, or a stream is open. Gives how to end it. */
  use(): () => void
  close(): Promise<void>
}

export type SessionNamed = Session | 'ended' | 'not ours'

export interface Sessions {
  begin(who: string): Promise<Session>
  /** Another's session is none: `ended`. */
  named(who: string, id: unknown): SessionNamed
  close(): Promise<void>
}

const MOST = 1_000
/** Milliseconds after which one that nobody uses is ended. */
const IDLE = 30 * 60_000
const LOOK = 60_000

interface Kept extends Session {
  readonly who: string
  users: number
  usedAt: number
}

export function openSessions(serve: () => McpServer): Sessions {
  const tag = randomUUID().slice(0, 8)
  const all = new Map<string, Kept>()
  const look = setInterval(() => {
    const before = performance.now() - IDLE
    for (const one of all.values()) if (one.users === 0 && one.usedAt < before) void one.close()
  }, LOOK).unref()

  return {
    async begin(who) {
      // The one that was not used for longest goes, when there are too many.
      if (all.size >= MOST) {
        const free = [...all.values()].filter(({ users }) => users === 0)
        await (free.toSorted((a, b) => a.usedAt - b.usedAt)[0] ?? [...all.values()][0])?.close()
      }
      const id = `${tag}.${randomUUID()}`
      const transport = new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: () => id,
        onsessionclosed: () => void session.close(),
      })
      const mcp = serve()
      const session: Kept = {
        who,
        transport,
        users: 0,
        usedAt: performance.now(),
        use() {
          session.users += 1
          return () => {
            session.users -= 1
            session.usedAt = performance.now()
          }
        },
        async close() {
          if (!all.delete(id)) return
          await mcp.close()
        },
      }
      all.set(id, session)
      await mcp.connect(transport)
      return session
    },
    named(who, id) {
      if (typeof id !== 'string' || !id.startsWith(`${tag}.`)) return 'not ours'
      const session = all.get(id)
      return session?.who === who ? session : 'ended'
    },
    async close() {
      clearInterval(look)
      await Promise.all([...all.values()].map((one) => one.close()))
    },
  }
}
