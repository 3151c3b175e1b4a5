/**
 * What a process remembers of a provider to tell a bad request from a bad hour.
 * The same 5xx three times for one request, while the model answered others in
 * between, is the request's own: `POISON_REQUEST`.  A configured host that nobody
 * found three times, at a provider that never answered, is a wrong setting:
 * `CONFIGURATION`.  Tries that fall on several processes are counted apart; then
 * the ordinary number of retries ends them.
 */
import { createHash } from 'node:crypto'
import type { Failure } from '@millrace/engine'
import { failureOf } from './failures.ts'
import type { Listing, ModelEvent, ModelRequest, Provider } from './provider.ts'

/** Failures of one sort in a row that make a verdict. */
const VERDICT_AFTER = 3
/** Other requests that the same model must have answered meanwhile. */
const ANSWERS_BESIDE = 3
/** Requests in trouble that are remembered; the oldest are forgotten first. */
const SUSPECTS = 5_000

interface Suspect {
  readonly sort: string
  readonly times: number
  /** Of the model when this began. */
  readonly answeredBefore: number
}

/** The provider with a memory. `address` is the setting of its base URL, if somebody set it. */
export function steady(provider: Provider, address?: string): Provider {
  return new Steady(provider, address)
}

class Steady implements Provider {
  readonly id: string
  readonly name: string
  readonly #provider: Provider
  readonly #address: string | undefined
  readonly #answered = new Map<string, number>()
  readonly #suspects = new Map<string, Suspect>()
  #reached = false

  constructor(provider: Provider, address: string | undefined) {
    this.id = provider.id
    this.name = provider.name
    this.#provider = provider
    this.#address = address
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void, undefined> {
    for await (const event of this.#provider.stream(request, signal)) {
      if (event.type === 'failed') yield { type: 'failed', failure: this.#verdict(request, event.failure) }
      else {
        if (event.type === 'done') this.#answer(request)
        yield event
      }
    }
  }

  async check(model: string): Promise<Failure | null> {
    return await this.#provider.check(model)
  }

  async models(): Promise<Listing> {
    return await this.#provider.models()
  }

  #answer(request: ModelRequest): void {
    this.#reached = true
    this.#answered.set(request.model, (this.#answered.get(request.model) ?? 0) + 1)
    if (this.#suspects.size > 0) this.#suspects.delete(hashOf(request))
  }

  #verdict(request: ModelRequest, failure: Failure): Failure {
    const sort = sortOf(failure)
    this.#reached ||= failure.details?.['status'] !== undefined
    if (sort === undefined) return failure
    const { times, answeredBefore } = this.#suspect(request, sort)
    if (times < VERDICT_AFTER) return failure
    if (sort === NOT_FOUND) {
      if (this.#reached || this.#address === undefined) return failure
      return failureOf('CONFIGURATION', {
        message: `Nobody knows the host of ${this.#address}.`,
        details: { provider: this.id, setting: this.#address },
      })
    }
    const answered = this.#answered.get(request.model) ?? 0
    if (answered - answeredBefore < ANSWERS_BESIDE) return failure
    this.#suspects.delete(hashOf(request))
    return failureOf('POISON_REQUEST', failure.details === undefined ? {} : { details: failure.details })
  }

  #suspect(request: ModelRequest, sort: string): Suspect {
    const hash = hashOf(request)
    const known = this.#suspects.get(hash)
    const suspect =
      known?.sort === sort
        ? { ...known, times: known.times + 1 }
        : { sort, times: 1, answeredBefore: this.#answered.get(request.model) ?? 0 }
    this.#suspects.delete(hash)
    this.#suspects.set(hash, suspect)
    if (this.#suspects.size > SUSPECTS) {
      const oldest = this.#suspects.keys().next()
      if (oldest.done !== true) this.#suspects.delete(oldest.value)
    }
    return suspect
  }
}

const NOT_FOUND = 'ENOTFOUND'

/** Only what is the same each time is counted; a limit or a reset in between changes nothing. */
function sortOf({ code, details }: Failure): string | undefined {
  if (code === 'SERVER_ERROR' && typeof details?.['status'] === 'number') return String(details['status'])
  return code === 'NETWORK_ERROR' && details?.['cause'] === NOT_FOUND ? NOT_FOUND : undefined
}

function hashOf({ model, messages, temperature, maxTokens, seed, label, schema }: ModelRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([model, messages, temperature, maxTokens, seed, label, schema]))
    .digest('base64')
}
