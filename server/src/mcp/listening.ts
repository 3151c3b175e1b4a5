/** `subscriptions/listen` of the newer revision: a stream that says when runs have changed, each client's own. */
import {
  InMemoryServerEventBus,
  ProtocolError,
  type JSONRPCMessage,
  type ServerEventBus,
  type Transport,
} from '@modelcontextprotocol/server'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'
import type { Asking } from './asking.ts'
import { openWatching, SHELVES } from './resources.ts'
import type { Shelf } from './shelf.ts'

const listen = z.object({
  id: z.union([z.string(), z.number()]),
  method: z.literal('subscriptions/listen'),
  params: z.object({ notifications: z.object({ resourceSubscriptions: z.array(z.string()).default([]) }) }),
})

export interface Listening {
  /** Of this client alone: nothing that another may not know comes by it. */
  readonly bus: ServerEventBus
  close(): void
}

/** Undefined for what is no such request. @throws ProtocolError where he may not know of it */
export async function openListening(
  body: unknown,
  asking: Asking,
  shelves: readonly Shelf[],
): Promise<Listening | undefined> {
  const read = listen.safeParse(body)
  if (!read.success) return undefined
  const bus = new InMemoryServerEventBus()
  const watching = openWatching([...SHELVES, ...shelves])
  // What changes before he hears it is told when he does.
  const early = new Set<string>()
  const changed = (uri: string) => {
    if (bus.listenerCount === 0) early.add(uri)
    else bus.publish({ kind: 'resource_updated', uri })
  }
  try {
    for (const uri of new Set(read.data.params.notifications.resourceSubscriptions)) {
      await watching.begin(asking, uri, () => changed(uri))
    }
  } catch (error) {
    watching.close()
    throw error
  }
  return {
    bus: {
      publish: (event) => bus.publish(event),
      subscribe(listener) {
        const leave = bus.subscribe(listener)
        for (const uri of early) bus.publish({ kind: 'resource_updated', uri })
        early.clear()
        return leave
      },
    },
    close: () => watching.close(),
  }
}

/** The error as an answer, where no server is there to give it. */
export function refusedListening(body: unknown, error: ProtocolError): Response {
  const { id = null } = listen.safeParse(body).data ?? {}
  const { code, message, data } = error
  return Response.json({ jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } })
}

/** Standard input and output; the package answers what is listened to, and we say when it changes. */
export function listeningStdio(asking: Asking, changed: (uri: string) => void): Transport & { leave(): void } {
  const stdio = new StdioServerTransport()
  const open = new Map<unknown, ReturnType<typeof openWatching>>()

  async function heard(message: JSONRPCMessage): Promise<void> {
    if ('method' in message && message.method === 'notifications/cancelled') {
      const id = message.params?.['requestId']
      open.get(id)?.close()
      open.delete(id)
    }
    const read = listen.safeParse(message)
    if (!read.success) return
    const watching = openWatching(SHELVES)
    open.set(read.data.id, watching)
    for (const uri of new Set(read.data.params.notifications.resourceSubscriptions)) {
      // What is not there never changes.
      await watching.begin(asking, uri, () => changed(uri)).catch(() => {})
    }
  }

  const transport: Transport & { leave(): void } = {
    start() {
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- it is no target of events
      stdio.onmessage = (message) => {
        void heard(message)
        transport.onmessage?.(message)
      }
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- it is no target of events
      stdio.onclose = () => transport.onclose?.()
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- it is no target of events
      stdio.onerror = (error) => transport.onerror?.(error)
      return stdio.start()
    },
    send: (message) => stdio.send(message),
    close: () => stdio.close(),
    leave() {
      for (const watching of open.values()) watching.close()
    },
  }
  return transport
}
