/** How an answer gets over the wire: at once, in a stream, in drops, cut off, or never. */
import type { ServerResponse } from 'node:http'

/** Writes of a stream after its first one; more would only cost time. */
const BURSTS = 4
/** Parts that an answer in drops comes in. */
const DROPS = 40

export interface Headers {
  readonly [name: string]: string
}

export function sendJson(response: ServerResponse, status: number, headers: Headers, body: unknown): void {
  send(response, status, { 'content-type': 'application/json', ...headers }, JSON.stringify(body))
}

export function send(response: ServerResponse, status: number, headers: Headers, body: string): void {
  if (response.destroyed) return
  // As a text it goes out in one write with the headers.
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}

const EVENT_STREAM = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }

/** A stream whose first frame comes after two fifths of the time, and whose last one at its end. */
export async function sendFrames(
  response: ServerResponse,
  headers: Headers,
  frames: readonly string[],
  milliseconds: number,
): Promise<void> {
  await pause(milliseconds * 0.4)
  if (response.destroyed) return
  response.writeHead(200, { ...EVENT_STREAM, ...headers })
  if (milliseconds < BURSTS) {
    response.end(frames.join(''))
    return
  }
  const [first = '', ...rest] = frames
  response.write(first)
  const size = Math.max(Math.ceil(rest.length / BURSTS), 1)
  const bursts = Math.ceil(rest.length / size)
  for (let at = 0; at < rest.length; at += size) {
    await pause((milliseconds * 0.6) / bursts)
    if (response.destroyed) return
    response.write(rest.slice(at, at + size).join(''))
  }
  response.end()
}

/** The same bytes in many small parts, cut wherever it happens, over so many milliseconds. */
export async function drip(
  response: ServerResponse,
  headers: Headers,
  body: string,
  isStream: boolean,
  milliseconds: number,
): Promise<void> {
  const bytes = Buffer.from(body)
  response.writeHead(200, { ...(isStream ? EVENT_STREAM : { 'content-type': 'application/json' }), ...headers })
  const size = Math.max(Math.ceil(bytes.length / DROPS), 1)
  for (let at = 0; at < bytes.length; at += size) {
    if (response.destroyed) return
    response.write(bytes.subarray(at, at + size))
    await pause(milliseconds / DROPS)
  }
  response.end()
}

/** Half of the bytes, then no connection any more. */
export function cutOff(response: ServerResponse, headers: Headers, body: string, isStream: boolean): void {
  const bytes = Buffer.from(body)
  response.writeHead(200, {
    ...(isStream ? EVENT_STREAM : { 'content-type': 'application/json', 'content-length': String(bytes.length) }),
    ...headers,
  })
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.socket?.destroy())
}

export function pause(milliseconds: number): Promise<void> {
  return milliseconds <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, milliseconds))
}
