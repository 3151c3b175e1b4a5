/** The world outside, for the example: always the same prices, and busy at the first time of asking for the stock. */

const SOLD_OUT = new Set(['saffron'])

export async function askPrice(article: string, _signal: AbortSignal): Promise<number> {
  return 100 * article.length + 49
}

export async function askStock(article: string, attempt: number): Promise<boolean | 'busy'> {
  return attempt === 1 ? 'busy' : !SOLD_OUT.has(article)
}
