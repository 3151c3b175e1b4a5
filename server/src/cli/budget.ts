/** `millrace budget …` and `millrace runs budget`: what all runs together, or one, may use in all. */
import { Refusal, type Budget, type BudgetOf, type BudgetState, type Engine } from '@millrace/engine'
import { operator, WORKSPACE, type App } from '../app.ts'
import { refuseUnpriced } from '../domains/probe/budget.ts'
import { MICROS } from '../prices/prices.ts'
import { dollars } from './money.ts'
import { grouped, remark, say } from './screen.ts'
import { withApp } from './session.ts'

export interface BudgetOptions {
  readonly tokens?: number
  /** US dollars. */
  readonly usd?: number
  readonly none?: boolean
  readonly json?: boolean
}

const WORKSPACE_BUDGET = { workspace: WORKSPACE }

export function budgetFrom({ tokens, usd }: Pick<BudgetOptions, 'tokens' | 'usd'>): Budget {
  return {
    ...(tokens === undefined ? {} : { tokens }),
    ...(usd === undefined ? {} : { micros: Math.round(usd * MICROS) }),
  }
}

/** Without an option it only shows. */
export async function budgetOfRun(id: number, options: BudgetOptions): Promise<number> {
  const wanted = budgetFrom(options)
  const some = Object.keys(wanted).length > 0
  if (options.none === true && some) {
    throw new Refusal('NONE_AND_SOME', 'Either a budget or none.', { remedy: 'Leave out --none, or the numbers.' })
  }
  return withApp(async (app) => {
    const { engine } = app
    const run = await engine.run(operator, id)
    if (options.none === true) await engine.budget(operator, id, {})
    else if (some) await changeBudget(app, { run: id }, wanted)
    const budget = await engine.budgets.find(operator, { run: id })
    if (options.json === true) say(JSON.stringify({ run: id, budget: budget ?? null }))
    else say(`Run ${id}: ${budgetLine(budget)}.`)
    if (typeof budget?.micros === 'number' && run.finishedAt === null && (await costsNothing(engine, id))) {
      remark('Its tasks do not say that they cost anything, so that a budget of money does not hold them up.')
    }
    return 0
  })
}

export async function showBudget(options: { json?: boolean }): Promise<number> {
  return withApp(({ engine }) => tell(engine, options))
}

export async function setBudget(options: BudgetOptions): Promise<number> {
  const wanted = budgetFrom(options)
  if (Object.keys(wanted).length === 0) {
    throw new Refusal('NOTHING_TO_SET', 'Nothing was said that all runs together may use.', {
      remedy: 'Say --usd, --tokens or both; `millrace budget lift` takes the budget away.',
    })
  }
  return withApp(async (app) => {
    await changeBudget(app, WORKSPACE_BUDGET, wanted)
    return tell(app.engine, options)
  })
}

export async function liftBudget(): Promise<number> {
  return withApp(async ({ engine }) => {
    await engine.budgets.set(operator, WORKSPACE_BUDGET, {})
    return tell(engine, {})
  })
}

async function tell(engine: Engine, options: { json?: boolean }): Promise<number> {
  const budget = await engine.budgets.find(operator, WORKSPACE_BUDGET)
  if (options.json === true) say(JSON.stringify({ budget: budget ?? null }))
  else say(`All runs together: ${budgetLine(budget)}.`)
  return 0
}

/** What is not named stays as it is.  @throws Refusal BUDGET_CANNOT_HOLD */
export async function changeBudget({ engine, probe }: App, of: BudgetOf, wanted: Budget): Promise<void> {
  const before = await engine.budgets.find(operator, of)
  const tokens = wanted.tokens ?? before?.tokens ?? undefined
  const micros = wanted.micros ?? before?.micros ?? undefined
  let endless: number[] = []
  await engine.budgets.set(
    operator,
    of,
    { ...(tokens === undefined ? {} : { tokens }), ...(micros === undefined ? {} : { micros }) },
    async (tx) => {
      if (micros !== undefined && tokens === undefined) endless = await refuseUnpriced(tx, of, probe.priced)
    },
  )
  for (const run of endless) {
    remark(`Run ${run} was started without --max-tokens: what its answers cost at most is an estimate.`)
  }
}

async function costsNothing(engine: Engine, run: number): Promise<boolean> {
  const { rows } = await engine.as(operator, (tx) =>
    tx.query("select 1 from engine.lanes where run_id = $1 and right(kind, 5) <> '.next' and micros > 0", [run]),
  )
  return rows.length === 0
}

function budgetLine(budget: BudgetState | undefined): string {
  const lines = [
    ...(typeof budget?.tokens === 'number'
      ? [
          `${grouped(budget.usedTokens)} of ${grouped(budget.tokens)} tokens are used${setAside(budget.reservedTokens, grouped)}`,
        ]
      : []),
    ...(typeof budget?.micros === 'number'
      ? [
          `${usd(budget.usedMicros)} of ${usd(budget.micros)} US dollars are used${setAside(budget.reservedMicros, usd)}`,
        ]
      : []),
  ]
  return lines.length === 0 ? 'no budget holds anything up' : lines.join(', ')
}

const usd = (micros: number) => dollars(micros / MICROS)

/** For what is running now. */
function setAside(amount: number, show: (amount: number) => string): string {
  return amount === 0 ? '' : ` and ${show(amount)} set aside`
}
