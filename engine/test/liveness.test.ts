/** Who is dead, who only seems so, and what happens to what they held. */
import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ownerSettings } from '../src/database.ts'
import { openEngine, startWorker, type Engine, type Settings, type Worker } from '../src/index.ts'
import { freshDatabase, member, until, type TestDatabase } from '../testing/index.ts'
import { expireOn, serverIsSettled, workerByHand } from './by-hand.ts'
import { savingRun, SAVED, waitingRun } from './live-kinds.ts'
import { lossyLink } from './lossy-link.ts'

const PROGRAM = join(import.meta.dirname, 'live-worker.ts')

let db: TestDatabase
let engine: Engine
const children = new Set<ChildProcess>()
const workers = new Set<Worker>()

beforeAll(async () => {
  db = await freshDatabase()
  await db.sql(SAVED)
  await serverIsSettled(db)
  engine = openEngine(db.api)
})
afterEach(async () => {
  await Promise.all([...children].map(bury))
  await Promise.all([...workers].map((worker) => worker.drain(0)))
  workers.clear()
  await db.sql("update engine.lanes set stop = 'over' where not idle")
})
afterAll(async () => {
  await engine?.close()
  await db?.drop()
})

interface Child {
  readonly process: ChildProcess
  /** Waits until it has said a word so many times. */
  said(word: string, times?: number): Promise<void>
}

async function hireProcess(settings: Settings = db.worker): Promise<Child> {
  const child = spawn(process.execPath, [PROGRAM], {
    env: { ...process.env, LIVE: JSON.stringify({ settings, name: 'process' }) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.add(child)
  const words: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => words.push(line))
  const said = async (word: string, times = 1) => {
    await until(
      () => words.filter((one) => one === word).length,
      (seen) => seen >= times,
      10,
    )
  }
  await said('ready')
  return { process: child, said }
}

async function bury(child: ChildProcess) {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

async function hire(
  kinds: Parameters<typeof startWorker>[0]['kinds'],
  settings: Settings = db.worker,
): Promise<Worker> {
  const worker = await startWorker({ settings, kinds })
  workers.add(worker)
  return worker
}

const startWaiting = async (amount = 1) =>
  (
    await engine.start(
      member(),
      waitingRun(async () => {}),
      { amount },
      { workspace: 1 },
    )
  ).run
const startSaving = async (amount = 1) =>
  (
    await engine.start(
      member(),
      savingRun(async () => {}),
      { amount },
      { workspace: 1 },
    )
  ).run

async function ended(run: number, seconds = 5) {
  return await until(
    () => engine.run(member(), run),
    (seen) => seen.finishedAt !== null,
    seconds,
  )
}
const taskOf = async (run: number, n = 1) =>
  (await db.sql('select state, attempt, tries, crashes from engine.tasks where run_id = $1 and n = $2', [run, n]))[0]
const attemptsOf = (run: number) =>
  db.sql('select attempt, outcome from engine.attempts where run_id = $1 order by n, attempt', [run])

/** Of this database: others of the cluster have workers with the same numbers. */
const SESSION = `select pid from pg_locks where locktype = 'advisory' and classid = engine.liveness()::oid
  and database = (select d.oid from pg_database d where d.datname = current_database())
  and objid::integer = $1 and objsubid = 2 and granted`

/** Ends the session in which a worker says that it is alive; gives its process. */
async function cutLiveness(worker: number): Promise<unknown> {
  const cut = await db.sql(`select pid, pg_terminate_backend(pid) from (${SESSION}) s`, [worker])
  expect(cut).toHaveLength(1)
  return cut[0]?.['pid']
}

describe('a worker that was killed', () => {
  test('is seen at once, and its task is performed by another', async () => {
    const child = await hireProcess()
    const run = await startWaiting()
    await child.said('begun')
    await hire([waitingRun(async () => {})])
    const since = performance.now()
    child.process.kill('SIGKILL')
    await ended(run)
    const took = performance.now() - since
    console.log(`rescued after ${took.toFixed(0)} ms`)
    expect(took).toBeLessThan(2_000)
    expect(await taskOf(run)).toEqual({ state: 'succeeded', attempt: 2, tries: 0, crashes: 1 })
    expect(await attemptsOf(run)).toEqual([{ attempt: 1, outcome: 'expired' }])
  })
})

describe('a worker that is stopped', () => {
  test('loses its task when its lease is past, whoever held the broom, and goes on as somebody else', async () => {
    const child = await hireProcess()
    const run = await startWaiting()
    await child.said('begun')
    child.process.kill('SIGSTOP')
    const other = await workerByHand(db, { kinds: ['wait'] })
    try {
      await expireOn(other.client, 10)
      expect(await taskOf(run)).toMatchObject({ state: 'running', attempt: 1 })
      await expireOn(other.client, 20)
      expect(await taskOf(run)).toMatchObject({ state: 'ready', attempt: 1, crashes: 1 })
      await other.register()
      const [held] = await other.claim(1)
      expect(held).toMatchObject({ run, attempt: 2, crashes: 1 })
      child.process.kill('SIGCONT')
      // It hears that it was fenced, and asks for work under a new number.
      const next = await startWaiting()
      await child.said('begun', 2)
      expect(await taskOf(next)).toMatchObject({ state: 'running', attempt: 1 })
      expect(await taskOf(run)).toMatchObject({ state: 'running', attempt: 2 })
      if (held !== undefined) await other.close({ held, outcome: 'succeeded' })
      expect((await ended(run)).state).toBe('succeeded')
    } finally {
      await other.end()
    }
  })

  test('in the middle of its save does not hold up the rescue for longer than its lease', async () => {
    const child = await hireProcess()
    const run = await startSaving()
    await child.said('saving')
    child.process.kill('SIGSTOP')
    const other = await workerByHand(db, { kinds: ['save'] })
    try {
      await other.client.query("set statement_timeout = '12s'")
      await until(
        async () => {
          await expireOn(other.client, 20)
          return await taskOf(run)
        },
        (task) => task?.['state'] === 'ready',
        12,
      )
      await other.register()
      const [held] = await other.claim(1)
      expect(held).toMatchObject({ run, attempt: 2 })
      child.process.kill('SIGCONT')
      if (held !== undefined) await other.close({ held, outcome: 'succeeded' })
      expect((await ended(run)).state).toBe('succeeded')
      expect(await db.sql('select * from public.saved where run = $1', [run])).toEqual([])
    } finally {
      await other.end()
    }
  })

  test('in the middle of its save holds up only what it saves', async () => {
    const child = await hireProcess()
    const waiting = await startWaiting(2)
    await child.said('begun', 2)
    const saving = await startSaving()
    await child.said('saving')
    child.process.kill('SIGSTOP')
    const other = await workerByHand(db, { kinds: ['wait'] })
    try {
      await other.client.query("set statement_timeout = '2s'")
      await until(
        async () => {
          await expireOn(other.client, 20)
          return await taskOf(waiting)
        },
        (task) => task?.['state'] === 'ready',
        5,
      )
      expect(await taskOf(saving)).toMatchObject({ state: 'running' })
    } finally {
      await other.end()
    }
  })
})

describe('a worker whose session was cut', () => {
  test('takes its lock again under its own number, and loses nothing', async () => {
    let open = () => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const worker = await hire([waitingRun(() => gate)])
    const before = worker.id
    const run = await startWaiting()
    await until(
      () => worker.performing,
      (seen) => seen === 1,
    )
    for (let times = 0; times < 3; times += 1) {
      const cut = await cutLiveness(before)
      await until(
        () => db.sql(SESSION, [before]),
        ([session]) => session !== undefined && session['pid'] !== cut,
      )
    }
    open()
    expect((await ended(run)).state).toBe('succeeded')
    expect(worker.id).toBe(before)
    expect(await attemptsOf(run)).toEqual([])
  })

  test('works again soon, even if the server still believes in the session that is gone', async () => {
    const worker = await hire([waitingRun(async () => {})])
    // Somebody who waits first gets the lock first: so it looks when a link was cut without a word.
    const ghost = new pg.Client(ownerSettings(db.owner))
    ghost.on('error', () => {})
    await ghost.connect()
    try {
      const haunted = ghost.query('select pg_advisory_lock(engine.liveness(), $1)', [worker.id])
      await until(
        () =>
          db.sql(
            `select 1 from pg_locks where locktype = 'advisory' and not granted
                and database = (select d.oid from pg_database d where d.datname = current_database())`,
          ),
        (waiting) => waiting.length === 1,
      )
      await cutLiveness(worker.id)
      await haunted
      const run = await startWaiting()
      expect((await ended(run, 6)).state).toBe('succeeded')
      await until(
        () =>
          db.sql('select 1 from engine.workers where gone_at is null and lease_until > now() and id = $1', [worker.id]),
        (alive) => alive.length === 1,
        6,
      )
      // It hears of cancellations, so its session is whole.
      const heard = await until(
        () =>
          db.sql(
            "select 1 from pg_stat_activity where application_name = 'millrace worker liveness' and state = 'idle' and datname = current_database()",
          ),
        (sessions) => sessions.length >= 1,
        6,
      )
      expect(heard).not.toEqual([])
    } finally {
      await ghost.end()
    }
  })

  test('performs also what it claimed in an answer that was lost', async () => {
    const link = await lossyLink(db.worker)
    try {
      const worker = await hire([waitingRun(async () => {})], link.settings)
      const first = await startWaiting(3)
      await ended(first)
      link.loseAnswers()
      const run = await startWaiting(3)
      await until(
        () => taskOf(run),
        (task) => task?.['state'] === 'running',
      )
      link.cut()
      const seen = await ended(run)
      expect(seen).toMatchObject({ state: 'succeeded', progress: { succeeded: 3 } })
      expect(await taskOf(run)).toMatchObject({ tries: 0, crashes: 0 })
      await worker.drain(1)
    } finally {
      await link.close()
    }
  })
})

describe('a backend that was terminated', () => {
  test('costs no task, no row twice and no process', async () => {
    let turns = 0
    await hire([
      savingRun(async () => {
        turns += 1
        await new Promise((resolve) => setTimeout(resolve, 5))
      }),
    ])
    const run = await startSaving(150)
    let terminated = 0
    for (let round = 0; round < 5; round += 1) {
      const seen = turns
      await until(
        () => turns,
        (now) => now > seen,
        2,
      ).catch(() => {})
      const rows = await db.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'millrace worker'`,
      )
      terminated += rows.length
    }
    expect(terminated).toBeGreaterThan(0)
    expect(await ended(run, 15)).toMatchObject({ state: 'succeeded', progress: { succeeded: 150 } })
    const [saved] = await db.sql(
      'select count(*) as rows, count(distinct task) as tasks from public.saved where run = $1',
      [run],
    )
    expect(saved).toEqual({ rows: 150, tasks: 150 })
  })

  test('of the api, in the middle of a transaction, is an error and not the end of the program', async () => {
    const api = openEngine({ ...db.api })
    try {
      const broken = api.as(member(), async (tx) => {
        const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
        await db.sql('select pg_terminate_backend($1)', [rows[0]?.pid])
        // The connection tells of its end while nobody asks it anything.
        await until(
          () => db.sql('select 1 from pg_stat_activity where pid = $1', [rows[0]?.pid]),
          (left) => left.length === 0,
        )
        await new Promise((resolve) => setImmediate(resolve))
        await tx.query('select 1')
      })
      await expect(broken).rejects.toThrow()
      expect(await api.runs(member())).toBeInstanceOf(Array)
    } finally {
      await api.close()
    }
  })
})
