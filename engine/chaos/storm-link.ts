/** A link between a worker and PostgreSQL that can swallow one answer and break: the worker does not learn what it did. */
import { mkdirSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Settings } from '../src/index.ts'

export interface Link {
  readonly settings: Settings
  /** Takes away the next answer to a commit, or to a turn, then breaks that connection; gives where that was. */
  swallow(what: 'commit' | 'turn', within: number): Promise<string | undefined>
  close(): void
}

const ASKED = { commit: Buffer.from('Q\0\0\0\x0bcommit\0', 'latin1'), turn: Buffer.from('\0turn\0', 'latin1') }
/** ReadyForQuery; after it stands whether the server is inside of a transaction. */
const READY = Buffer.from('Z\0\0\0\x05', 'latin1')

export async function openLink(folder: string, to: Settings): Promise<Link> {
  mkdirSync(folder)
  const sockets = new Set<Socket>()
  let armed: { what: keyof typeof ASKED; told: (where: string) => void } | undefined
  const server = createServer((near) => {
    const far = connect(join(String(to.host), `.s.PGSQL.${to.port ?? 5432}`))
    let swallowing: ((where: string) => void) | undefined
    let swallowed = Buffer.alloc(0)
    near.on('data', (part: Buffer) => {
      if (armed !== undefined && part.includes(ASKED[armed.what])) {
        swallowing = armed.told
        armed = undefined
      }
      far.write(part)
    })
    far.on('data', (part: Buffer) => {
      if (swallowing === undefined) {
        near.write(part)
        return
      }
      swallowed = Buffer.concat([swallowed, part])
      if (swallowed.subarray(-6, -1).compare(READY) !== 0) return
      const committed = swallowed.at(-1) === 'I'.charCodeAt(0) && !swallowed.includes('ROLLBACK\0')
      swallowing(committed ? 'after commit before answer' : 'in a turn')
      near.destroy()
    })
    const end = () => {
      for (const socket of [near, far]) {
        sockets.delete(socket)
        socket.destroy()
      }
    }
    for (const socket of [near, far]) sockets.add(socket.on('close', end).on('error', end))
  })
  await new Promise<void>((resolve) => server.listen(join(folder, '.s.PGSQL.5432'), resolve))
  return {
    settings: { ...to, host: folder, port: 5432 },
    swallow: (what, within) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          armed = undefined
          resolve(undefined)
        }, within)
        armed = {
          what,
          told(where) {
            clearTimeout(timer)
            resolve(where)
          },
        }
      }),
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
