/** The stub in a process of its own. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Counted } from '../../raw/stub.ts'

export interface Stub {
  readonly url: string
  counted(): Promise<Counted>
  close(): Promise<void>
}

const FILE = fileURLToPath(new URL('../../raw/stub.ts', import.meta.url))

export async function openStub(options: { latency: number; perSecond?: number }): Promise<Stub> {
  const words = ['--latency', String(options.latency), '--per-second', String(options.perSecond ?? 0)]
  const child = fork(FILE, words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  return {
    url,
    async counted() {
      const said = once(child, 'message')
      child.send('count')
      const [counted] = (await said) as [Counted]
      return counted
    },
    async close() {
      const ended = once(child, 'exit')
      child.send('close')
      await ended
    },
  }
}
