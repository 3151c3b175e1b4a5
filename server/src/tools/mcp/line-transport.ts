/** A server of tools as a child of the launcher: in a group of its own, without our secrets, and ended whole. */
import { deserializeMessage, serializeMessage, type Transport } from '@modelcontextprotocol/client'
import type { LineProcess } from '../process/line-process.ts'
import { processFailed } from '../process/line-process.ts'

/** Milliseconds in which a server whose input has ended may leave by itself. */
const LEAVES = 1_000

export function lineTransport(name: string, open: () => LineProcess): Transport {
  let child: LineProcess | undefined
  const stopped = (reason: string) => processFailed('WORKER_PROTOCOL', { name }, { reason })

  async function read(from: LineProcess) {
    try {
      for (;;) {
        const line = await from.next()
        // Who listens is asked now: it was another when we began to wait.
        transport.onmessage?.(deserializeMessage(line))
      }
    } catch (error) {
      // It has ended, or said what is no message: either way nothing more comes.
      from.stop(stopped('no message'))
      transport.onerror?.(error instanceof Error ? error : new Error('it ended'))
    }
    await from.gone
    transport.onclose?.()
  }

  const transport: Transport = {
    async start() {
      child = open()
      void read(child)
    },
    async send(message) {
      if (child === undefined || child.broken) throw new Error('it has ended')
      child.say(serializeMessage(message))
    },
    async close() {
      const left = child
      if (left === undefined) return
      left.end()
      const late = setTimeout(() => left.stop(stopped('stopped')), LEAVES)
      await left.gone
      clearTimeout(late)
    },
  }
  return transport
}
