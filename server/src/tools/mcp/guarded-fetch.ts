/**
 * Asking a server of tools: public addresses only, unless its file says otherwise; the
 * address that was looked at is the one that is connected to; no redirect is followed.
 */
import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, fetch as undiciFetch } from 'undici'
import { isPublic } from '../own/public-fetch.ts'

/** Bytes of one answer. */
const LARGEST = 16 * 1024 * 1024

class NotPublic extends Error {}

export interface GuardedFetch {
  readonly fetch: typeof globalThis.fetch
  close(): Promise<void>
}

export function openGuardedFetch(isPrivate: boolean): GuardedFetch {
  const find: LookupFunction = (host, options, done) => {
    lookup(host, { all: true, verbatim: true }, (error, given) => {
      const found = error === null ? given : []
      const [first] = found
      // One that is not public among others is a trap, not a choice.
      const trap = !isPrivate && !found.every(({ address }) => isPublic(address))
      if (error !== null || first === undefined || trap) done(error ?? new NotPublic('not a public address'), '', 4)
      else if (options.all === true) done(null, found)
      else done(null, first.address, first.family)
    })
  }
  const agent = new Agent({ connect: { lookup: find }, headersTimeout: 600_000, bodyTimeout: 600_000 })
  const fetch = async (input: string | URL | Request, init: RequestInit = {}) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const host = url.hostname.replace(/^\[|\]$/g, '')
    if (!isPrivate && isIP(host) > 0 && !isPublic(host)) throw new NotPublic('not a public address')
    const given = { ...init, redirect: 'error', dispatcher: agent } as Parameters<typeof undiciFetch>[1]
    const answer = (await undiciFetch(url, given)) as unknown as Response
    // What is listened to for long is not gathered anywhere.
    return init.method === 'POST' && answer.body !== null ? limited(answer, answer.body) : answer
  }
  return { fetch, close: () => agent.destroy() }
}

function limited(answer: Response, body: ReadableStream<Uint8Array>): Response {
  let bytes = 0
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(part, controller) {
      bytes += part.length
      if (bytes > LARGEST) controller.error(new Error('the answer is too large'))
      else controller.enqueue(part)
    },
  })
  const { status, statusText, headers } = answer
  return new Response(body.pipeThrough(counted), { status, statusText, headers: [...headers] })
}
