/**
 * One request to a provider, from its first byte to the end of its answer: the
 * key, the address, the request, the limits, the fault, the answer, in this order.
 */
import { hash, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerTo, digestOf, pieces } from './answers.ts'
import type { Counts, Outcome } from './counts.ts'
import { cutOff, drip, pause, send, sendFrames, sendJson, type Headers } from './delivery.ts'
import { Trouble } from './dialect.ts'
import type { Asked, Dialect, Format, Json, Place, Said, TroubleKind } from './dialect.ts'
import { faultOf, fractionOf, type FaultName, type FaultRates, type Planned, type PlannedCall } from './faults.ts'
import type { Account } from './limits.ts'
import { isRecord, modelNamed } from './reading.ts'

/** What all requests share. */
export interface Stage {
  readonly seed: string
  readonly counts: Counts
  readonly accounts: Readonly<Record<Dialect['name'], Account>>
  /** Milliseconds of every answer; otherwise by the request. */
  latencyMs: number | undefined
  /** Milliseconds that an answer in drops takes. */
  slowMs: number
  readonly faults: Record<Dialect['name'], FaultRates>
  /** What is to become of a request; nothing leaves it to the rates. */
  readonly plan: (call: PlannedCall) => Planned | undefined
  /** How often the same messages came to the same model. */
  readonly attempts: Map<string, number>
}

/** The usual time of an answer, in milliseconds. */
const LATENCY = { least: 100, most: 400 }
/** Requests whose number of tries is remembered. */
const REMEMBERED = 500_000
const LARGEST_BODY = 32 * 1024 * 1024
/** Seconds that a `rate-limit` says to wait. */
const RETRY_AFTER = 1

const PROCESS = randomBytes(8).toString('hex')
let requests = 0

/** 24 hexadecimal digits. */
function nextRequestId(): string {
  requests += 1
  return PROCESS + requests.toString(16).padStart(8, '0')
}

/** Faults that are a refusal. */
const REFUSALS: Partial<Readonly<Record<FaultName, TroubleKind>>> = {
  'rate-limit': 'rate-limit',
  quota: 'quota',
  payment: 'payment',
  'bad-key': 'bad-key',
  forbidden: 'forbidden',
  'not-found': 'not-found',
  timeout: 'timeout',
  conflict: 'conflict',
  'too-large': 'too-large',
  unprocessable: 'unprocessable',
  'server-error': 'server-error',
  unavailable: 'unavailable',
  overloaded: 'overloaded',
}

/** Answers a request; never throws for what a client sends. */
export async function exchange(
  stage: Stage,
  dialect: Dialect,
  place: Place,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const began = performance.now()
  const requestId = nextRequestId()
  const account = stage.accounts[dialect.name]
  const label = place.path.replace(/\/models\/[^/:]+/, '/models/{model}')
  const headers = () => dialect.headers(requestId, account.gauges(), Math.round(performance.now() - began))
  let outcome: Outcome | undefined
  const route = dialect.route(place)
  response.on('close', () => {
    const path = route === undefined ? '(unknown)' : label
    stage.counts.ended(dialect.name, path, outcome ?? (response.writableFinished ? response.statusCode : 'left'))
  })
  try {
    const key = dialect.key(place)
    stage.counts.arrived(dialect.name, key)
    const text = await bodyOf(request)
    if (key === undefined) throw new Trouble('missing-key')
    if (key.startsWith('bad')) throw new Trouble('wrong-key')
    if (route === undefined) throw new Trouble('unknown-path', { about: `${place.method} ${place.path}` })
    if (route.kind === 'list') return sendJson(response, 200, headers(), dialect.list())
    if (route.kind === 'model') {
      const model = modelNamed(dialect.models, route.id)
      if (model === undefined) throw new Trouble('unknown-model', { about: route.id })
      return sendJson(response, 200, headers(), dialect.describe(model))
    }
    const body = hash('sha1', `${dialect.name} ${place.path} ${text}`, 'base64')
    stage.counts.asked(dialect.name, body)
    response.on('close', () => stage.counts.done(dialect.name))
    const call = { stage, dialect, place, response, headers, format: route.format, body }
    outcome = await generate(call, route.format.read(jsonOf(text), place))
  } catch (error) {
    const trouble = error instanceof Trouble ? error : new Trouble('server-error')
    const { status, body, headers: more } = dialect.refuse(trouble, requestId)
    sendJson(response, status, { ...headers(), ...more }, body)
  }
}

interface Call {
  readonly stage: Stage
  readonly dialect: Dialect
  readonly place: Place
  readonly response: ServerResponse
  readonly headers: () => Headers
  readonly format: Format
  /** What tells a request that came twice. */
  readonly body: string
}

/** What became of the connection, where that is not the status. @throws Trouble */
async function generate(call: Call, asked: Asked): Promise<Outcome | undefined> {
  const { stage, dialect, place, response } = call
  const digest = digestOf(stage.seed, dialect.name, asked)
  const account = stage.accounts[dialect.name]
  const usual = answerTo(asked, digest)
  const stopped = account.admit(stage.counts.inFlight(dialect.name) - 1, usual.usage)
  if (stopped?.why === 'credit') throw new Trouble('quota')
  if (stopped !== undefined) throw new Trouble('rate-limit', { retryAfter: stopped.seconds })

  const attempt = countAttempt(stage.attempts, digest)
  const planned = stage.plan({
    provider: dialect.name,
    model: asked.model.id,
    turns: asked.turns,
    attempt,
    path: place.path,
  })
  const fault = planned === undefined ? faultOf(stage.faults[dialect.name], digest, attempt) : planned.fault
  if (fault !== undefined) stage.counts.faulted(dialect.name, fault)
  const latency =
    planned?.latencyMs ??
    stage.latencyMs ??
    LATENCY.least + fractionOf(`latency:${attempt}:${digest}`) * (LATENCY.most - LATENCY.least)

  const refusal = fault === undefined ? undefined : REFUSALS[fault]
  if (refusal !== undefined || (fault === 'no-capacity' && dialect.name !== 'deepseek')) {
    await pause(latency / 4)
    const wait = fault === 'rate-limit' ? { retryAfter: planned?.retryAfter ?? RETRY_AFTER } : {}
    throw new Trouble(refusal ?? 'unavailable', wait)
  }
  const said = spoken(asked, digest, usual, fault, planned?.text)
  if (fault === undefined || WELL_FORMED.has(fault)) {
    await answer(call, asked, said, latency)
    if (response.writableEnded) {
      account.charge(said.usage)
      stage.counts.answered(dialect.name, call.body, said.usage)
    }
    return undefined
  }
  return await misbehave(call, asked, said, fault, latency)
}

/** Faults whose answer is one that the provider could give. */
const WELL_FORMED = new Set<FaultName>(['content-filter', 'truncated', 'no-capacity', 'empty'])

function spoken(
  asked: Asked,
  digest: string,
  usual: Said,
  fault: FaultName | undefined,
  text: string | undefined,
): Said {
  const own = text === undefined ? {} : { text }
  switch (fault) {
    case 'content-filter':
      return answerTo(asked, digest, { ...own, ending: 'filter' })
    case 'truncated':
      return answerTo(asked, digest, { ...own, ending: 'length' })
    case 'no-capacity':
      return answerTo(asked, digest, { ...own, ending: 'resources' })
    case 'empty':
      return answerTo(asked, digest, { text: '' })
    default:
      return text === undefined ? usual : answerTo(asked, digest, own)
  }
}

async function answer(call: Call, asked: Asked, said: Said, latency: number): Promise<void> {
  const { response, headers, format } = call
  if (asked.stream) return await sendFrames(response, headers(), format.frames(asked, said, pieces(said.text)), latency)
  await pause(latency)
  sendJson(response, 200, headers(), format.whole(asked, said))
}

async function misbehave(
  call: Call,
  asked: Asked,
  said: Said,
  fault: FaultName,
  latency: number,
): Promise<Outcome | undefined> {
  const { response, headers, format, dialect, stage } = call
  if (fault === 'hang') {
    await new Promise((resolve) => response.on('close', resolve))
    return undefined
  }
  await pause(latency / 2)
  if (response.destroyed) return undefined
  const frames = asked.stream ? format.frames(asked, said, pieces(said.text)) : []
  const whole = asked.stream ? frames.join('') : JSON.stringify(format.whole(asked, said))
  switch (fault) {
    case 'reset':
      response.socket?.resetAndDestroy()
      return 'reset'
    case 'cut':
      cutOff(response, headers(), whole, asked.stream)
      return 'cut'
    case 'slow':
      await drip(response, headers(), whole, asked.stream, stage.slowMs)
      return undefined
    case 'bad-gateway':
      send(response, 502, { 'content-type': 'text/html' }, page('502 Bad Gateway'))
      return undefined
    case 'not-json':
      send(response, 200, { 'content-type': 'text/html' }, page('Welcome'))
      return undefined
    case 'wrong-shape':
      sendJson(response, 200, headers(), { object: 'list', data: [] })
      return undefined
    case 'error-in-stream':
      if (asked.stream) {
        const half = frames.slice(0, Math.ceil(frames.length / 2))
        await sendFrames(response, headers(), [...half, format.brokenFrame(said)], latency / 2)
        return undefined
      }
      break
    default:
  }
  sendJson(response, 200, headers(), dialect.refuse(new Trouble('server-error'), said.id.slice(0, 24)).body)
  return undefined
}

function page(title: string): string {
  return `<html><head><title>${title}</title></head><body><center><h1>${title}</h1></center></body></html>`
}

function countAttempt(attempts: Map<string, number>, digest: string): number {
  const attempt = (attempts.get(digest) ?? 0) + 1
  attempts.set(digest, attempt)
  if (attempts.size > REMEMBERED) {
    const oldest = attempts.keys().next()
    if (oldest.done !== true) attempts.delete(oldest.value)
  }
  return attempt
}

function jsonOf(text: string): Json {
  try {
    const body: unknown = JSON.parse(text)
    if (isRecord(body)) return body
  } catch {
    // Said below, in the words of the vendor.
  }
  throw new Trouble('invalid', { message: 'We could not parse the JSON body of your request.' })
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Uint8Array>) {
    size += part.length
    if (size > LARGEST_BODY) throw new Trouble('too-large')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
