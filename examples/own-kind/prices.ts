/** A kind of run: what does a shopping list cost? Two outside calls an article, a shop that is often busy. */
import { defineRun, defineTask, TaskFailed, type TaskSpec } from 'millrace'
import { z } from 'zod'
import { askPrice, askStock } from './shop/shop.ts'

const price = z.object({ article: z.string(), cents: z.int(), inStock: z.boolean() })
const busy = { code: 'SHOP_BUSY', message: 'The shop is busy.', retryable: true, origin: 'tool' } as const

const ask = defineTask({
  name: 'prices.ask',
  input: z.object({ article: z.string() }),
  output: price,
  // A failure is data; this kind's word on it: a busy shop is only a wait and costs no try.
  retry: ({ code }) => (code === 'SHOP_BUSY' ? { outcome: 'later', delay: 0.05 } : { outcome: 'failed' }),
  async perform(hand) {
    const { article } = hand.input
    // Kept as soon as it is answered: the next attempt does not ask for the price again.
    const cents = await hand.remember('price', { article }, () => askPrice(article, hand.signal))
    hand.progress({ cents })
    const inStock = await askStock(article, hand.attempt)
    if (inStock === 'busy') throw new TaskFailed(busy)
    return { article, cents, inStock }
  },
})

const tasksFor = (articles: readonly string[]): TaskSpec[] =>
  articles.map((article) => ({ kind: ask.name, key: 'shop', input: { article } }))

export const prices = defineRun({
  name: 'prices',
  input: z.object({ articles: z.array(z.string()).min(1), instead: z.record(z.string(), z.string()).default({}) }),
  tasks: [ask],
  plan: (input) => tasksFor(input.articles),
  // Asked when all tasks have ended: more to do, or the end.
  async next(soFar) {
    const { input, total } = soFar
    const asked = (await soFar.outputs(ask.name, price)).map((one) => one.output)
    const others = asked.flatMap(({ article, inStock }) => (inStock ? [] : (input.instead[article] ?? [])))
    if (total === input.articles.length && others.length > 0) return { do: tasksFor(others) }
    const bought = asked.filter((one) => one.inStock)
    return { succeed: { articles: bought.length, cents: bought.reduce((sum, one) => sum + one.cents, 0) } }
  },
})
