/** How money is shown: as many digits as it takes to see something, and never 0 for what nobody knows. */
import type { Engine } from '@millrace/engine'
import { operator } from '../app.ts'
import { together, type Interval, type ModelForecast } from '../domains/probe/forecast.ts'
import { usageOfRun, type UsageLine } from '../prices/usage.ts'
import { grouped, table } from './screen.ts'

/** US dollars: cents from one dollar up, two digits that say something below; null is `–`. */
export function dollars(usd: number | null): string {
  if (usd === null) return '–'
  if (usd === 0) return '0'
  if (usd >= 1) return usd.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
  return usd.toLocaleString('en', { maximumFractionDigits: 6, maximumSignificantDigits: usd < 0.01 ? 2 : 3 })
}

export function paidLine({ calls, tokens, costUsd, unpriced }: Omit<UsageLine, 'of'>): string {
  const used = `${grouped(calls)} ${calls === 1 ? 'call' : 'calls'}: ${grouped(tokens)} tokens`
  if (unpriced === calls) return `${used}; no price is known.`
  const without = unpriced === 0 ? '' : `; of ${grouped(unpriced)} no price is known`
  return `${used}, ${dollars(costUsd)} US dollars${without}.`
}

/** Nothing for a run that asked nobody. */
export async function paidLines(engine: Engine, run: number): Promise<string[]> {
  const usage = await usageOfRun(engine, operator, run)
  return usage.calls === 0 ? [] : [paidLine(usage)]
}

const between = ({ low, likely, high }: Interval, show: (value: number) => string) =>
  show(low) === show(high) ? show(likely) : `${show(likely)} (${show(low)} to ${show(high)})`

/** Of all models together, in one line. */
export function forecastLine(forecasts: readonly ModelForecast[]): string {
  const sum = (of: (one: ModelForecast) => Interval | null) => together(forecasts.map(of)) ?? NOTHING
  const tokens = `about ${between(
    sum((one) => one.inputTokens),
    grouped,
  )} tokens in, ${between(
    sum((one) => one.outputTokens),
    grouped,
  )} out`
  return `It will take ${tokens}; ${costOf(forecasts)}.`
}
const NOTHING: Interval = { low: 0, likely: 0, high: 0 }

/** With the names of the models that have no price. */
export function costOf(forecasts: readonly ModelForecast[]): string {
  const priced = forecasts.filter(({ costUsd }) => costUsd !== null)
  const without = forecasts.filter(({ costUsd }) => costUsd === null).map(({ model }) => model)
  const known = between(together(priced.map(({ costUsd }) => costUsd)) ?? NOTHING, dollars)
  if (without.length === 0) return `${known} US dollars`
  const nobody = `no price is known of ${without.join(', ')}`
  return priced.length === 0 ? `cost unknown: ${nobody}` : `${known} US dollars, and ${nobody}`
}

/** Model by model. */
export function forecastTable(forecasts: readonly ModelForecast[]): string {
  return table(
    ['model', 'calls', 'tokens in', 'tokens out', 'US dollars'],
    forecasts.map((one) => [
      one.model,
      one.calls,
      `${one.exact ? '' : '~'}${between(one.inputTokens, grouped)}`,
      between(one.outputTokens, grouped),
      one.costUsd === null ? 'no price is known' : between(one.costUsd, dollars),
    ]),
  )
}

/** On what a forecast stands, one line for each way. */
export function methodLines(forecasts: readonly ModelForecast[]): string[] {
  const assumed = forecasts.filter(({ seen }) => seen === 0).map(({ model }) => model)
  return [
    ...forecasts
      .filter(({ seen }) => seen > 0)
      .map(
        ({ model, seen }) =>
          `${model}: lengths of its last ${grouped(seen)} answers in this database; a tenth was shorter, a tenth longer than the interval says.`,
      ),
    ...(assumed.length === 0
      ? []
      : [`${assumed.join(', ')}: assumed, since too few answers were seen: 50 to 1,000 tokens an answer, 200 likely.`]),
  ]
}
