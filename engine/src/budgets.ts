/** Budgets by people's word: what a run, or all runs of a workspace, may use in all. */
import type { Api, Principal } from './access.ts'
import type { Tx } from './database.ts'

/** Left out: as much as it likes. */
export interface Budget {
  readonly tokens?: number
  /** Millionths of the currency. */
  readonly micros?: number
}

/** Of one run, or of all runs of a workspace together. */
export type BudgetOf = { readonly run: number } | { readonly workspace: number }

export interface BudgetState {
  /** Nulls do not hold anything up. */
  readonly tokens: number | null
  readonly micros: number | null
  readonly usedTokens: number
  readonly usedMicros: number
  /** The most that those may use that are running now. */
  readonly reservedTokens: number
  readonly reservedMicros: number
}

export interface Budgets {
  /** Undefined: there was never one. */
  find(who: Principal, of: BudgetOf): Promise<BudgetState | undefined>
  /** Holds from now on; an empty one is none.  `check` sees it in the same transaction, and may refuse it. */
  set(who: Principal, of: BudgetOf, budget: Budget, check?: (tx: Tx) => Promise<void>): Promise<void>
}

const FIND = `select b.tokens, b.micros, b.used_tokens as "usedTokens", b.used_micros as "usedMicros",
    coalesce(v.tokens, 0)::bigint as "reservedTokens", coalesce(v.micros, 0)::bigint as "reservedMicros"
  from engine.budgets b cross join lateral (
    select sum(greatest(v.tokens - v.used_tokens, 0)) as tokens, sum(greatest(v.micros - v.used_micros, 0)) as micros
      from engine.reservations v where v.workspace_id = b.workspace_id and (b.run_id is null or v.run_id = b.run_id)) v
 where case when $1::bigint is null then b.workspace_id = $2 and b.run_id is null else b.run_id = $1 end`

const placeOf = (of: BudgetOf) =>
  'run' in of ? { run: of.run, workspace: null } : { run: null, workspace: of.workspace }

export function openBudgets(api: Api): Budgets {
  return {
    async find(who, of) {
      const { run, workspace } = placeOf(of)
      const { rows } = await api.as(who, (tx) => tx.query(FIND, [run, workspace]))
      return rows[0] as unknown as BudgetState | undefined
    },
    async set(who, of, { tokens, micros }, check) {
      const { run, workspace } = placeOf(of)
      const set = async (tx: Tx) => {
        await tx.query('select engine.budget($1, $2, $3, $4)', [workspace, run, tokens ?? null, micros ?? null])
        await check?.(tx)
      }
      // What waited may begin now.
      await api.as(who, set, () => ({ millrace_tasks: '' }))
    },
  }
}
