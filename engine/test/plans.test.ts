/**
 * The plans of claim and close stay right: with the generic plans that a worker's
 * connection makes on empty tables, on full ones that nobody analysed, and on
 * analysed ones.  Told by what the server did, not by what it planned.
 */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openApi } from '../src/access.ts'
import { ownerSettings, workerSettings } from '../src/database.ts'
import { freshDatabase, member, type TestDatabase } from '../testing/index.ts'
import { workerByHand, type HandWorker, type Held } from './by-hand.ts'

const RUNS = 10_000
/** `npm run test:long` asks for a million. */
const TASKS = Number(process.env['MILLRACE_TEST_TASKS'] ?? 100_000)
/** Runs that stand under another key. */
const WAITING = TASKS / 50

let db: TestDatabase
/** Its plans are made on tables that have never had a row in them. */
let early: Watched
const KINDS = ['work', 'many.next']

beforeAll(async () => {
  db = await freshDatabase()
  await db.sql(`do $$ declare t record; begin
    for t in select c.oid::regclass as name from pg_class c where c.relnamespace = 'engine'::regnamespace and c.relkind = 'r' loop
      execute format('alter table %s set (autovacuum_enabled = false)', t.name); end loop; end $$`)
  early = await watched()
  await fill(1, 1, 200)
  await exercise(early.worker, 3)
  await db.sql('truncate engine.inputs, engine.outputs, engine.attempts, engine.events, engine.tasks, engine.lanes')
  await db.sql('truncate engine.run_bodies, engine.runs cascade')
  await fill(100, RUNS)
})
afterAll(async () => {
  await early?.worker.end()
  await db?.drop()
})

/** Half of the tasks in some wide runs, half in many narrow ones. */
async function fill(wide: number, narrow: number, tasks = TASKS) {
  const api = openApi(db.api, 1)
  await api.as(member(), async (tx) => {
    for (const runs of [wide, narrow]) {
      await tx.query(
        `select count(*) from (select engine.start(1, 'many', '{}', (select json_agg(json_build_object('kind', 'work', 'input', '{}'::json))
             from generate_series(1, $2::integer)), true, 5::smallint, null, null, null, null) from generate_series(1, $1::integer)) s`,
        [runs, tasks / 2 / runs],
      )
    }
  })
  await api.close()
}

/** The statements of a worker's life, each as the program sends them. */
async function exercise(by: HandWorker, rounds: number, free = 50) {
  let held: Held[] = []
  for (let round = 0; round < rounds; round += 1) {
    const ends = held.map((one, at) => ({
      held: one,
      outcome: at % 10 === 0 ? ('again' as const) : at % 10 === 1 ? ('released' as const) : ('succeeded' as const),
      body: { at },
      delay: at % 20 === 0 ? 0.001 : 0,
    }))
    await by.client.query('select * from engine.emit($1, $2, $3, $4, $5)', [
      held.map((one) => one.run),
      held.map((one) => one.n),
      held.map((one) => one.attempt),
      held.map(() => 'log'),
      held.map(() => '{}'),
    ])
    await by.fence(...held)
    held = (await by.turn(free, ...ends)).claimed
  }
  await by.close(...held.map((one) => ({ held: one, outcome: 'succeeded' as const, body: { n: 1 } })))
}

async function counters(by: HandWorker) {
  await by.client.query('select pg_stat_force_next_flush()')
  await by.client.query('select 1')
  const scans = await db.sql<{ relname: string; seq_tup_read: number }>(
    "select relname, seq_tup_read from pg_stat_user_tables where schemaname = 'engine'",
  )
  const [blocks] = await db.sql<{ blocks: number }>(
    "select sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read) as blocks from pg_statio_user_tables where schemaname = 'engine'",
  )
  return { scans: new Map(scans.map((row) => [row.relname, row.seq_tup_read])), blocks: Number(blocks?.blocks) }
}

/** Tables that may grow without end; a whole reading of one of them is the mistake that is looked for. */
const GROWING = ['runs', 'run_bodies', 'lanes', 'tasks', 'inputs', 'outputs', 'attempts', 'ledger', 'events']

/** A turn of fifty looks at fifty tasks, at their lanes and at their runs. */
const MANY = 400

/** What the statements of three turns really did, also those inside of functions. */
async function expectFrugal(by: Watched) {
  const plans = await by.plans(() => exercise(by.worker, 3))
  const text = plans.join('\n')
  // The evidence is there at all: the claim's lanes and tasks, the close's tasks and runs.
  for (const index of ['lanes_open', 'tasks_ready', 'tasks_pkey', 'runs_pkey', 'outputs']) expect(text).toContain(index)
  const all = plans.flatMap(nodes)
  expect(all.length).toBeGreaterThan(100)
  // What was given may be joined with itself, fifty by fifty; a table may not.
  const most = ({ node }: { node: string }) => (node.startsWith('Nested Loop') ? 50 * MANY : MANY)
  expect(all.filter((one) => one.rows > MANY || one.removed > most(one))).toEqual([])
  const scans = new RegExp(`^Seq Scan on (${GROWING.join('|')})`)
  expect(all.filter(({ node }) => scans.test(node))).toEqual([])
}

describe('a turn looks at no more than it was given', () => {
  test('with plans that were made on empty tables', async () => {
    await expectFrugal(early)
  })

  test('with plans that were made on full tables that nobody analysed', async () => {
    const by = await watched()
    await expectFrugal(by)
    await by.worker.end()
  })

  test('with plans that were made on analysed tables', async () => {
    await db.sql('analyze')
    const by = await watched()
    await expectFrugal(by)
    await by.worker.end()
  })
})

describe('a claim under limits', () => {
  const operate = async (text: string, values: unknown[] = []) => {
    const api = openApi(db.api, 1)
    await api.as({ ...member(), operator: true }, (tx) => tx.query(text, values))
    await api.close()
  }

  test('looks at no more than it was given', async () => {
    await operate("select engine.limit_key('elsewhere', 1, null, null)")
    const by = await watched()
    await expectFrugal(by)
    await by.worker.end()
  })

  test('passes thousands of runs that wait for another key without looking at their tasks', async () => {
    const worker = await workerByHand(db, { kinds: ['apart'] })
    const start = (key: string, runs: number, tasks: number, priority: number) =>
      operate(
        `select count(*) from (select engine.start(1, 'apart', '{}', (select json_agg(json_build_object('kind', 'apart', 'key', $1::text))
           from generate_series(1, $3::integer)), false, $4::smallint, null, null, null, null) from generate_series(1, $2::integer)) s`,
        [key, runs, tasks, priority],
      )
    const claimBlocks = async () => {
      const before = await counters(worker)
      for (let times = 0; times < 10; times += 1) expect(await worker.claim(5)).toHaveLength(5)
      return ((await counters(worker)).blocks - before.blocks) / 10
    }
    await start('mine', 1, 200, 5)
    await worker.claim(5)
    const alone = await claimBlocks()
    await start('theirs', WAITING, 1, 5)
    await start('theirs', 1, WAITING * 10, 9)
    await operate("select engine.stop_key('theirs')")
    const behind = await claimBlocks()
    console.log(`blocks of a claim alone ${alone}, beside ${WAITING + 1} runs that wait for another key ${behind}`)
    // A lane that waits is an entry in an index: a hundred of them are a block.
    expect(behind).toBeLessThan(alone + WAITING / 10)
    await operate("select engine.release_key('theirs')")
    await operate("select engine.limit_key('elsewhere', null, null, null)")
    await worker.end()
  })
})

describe('a sweep', () => {
  test('with nothing to do reads no table that grows', async () => {
    const { worker } = early
    const before = await counters(worker)
    for (let times = 0; times < 10; times += 1) await worker.client.query('select * from engine.expire()')
    const after = await counters(worker)
    const scans = GROWING.filter((table) => (after.scans.get(table) ?? 0) > (before.scans.get(table) ?? 0))
    expect(scans).toEqual([])
    expect((after.blocks - before.blocks) / 10).toBeLessThan(500)
  })
})

describe('the claim behind a held run of 100,000 tasks', () => {
  test('touches not much more than without it', async () => {
    const other = await workerByHand(db, { kinds: ['behind'] })
    const startBehind = async (tasks: number, priority: number, held: string | null) => {
      const api = openApi(db.api, 1)
      await api.as(member(), (tx) =>
        tx.query(
          `select engine.start(1, 'behind', '{}', (select json_agg(json_build_object('kind', 'behind')) from generate_series(1, $1::integer)),
             false, $2, $3, null, null, null)`,
          [tasks, priority, held],
        ),
      )
      await api.close()
    }
    const claimBlocks = async () => {
      const before = await counters(other)
      for (let times = 0; times < 10; times += 1) expect(await other.claim(5)).toHaveLength(5)
      return (await counters(other)).blocks - before.blocks
    }
    await startBehind(200, 5, null)
    await other.claim(5)
    const alone = await claimBlocks()
    await startBehind(100_000, 9, 'paused')
    const behind = await claimBlocks()
    console.log(`blocks of ten claims alone ${alone}, behind a held run of 100,000 tasks ${behind}`)
    expect(behind).toBeLessThan(alone * 2)
    await other.end()
  })
})

interface Watched {
  readonly worker: HandWorker
  /** The plans of all statements that `work` made it run, with what really came out of them. */
  plans(work: () => Promise<void>): Promise<string[]>
}

/** A worker on the superuser's connection, who alone may see plans; the settings are the worker's. */
async function watched(): Promise<Watched> {
  const seen: string[] = []
  const { options } = workerSettings(db.worker)
  const client = new pg.Client({ ...ownerSettings(db.owner), options })
  client.on('error', () => {})
  client.on('notice', (notice) => seen.push(notice.message ?? ''))
  await client.connect()
  await client.query(`load 'auto_explain'; set auto_explain.log_analyze = on; set auto_explain.log_timing = off;
    set auto_explain.log_nested_statements = on; set auto_explain.log_level = notice; set client_min_messages = notice`)
  return {
    worker: await workerByHand(db, { client, kinds: KINDS }),
    async plans(work) {
      await client.query('set auto_explain.log_min_duration = 0')
      seen.length = 0
      await work()
      await client.query('set auto_explain.log_min_duration = -1')
      return seen.filter((plan) => plan.includes('Query Text'))
    },
  }
}

/** Nodes of a plan with the rows that came out of them each time, and those that they looked at in vain. */
function nodes(plan: string): { node: string; rows: number; removed: number }[] {
  const found: { node: string; rows: number; removed: number }[] = []
  for (const line of plan.split('\n')) {
    const node = /^\s*(?:->\s+)?(\S.*?)\s+\(cost=.*actual rows=([\d.]+) loops=/.exec(line)
    if (node !== null) found.push({ node: node[1] ?? '', rows: Number(node[2]), removed: 0 })
    const removed = /Rows Removed by (?:Index Recheck|Filter|Join Filter): (\d+)/.exec(line)
    const last = found.at(-1)
    if (removed !== null && last !== undefined) last.removed += Number(removed[1])
  }
  return found
}
