/** `millrace usage`: calls, tokens and cost of the last days. */
import { operator } from '../app.ts'
import { daysBack, usageSince, type UsageBy } from '../prices/usage.ts'
import { dollars, paidLine } from './money.ts'
import { grouped, say, table } from './screen.ts'
import { withApp } from './session.ts'

export async function usage(options: { days: number; by: UsageBy; json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const found = await usageSince(engine, operator, daysBack(options.days), options.by)
    if (options.json === true) {
      say(JSON.stringify({ by: options.by, ...found }))
      return 0
    }
    if (found.lines.length === 0) {
      say(`Nobody was asked since ${found.since.toISOString().slice(0, 10)}.`)
      return 0
    }
    say(
      table(
        [options.by, 'calls', 'tokens', 'US dollars', 'without a price'],
        found.lines.map((line) => [
          line.of,
          line.calls,
          grouped(line.tokens),
          line.unpriced === line.calls ? '–' : dollars(line.costUsd),
          line.unpriced === 0 ? '' : grouped(line.unpriced),
        ]),
      ),
    )
    say()
    say(paidLine(found.total))
    return 0
  })
}
