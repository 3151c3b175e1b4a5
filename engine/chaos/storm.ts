/**
 * The storm: worker processes killed, stopped and cut off, backends and whole
 * servers killed under them, from a seed; then an oracle counts what is stored.
 *
 *   node engine/chaos/storm.ts --seeds 20      until 20 seeds counted
 *   node engine/chaos/storm.ts --seed 7        this one alone
 *
 * A seed counts only if every listed fault hit.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { ownerSettings } from '../src/database.ts'
import { engineRoom, migrate, openEngine, Refusal, type Engine, type Principal } from '../src/index.ts'
import { openPostgres, type Postgres } from '../src/postgres.ts'
import { openFleet, type Fleet, type StormWorker } from './storm-fleet.ts'
import { stormKinds, stormRoom, type Effect, type Work } from './storm-kinds.ts'

export const FAULTS = [
  'kill',
  'kill in save',
  'kill at commit',
  'stop',
  'cut',
  'terminate',
  'crash',
  'kill backend',
] as const
export type Fault = (typeof FAULTS)[number]

export interface Told {
  readonly seed: number
  /** How often each fault hit, and where in a turn the worker was. */
  readonly hits: Record<Fault, number>
  readonly phases: Record<string, number>
  /** False sentences; none in a good storm. */
  readonly violations: readonly string[]
  readonly runs: number
  readonly tasks: number
  /** Attempts that were taken back, closes that came too late, purchases beyond the first of a task. */
  readonly expired: number
  readonly fenced: number
  readonly again: number
  readonly ms: number
}

export interface Storm {
  /** `brief`: the server falls last, so that nobody waits for its grace. */
  run(seed: number, options?: { brief?: boolean }): Promise<Told>
  close(): Promise<void>
}

const WORKERS = 3
/** Seconds after which a run that has not ended is a violation. */
const PATIENCE = 25
const somebody: Principal = { sub: 'storm', workspaces: { 1: 'admin' } }

export async function openStorm(tell: (line: string) => void = () => {}): Promise<Storm> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'millrace-storm-'))
  chmodSync(folder, 0o755)
  const effects = join(folder, 'effects')
  writeFileSync(effects, '')
  const servers: Postgres[] = [await openPostgres({ folder })]
  const [postgres] = servers
  if (postgres === undefined) throw new Error('no server')
  await migrate(postgres.owner(), [engineRoom, stormRoom], (login) => postgres.secret(login))
  const login = (user: string) => ({ ...postgres.owner(), user, password: postgres.secret(user) })
  const owner = new pg.Pool({ ...ownerSettings(postgres.owner()), max: 4 })
  owner.on('error', () => {})
  const engine = openEngine(login('millrace_api'))
  const fleet = openFleet({ settings: login('millrace_worker'), effects })
  for (let at = 1; at <= WORKERS; at += 1) await fleet.hire()

  const world: World = {
    engine,
    fleet,
    effects,
    sql: (text, values) => insist(async () => (await owner.query(text, values)).rows as Row[]),
    async crash() {
      await stopHard(folder)
      servers.push(await openPostgres({ folder }))
    },
  }
  return {
    run: (seed, options) => runSeed(world, seed, options?.brief === true, tell),
    async close() {
      await fleet.close()
      await engine.close()
      await owner.end()
      for (const server of servers) await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type Row = Record<string, unknown>

interface World {
  readonly engine: Engine
  readonly fleet: Fleet
  readonly effects: string
  /** Asks as the owner, again while the server is away. */
  sql(text: string, values?: unknown[]): Promise<Row[]>
  crash(): Promise<void>
}

/** Again until it works: for what stands outside of the storm. */
async function insist<T>(work: () => Promise<T>, seconds = 20): Promise<T> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (error instanceof Refusal && error.code !== 'DATABASE_STARTING') throw error
      if (Date.now() > end) throw error
      await pause(20)
    }
  }
}

/** SIGQUIT: no checkpoint, no goodbye. */
async function stopHard(folder: string): Promise<void> {
  const file = join(folder, 'pg', 'postmaster.pid')
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
  process.kill(pid, 'SIGQUIT')
  for (let waited = 0; existsSync(`/proc/${pid}`) && waited < 5_000; waited += 5) await pause(5)
}

////////////////////////////////////////////////////////////////////// a seed

async function runSeed(world: World, seed: number, brief: boolean, tell: (line: string) => void): Promise<Told> {
  const since = Date.now()
  const random = randomFrom(seed)
  const before = (await world.sql('select coalesce(max(id), 0) as id from engine.runs'))[0]?.['id'] as number
  const weather = { over: false }
  const hits = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>
  const phases: Record<string, number> = {}
  const feeding = feed(world, seed, randomFrom(seed + 1_000_000), weather)
  await pause(150)
  for (const fault of orderOf(random, brief)) {
    await pause(40 + random() * 200)
    const hit = await strike[fault](world, random)
    if (hit === undefined) continue
    hits[fault] += 1
    for (const phase of hit) phases[`${fault}: ${phase}`] = (phases[`${fault}: ${phase}`] ?? 0) + 1
  }
  weather.over = true
  const violations = await feeding
  violations.push(...world.fleet.surprises())
  await world.fleet.refill(WORKERS)
  violations.push(...(await settled(world, before)))
  violations.push(...(await judge(world, before)))
  const told: Told = {
    seed,
    hits,
    phases,
    violations,
    ...(await numbersOf(world, before)),
    fenced: world.fleet.takeFenced(),
    ms: Date.now() - since,
  }
  tell(lineOf(told))
  return told
}

/** All faults in an order from the seed; the two that restart the server stand together, so that one grace serves both. */
function orderOf(random: () => number, brief: boolean): Fault[] {
  const others = FAULTS.filter((fault) => fault !== 'crash' && fault !== 'kill backend')
  const order: Fault[] = others
    .map((fault) => ({ fault, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ fault }) => fault)
  const servers: Fault[] = random() < 0.5 ? ['crash', 'kill backend'] : ['kill backend', 'crash']
  order.splice(brief ? order.length : Math.floor(random() * (order.length + 1)), 0, ...servers)
  return order
}

/** Starts runs, and holds, releases and cancels some, until the weather is over. */
async function feed(world: World, seed: number, random: () => number, weather: { over: boolean }): Promise<string[]> {
  const { flat, rounds } = stormKinds(world.effects)
  const errands: Promise<void>[] = []
  const violations: string[] = []
  const errand = async (after: number, work: () => Promise<void>) => {
    await pause(after)
    try {
      await insist(work)
    } catch (error) {
      // It may have ended before.
      if (error instanceof Refusal && error.code === 'WRONG_STATE') return
      violations.push(`an errand was refused: ${String(error)}`)
    }
  }
  for (let at = 0; !weather.over; at += 1) {
    const kind = at % 4 === 3 ? rounds : flat
    const amount = at % 3 === 0 ? 1 : 4 + Math.floor(random() * 14)
    const input = { tasks: Array.from({ length: amount }, () => workFrom(random)), rounds: kind === rounds ? 2 : 1 }
    const key = `${seed}/${at}/${Date.now()}`
    const options = { workspace: 1, key, priority: random() < 0.2 ? 7 : 5 }
    const { run } = await insist(() => world.engine.start(somebody, kind, input, options))
    const luck = random()
    if (luck < 0.1) errands.push(errand(random() * 150, () => world.engine.cancel(somebody, run)))
    else if (luck < 0.25) {
      errands.push(
        errand(random() * 50, () => world.engine.hold(somebody, run)).then(() =>
          errand(random() * 200, () => world.engine.release(somebody, run)),
        ),
      )
    }
    await pause(50)
  }
  await Promise.all(errands)
  return violations
}

function workFrom(random: () => number): Work {
  const luck = random()
  const ends = luck < 0.05 ? 'badly' : luck < 0.12 ? 'second' : luck < 0.15 ? 'poison' : 'well'
  return { ms: Math.floor(10 + random() * 110), ends, buys: random() < 0.4 }
}

///////////////////////////////////////////////////////////////////// the faults

/** Gives where the worker was when it hit; undefined: it did not hit. */
type Strike = (world: World, random: () => number) => Promise<string[] | undefined>

const strike: Record<Fault, Strike> = {
  kill: (world, random) => killIn(world, random, undefined),
  'kill in save': (world, random) => killIn(world, random, 'S'),
  'kill at commit': (world, random) => killIn(world, random, 'C'),
  stop,
  async cut(world, random) {
    // Just after a fall of the server they may not be back yet.
    for (let waited = 0; waited < 3_000; waited += 20) {
      const worker = pick(world.fleet.living(), random)
      if (worker !== undefined && (await cutLiveness(world, worker))) return worker.phases()
      await pause(20)
    }
    return undefined
  },
  async terminate(world, random) {
    const rows = await world.sql(
      `select pg_terminate_backend(pid), state from pg_stat_activity where pid = (
         select pid from pg_stat_activity where application_name = 'millrace worker'
          order by (state = 'active')::integer + $1 * random() desc limit 1)`,
      [random()],
    )
    return rows.length === 0 ? undefined : [String(rows[0]?.['state'])]
  },
  async crash(world) {
    const phases = world.fleet.living().flatMap((worker) => worker.phases())
    await world.crash()
    return phases
  },
  async 'kill backend'(world) {
    let row: Row | undefined
    for (let waited = 0; row === undefined && waited < 3_000; waited += 20) {
      ;[row] = await world.sql(
        `select pid, state from pg_stat_activity where application_name = 'millrace worker'
          order by state = 'active' desc limit 1`,
      )
      if (row === undefined) await pause(20)
    }
    if (row === undefined) return undefined
    try {
      process.kill(Number(row['pid']), 'SIGKILL')
    } catch {
      return undefined
    }
    return [String(row['state'])]
  },
}

async function killIn(world: World, random: () => number, phase: string | undefined): Promise<string[] | undefined> {
  const busy = await world.fleet.find(phase, 2_000)
  const worker = phase === undefined ? pick(busy, random) : busy[0]
  if (worker === undefined) return undefined
  const phases = worker.phases()
  await worker.kill()
  // The next one comes while the storm goes on.
  void world.fleet.refill(WORKERS)
  return phases
}

/** Stopped, and taken for dead: what it does when it goes on must not count. */
async function stop(world: World, random: () => number): Promise<string[] | undefined> {
  const inSave = random() < 0.5 ? await world.fleet.find('S', 1_000) : []
  const worker = inSave[0] ?? pick(await world.fleet.find(undefined, 1_000), random)
  if (worker === undefined) return undefined
  worker.signal('SIGSTOP')
  const phases = worker.phases()
  try {
    const numbers = (
      await world.sql('select id from engine.workers where name = $1 and gone_at is null order by id desc', [
        worker.name,
      ])
    ).map((row) => row['id'])
    if (numbers.length === 0) return undefined
    await cutLiveness(world, worker)
    for (let waited = 0; ; waited += 20) {
      const alive = await world.sql('select 1 from engine.workers where id = any($1::integer[]) and gone_at is null', [
        numbers,
      ])
      if (alive.length === 0) break
      if (waited > 10_000) return undefined
      await pause(20)
    }
    await pause(random() * 150)
    return phases
  } finally {
    worker.signal('SIGCONT')
  }
}

async function cutLiveness(world: World, worker: StormWorker): Promise<boolean> {
  const rows = await world.sql(
    `select pg_terminate_backend(l.pid) from pg_locks l join engine.workers w on w.id = l.objid::integer
      where l.locktype = 'advisory' and l.classid = engine.liveness()::oid and l.objsubid = 2 and l.granted
        and w.name = $1 and w.gone_at is null`,
    [worker.name],
  )
  return rows.length > 0
}

function pick<T>(of: readonly T[], random: () => number): T | undefined {
  return of[Math.floor(random() * of.length)]
}

//////////////////////////////////////////////////////////////////// the oracle

/** Waits until every run has ended; those that do not are told with what holds them. */
async function settled(world: World, before: number): Promise<string[]> {
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

async function judge(world: World, before: number): Promise<string[]> {
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

async function numbersOf(world: World, before: number) {
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

///////////////////////////////////////////////////////////////////// the telling

export const missed = (told: Told): Fault[] => FAULTS.filter((fault) => told.hits[fault] === 0)

function lineOf(told: Told): string {
  const { seed, runs, tasks, expired, fenced, again, ms, violations } = told
  const not = missed(told)
  const counted = not.length === 0 ? '' : ` — not counted, these did not hit: ${not.join(', ')}`
  const facts = `${runs} runs, ${tasks} tasks, ${expired} taken back, ${fenced} fenced, ${again} bought again`
  return [
    `seed ${seed}: ${facts}, ${(ms / 1000).toFixed(1)} s${counted}`,
    ...violations.map((one) => `  FALSE: ${one}`),
  ].join('\n')
}

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '5' },
      seed: { type: 'string' },
      from: { type: 'string', default: '1' },
    },
  })
  const storm = await openStorm((line) => console.log(line))
  const good: Told[] = []
  const bad: Told[] = []
  const only = values.seed === undefined ? undefined : Number(values.seed)
  const wanted = only === undefined ? Number(values.seeds) : 1
  try {
    for (let seed = only ?? Number(values.from), tried = 0; good.length + bad.length < wanted; seed += 1, tried += 1) {
      const told = await storm.run(seed)
      if (told.violations.length > 0) bad.push(told)
      else if (missed(told).length === 0 || only !== undefined) good.push(told)
      if (tried > wanted * 3) throw new Error('too many seeds in which a fault did not hit')
    }
  } finally {
    await storm.close()
  }
  const sum = (of: (told: Told) => number) => [...good, ...bad].reduce((total, told) => total + of(told), 0)
  for (const fault of FAULTS) console.log(`${fault}: hit ${sum((told) => told.hits[fault])} times`)
  const phases = [...new Set([...good, ...bad].flatMap((told) => Object.keys(told.phases)))].sort()
  for (const phase of phases) console.log(`  ${phase}: ${sum((told) => told.phases[phase] ?? 0)}`)
  const fenced = sum((told) => told.fenced)
  console.log(
    `${good.length} seeds good, ${bad.length} bad; ${fenced} attempts fenced, ${sum((told) => told.again)} bought again`,
  )
  if (bad.length > 0)
    console.log(`replay with: node engine/chaos/storm.ts --seed ${bad.map((told) => told.seed).join(' | ')}`)
  if (fenced === 0) console.log('FALSE: no attempt was fenced, so nothing was proved')
  process.exitCode = bad.length > 0 || fenced === 0 ? 1 : 0
}

if (import.meta.main) await main()
