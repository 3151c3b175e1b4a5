/** The storm's oracle: waits until every run has ended, then counts what is stored and names every false sentence. */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Effect } from './storm-kinds.ts'
import type { World } from './storm-world.ts'

/** Seconds after which a run that has not ended is a violation. */
const PATIENCE = 25

/** Waits until every run has ended; those that do not are told with what holds them. */
export async function settled(world: World, before: number): Promise<string[]> {
  const end = Date.now() + PATIENCE * 1000
  for (;;) {
    const open = await world.sql('select id from engine.runs where id > $1 and finished_at is null', [before])
    if (open.length === 0) return []
    if (Date.now() > end) {
      const why = await world.sql(
        `select t.run_id, t.n, t.state, t.attempt, t.due_at, t.worker, w.name, w.gone_at, w.lease_until,
                l.idle, l.stop, r.held, r.cancel_asked_at is not null as cancel
           from engine.tasks t join engine.lanes l on l.id = t.lane_id join engine.runs r on r.id = t.run_id
           left join engine.workers w on w.id = t.worker
          where t.run_id > $1 and t.state in ('ready', 'running') limit 5`,
        [before],
      )
      return [`${open.length} runs did not end, for example ${JSON.stringify(why)}`]
    }
    await pause(20)
  }
}

/** Each asks for what may not be; a row is a violation. */
const LAWS: Record<string, string> = {
  'every slot that succeeded has exactly one domain row, of the attempt that counted': `
    select t.run_id, t.n, t.attempt, count(s.task) as rows, max(s.attempt) as of from engine.tasks t
      left join storm.rows s on s.run_id = t.run_id and s.task = t.n
     where t.run_id > $1 and t.n > 0 and t.state = 'succeeded'
     group by t.run_id, t.n, t.attempt having count(s.task) <> 1 or max(s.attempt) <> t.attempt`,
  'no other slot has a domain row': `
    select s.* from storm.rows s join engine.tasks t on t.run_id = s.run_id and t.n = s.task
     where s.run_id > $1 and (t.state <> 'succeeded' or s.attempt <> t.attempt)`,
  'every success has its output, and nothing else has one': `
    select t.run_id, t.n, t.state from engine.tasks t left join engine.outputs o on o.run_id = t.run_id and o.n = t.n
     where t.run_id > $1 and (o.n is not null) <> (t.state = 'succeeded')`,
  'counters equal counts': `
    select r.id from engine.runs r join engine.tasks t on t.run_id = r.id and t.n > 0 where r.id > $1
     group by r.id having (r.total, r.succeeded, r.failed, r.cancelled) is distinct from
       (count(*), count(*) filter (where t.state = 'succeeded'), count(*) filter (where t.state = 'failed'),
        count(*) filter (where t.state = 'cancelled')) or r.open <> 0`,
  'events are numbered without gaps, from its start to its end': `
    select r.id, r.last_event, count(e.n), max(e.n) from engine.runs r left join engine.events e on e.run_id = r.id
     where r.id > $1 group by r.id having count(e.n) <> r.last_event or max(e.n) <> r.last_event or min(e.n) <> 1
        or (array_agg(e.kind order by e.n))[1] <> 'run.queued'
        or (array_agg(e.kind order by e.n desc))[1] <> 'run.' || r.state`,
  'a run ends once': `
    select e.run_id from engine.events e where e.run_id > $1
       and e.kind in ('run.succeeded', 'run.failed', 'run.cancelled') group by e.run_id having count(*) <> 1`,
  'a lane counts the tasks that stand in it': `
    select l.id, l.idle from engine.lanes l left join engine.tasks t
        on t.lane_id = l.id and t.state = 'ready' and t.due_at is null
     where l.run_id > $1 and l.idle group by l.id having count(t.n) > 0`,
  'nobody holds a task': 'select * from engine.tasks where run_id > $1 and worker is not null',
  'only what was to fail failed': `
    select t.run_id, t.n, i.input ->> 'ends' as ends, a.failure ->> 'code' as code
      from engine.tasks t join engine.inputs i on i.run_id = t.run_id and i.n = t.n
      join engine.attempts a on a.run_id = t.run_id and a.n = t.n and a.attempt = t.attempt
     where t.run_id > $1 and t.n > 0 and t.state = 'failed' and coalesce(a.failure ->> 'code', '') <> 'QUARANTINED'
       and (i.input ->> 'ends', a.failure ->> 'code') not in (('badly', 'BAD'), ('poison', 'PERSISTENCE_ERROR'))`,
  'what was to fail did not succeed': `
    select t.run_id, t.n from engine.tasks t join engine.inputs i on i.run_id = t.run_id and i.n = t.n
     where t.run_id > $1 and t.state = 'succeeded' and i.input ->> 'ends' in ('badly', 'poison')`,
  'a run that was not cancelled has no cancelled task': `
    select r.id from engine.runs r where r.id > $1 and r.cancel_asked_at is null
       and (r.state = 'cancelled' or exists (select from engine.tasks t where t.run_id = r.id and t.state = 'cancelled'))`,
  'a run asks what comes next as often as it has rounds': `
    select r.id, r.decisions from engine.runs r where r.id > $1 and r.kind = 'storm.rounds' and r.cancel_asked_at is null
       and (r.decisions <> 2 or r.state <> 'succeeded')`,
  'nothing deadlocked':
    'select deadlocks from pg_stat_database where datname = current_database() and deadlocks > 0 and $1 >= 0',
}

export async function judge(world: World, before: number): Promise<string[]> {
  const violations: string[] = []
  for (const [law, question] of Object.entries(LAWS)) {
    const rows = await world.sql(question, [before])
    if (rows.length > 0) violations.push(`“${law}”: ${rows.length} times not, for example ${JSON.stringify(rows[0])}`)
  }
  const double = await boughtTwice(world, before)
  if (double.length > 0) {
    violations.push(`“nothing is bought that a receipt was there for”: ${JSON.stringify(double[0])}`)
  }
  return violations
}

/** An attempt that began when the receipt of another was stored may not buy. */
async function boughtTwice(world: World, before: number): Promise<unknown[]> {
  const begun = new Map<string, number>()
  const bought: Effect[] = []
  for (const effect of effectsAfter(world, before)) {
    const [what, run, task, attempt, at] = effect
    if (what === 'begin') begun.set(`${run}/${task}/${attempt}`, at)
    else bought.push(effect)
  }
  const receipts = await world.sql(
    `select run_id, n, attempt, extract(epoch from at)::float8 * 1000 as at from engine.ledger
      where run_id > $1 and entry = 'receipt' and name = 'purchase'`,
    [before],
  )
  return bought.filter(([, run, task, attempt]) =>
    receipts.some(
      (one) =>
        one['run_id'] === run &&
        one['n'] === task &&
        one['attempt'] !== attempt &&
        Number(one['at']) < (begun.get(`${run}/${task}/${attempt}`) ?? 0),
    ),
  )
}

function effectsAfter(world: World, before: number): Effect[] {
  return readFileSync(world.effects, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Effect)
    .filter(([, run]) => run > before)
}

export async function numbersOf(world: World, before: number) {
  const [row] = await world.sql(
    `select (select count(*) from engine.runs where id > $1) as runs,
            (select count(*) from engine.tasks where run_id > $1) as tasks,
            (select count(*) from engine.attempts where run_id > $1 and outcome = 'expired') as expired`,
    [before],
  )
  const bought = effectsAfter(world, before).filter(([what]) => what === 'buy')
  const slots = new Set(bought.map(([, run, task]) => `${run}/${task}`))
  return {
    runs: Number(row?.['runs']),
    tasks: Number(row?.['tasks']),
    expired: Number(row?.['expired']),
    again: bought.length - slots.size,
  }
}
