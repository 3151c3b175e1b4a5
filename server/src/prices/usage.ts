/** What was asked, used and paid, from the receipts in the ledger: also what failed tasks bought before they failed. */
import { readWhole, type Engine, type Principal } from '@millrace/engine'
import { MICROS } from './prices.ts'

export type UsageBy = 'day' | 'model' | 'run'

export interface UsageLine {
  /** `2026-11-21` (UTC), `provider:model`, or the number of a run. */
  readonly of: string
  /** Answers that were paid for. */
  readonly calls: number
  readonly tokens: number
  /** US dollars, of the calls whose prices are known. */
  readonly costUsd: number
  /** Calls of which no price is known; they are not in the cost. */
  readonly unpriced: number
}

export interface Usage {
  readonly since: Date
  readonly lines: readonly UsageLine[]
  readonly total: Omit<UsageLine, 'of'>
}

const GROUP: Record<UsageBy, string> = {
  day: "to_char(g.at at time zone 'UTC', 'YYYY-MM-DD')",
  model: "coalesce(i.input ->> 'model', r.kind)",
  run: 'g.run_id::text',
}
const ORDER: Record<UsageBy, string> = { day: '1', model: '4 desc, 1', run: 'max(g.run_id)' }

/** A receipt without a price says so in its cost; one of a kind that has no prices says nothing. One that cost something need not be read. */
const SUMS = `count(*) as calls, coalesce(sum(g.tokens), 0)::bigint as tokens, coalesce(sum(g.micros), 0)::bigint as micros,
  count(*) filter (where g.micros = 0 and g.receipt #> '{value,usage}' is not null
                     and jsonb_typeof(coalesce(g.receipt #> '{value,cost}', 'null')) = 'null') as unpriced`
const FROM = `from engine.ledger g join engine.runs r on r.id = g.run_id
  join engine.inputs i on i.run_id = g.run_id and i.n = g.n
 where g.entry = 'receipt' and g.workspace_id = any ((select access.workspaces())::bigint[])
   and ($1::timestamptz is null or g.at >= $1) and ($2::bigint is null or g.run_id = $2)`

interface Row {
  of?: string
  calls: number
  tokens: number
  micros: number
  unpriced: number
}

const DAY = 86_400_000

/** The beginning of the first of so many whole days, UTC; the last is today. */
export function daysBack(days: number): Date {
  return new Date((Math.floor(Date.now() / DAY) - days + 1) * DAY)
}

/** Of runs that were pruned nothing is left here. */
export async function usageSince(engine: Engine, who: Principal, since: Date, by: UsageBy): Promise<Usage> {
  return engine.as(who, async (tx) => {
    const lines = await tx.query(`select ${GROUP[by]} as of, ${SUMS} ${FROM} group by 1 order by ${ORDER[by]}`, [
      since,
      null,
    ])
    const total = await tx.query(`select ${SUMS} ${FROM}`, [since, null])
    return {
      since,
      lines: (lines.rows as unknown as Row[]).map((row) => ({ of: row.of ?? '', ...amounts(row) })),
      total: amounts(total.rows[0] as unknown as Row),
    }
  })
}

/** All that was paid for a run, kept answers or not. */
export async function usageOfRun(engine: Engine, who: Principal, run: number): Promise<Omit<UsageLine, 'of'>> {
  const { rows } = await engine.as(who, async (tx) => {
    await readWhole(tx)
    return tx.query(`select ${SUMS} ${FROM}`, [null, run])
  })
  return amounts(rows[0] as unknown as Row)
}

function amounts({ calls, tokens, micros, unpriced }: Row): Omit<UsageLine, 'of'> {
  return { calls, tokens, costUsd: micros / MICROS, unpriced }
}
