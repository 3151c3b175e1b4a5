/** Resources: the shelves as one, refusals as the protocol says them, and being told when one changes. */
import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  type McpServer,
  type ReadResourceResult,
  type Resource,
} from '@modelcontextprotocol/server'
import { Refusal } from '@millrace/engine'
import { afterOf, cursorOf } from '../http/house.ts'
import { toProblem } from '../http/problem.ts'
import type { Asking } from './asking.ts'
import { thrownProtocol } from './results.ts'
import { runShelf } from './run-shelf.ts'
import type { Shelf } from './shelf.ts'
import { skillShelf } from './skill-shelf.ts'

export const SHELVES: readonly Shelf[] = [runShelf, skillShelf]
const PAGE = 50
/** Things that one client is told about at a time. */
const MOST_WATCHED = 50

const shelfOf = (shelves: readonly Shelf[], uri: string) => shelves.find(({ begins }) => uri.startsWith(begins))

export async function listResources(
  shelves: readonly Shelf[],
  asking: Asking,
  cursor: string | undefined,
): Promise<{ resources: Resource[]; nextCursor?: string }> {
  const [, place = '0', rest] = /^(\d{1,2})\.(.*)$/.exec(cursor ?? '0.') ?? []
  const at = Number(place)
  const shelf = shelves[at]
  if (shelf === undefined || rest === undefined) {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Give the cursor as the page before gave it.')
  }
  const page = { after: rest === '' ? undefined : afterOf(rest), limit: PAGE }
  const { resources, next } = await shelf.list(asking, page)
  if (next !== undefined) return { resources, nextCursor: `${at}.${cursorOf(next)}` }
  // A page of nothing is none: the next shelf's first comes with it.
  if (at + 1 === shelves.length) return { resources }
  if (resources.length === 0) return listResources(shelves, asking, `${at + 1}.`)
  return { resources, nextCursor: `${at + 1}.` }
}

export async function readResource(
  shelves: readonly Shelf[],
  asking: Asking,
  uri: string,
): Promise<ReadResourceResult> {
  const content = await told(uri, asking, async () => shelfOf(shelves, uri)?.read(asking, uri))
  if (content === undefined) throw new ResourceNotFoundError(uri)
  return { contents: [{ uri, ...content } as ReadResourceResult['contents'][number]] }
}

/** @throws ProtocolError: a thing that is not his is not there */
async function told<T>(uri: string, asking: Asking, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Refusal && toProblem(error, '').status === 404) throw new ResourceNotFoundError(uri)
    throw thrownProtocol(error, asking.correlationId())
  }
}

export interface Watching {
  /** @throws ProtocolError where it is not there, is not his, or never changes */
  begin(asking: Asking, uri: string, changed: () => void): Promise<void>
  end(uri: string): void
  close(): void
}

export function openWatching(shelves: readonly Shelf[]): Watching {
  const watched = new Map<string, AbortController>()
  const end = (uri: string) => {
    watched.get(uri)?.abort()
    watched.delete(uri)
  }
  return {
    async begin(asking, uri, changed) {
      if (watched.has(uri)) return
      if (watched.size >= MOST_WATCHED) {
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, `At most ${MOST_WATCHED} resources are watched.`)
      }
      const abort = new AbortController()
      const changes = await told(uri, asking, async () => shelfOf(shelves, uri)?.watch(asking, uri, abort.signal))
      if (changes === undefined) throw new ResourceNotFoundError(uri, 'There is nothing here that changes.')
      watched.set(uri, abort)
      void (async () => {
        try {
          for await (const _ of changes) changed()
        } catch {
          // Who reads it meets the error as his own.
          changed()
        }
      })()
    },
    end,
    close() {
      for (const uri of watched.keys()) end(uri)
    },
  }
}

/** For a client that subscribes by requests of their own, in the older revision. */
export function serveSubscriptions(
  { server }: McpServer,
  shelves: readonly Shelf[],
  askingIn: (context: { http?: unknown }) => Asking,
): Watching {
  const watching = openWatching(shelves)
  server.setRequestHandler('resources/subscribe', async ({ params: { uri } }, context) => {
    await watching.begin(askingIn(context), uri, () => void server.sendResourceUpdated({ uri }).catch(() => {}))
    return {}
  })
  server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
    watching.end(uri)
    return {}
  })
  return watching
}
