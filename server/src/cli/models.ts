/** `millrace models`: what can be asked, and what it costs. */
import { openCatalogue } from '../app.ts'
import { readConfig } from '../config.ts'
import { openPrices, type Price } from '../prices/prices.ts'
import { dollars } from './money.ts'
import { say, table } from './screen.ts'

export async function models(options: { json?: boolean }): Promise<number> {
  const config = readConfig()
  const prices = openPrices({ file: config.prices })
  const known = openCatalogue(config)
    .list()
    .map((model) => ({ ...model, price: prices.of(model.providerId, model.model) ?? null }))
  if (options.json === true) {
    say(JSON.stringify(known))
    return 0
  }
  say(
    table(
      ['model', 'US dollars per million tokens', ''],
      known.map(({ spec, description, price }) => [spec, priceOf(price), description]),
    ),
  )
  if (config.compatibleUrl === undefined) {
    say()
    say('OPENAI_COMPATIBLE_URL adds the models of any OpenAI-compatible server (Ollama, vLLM, LM Studio, OpenRouter).')
  }
  return 0
}

function priceOf(price: Price | null): string {
  if (price === null) return 'no price is known'
  const { input, output } = price.rates
  const rates = input === 0 && output === 0 ? 'free' : `${dollars(input)} in, ${dollars(output)} out`
  return price.deprecated ? `${rates}; deprecated` : rates
}
