/** A link between a worker and PostgreSQL that can lose answers and break. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Settings } from '../src/database.ts'

export interface LossyLink {
  readonly settings: Settings
  /** From now on what the server answers to turns, notes and the like is lost; liveness goes on. */
  loseAnswers(): void
  /** Breaks those connections; new ones work. */
  cut(): void
  /** Breaks them and refuses new ones, until it is mended. */
  sever(): void
  /** How many it has refused. */
  readonly refused: number
  mend(): void
  close(): Promise<void>
}

export async function lossyLink(to: Settings): Promise<LossyLink> {
  const folder = mkdtempSync(join(tmpdir(), 'lossy-'))
  const work = new Set<Socket>()
  let losing = false
  let severed = false
  let refused = 0
  const server = createServer((near) => {
    const far = connect(join(String(to.host), `.s.PGSQL.${to.port ?? 5432}`))
    near.once('data', (first: Buffer) => {
      if (first.includes('millrace worker liveness')) return
      work.add(near)
      if (!severed) return
      refused += 1
      near.destroy()
    })
    near.on('data', (part: Buffer) => void far.write(part))
    far.on('data', (part: Buffer) => {
      if (!(losing && work.has(near))) near.write(part)
    })
    const end = () => {
      work.delete(near)
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) socket.on('close', end).on('error', end)
  })
  await new Promise<void>((resolve) => server.listen(join(folder, '.s.PGSQL.5432'), resolve))
  function cut() {
    for (const socket of work) socket.destroy()
    losing = false
  }
  return {
    settings: { ...to, host: folder, port: 5432 },
    loseAnswers: () => (losing = true),
    cut,
    sever() {
      severed = true
      cut()
    },
    get refused() {
      return refused
    },
    mend() {
      severed = false
    },
    async close() {
      for (const socket of work) socket.destroy()
      server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
