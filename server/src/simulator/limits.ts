/** The limits of a provider: real buckets that refill while time goes by, and a credit that runs out. */
import type { Gauge, Gauges } from './dialect.ts'

/** What a provider allows; what is not named is not limited. */
export interface Limits {
  readonly requestsPerSecond?: number
  readonly requestsPerMinute?: number
  /** Input and output together. */
  readonly tokensPerMinute?: number
  /** Requests at a time. */
  readonly concurrency?: number
}

/** What is left to be used: calls that are answered, or US dollars. */
export interface Credit {
  readonly calls?: number
  readonly usd?: number
}

/** US dollars for a million tokens, whatever the model: what counts is that credit runs out. */
export const PRICE = { input: 1, output: 4 }

/** Shown where nothing is limited, so that nobody who reads the headers slows down. */
const UNLIMITED = 1_000_000_000

/** Holds as much as a period allows and refills evenly. */
class Bucket {
  readonly #size: number
  readonly #perSecond: number
  #level: number
  #at: number

  constructor(size: number, seconds: number, now: number) {
    this.#size = size
    this.#perSecond = size / seconds
    this.#level = size
    this.#at = now
  }

  /** Seconds until `amount` is there; 0 when it is.  More than fits is let through when the bucket is full. */
  waitFor(amount: number, now: number): number {
    this.#refill(now)
    const missing = Math.min(amount, this.#size) - this.#level
    // What rounding loses must not make somebody wait who came at the named time.
    return missing <= 1e-6 ? 0 : missing / this.#perSecond
  }

  take(amount: number): void {
    this.#level -= amount
  }

  gauge(now: number): Gauge {
    this.#refill(now)
    return {
      limit: this.#size,
      remaining: Math.max(Math.floor(this.#level + 1e-6), 0),
      fullIn: (this.#size - this.#level) / this.#perSecond,
    }
  }

  #refill(now: number): void {
    this.#level = Math.min(this.#size, this.#level + ((now - this.#at) / 1000) * this.#perSecond)
    this.#at = now
  }
}

/** Why a request may not go on now. */
export type Stopped = { readonly why: 'rate'; readonly seconds: number } | { readonly why: 'credit' }

/** The account of one provider. */
export class Account {
  limits: Limits = {}
  #requests: Bucket[] = []
  #tokens: Bucket
  #left: { calls?: number; usd?: number } | undefined

  constructor(limits: Limits, credit: Credit | undefined) {
    this.#tokens = new Bucket(UNLIMITED, 60, performance.now())
    this.limit(limits)
    this.fill(credit)
  }

  /** New limits begin full. */
  limit(limits: Limits): void {
    const now = performance.now()
    this.limits = limits
    this.#requests = [
      ...(limits.requestsPerSecond === undefined ? [] : [new Bucket(limits.requestsPerSecond, 1, now)]),
      ...(limits.requestsPerMinute === undefined ? [] : [new Bucket(limits.requestsPerMinute, 60, now)]),
    ]
    if (this.#requests.length === 0) this.#requests.push(new Bucket(UNLIMITED, 60, now))
    this.#tokens = new Bucket(limits.tokensPerMinute ?? UNLIMITED, 60, now)
  }

  /** Sets the credit; nothing means that there is no end to it. */
  fill(credit: Credit | undefined): void {
    this.#left = credit === undefined ? undefined : { ...credit }
  }

  get credit(): Credit | null {
    return this.#left ?? null
  }

  /** Takes a request's share, or says why not; what is refused takes nothing. */
  admit(inFlight: number, tokens: { readonly input: number; readonly output: number }): Stopped | undefined {
    const now = performance.now()
    if (this.#left !== undefined && ((this.#left.calls ?? 1) <= 0 || (this.#left.usd ?? 1) <= 0))
      return { why: 'credit' }
    if (this.limits.concurrency !== undefined && inFlight >= this.limits.concurrency) return { why: 'rate', seconds: 1 }
    const amount = tokens.input + tokens.output
    const seconds = Math.max(this.#tokens.waitFor(amount, now), ...this.#requests.map((one) => one.waitFor(1, now)))
    if (seconds > 0) return { why: 'rate', seconds }
    for (const bucket of this.#requests) bucket.take(1)
    this.#tokens.take(amount)
    return undefined
  }

  /** An answer was given and costs. */
  charge({ input, output }: { readonly input: number; readonly output: number }): void {
    if (this.#left === undefined) return
    if (this.#left.calls !== undefined) this.#left.calls -= 1
    if (this.#left.usd !== undefined) this.#left.usd -= (input * PRICE.input + output * PRICE.output) / 1_000_000
  }

  /** Where two buckets count requests, the one that is nearer to its end. */
  gauges(): Gauges {
    const now = performance.now()
    const all = this.#requests.map((bucket) => bucket.gauge(now))
    const requests = all.reduce((least, one) => (one.remaining < least.remaining ? one : least))
    return { requests, tokens: this.#tokens.gauge(now) }
  }
}
