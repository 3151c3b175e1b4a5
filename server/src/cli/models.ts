/** `millrace models`: what can be asked, as the providers themselves list it, and what it costs. */
import { Refusal } from '@millrace/engine'
import { glance, keysOf, openCatalogue, ownProviders } from '../app.ts'
import { readConfig } from '../config.ts'
import { openPrices, type Price } from '../prices/prices.ts'
import { dollars } from './money.ts'
import { remark, say, table } from './screen.ts'

export async function models(options: { json?: boolean; provider?: string }): Promise<number> {
  const config = readConfig()
  const keys = keysOf(config)
  const catalogue = openCatalogue(config, keys, await ownProviders(config))
  const offers = await glance(config, { keys }, () => catalogue.models(options.provider))
  if (offers.length === 0) {
    throw new Refusal('UNSUPPORTED_PROVIDER', `There is no provider ${JSON.stringify(options.provider)}.`, {
      remedy: `Known are: ${catalogue
        .providers()
        .map(({ id }) => id)
        .join(', ')}.`,
    })
  }
  const prices = openPrices({ file: config.prices })
  const known = offers
    .flatMap((offer) => offer.models)
    .map((model) => ({ ...model, price: prices.of(model.providerId, model.model) ?? null }))
  if (options.json === true) {
    say(JSON.stringify(known))
  } else if (known.length > 0) {
    say(
      table(
        ['model', 'US dollars per million tokens', ''],
        known.map(({ spec, description, price }) => [spec, priceOf(price), description]),
      ),
    )
  }
  const silent = offers.filter(({ failure }) => failure !== null)
  if (options.json !== true && silent.length > 0) say()
  for (const { id, failure } of silent) remark(`${id}: ${failure?.message ?? ''}`)
  return options.provider !== undefined && silent.length > 0 ? 1 : 0
}

function priceOf(price: Price | null): string {
  if (price === null) return 'no price is known'
  const { input, output } = price.rates
  const rates = input === 0 && output === 0 ? 'free' : `${dollars(input)} in, ${dollars(output)} out`
  return price.deprecated ? `${rates}; deprecated` : rates
}
