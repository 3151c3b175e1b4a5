/**
 * HTTP to public addresses only.  A name is resolved here, every address that it has is
 * looked at, and the connection goes to the one that was: a name that changes its mind
 * in between (DNS rebinding) changes nothing.  Each redirect begins anew.
 */
import { lookup } from 'node:dns/promises'
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { ToolFailed } from '../envelope.ts'

export interface Asked {
  readonly url: string
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly accept: string
  readonly maxBytes: number
  /** What is sent, with what names it. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** How many redirects are followed. Default 5. */
  readonly redirects?: number
}

/** What the world is asked; tests have a smaller one. */
export interface World {
  readonly resolve: (host: string) => Promise<readonly string[]>
  readonly isPublic: (address: string) => boolean
}

const MOST_REDIRECTS = 5

/** What RFC 6890 and its successors set apart. */
const APART = new BlockList()
for (const [net, bits] of [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
    ['172.16.0.0', 12],
  ] as const),
  ...([
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.31.196.0', 24],
    ['192.52.193.0', 24],
    ['192.88.99.0', 24],
  ] as const),
  ...([
    ['192.168.0.0', 16],
    ['192.175.48.0', 24],
    ['198.18.0.0', 15],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
  ] as const),
  ...([
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ] as const),
]) {
  APART.addSubnet(net, bits, 'ipv4')
}
/** Of IPv6 one range is given out; inside of it these are apart, or hold an IPv4 address that nobody looks at. */
const GIVEN = new BlockList()
GIVEN.addSubnet('2000::', 3, 'ipv6')
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  APART.addSubnet(net, bits, 'ipv6')
}

export function isPublic(address: string): boolean {
  const kind = isIP(address)
  if (kind === 4) return !APART.check(address, 'ipv4')
  return kind === 6 && GIVEN.check(address, 'ipv6') && !APART.check(address, 'ipv6')
}

const WORLD: World = {
  resolve: async (host) => (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address),
  isPublic,
}

/** @throws ToolFailed NOT_PUBLIC, NOT_FOUND, TOO_MANY_REDIRECTS, NOT_REACHED */
export async function fetchPublic(asked: Asked, signal: AbortSignal, world: World = WORLD) {
  let url = new URL(asked.url)
  for (let redirects = 0; ; redirects += 1) {
    const answer = await ask(url, asked, signal, await addressOf(url, world))
    const { statusCode: status = 0, headers } = answer
    const place = headers.location
    if (status < 300 || status > 399 || status === 304 || place === undefined) {
      return { url: url.href, status, redirects, ...(await bodyOf(answer, asked.maxBytes)) }
    }
    // Where nobody wants to be sent elsewhere, being sent is the answer.
    if (asked.redirects === 0) return { url: url.href, status, redirects, ...(await bodyOf(answer, asked.maxBytes)) }
    answer.destroy()
    const next = URL.canParse(place, url.href) ? new URL(place, url) : undefined
    if (redirects === (asked.redirects ?? MOST_REDIRECTS) || next === undefined || !/^https?:$/.test(next.protocol)) {
      throw new ToolFailed('TOO_MANY_REDIRECTS', { redirects })
    }
    url = next
  }
}

async function addressOf({ hostname }: URL, world: World): Promise<string> {
  const host = hostname.replace(/^\[|\]$/g, '')
  const found = isIP(host) > 0 ? [host] : await world.resolve(host).catch(() => [])
  const [first] = found
  if (first === undefined) throw new ToolFailed('NOT_FOUND')
  // One that is not public among others is a trap, not a choice.
  if (!found.every(world.isPublic)) throw new ToolFailed('NOT_PUBLIC')
  return first
}

async function ask(
  url: URL,
  { method, accept, body, headers }: Asked,
  signal: AbortSignal,
  address: string,
): Promise<IncomingMessage> {
  // Imported when somebody fetches: with `node:http` comes Node's own fetch, and every command would wait for it.
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http')
  const family = isIP(address)
  return await new Promise((resolve, reject) => {
    const asked = request(url, {
      method,
      signal,
      // A connection of its own: none that was opened for another address.
      agent: false,
      headers: { ...headers, accept, 'accept-encoding': 'identity', 'user-agent': 'millrace' },
      auth: '',
      lookup: (_host, { all }, done) => {
        if (all === true) done(null, [{ address, family }])
        else done(null, address, family)
      },
    })
    asked.on('response', resolve)
    asked.on('error', (error) => reject(new ToolFailed('NOT_REACHED', {}, { cause: error })))
    asked.end(body)
  })
}

async function bodyOf(answer: IncomingMessage, most: number) {
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const part of answer as AsyncIterable<Uint8Array>) {
      parts.push(part)
      bytes += part.length
      if (bytes > most) break
    }
  } catch (error) {
    throw new ToolFailed('NOT_REACHED', {}, { cause: error })
  }
  answer.destroy()
  const whole = Buffer.concat(parts).subarray(0, most)
  const contentType = answer.headers['content-type'] ?? null
  const isText = contentType === null || /^(text\/|application\/([\w.+-]*\+)?(json|xml|javascript))/i.test(contentType)
  const body = isText ? new TextDecoder(charsetOf(contentType)).decode(whole) : null
  return { contentType, body, bytes: whole.length, cut: bytes > most }
}

function charsetOf(contentType: string | null): string {
  const named = /charset="?([\w-]{1,40})/i.exec(contentType ?? '')?.[1]
  try {
    return new TextDecoder(named).encoding
  } catch {
    return 'utf-8'
  }
}
