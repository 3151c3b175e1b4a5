/** The storm's oracle: waits until every run has ended, then counts what is stored and names every false sentence. */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { monotonic, type Effect } from './storm-kinds.ts'
import { ALWAYS, AT_THE_END, type Law } from './storm-laws.ts'
import { startedWhileHeld, type Pause } from './storm-people.ts'
import { look, type World } from './storm-world.ts'

/** Seconds after which a run that has not ended is a violation; and in which something must happen. */
const PATIENCE = { end: 25, still: 7 }

type Ask = Pick<World, 'sql'>

/** Waits until every run has ended; those that do not, or that stand still, are told with what holds them. */
export async function settled(world: Ask, before: number, patience = PATIENCE): Promise<string[]> {
  const end = Date.now() + patience.end * 1000
  let seen: unknown
  let movedAt = Date.now()
  let longest = 0
  for (;;) {
    const [row] = await world.sql(
      `select count(*) filter (where finished_at is null) as open, sum(last_event) as events
         from engine.runs where id > $1`,
      [before],
    )
    if (row?.['events'] !== seen) movedAt = Date.now()
    seen = row?.['events']
    longest = Math.max(longest, Date.now() - movedAt)
    if (row?.['open'] === 0 && longest <= patience.still * 1000) return []
    if (row?.['open'] === 0) return [`“nothing waits without a reason”: all stood still for ${longest} ms`]
    if (Date.now() > end) {
      return [`“every run ends”: ${String(row?.['open'])} did not, for example ${await holding(world, before)}`]
    }
    await pause(20)
  }
}

async function holding(world: Ask, before: number): Promise<string> {
  const why = await world.sql(
    `select t.run_id, t.n, t.state, t.attempt, t.due_at, t.worker, w.name, w.gone_at, w.lease_until,
            l.idle, l.stop, r.held, r.cancel_asked_at is not null as cancel
       from engine.tasks t join engine.lanes l on l.id = t.lane_id join engine.runs r on r.id = t.run_id
       left join engine.workers w on w.id = t.worker
      where t.run_id > $1 and t.state in ('ready', 'running') limit 5`,
    [before],
  )
  return JSON.stringify(why)
}

export async function brokenOf(laws: readonly Law[], { sql }: Ask, before: number): Promise<string[]> {
  const violations: string[] = []
  for (const { says, asks } of laws) {
    const rows = await sql(asks, [before])
    if (rows.length > 0) violations.push(`“${says}”: ${rows.length} times not, for example ${JSON.stringify(rows[0])}`)
  }
  return violations
}

export interface Promised {
  readonly pauses: readonly Pause[]
  readonly cancelled: ReadonlySet<number>
}

export async function judge(world: World, before: number, promised: Promised): Promise<string[]> {
  const effects = effectsAfter(world, before)
  // Who was fenced may bring a receipt when the run has long ended.
  let bill: Bill = { effects, receipts: [], wasKilled: (name) => world.fleet.wasKilled(name) }
  await look(async () => {
    bill = { ...bill, receipts: await receiptsAfter(world, before) }
    return unrecorded(bill).length === 0 ? true : undefined
  }, 5_000)
  return [
    ...(await brokenOf([...ALWAYS, ...AT_THE_END], world, before)),
    ...(await notCancelled(world, promised.cancelled)),
    ...(await outOfTime(world, world.fleet.moved)),
    ...told('a run that is held starts nothing', promised.pauses.flatMap(startedWhileHeld)),
    ...told('what reached us is in the ledger, once', unrecorded(bill)),
    ...told('what is in the ledger was bought', madeUp(bill)),
    ...told('nothing is bought that a receipt was there for', boughtAgain(bill)),
  ]
}

const told = (says: string, rows: readonly string[]) =>
  rows.length === 0 ? [] : [`“${says}”: ${rows.length} times not, for example ${rows[0]}`]

export async function notCancelled({ sql }: Ask, runs: ReadonlySet<number>): Promise<string[]> {
  const rows = await sql("select id, state from engine.runs where id = any($1::bigint[]) and state <> 'cancelled'", [
    [...runs],
  ])
  return told(
    'a run whose cancellation was accepted ended cancelled',
    rows.map((row) => JSON.stringify(row)),
  )
}

export async function outOfTime({ sql }: Ask, moved: ReadonlySet<string>): Promise<string[]> {
  const rows = await sql("select id, name from engine.workers where name = any($1::text[]) and gone_why = 'lease'", [
    [...moved],
  ])
  return told(
    'a wrong clock costs nobody his lease',
    rows.map((row) => JSON.stringify(row)),
  )
}

/////////////////////////////////////////////////////////////////////////// money

export interface Receipt {
  readonly run: number
  readonly task: number
  readonly attempt: number
  readonly token: string
  /** On the clock of the effects. */
  readonly at: number
}

/** What was bought outside, what the ledger knows of it, and who had no time to write it down. */
export interface Bill {
  readonly effects: readonly Effect[]
  readonly receipts: readonly Receipt[]
  readonly wasKilled: (worker: string) => boolean
}

/** Answers that reached a worker who lived on, and that the ledger does not hold exactly once. */
export function unrecorded({ effects, receipts, wasKilled }: Bill): string[] {
  const known = Map.groupBy(receipts, (receipt) => receipt.token)
  return effects
    .filter(({ what, by, token }) => what === 'got' && !wasKilled(by) && known.get(token)?.length !== 1)
    .map(({ token }) => `${token} (${known.get(token)?.length ?? 0})`)
}

/** Receipts of nothing, and two of the same. */
export function madeUp({ effects, receipts }: Bill): string[] {
  const got = new Set(effects.filter(({ what }) => what === 'got').map(({ token }) => token))
  const seen = new Set<string>()
  return receipts
    .filter(({ token }) => !got.has(token) || seen.size === seen.add(token).size)
    .map((receipt) => JSON.stringify(receipt))
}

/** Between the time that a receipt bears and the moment when others can read it. */
const COMMIT = 100

/** An attempt that began when the receipt of another was there may not buy. */
export function boughtAgain({ effects, receipts }: Bill): string[] {
  const name = (of: { run: number; task: number; attempt: number }) => `${of.run}/${of.task}/${of.attempt}`
  const begun = new Map(effects.filter(({ what }) => what === 'begin').map((effect) => [name(effect), effect.at]))
  return effects
    .filter(
      (bought) =>
        bought.what === 'buy' &&
        receipts.some(
          ({ run, task, attempt, at }) =>
            run === bought.run &&
            task === bought.task &&
            attempt !== bought.attempt &&
            at + COMMIT < (begun.get(name(bought)) ?? 0),
        ),
    )
    .map(({ token }) => token)
}

async function receiptsAfter({ sql }: Ask, before: number): Promise<Receipt[]> {
  const rows = await sql(
    `select run_id as run, n as task, attempt, receipt -> 'value' ->> 'token' as token,
            extract(epoch from at)::float8 * 1000 as at
       from engine.ledger where run_id > $1 and entry = 'receipt' and name = 'purchase'`,
    [before],
  )
  const shift = monotonic() - Date.now()
  return rows.map((row) => ({ ...row, at: Number(row['at']) + shift })) as Receipt[]
}

export function effectsAfter(world: Pick<World, 'effects'>, before: number): Effect[] {
  return readFileSync(world.effects, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Effect)
    .filter(({ run }) => run > before)
}

export async function numbersOf(world: World, before: number) {
  const [row] = await world.sql(
    `select (select count(*) from engine.runs where id > $1) as runs,
            (select count(*) from engine.tasks where run_id > $1) as tasks,
            (select count(*) from engine.attempts where run_id > $1 and outcome = 'expired') as expired,
            (select count(*) from engine.attempts where run_id > $1 and outcome = 'released') as released`,
    [before],
  )
  const bought = effectsAfter(world, before).filter(({ what }) => what === 'buy')
  const slots = new Set(bought.map(({ run, task }) => `${run}/${task}`))
  return {
    runs: Number(row?.['runs']),
    tasks: Number(row?.['tasks']),
    expired: Number(row?.['expired']),
    released: Number(row?.['released']),
    again: bought.length - slots.size,
  }
}
