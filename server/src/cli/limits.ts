/** `millrace limits …` and `millrace runs budget`: how much at a time, a minute, and in all. */
import { Refusal, type Budget, type Engine, type Limit, type LimitChange } from '@millrace/engine'
import { operator } from '../app.ts'
import { grouped, remark, say, table } from './screen.ts'
import { withApp } from './session.ts'

export async function listLimits(options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const limits = await engine.limits.list(operator)
    if (options.json === true) say(JSON.stringify(limits))
    else if (limits.length === 0)
      say('There are no keys yet: the first task under a key brings it, and so does `millrace limits set KEY …`.')
    else say(limitTable(limits))
    return 0
  })
}

function limitTable(limits: readonly Limit[]): string {
  const amount = (value: number | null) => (value === null ? '–' : grouped(value))
  return table(
    ['key', 'at a time', 'running', 'requests/min', 'tokens/min', 'waiting', ''],
    limits.map((limit) => [
      limit.key,
      amount(limit.concurrency),
      limit.running,
      amount(limit.requestsPerMinute),
      amount(limit.tokensPerMinute),
      limit.waiting,
      limit.stopped !== null
        ? `stopped (${limit.stopped}) since ${limit.stoppedAt?.toISOString() ?? '?'}`
        : limit.until === null
          ? ''
          : `paused until ${limit.until.toISOString()}`,
    ]),
  )
}

export interface SetOptions {
  readonly concurrency?: number | 'none'
  readonly requests?: number | 'none'
  readonly tokens?: number | 'none'
}

const orNull = (value: number | 'none') => (value === 'none' ? null : value)

export async function setLimit(key: string, { concurrency, requests, tokens }: SetOptions): Promise<number> {
  const change: LimitChange = {
    ...(concurrency === undefined ? {} : { concurrency: orNull(concurrency) }),
    ...(requests === undefined ? {} : { requestsPerMinute: orNull(requests) }),
    ...(tokens === undefined ? {} : { tokensPerMinute: orNull(tokens) }),
  }
  if (Object.keys(change).length === 0) {
    throw new Refusal('NOTHING_TO_SET', 'Nothing was said that is to be limited.', {
      remedy: 'Say --concurrency, --requests or --tokens, each with a number or `none`.',
    })
  }
  return withApp(async ({ engine }) => {
    const known = (await engine.limits.list(operator)).map((limit) => limit.key)
    say(limitTable([await engine.limits.set(operator, key, change)]))
    if (!known.includes(key))
      remark(`No task has had this key yet.${known.length === 0 ? '' : ` Known are: ${known.join(', ')}.`}`)
    return 0
  })
}

export async function stopKey(key: string): Promise<number> {
  return withApp(async ({ engine }) => {
    const { running } = await engine.limits.stop(operator, key)
    const under = running === 0 ? '' : ` ${grouped(running)} that ${running === 1 ? 'is' : 'are'} under way will end.`
    say(`Nothing begins under ${key} from now on.${under}`)
    remark(`\`millrace limits release ${key}\` lets it go on.`)
    return 0
  })
}

export async function releaseKey(key: string): Promise<number> {
  return withApp(async ({ engine }) => {
    const { waiting } = await engine.limits.release(operator, key)
    say(`${key} goes on; ${grouped(waiting)} ${waiting === 1 ? 'task waits' : 'tasks wait'} under it.`)
    return 0
  })
}

const MICROS = 1_000_000

interface BudgetRow {
  readonly tokens: number | null
  readonly micros: number | null
  readonly usedTokens: number
  readonly usedMicros: number
}

/** Without an option it only shows. */
export async function budgetOf(
  id: number,
  options: { tokens?: number; cost?: number; none?: boolean; json?: boolean },
): Promise<number> {
  if (options.none === true && (options.tokens !== undefined || options.cost !== undefined)) {
    throw new Refusal('NONE_AND_SOME', 'Either a budget or none.', { remedy: 'Leave out --none, or the numbers.' })
  }
  return withApp(async ({ engine }) => {
    const run = await engine.run(operator, id)
    if (options.none === true) await engine.budget(operator, id, {})
    else if (options.tokens !== undefined || options.cost !== undefined) {
      await changeBudget(engine, id, {
        ...(options.tokens === undefined ? {} : { tokens: options.tokens }),
        ...(options.cost === undefined ? {} : { micros: Math.round(options.cost * MICROS) }),
      })
    }
    const budget = await readBudget(engine, id)
    if (options.json === true) say(JSON.stringify({ run: id, budget: budget ?? null }))
    else say(`Run ${id}: ${budgetLine(budget)}.`)
    if (typeof budget?.micros === 'number' && run.finishedAt === null && (await costsNothing(engine, id))) {
      remark('Its tasks do not say what they cost, so that a budget of money does not hold them up.')
    }
    return 0
  })
}

/** What is not named stays as it is. */
export async function changeBudget(engine: Engine, run: number, wanted: Budget): Promise<void> {
  const before = await readBudget(engine, run)
  const tokens = wanted.tokens ?? before?.tokens ?? undefined
  const micros = wanted.micros ?? before?.micros ?? undefined
  await engine.budget(operator, run, {
    ...(tokens === undefined ? {} : { tokens }),
    ...(micros === undefined ? {} : { micros }),
  })
}

async function readBudget(engine: Engine, run: number): Promise<BudgetRow | undefined> {
  const { rows } = await engine.as(operator, (tx) =>
    tx.query(
      `select tokens, micros, used_tokens as "usedTokens", used_micros as "usedMicros" from engine.budgets where run_id = $1`,
      [run],
    ),
  )
  return rows[0] as unknown as BudgetRow | undefined
}

async function costsNothing(engine: Engine, run: number): Promise<boolean> {
  const { rows } = await engine.as(operator, (tx) =>
    tx.query("select 1 from engine.lanes where run_id = $1 and right(kind, 5) <> '.next' and micros > 0", [run]),
  )
  return rows.length === 0
}

function budgetLine(budget: BudgetRow | undefined): string {
  const lines = [
    ...(typeof budget?.tokens === 'number'
      ? [`${grouped(budget.usedTokens)} of ${grouped(budget.tokens)} tokens are used`]
      : []),
    ...(typeof budget?.micros === 'number'
      ? [`${dollars(budget.usedMicros)} of ${dollars(budget.micros)} US dollars are used`]
      : []),
  ]
  return lines.length === 0 ? 'no budget holds it up' : lines.join(', ')
}

const dollars = (micros: number) => (micros / MICROS).toFixed(2)
