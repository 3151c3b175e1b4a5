/**
 * A budget of money holds up what is known to cost something: a model without a
 * price, and an answer without a longest length, would pass it unseen.  So they
 * are refused where such a budget holds.
 */
import { Refusal, type Tx } from '@millrace/engine'
import { heldByMoney } from '../../prices/held.ts'
import type { Catalogue } from '../../providers/catalogue.ts'
import type { Prices } from '../../prices/prices.ts'
import { mostOf, unpriced } from './cost.ts'
import type { ProbeInput } from './input.ts'

/** By what models are found, and what they cost. */
export interface Priced {
  readonly catalogue: Catalogue
  readonly prices: Prices
}

/**
 * Asked in the transaction that starts a run.
 * @throws Refusal BUDGET_CANNOT_HOLD, with a cause for each model
 */
export async function refuseUnheld(
  tx: Tx,
  run: number,
  input: ProbeInput,
  { catalogue, prices }: Priced,
): Promise<void> {
  const held = await heldByMoney(tx, run)
  if (held === undefined) return
  const nowhere = held.moneyAlone ? unpriced(input.models, catalogue, prices) : []
  const endless =
    input.maxTokens === undefined
      ? input.models.filter((spec) => (mostOf(input, spec, catalogue, prices) ?? 0) > 0)
      : []
  if (nowhere.length === 0 && endless.length === 0) return
  throw new Refusal('BUDGET_CANNOT_HOLD', 'A budget of money could not hold this run.', {
    causes: [
      ...nowhere.map((spec) => `${spec}: no price is known`),
      ...endless.map((spec) => `${spec}: without --max-tokens nobody knows what an answer costs at most`),
    ],
    remedy:
      nowhere.length === 0
        ? 'Say --max-tokens.'
        : 'Name its price in the file of MILLRACE_PRICES, or give a budget of tokens beside that of money.',
  })
}

/**
 * Asked in the transaction that sets a budget of money, for one run or for all of
 * a workspace that have not ended; gives the runs whose answers have no longest
 * length: for them the most is an estimate.
 * @throws Refusal BUDGET_CANNOT_HOLD
 */
export async function refuseUnpriced(
  tx: Tx,
  of: { readonly run: number } | { readonly workspace: number },
  { catalogue, prices }: Priced,
): Promise<number[]> {
  const { rows } = await tx.query<{ run_id: number; models: string[]; endless: boolean }>(
    `select p.run_id, p.models, b.input -> 'maxTokens' is null as endless
       from probe.runs p join engine.runs r on r.id = p.run_id join engine.run_bodies b on b.run_id = p.run_id
      where r.finished_at is null and ${'run' in of ? 'p.run_id' : 'p.workspace_id'} = $1 order by p.run_id`,
    ['run' in of ? of.run : of.workspace],
  )
  const causes = rows.flatMap((row) =>
    unpriced(row.models, catalogue, prices).map((spec) => `run ${row.run_id}, ${spec}: no price is known`),
  )
  if (causes.length > 0) {
    throw new Refusal('BUDGET_CANNOT_HOLD', 'A budget of money could not hold what is under way.', {
      causes,
      remedy: 'Give a budget of tokens beside it, or name the prices in the file of MILLRACE_PRICES.',
    })
  }
  return rows.flatMap((row) => (row.endless ? [row.run_id] : []))
}
