/** A database that is away for a moment, full, or broken off: whose fault that is not. */
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Claimed } from '../src/attempt.ts'
import { openChronicle } from '../src/chronicle.ts'
import type { Tx } from '../src/database.ts'
import { openEngine, startWorker, type Engine, type Run, type Settings, type Worker } from '../src/index.ts'
import { openLedger } from '../src/ledger.ts'
import { freshDatabase, member, until, type TestDatabase } from '../testing/index.ts'
import { savingRun, SAVED, waitingRun } from './live-kinds.ts'
import { lossyLink } from './lossy-link.ts'

let db: TestDatabase
let engine: Engine
const workers = new Set<Worker>()

beforeAll(async () => {
  db = await freshDatabase()
  await db.sql(SAVED)
  engine = openEngine(db.api)
})
afterEach(async () => {
  await Promise.all([...workers].map((worker) => worker.drain(0)))
  workers.clear()
})
afterAll(async () => {
  await engine?.close()
  await db?.drop()
})

async function hire(kind: ReturnType<typeof waitingRun>, settings: Settings = db.worker) {
  workers.add(await startWorker({ settings, kinds: [kind], name: 'here' }))
}
const startWaiting = async () =>
  (
    await engine.start(
      member(),
      waitingRun(async () => {}),
      { amount: 1 },
      { workspace: 1 },
    )
  ).run
const ended = (run: number) =>
  until(
    () => engine.run(member(), run),
    (seen: Run) => seen.finishedAt !== null,
    10,
  )
const claimed: Claimed = {
  run: 1,
  task: 1,
  attempt: 2,
  tries: 0,
  crashes: 0,
  workspace: 1,
  kind: 'wait',
  input: null,
}

/** A session that holds that lock until it is told. */
async function holdLock(number: number): Promise<() => Promise<void>> {
  const client = new pg.Client(db.owner)
  await client.connect()
  await client.query('select pg_advisory_lock($1)', [number])
  return () => client.end()
}

/** Fails so often in these ways, then answers. */
function failing(codes: readonly string[]) {
  const left = [...codes]
  const asked: string[] = []
  const query: Tx['query'] = async (text) => {
    asked.push(typeof text === 'string' ? text : text.name)
    const code = left.shift()
    if (code !== undefined) throw Object.assign(new Error(code), { code })
    return { rows: [], rowCount: 0 }
  }
  return { query, asked }
}

const unused = () => Promise.reject(new Error('nothing was put into a vault'))

describe('an answer that was paid for', () => {
  test.each(['EPIPE', 'ECONNRESET', '53300', '57P01'])(
    'is kept, and its look for an older one waits, through %s',
    async (code) => {
      let calls = 0
      const db = failing([code, code, code, code])
      const bought = await openLedger(db.query, unused).remember(claimed, 'purchase', {}, async () => {
        calls += 1
        return 'goods'
      })
      expect([bought, calls]).toEqual(['goods', 1])
      // The look, the intent and the receipt; four times in vain.
      expect(db.asked).toHaveLength(7)
    },
  )

  test('that the database refuses is an error of its task', async () => {
    const db = failing([])
    const refusing: Tx['query'] = async (text, values) => {
      if (JSON.stringify(values).includes('receipt')) throw Object.assign(new Error('no'), { code: '22P05' })
      return db.query(text, values)
    }
    await expect(
      openLedger(refusing, unused).remember({ ...claimed, attempt: 1 }, 'purchase', {}, async () => 1),
    ).rejects.toThrow('no')
  })
})

describe('a task', () => {
  test('spends no try because its connection broke while it read', async () => {
    let reads = 0
    await hire(
      waitingRun(async (hand) => {
        reads += 1
        await hand.read('select pg_advisory_lock_shared(4711), pg_advisory_unlock_shared(4711)')
      }),
    )
    const release = await holdLock(4711)
    const { run } = await engine.start(
      member(),
      waitingRun(async () => {}),
      { amount: 1 },
      { workspace: 1 },
    )
    const [waiting] = await until(
      () =>
        db.sql<{ pid: number }>(
          "select pid from pg_locks where locktype = 'advisory' and objid = 4711 and not granted",
        ),
      (rows) => rows.length > 0,
    )
    await db.sql('select pg_terminate_backend($1)', [waiting?.pid])
    await release()
    expect(await ended(run)).toMatchObject({ state: 'succeeded' })
    expect(reads).toBe(1)
    expect(await db.sql('select tries, attempt from engine.tasks where run_id = $1', [run])).toEqual([
      { tries: 0, attempt: 1 },
    ])
  })

  test('does not fail because the disk was full while its rows were saved', async () => {
    await db.sql(`create sequence public.room; grant usage on sequence public.room to millrace_worker;
      create function public.no_room() returns trigger language plpgsql as $$ begin
        if nextval('public.room') < 3 then raise 'no space' using errcode = '53100'; end if; return new; end $$;
      create trigger no_room before insert on public.saved for each row execute function public.no_room()`)
    await hire(savingRun(async () => {}))
    const { run } = await engine.start(
      member(),
      savingRun(async () => {}),
      { amount: 1 },
      { workspace: 1 },
    )
    expect(await ended(run)).toMatchObject({ state: 'succeeded', failure: null })
    expect(await db.sql('select count(*) as rows from public.saved where run = $1', [run])).toEqual([{ rows: 1 }])
  })
})

test('a claim whose answer was lost is given back also when the database is away just then', async () => {
  const link = await lossyLink(db.worker)
  try {
    await hire(
      waitingRun(async () => {}),
      link.settings,
    )
    await ended(await startWaiting())
    link.loseAnswers()
    const run = await startWaiting()
    await until(
      () => db.sql("select from engine.tasks where run_id = $1 and state = 'running'", [run]),
      (running) => running.length === 1,
    )
    link.sever()
    await until(
      () => link.refused,
      (times) => times >= 3,
    )
    link.mend()
    expect((await ended(run)).state).toBe('succeeded')
    expect(await db.sql('select tries, crashes from engine.tasks where run_id = $1', [run])).toEqual([
      { tries: 0, crashes: 0 },
    ])
  } finally {
    link.mend()
    await link.close()
  }
})

test('a worker that is told to go, goes, although the database stays away', async () => {
  const link = await lossyLink(db.worker)
  let begun = false
  const worker = await startWorker({
    settings: link.settings,
    kinds: [
      waitingRun(async (hand) => {
        begun = true
        await new Promise((_, reject) => hand.signal.addEventListener('abort', () => reject(hand.signal.reason)))
      }),
    ],
  })
  const run = await startWaiting()
  await until(
    () => begun,
    (seen) => seen,
  )
  await link.close()
  await worker.drain(0)
  await engine.cancel(member(), run)
})

test('a worker that found no connection is told so at once, and does not begin later behind the back of who asked', async () => {
  const tight = await freshDatabase()
  const settings = tight.worker
  const kind = waitingRun(async () => {})
  try {
    await tight.sql(`alter database ${tight.name} connection limit 0`)
    await expect(startWorker({ settings, kinds: [kind], name: 'refused' })).rejects.toThrow(/too many connections/)
    await tight.sql(`alter database ${tight.name} connection limit -1`)
    const second = await startWorker({ settings, kinds: [kind], name: 'begun' })
    await second.drain(0)
    expect(await tight.sql('select name from engine.workers')).toEqual([{ name: 'begun' }])
  } finally {
    await tight.drop()
  }
})

test('a clock that is set back does not silence progress', async () => {
  const told: unknown[] = []
  const chronicle = openChronicle(
    async (_, values) => {
      told.push(...(values?.[4] as unknown[]))
      return { rows: [], rowCount: 0 }
    },
    () => {},
  )
  chronicle.progress(claimed, { at: 1 })
  await chronicle.flush()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 600_000 })
  try {
    await until(
      async () => {
        chronicle.progress(claimed, { at: 2 })
        await chronicle.flush()
        return told.length
      },
      (lines) => lines >= 2,
      2,
    )
  } finally {
    vi.useRealTimers()
  }
}, 5_000)
