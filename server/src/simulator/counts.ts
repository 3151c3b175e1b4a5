/** What the simulator has seen: by provider, path, status, fault and key; how much at once, and what twice. */
import { hash } from 'node:crypto'
import { PROVIDERS, type ProviderName } from './dialect.ts'

/** How a request ended: a status, or what became of its connection. */
export type Outcome = number | 'reset' | 'cut' | 'left'

interface ProviderCounts {
  requests: number
  inFlight: number
  mostInFlight: number
  /** Requests by path, then by outcome. */
  paths: Record<string, Record<string, number>>
  faults: Record<string, number>
  /** Requests by the fingerprint of their key. */
  keys: Record<string, number>
  inputTokens: number
  outputTokens: number
}

export interface Stats {
  readonly requests: number
  readonly inFlight: number
  readonly mostInFlight: number
  /** Asking requests whose body had come before. */
  readonly duplicates: number
  /** Whole answers to a body that had its whole answer before: bought twice. */
  readonly answeredTwice: number
  readonly providers: Readonly<Record<ProviderName, Readonly<ProviderCounts>>>
}

/** Bodies that are remembered to find duplicates. */
const REMEMBERED = 1_000_000

export class Counts {
  #requests = 0
  #inFlight = 0
  #mostInFlight = 0
  #duplicates = 0
  #answeredTwice = 0
  #providers = freshProviders()
  /** Bodies that came; true when they were answered whole. */
  readonly #bodies = new Map<string, boolean>()

  /** A request has come in. */
  arrived(provider: ProviderName, key: string | undefined): void {
    const counts = this.#providers[provider]
    this.#requests += 1
    counts.requests += 1
    if (key !== undefined) add(counts.keys, fingerprint(key))
  }

  /** An asking request is being worked on, until `done`. */
  asked(provider: ProviderName, body: string): void {
    const counts = this.#providers[provider]
    counts.inFlight += 1
    this.#inFlight += 1
    counts.mostInFlight = Math.max(counts.mostInFlight, counts.inFlight)
    this.#mostInFlight = Math.max(this.#mostInFlight, this.#inFlight)
    if (this.#bodies.has(body)) this.#duplicates += 1
    else if (this.#bodies.size < REMEMBERED) this.#bodies.set(body, false)
  }

  done(provider: ProviderName): void {
    this.#providers[provider].inFlight -= 1
    this.#inFlight -= 1
  }

  inFlight(provider: ProviderName): number {
    return this.#providers[provider].inFlight
  }

  answered(provider: ProviderName, body: string, usage: { readonly input: number; readonly output: number }): void {
    const counts = this.#providers[provider]
    counts.inputTokens += usage.input
    counts.outputTokens += usage.output
    if (this.#bodies.get(body) === true) this.#answeredTwice += 1
    else if (this.#bodies.has(body)) this.#bodies.set(body, true)
  }

  ended(provider: ProviderName, path: string, outcome: Outcome): void {
    add((this.#providers[provider].paths[path] ??= {}), String(outcome))
  }

  faulted(provider: ProviderName, fault: string): void {
    add(this.#providers[provider].faults, fault)
  }

  stats(): Stats {
    return structuredClone({
      requests: this.#requests,
      inFlight: this.#inFlight,
      mostInFlight: this.#mostInFlight,
      duplicates: this.#duplicates,
      answeredTwice: this.#answeredTwice,
      providers: this.#providers,
    })
  }

  /** Forgets all but what is under way. */
  reset(): void {
    const before = this.#providers
    this.#providers = freshProviders()
    for (const name of PROVIDERS) {
      this.#providers[name].inFlight = before[name].inFlight
      this.#providers[name].mostInFlight = before[name].inFlight
    }
    this.#requests = 0
    this.#mostInFlight = this.#inFlight
    this.#duplicates = 0
    this.#answeredTwice = 0
    this.#bodies.clear()
  }
}

/** Tells keys apart without keeping them. */
export function fingerprint(key: string): string {
  return hash('sha256', key).slice(0, 8)
}

function freshProviders(): Record<ProviderName, ProviderCounts> {
  return Object.fromEntries(
    PROVIDERS.map((name): [ProviderName, ProviderCounts] => [
      name,
      {
        requests: 0,
        inFlight: 0,
        mostInFlight: 0,
        paths: {},
        faults: {},
        keys: {},
        inputTokens: 0,
        outputTokens: 0,
      },
    ]),
  ) as Record<ProviderName, ProviderCounts>
}

function add(into: Record<string, number>, name: string): void {
  into[name] = (into[name] ?? 0) + 1
}
