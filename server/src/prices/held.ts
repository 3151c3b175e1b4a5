/** A budget of money holds up what is known to cost something; what it could not hold is refused by whoever starts it. */
import type { Tx } from '@millrace/engine'

/**
 * The budgets of money over a run and its workspace, asked in the transaction that
 * starts it: undefined where there is none; `moneyAlone` where one has no budget of
 * tokens beside it.
 */
export async function heldByMoney(tx: Tx, run: number): Promise<{ readonly moneyAlone: boolean } | undefined> {
  const { rows } = await tx.query<{ moneyAlone: boolean }>(
    `select bool_or(b.tokens is null) as "moneyAlone" from engine.budgets b
       join engine.runs r on r.workspace_id = b.workspace_id
      where r.id = $1 and (b.run_id = r.id or b.run_id is null) and b.micros is not null having count(*) > 0`,
    [run],
  )
  return rows[0]
}
