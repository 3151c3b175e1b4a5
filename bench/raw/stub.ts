/**
 * The model that everybody asks: OpenAI's chat completions after a fixed time, in a
 * process of its own, which counts.  `--latency ms`, `--per-second n` (a bucket of as
 * many, refilled evenly; more is 429).
 */
import { createHash } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Counted {
  /** Milliseconds from the first request in to the last answer out. */
  readonly makespan: number
  readonly requests: number
  readonly answered: number
  readonly refused: number
  readonly mostInFlight: number
  /** Answers to a conversation that had been answered before. */
  readonly again: number
}

const option = (name: string, otherwise: number) => {
  const at = process.argv.indexOf(name)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
const latency = option('--latency', 200)
const perSecond = option('--per-second', 0)

let first = 0
let last = 0
let requests = 0
let answered = 0
let refused = 0
let inFlight = 0
let mostInFlight = 0
let again = 0
let tokens = perSecond
let filled = performance.now()
const seen = new Set<string>()

function mayPass(): boolean {
  if (perSecond === 0) return true
  const now = performance.now()
  tokens = Math.min(perSecond, tokens + ((now - filled) / 1000) * perSecond)
  filled = now
  if (tokens < 1) return false
  tokens -= 1
  return true
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    send(response, 200, { object: 'list', data: [{ id: 'stub', object: 'model', created: 1, owned_by: 'stub' }] })
    return
  }
  if (first === 0) first = performance.now()
  requests += 1
  let body = ''
  request.setEncoding('utf8').on('data', (text: string) => (body += text))
  request.on('end', () => {
    if (!mayPass()) {
      refused += 1
      const headers = perSecond === 0 ? {} : { 'retry-after': '1' }
      send(response, 429, { error: { message: 'slow down', type: 'requests', code: 'rate_limit_exceeded' } }, headers)
      return
    }
    inFlight += 1
    mostInFlight = Math.max(mostInFlight, inFlight)
    setTimeout(() => {
      inFlight -= 1
      if (response.destroyed) return
      const key = createHash('sha256').update(body).digest('base64')
      if (seen.has(key)) again += 1
      seen.add(key)
      answered += 1
      last = performance.now()
      send(response, 200, {
        id: `stub-${requests}`,
        object: 'chat.completion',
        created: 1,
        model: 'stub-2026-01-01',
        choices: [{ index: 0, message: { role: 'assistant', content: 'Rating: 4' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 20, completion_tokens: 4, total_tokens: 24 },
      })
    }, latency)
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', 4_096, () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` })
})
process.on('message', (word) => {
  if (word === 'close') process.exit(0)
  const counted: Counted = {
    makespan: last - first,
    requests,
    answered,
    refused,
    mostInFlight,
    again,
  }
  process.send?.(counted)
})
process.on('disconnect', () => process.exit(0))
