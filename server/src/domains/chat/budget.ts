/** A budget of money holds up what is known to cost something; what it could not hold is refused where one holds. */
import { Refusal, type Tx } from '@millrace/engine'

const HELD = `select bool_or(b.tokens is null) as money_alone from engine.budgets b
    join engine.runs r on r.workspace_id = b.workspace_id
   where r.id = $1 and (b.run_id = r.id or b.run_id is null) and b.micros is not null having count(*) > 0`

/** @throws Refusal BUDGET_CANNOT_HOLD */
export async function refuseUnheld(
  tx: Tx,
  run: number,
  { model, micros, endless }: { readonly model: string; readonly micros: number | null; readonly endless: boolean },
): Promise<void> {
  const { rows } = await tx.query<{ money_alone: boolean }>(HELD, [run])
  const [held] = rows
  if (held === undefined) return
  if (micros === null && held.money_alone) {
    throw new Refusal('BUDGET_CANNOT_HOLD', `A budget of money could not hold this: no price is known of ${model}.`)
  }
  if (endless && (micros ?? 0) > 0) {
    throw new Refusal('BUDGET_CANNOT_HOLD', 'A budget of money could not hold this: say max_tokens.')
  }
}
