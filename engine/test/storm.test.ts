/** The storm in short form, and its oracle shown what it must refuse; the long one is `npm run chaos -- --seeds 20`. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leftBehind, type Fault } from '../chaos/storm-faults.ts'
import type { Effect } from '../chaos/storm-kinds.ts'
import { ALWAYS, AT_THE_END } from '../chaos/storm-laws.ts'
import * as oracle from '../chaos/storm-oracle.ts'
import { startedWhileHeld } from '../chaos/storm-people.ts'
import { missed, type Told } from '../chaos/storm-seed.ts'
import { openStorm, type Storm } from '../chaos/storm.ts'
import { until } from '../testing/index.ts'

const FAULTS: readonly Fault[] = [
  'stop in save',
  'kill at commit',
  'lost answer',
  'drain',
  'exhaustion',
  'cancel',
  'crash',
]

let storm: Storm
let told: Told
beforeAll(async () => {
  storm = await openStorm(console.log)
  told = await storm.run(1, { faults: FAULTS, brief: true })
})
afterAll(async () => {
  await storm?.close()
})

test('workers killed, stopped, sent home and refused, answers lost, servers killed: nothing is lost, nothing counts twice', () => {
  expect(told.violations).toEqual([])
  // Otherwise nothing was proved.
  expect(missed(told)).toEqual([])
  expect(told.fenced + told.expired).toBeGreaterThan(0)
})

describe('the oracle', () => {
  const laws = [...ALWAYS, ...AT_THE_END]
  test.each(laws)('refuses a picture in which it is not true that $says', async (law) => {
    expect(await oracle.brokenOf([law], storm.world, 0)).toEqual([])
    for (const lie of law.broken) {
      const seen = await storm.world.undone(async (sql) => {
        await sql(lie)
        return oracle.brokenOf([law], { sql }, 0)
      })
      expect(seen, lie).toHaveLength(1)
    }
  })

  test('refuses a run that does not end, and one that stands still before it ends', async () => {
    const picture = (...open: number[]) => ({
      sql: async (text: string) =>
        text.includes('sum(last_event)') ? [{ open: open.shift() ?? open.length, events: 1 }] : [],
    })
    const patience = { end: 0.1, still: 0.03 }
    expect(await oracle.settled(picture(0), 0, patience)).toEqual([])
    expect(await oracle.settled(picture(1, 1, 1, 1, 0), 0, patience)).toMatchObject([/stood still/])
    expect(await oracle.settled(picture(...Array.from({ length: 99 }, () => 1)), 0, patience)).toMatchObject([
      /every run ends/,
    ])
  })

  test('refuses a claim from a run that is held', () => {
    const pause = { run: 1, held: new Map([[1, 2]]), freed: new Map([[1, 2]]) }
    expect(startedWhileHeld(pause)).toEqual([])
    expect(startedWhileHeld({ ...pause, freed: new Map([[1, 3]]) })).toHaveLength(1)
    expect(startedWhileHeld({ ...pause, freed: new Map([...pause.freed, [2, 1]]) })).toHaveLength(1)
  })

  test('refuses a cancellation that was accepted and forgotten', async () => {
    const [other] = await storm.world.sql("select id from engine.runs where state <> 'cancelled'")
    expect(await oracle.notCancelled(storm.world, new Set([Number(other?.['id'])]))).toHaveLength(1)
  })

  test('refuses that a worker’s lease ran out because its clock was wrong, and that one in order left something', async () => {
    const [worker] = await storm.world.sql("select id, name from engine.workers where gone_why = 'left'")
    const [id, name] = [Number(worker?.['id']), String(worker?.['name'])]
    expect(await leftBehind(storm.world, name)).toEqual([])
    const lies = await storm.world.undone(async (sql) => {
      await sql("update engine.workers set gone_why = 'lease' where id = $1", [id])
      await sql('alter table engine.tasks drop constraint a_running_task_has_its_worker_and_only_a_ready_one_waits')
      await sql('update engine.tasks set worker = $1 where ctid = (select ctid from engine.tasks limit 1)', [id])
      return [...(await oracle.outOfTime({ sql }, new Set([name]))), ...(await leftBehind({ sql }, name))]
    })
    expect(lies).toHaveLength(3)
  })

  test('counts money once', () => {
    const effect = (what: Effect['what'], attempt: number, at: number): Effect => {
      return { what, run: 1, task: 1, attempt, at, by: 'somebody', token: `t${attempt}` }
    }
    const receipt = { run: 1, task: 1, attempt: 1, token: 't1', at: 30 }
    const once = [effect('begin', 1, 0), effect('buy', 1, 10), effect('got', 1, 20)]
    const bill = { effects: once, receipts: [receipt], wasKilled: () => false }
    const wrong = (of: Partial<oracle.Bill>) => {
      const changed = { ...bill, ...of }
      return [oracle.unrecorded(changed).length, oracle.madeUp(changed).length, oracle.boughtAgain(changed).length]
    }
    expect(wrong({})).toEqual([0, 0, 0])
    expect(wrong({ receipts: [] })).toEqual([1, 0, 0])
    expect(wrong({ receipts: [], wasKilled: () => true })).toEqual([0, 0, 0])
    expect(wrong({ receipts: [receipt, receipt] })).toEqual([1, 1, 0])
    expect(wrong({ effects: [] })).toEqual([0, 1, 0])
    expect(wrong({ effects: [...once, effect('begin', 2, 900), effect('buy', 2, 910)] })).toEqual([0, 0, 1])
    // Bought at the same time: that is a second call, and both are in the ledger.
    expect(wrong({ effects: [...once, effect('begin', 2, 20), effect('buy', 2, 25)] })).toEqual([0, 0, 0])
  })

  test('hears of deadlocks, and of a worker that ends by itself', async () => {
    await storm.world.takeDeadlocks()
    await deadlock()
    expect(
      await until(
        () => storm.world.takeDeadlocks(),
        (seen) => seen > 0,
      ),
    ).toBe(1)
    const [worker] = storm.world.fleet.living()
    worker?.signal('SIGKILL')
    expect(
      await until(
        () => storm.world.fleet.surprises(),
        (seen) => seen.length > 0,
      ),
    ).toMatchObject([/ended by itself/])
  })

  test('does not count a storm in which a fault did not hit', () => {
    expect(missed({ ...told, hits: { ...told.hits, crash: 0 } })).toEqual(['crash'])
  })
})

async function deadlock(): Promise<void> {
  const clients = [1, 2].map(() => new pg.Client({ ...storm.world.api, application_name: 'deadlock' }))
  await Promise.all(clients.map((client) => client.connect()))
  const lock = (client: number, key: number) => clients[client]?.query('select pg_advisory_xact_lock(815, $1)', [key])
  try {
    await Promise.all(clients.map((client) => client.query('begin')))
    await Promise.all([lock(0, 0), lock(1, 1)])
    await Promise.allSettled([lock(0, 1), lock(1, 0)])
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
}
