/** What turns and transcripts cost, and the most that a slot can. */
import { z } from 'zod'
import { isFailure } from '../../providers/failures.ts'
import type { Catalogue } from '../../providers/catalogue.ts'
import { MICROS, type Cost, type Prices, type Used } from '../../prices/prices.ts'
import { turnsOf } from './uses.ts'
import type { ProbeInput } from './input.ts'

/** Of one turn, as it is kept with it: millionths of a US dollar, and where the price stands. */
export const costSchema = z.object({
  micros: z.number(),
  table: z.string(),
  version: z.string(),
  date: z.string(),
  model: z.string(),
  rates: z.object({ input: z.number(), output: z.number(), cached: z.number().optional() }),
})

/** The columns of a transcript.  One turn that nobody knows the price of makes the whole unknown. */
export function costColumns(turns: readonly { readonly cost?: Cost | null | undefined }[]) {
  const costs = turns.flatMap(({ cost }) => (cost === null || cost === undefined ? [] : [cost]))
  const last = costs.at(-1)
  if (last === undefined || costs.length < turns.length) {
    return {
      cost_usd: null,
      price_table: null,
      price_version: null,
      price_date: null,
      price_model: null,
      price_rates: null,
    }
  }
  return {
    cost_usd: costs.reduce((sum, { micros }) => sum + micros, 0) / MICROS,
    price_table: last.table,
    price_version: last.version,
    price_date: last.date,
    price_model: last.model,
    price_rates: last.rates,
  }
}

/** By what prices a model goes; undefined where it cannot be asked. */
export function costOf(catalogue: Catalogue, prices: Prices, spec: string, used: Used): Cost | null {
  const resolved = catalogue.resolve(spec)
  return isFailure(resolved) ? null : prices.cost(resolved.providerId, resolved.model, used)
}

/** Millionths of a dollar that one slot costs at most, by the estimate of its tokens; null: no price is known. */
export function mostOf(input: ProbeInput, spec: string, catalogue: Catalogue, prices: Prices): number | null {
  const resolved = catalogue.resolve(spec)
  if (isFailure(resolved)) return null
  const { providerId, model } = resolved
  return turnsOf(input).reduce<number | null>((sum, turn) => {
    const most = prices.most(providerId, model, turn)
    return sum === null || most === null ? null : sum + most
  }, 0)
}

/** The models of a run that no table has a price of. */
export function unpriced(models: readonly string[], catalogue: Catalogue, prices: Prices): string[] {
  return models.filter((spec) => costOf(catalogue, prices, spec, { inputTokens: 1, outputTokens: 1 }) === null)
}
