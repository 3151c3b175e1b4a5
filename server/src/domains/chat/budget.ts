/** A budget of money holds up what is known to cost something; what it could not hold is refused where one holds. */
import { Refusal, type Tx } from '@millrace/engine'
import { heldByMoney } from '../../prices/held.ts'

/** @throws Refusal BUDGET_CANNOT_HOLD */
export async function refuseUnheld(
  tx: Tx,
  run: number,
  { model, micros, endless }: { readonly model: string; readonly micros: number | null; readonly endless: boolean },
): Promise<void> {
  const held = await heldByMoney(tx, run)
  if (held === undefined) return
  if (micros === null && held.moneyAlone) {
    throw new Refusal('BUDGET_CANNOT_HOLD', `A budget of money could not hold this: no price is known of ${model}.`)
  }
  if (endless && (micros ?? 0) > 0) {
    throw new Refusal('BUDGET_CANNOT_HOLD', 'A budget of money could not hold this: say max_tokens.')
  }
}
