/** What can be changed while the simulator runs, as it comes over the control address. */
import { PROVIDERS, type ProviderName } from './dialect.ts'
import { isFault, type FaultName, type FaultRates } from './faults.ts'
import type { Credit, Limits } from './limits.ts'
import { isRecord } from './reading.ts'

export interface Settings {
  /** Only for this one; otherwise for all. */
  readonly provider?: ProviderName
  /** In place of the rates until now. */
  readonly faults?: FaultRates
  /** In place of the limits until now; the buckets begin full. */
  readonly limits?: Limits
  /** What may still be used; `null` takes the end away. */
  readonly credit?: Credit | null
  /** Milliseconds of every answer; `null` leaves it to the request again. */
  readonly latencyMs?: number | null
  /** What becomes of the next requests, one each, before rates are looked at. */
  readonly next?: readonly (FaultName | 'well')[]
}

/** Settings from JSON. @throws Error that says what is wrong */
export function readSettings(given: unknown): Settings {
  if (!isRecord(given)) throw new Error('It must be a JSON object.')
  const known = ['provider', 'faults', 'limits', 'credit', 'latencyMs', 'next']
  const strange = Object.keys(given).find((name) => !known.includes(name))
  if (strange !== undefined)
    throw new Error(`There is no setting ${strange.slice(0, 40)}; there are ${known.join(', ')}.`)
  const provider = PROVIDERS.find((name) => name === given['provider'])
  if (given['provider'] !== undefined && provider === undefined)
    throw new Error(`provider must be one of ${PROVIDERS.join(', ')}.`)
  const { latencyMs, credit, next } = given
  return {
    ...(provider === undefined ? {} : { provider }),
    ...(given['faults'] === undefined ? {} : { faults: ratesOf(given['faults']) }),
    ...(given['limits'] === undefined
      ? {}
      : {
          limits: numbersOf('limits', given['limits'], [
            'requestsPerSecond',
            'requestsPerMinute',
            'tokensPerMinute',
            'concurrency',
          ]),
        }),
    ...(credit === undefined
      ? {}
      : { credit: credit === null ? null : numbersOf('credit', credit, ['calls', 'usd'], 0) }),
    ...(latencyMs === undefined ? {} : { latencyMs: latencyMs === null ? null : numberOf('latencyMs', latencyMs, 0) }),
    ...(next === undefined ? {} : { next: nextOf(next) }),
  }
}

function ratesOf(given: unknown): FaultRates {
  if (!isRecord(given)) throw new Error('faults must be an object of rates by name.')
  for (const [name, rate] of Object.entries(given)) {
    if (!isFault(name)) throw new Error(`There is no fault ${name.slice(0, 40)}.`)
    if (typeof rate !== 'number' || !(rate >= 0 && rate <= 1))
      throw new Error(`The rate of ${name} must be from 0 to 1.`)
  }
  return given
}

function nextOf(given: unknown): (FaultName | 'well')[] {
  if (!Array.isArray(given)) throw new Error('next must be a list of names of faults, or of well.')
  return (given as unknown[]).map((name) => {
    if (name === 'well' || (typeof name === 'string' && isFault(name))) return name
    throw new Error('next must be a list of names of faults, or of well.')
  })
}

function numbersOf(what: string, given: unknown, names: readonly string[], least?: number): Record<string, number> {
  if (!isRecord(given)) throw new Error(`${what} must be an object.`)
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      if (!names.includes(name)) throw new Error(`${what} has no ${name.slice(0, 40)}; it has ${names.join(', ')}.`)
      return [name, numberOf(name, value, least)]
    }),
  )
}

/** Above 0, or from `least` up. */
function numberOf(name: string, value: unknown, least?: number): number {
  if (typeof value === 'number' && Number.isFinite(value) && (least === undefined ? value > 0 : value >= least))
    return value
  throw new Error(`${name} must be a number ${least === undefined ? 'above 0' : `from ${least} up`}.`)
}
