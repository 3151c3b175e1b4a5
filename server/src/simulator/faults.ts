/**
 * What can be made to go wrong: by a seeded rate, or by a plan.  A fault belongs
 * to a try: the same request that is sent again is another try, and may succeed.
 */
import { hash } from 'node:crypto'
import type { Turn } from './dialect.ts'

/** Every fault by its name, with a sentence for people. */
export const FAULTS = {
  'rate-limit': '429 with a time to wait',
  quota: 'the quota or credit is used up, in the words of the vendor',
  payment: '402',
  'bad-key': '401',
  forbidden: '403',
  'not-found': '404',
  timeout: '408',
  conflict: '409',
  'too-large': '413',
  unprocessable: '422',
  'server-error': '500',
  'bad-gateway': '502 with HTML',
  unavailable: '503',
  overloaded: '529 from Anthropic, 503 from the others',
  reset: 'the connection is reset before the headers',
  cut: 'the connection ends in the middle of the body',
  hang: 'no answer ever',
  slow: 'the answer comes in drops',
  'not-json': '200 with HTML',
  empty: '200 with an answer without text',
  'wrong-shape': '200 with JSON that is something else',
  'error-in-200': '200 with an error inside',
  'error-in-stream': 'an error in the middle of a stream; in a whole answer, inside of a 200',
  'content-filter': 'the filter of the vendor takes the answer',
  truncated: 'the answer stops at a token limit',
  'no-capacity': 'the answer stops for lack of capacity (DeepSeek), 503 from the others',
} as const
export type FaultName = keyof typeof FAULTS

export function isFault(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name)
}

/** Part of the requests, 0 to 1, by fault. */
export type FaultRates = Partial<Readonly<Record<FaultName, number>>>

/** One request, as a plan sees it. */
export interface PlannedCall {
  readonly provider: string
  readonly model: string
  readonly turns: readonly Turn[]
  /** 1 for the first time that these messages came for this model. */
  readonly attempt: number
  readonly path: string
}

/** What is to become of a request. */
export interface Planned {
  readonly fault?: FaultName
  /** Instead of the usual answer. */
  readonly text?: string
  readonly latencyMs?: number
  /** Seconds, of a `rate-limit`. */
  readonly retryAfter?: number
}

/** The fault of a try by its rates, which do not overlap: 0.05 each of two is 0.1 in all. */
export function faultOf(rates: FaultRates, digest: string, attempt: number): FaultName | undefined {
  const names = Object.keys(rates).filter(isFault).toSorted()
  if (names.length === 0) return undefined
  let at = fractionOf(`fault:${attempt}:${digest}`)
  for (const name of names) {
    at -= rates[name] ?? 0
    if (at < 0) return name
  }
  return undefined
}

/** A number in [0, 1) that belongs to a text. */
export function fractionOf(text: string): number {
  return Number.parseInt(hash('sha1', text).slice(0, 12), 16) / 2 ** 48
}
