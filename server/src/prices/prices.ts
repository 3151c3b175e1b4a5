/**
 * What a call costs.  Prices come from a table that is kept with the program,
 * and before it from a person's own file; each cost says from which, and as of
 * when.  What no table knows costs `null`, never 0.
 */
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import type * as Table from '@pydantic/genai-prices'
import { readOwnPrices, type OwnPrices } from './own-prices.ts'

/** US dollars per million tokens; `cached` is missing where it costs as much as other input. */
export interface Rates {
  readonly input: number
  readonly output: number
  readonly cached?: number | undefined
}

/** Where a price stands. */
export interface PriceSource {
  /** `genai-prices`, `own` (MILLRACE_PRICES), or `fake`. */
  readonly table: string
  /** Of the package, or the beginning of the file's sha256. */
  readonly version: string
  /** The day for which it was looked up, UTC: prices have dates. */
  readonly date: string
  /** As that table calls it. */
  readonly model: string
  /** At the lowest tier, for up to the first tokens of a call. */
  readonly rates: Rates
}

export interface Price extends PriceSource {
  readonly deprecated: boolean
}

export interface Cost extends PriceSource {
  /** Millionths of a US dollar, rounded up. */
  readonly micros: number
}

/** Tokens of one call; `cachedTokens` are part of the input, and null when not reported. */
export interface Used {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cachedTokens?: number | null
}

export interface Prices {
  /** What a model costs at a time; undefined: no table knows. */
  of(providerId: string, model: string, at?: Date): Price | undefined
  /** What a call has cost; null: no table knows. */
  cost(providerId: string, model: string, used: Used, at?: Date): Cost | null
  /** The most that such a call costs at any hour of this day, in millionths of a dollar; null: no table knows. */
  most(providerId: string, model: string, used: Used, at?: Date): number | null
}

export const MICROS = 1_000_000

/** Our providers by the names of the table.  A server of one's own has no list price, whatever its models are called. */
const LISTED: Readonly<Record<string, string>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  google: 'google',
  xai: 'x-ai',
  deepseek: 'deepseek',
  mistral: 'mistral',
}

/** @throws Refusal PRICES_NOT_READABLE, INVALID_PRICES with one cause a line */
export function openPrices({ file }: { readonly file?: string | undefined } = {}): Prices {
  const own = file === undefined ? undefined : readOwnPrices(file)

  function of(providerId: string, model: string, at = new Date()): Price | undefined {
    return ofOwn(own, providerId, model, at) ?? ofFake(providerId, model, at) ?? listed(providerId, model, at)?.price
  }

  /** Dollars, before they are rounded. */
  function dollars(providerId: string, model: string, used: Used, at: Date): { usd: number; price: Price } | undefined {
    const cached = Math.min(used.cachedTokens ?? 0, used.inputTokens)
    const flat = ofOwn(own, providerId, model, at) ?? ofFake(providerId, model, at)
    if (flat !== undefined) {
      const { input, output, cached: reading = input } = flat.rates
      const usd = ((used.inputTokens - cached) * input + cached * reading + used.outputTokens * output) / MICROS
      return { usd, price: flat }
    }
    const usage = { input_tokens: used.inputTokens, output_tokens: used.outputTokens, cache_read_tokens: cached }
    const found = listed(providerId, model, at, usage)
    return found && { usd: found.calculation.total_price, price: found.price }
  }

  return {
    of,
    cost(providerId, model, used, at = new Date()) {
      const found = dollars(providerId, model, used, at)
      if (found === undefined) return null
      const { deprecated: _, ...source } = found.price
      return { ...source, micros: micros(found.usd) }
    },
    most(providerId, model, used, at = new Date()) {
      const hours = Array.from({ length: 24 }, (_, hour) => new Date(at.getTime() + hour * 3_600_000))
      const each = hours.map((hour) => dollars(providerId, model, { ...used, cachedTokens: 0 }, hour)?.usd)
      return each.reduce<number | null>((top, usd) => (usd === undefined ? top : Math.max(top ?? 0, micros(usd))), null)
    },
  }
}

/** Up, so that sums of small calls are not too low; what a fraction in binary adds is no micro. */
function micros(usd: number): number {
  return Math.ceil(Number((usd * MICROS).toFixed(6)))
}

function ofOwn(own: OwnPrices | undefined, providerId: string, model: string, at: Date): Price | undefined {
  const spec = `${providerId}:${model}`
  const rates = own?.models.get(spec) ?? own?.models.get(`${providerId}:*`)
  if (own === undefined || rates === undefined) return undefined
  return { table: 'own', version: own.version, date: dayOf(at), model: spec, rates, deprecated: false }
}

function ofFake(providerId: string, model: string, at: Date): Price | undefined {
  if (providerId !== 'fake') return undefined
  const rates = { input: 0, output: 0 }
  return { table: 'fake', version: '1', date: dayOf(at), model, rates, deprecated: false }
}

const SOME = { input_tokens: 1_000, output_tokens: 1_000 }

function listed(providerId: string, model: string, at: Date, usage: Table.Usage = SOME) {
  const provider = LISTED[providerId]
  if (provider === undefined) return undefined
  const { calcPrice, version } = table()
  const calculation = calcPrice(usage, model, { providerId: provider, timestamp: at })
  if (calculation === null) return undefined
  const { input_mtok, output_mtok, cache_read_mtok } = calculation.model_price
  // Something is known of it, but not what text in and text out cost.
  if (input_mtok === undefined || output_mtok === undefined) return undefined
  const price: Price = {
    table: 'genai-prices',
    version,
    date: dayOf(at),
    model: calculation.model.id,
    rates: {
      input: base(input_mtok),
      output: base(output_mtok),
      ...(cache_read_mtok === undefined ? {} : { cached: base(cache_read_mtok) }),
    },
    deprecated: calculation.model.deprecated === true,
  }
  return { calculation, price }
}

const base = (rate: number | Table.TieredPrices) => (typeof rate === 'number' ? rate : rate.base)
const dayOf = (at: Date) => at.toISOString().slice(0, 10)

const load = createRequire(import.meta.url)
let kept: (typeof Table & { readonly version: string }) | undefined

/** Read when somebody asks for a price: half of the commands never do. */
function table(): typeof Table & { readonly version: string } {
  if (kept !== undefined) return kept
  const about = new URL('../package.json', import.meta.resolve('@pydantic/genai-prices'))
  const { version } = JSON.parse(readFileSync(about, 'utf8')) as { version: string }
  kept = { ...(load('@pydantic/genai-prices') as typeof Table), version }
  return kept
}
