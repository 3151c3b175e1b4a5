/**
 * A worker: claims, performs, closes.  One loop, the pump, takes turns: it closes
 * what has ended and claims what is free in the same transaction.
 */
import { hostname } from 'node:os'
import { setTimeout as later } from 'node:timers/promises'
import pg from 'pg'
import { Aborted, perform, type AbortCause, type Bench, type Claimed, type Ended } from './attempt.ts'
import { openBells } from './bells.ts'
import { openChronicle } from './chronicle.ts'
import { KEPT, isConnectionLoss, sqlState, whenConnected, workerSettings, type Settings, type Tx } from './database.ts'
import { taskKinds } from './decision.ts'
import type { AnyRunKind } from './kinds.ts'
import { openLedger } from './ledger.ts'
import { openLiveness } from './liveness.ts'
import { watchVersion } from './superseded.ts'
import { openSweeps, type Sweeps } from './sweeps.ts'
import { Fenced, takeTurn } from './turns.ts'

export interface WorkerOptions {
  readonly settings: Settings
  readonly kinds: readonly AnyRunKind[]
  /** Attempts at a time; bounds this process. Default 200. */
  readonly slots?: number
  /** Serves this workspace alone. Default: all. */
  readonly workspace?: number
  /** For people. Default: host and process. */
  readonly name?: string
  /** Milliseconds after which it looks for work though nobody rang; asked anew each time. Default 1000. */
  readonly lookEvery?: () => number
  /** For the program's own log: what nobody named. Never stored. */
  readonly report?: (error: unknown, claimed?: Claimed) => void
  /** Called once when the database was brought to a version that this worker cannot serve; it claims nothing more. */
  readonly superseded?: () => void
}

export interface Worker {
  readonly id: number
  /** How many attempts are being performed. */
  readonly performing: number
  /** Counts since the start: attempts closed, those of them that failed, and attempts that counted no more. */
  readonly counts: { readonly closed: number; readonly failed: number; readonly fenced: number }
  /** Claims nothing more, waits for what is performed, gives back the rest without a try. */
  drain(seconds?: number): Promise<void>
}

const SLOTS = 200
const LARGEST_TURN = 200
/** A first claim is small, so that its tasks begin while the next, twice as large, is under way. */
const FIRST_CLAIM = 25
/** So many endings are closed beside the claim instead of before it: free slots need not wait for their rows. */
const BESIDE = 24
const TURNS_AT_ONCE = 3
/** Milliseconds after which a worker looks for work by itself. */
const LOOK_AGAIN = 1_000
/** And between two questions whether it is time. */
const LOOK_STEP = 100
const RUN_INPUTS = 200
/** Milliseconds for saying goodbye to a database that may be away. */
const LAST_WORD = 6_000
/** A claim that was to wait for another: it gives up instead. */
const GAVE_UP = '55P03'
/** Milliseconds after a lost answer, when the server has certainly ended what it was doing. */
const DOUBT = 12_000

export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const slots = options.slots ?? SLOTS
  const kinds = taskKinds(options.kinds)
  const turns = openPool(options.settings, TURNS_AT_ONCE)
  const side = openPool(options.settings, 2)
  const query: Tx['query'] = (text, values) => side.query(text as pg.QueryConfig, values as unknown[])
  // Code that reads has not failed because the database was away.
  const read: Tx['query'] = (text, values) => whenConnected(() => query(text, values))

  const performing = new Map<Claimed, AbortController>()
  const ended: Ended[] = []
  const closing = new Set<Claimed>()
  let hungry = true
  let claiming = false
  let stride = FIRST_CLAIM
  /** When to look once more for what a lost claim gave us; only while no other claim is under way. */
  let doubtful = Infinity
  let turning = 0
  let reserved = 0
  let draining = false
  let stopped = false
  let scheduled = false
  let registered = false
  const counts = { closed: 0, failed: 0, fenced: 0 }
  let idle = () => {}

  const told = options.report ?? (() => {})
  const leave = () => Promise.allSettled([turns.end(), side.end()])
  const report = await watchVersion(query, told, () => {
    draining = true
    options.superseded?.()
  }).catch(async (error: unknown) => {
    await leave()
    throw error
  })

  const bells = openBells(query, report)
  const chronicle = openChronicle(query, bells.run)
  const ledger = openLedger(query, (work) => inTransaction(side, work))
  const inputs = new Map<number, Promise<unknown>>()
  const bench: Bench = {
    ledger,
    chronicle,
    read,
    report: told,
    runInput(run) {
      const known = inputs.get(run)
      if (known !== undefined) return known
      const asked = read<{ input: unknown }>('select input from engine.run_bodies where run_id = $1', [run]).then(
        ({ rows }) => rows[0]?.input,
      )
      asked.catch(() => inputs.delete(run))
      if (inputs.size >= RUN_INPUTS) inputs.delete(inputs.keys().next().value as number)
      inputs.set(run, asked)
      return asked
    },
  }

  function pump() {
    if (scheduled || stopped || !registered) return
    scheduled = true
    // A breath, so that what ends in this moment closes together.
    setImmediate(() => {
      scheduled = false
      while (turning < TURNS_AT_ONCE && startTurn());
    })
  }

  function startTurn(): boolean {
    const free = slots - performing.size - reserved
    const enough = free >= Math.max(1, Math.min(5, Math.floor(slots / 10)))
    if (!enough && !claiming) stride = FIRST_CLAIM
    const want = hungry && !claiming && !draining && enough ? Math.min(free, stride) : 0
    if (ended.length === 0 && want === 0) return false
    const batch = want > 0 && ended.length > BESIDE ? [] : ended.splice(0, LARGEST_TURN)
    for (const one of batch) closing.add(one.claimed)
    turning += 1
    reserved += want
    if (want > 0) {
      claiming = true
      // A bell that rings while we look makes us look once more.
      hungry = false
    }
    void runTurn(batch, want).finally(() => {
      for (const one of batch) closing.delete(one.claimed)
      turning -= 1
      reserved -= want
      if (want > 0) claiming = false
      if (performing.size === 0 && ended.length === 0 && turning === 0) idle()
      pump()
    })
    return true
  }

  async function runTurn(batch: readonly Ended[], want: number): Promise<void> {
    let me = 0
    if (want > 0 && performance.now() > doubtful) {
      doubtful = Infinity
      await giveBackUnknown()
    }
    for (let pause = 20; ; pause = Math.min(1_000, pause * 2)) {
      try {
        if (batch.length > 0) await chronicle.flush().catch(report)
        me = liveness.worker
        const turned = await takeTurn(turns, kinds, me, want, batch)
        counts.closed += batch.length - turned.fenced
        counts.fenced += turned.fenced
        // Which of them counted no more is not told; there are never more failures than closes.
        const failed = batch.filter(({ outcome }) => outcome === 'failed').length
        counts.failed += Math.min(failed, batch.length - turned.fenced)
        if (want > 0 && turned.claimed.length === want) {
          hungry = true
          stride = Math.min(LARGEST_TURN, Math.max(FIRST_CLAIM, want * 2))
        }
        if (turned.lookAgain !== null) lookIn(turned.lookAgain)
        for (const { run, lastEvent } of turned.changed) bells.run(run, lastEvent)
        for (const { run } of turned.claimed) bells.run(run, 0)
        if (turned.more) {
          hungry = true
          bells.work()
        }
        for (const claimed of turned.claimed) begin(claimed)
        return
      } catch (error) {
        if (error instanceof Fenced) {
          await liveness.registerAnew(me).catch(report)
          hungry = true
          if (batch.length === 0) return
          // Its attempts count no more, and saying so must not wait for a claim.
          want = 0
        } else if (want > 0 && sqlState(error) === GAVE_UP) {
          // Something stood in the way of the claim alone: what has ended does not wait for it.
          hungry = true
          if (batch.length > 0) want = 0
        } else {
          report(error)
          if (want > 0) {
            hungry = true
            await giveBackUnknown()
            doubtful = performance.now() + DOUBT
          }
          if (batch.length === 0) {
            await later(isConnectionLoss(error) ? pause : LOOK_AGAIN)
            return
          }
        }
        if (stopped) return
        await later(pause)
        if (batch.length === 0) return
      }
    }
  }

  let opening: NodeJS.Timeout | undefined
  /** A limit opens then: nobody rings for it. */
  function lookIn(seconds: number) {
    clearTimeout(opening)
    opening = setTimeout(
      () => {
        hungry = true
        pump()
      },
      Math.min(LOOK_AGAIN, Math.max(1, seconds * 1000)),
    )
  }

  /** A claim whose answer was lost was a claim all the same: what we hold and do not know goes back. */
  async function giveBackUnknown(): Promise<void> {
    const known = new Set([...performing.keys(), ...closing, ...ended.map((one) => one.claimed)].map(nameOf))
    // Until it is answered: nobody takes back from the living, and what we forget stays ours for ever.
    const { rows } = await whenConnected(() =>
      query<{ run: number; task: number; attempt: number }>(HELD, [liveness.worker]),
    ).catch((error: unknown) => {
      report(error)
      return { rows: [] }
    })
    for (const { run, task, attempt } of rows) {
      if (known.has(nameOf({ run, task, attempt }))) continue
      const claimed: Claimed = { run, task, attempt, tries: 0, crashes: 0, workspace: 0, kind: '', input: null }
      ended.push({ claimed, outcome: 'released', body: null, delay: 0 })
    }
  }

  function begin(claimed: Claimed) {
    const abort = new AbortController()
    const kind = kinds.get(claimed.kind)
    if (kind === undefined) throw new Error(`claimed an unknown kind: ${claimed.kind}`)
    performing.set(claimed, abort)
    void perform(kind, claimed, abort, bench).then((result) => {
      performing.delete(claimed)
      ended.push(result)
      pump()
    })
  }

  function abortAll(why: AbortCause, which: (claimed: Claimed) => boolean = () => true) {
    for (const [claimed, abort] of performing) if (which(claimed)) abort.abort(new Aborted(why))
  }

  let sweeps: Sweeps | undefined
  function wake() {
    sweeps?.stir()
    hungry = true
    pump()
  }

  const liveness = await openLiveness(
    options.settings,
    {
      name: options.name ?? `${hostname()}/${process.pid}`,
      kinds: () => [...kinds.values()].filter((kind) => kind.able?.() !== false).map((kind) => kind.name),
      workspace: options.workspace ?? null,
      slots,
      counts: () => counts,
    },
    {
      tasks: wake,
      runs: () => sweeps?.stir(),
      cancelled: (runs) => abortAll('cancelled', (claimed) => runs.includes(claimed.run)),
      fenced() {
        abortAll('fenced')
        wake()
      },
      report,
    },
  ).catch(async (error: unknown) => {
    await leave()
    throw error
  })

  registered = true
  const every = options.lookEvery ?? (() => LOOK_AGAIN)
  let lookedAt = performance.now()
  // A shorter time that is said meanwhile counts at once.
  const looking = setInterval(() => {
    if (performance.now() - lookedAt < every()) return
    lookedAt = performance.now()
    hungry = true
    pump()
  }, LOOK_STEP)
  sweeps = openSweeps(liveness, {
    busy: () => performing.size > 0,
    work() {
      hungry = true
      bells.work()
      pump()
    },
    report,
  })
  pump()

  let drained: Promise<void> | undefined
  async function drain(seconds: number) {
    draining = true
    const done = () => performing.size === 0 && ended.length === 0 && turning === 0
    const quiet = new Promise<void>((resolve) => (idle = resolve))
    const timers: NodeJS.Timeout[] = []
    const given = (ms: number) => new Promise<void>((resolve) => timers.push(setTimeout(resolve, ms)))
    async function inOrder() {
      if (!done()) {
        timers.push(setTimeout(() => abortAll('draining'), seconds * 1000))
        pump()
        await quiet
      }
      await Promise.all([ledger.settled(), chronicle.flush().catch(report)])
    }
    // A database that stays away is not waited for: our lease ends there, and others go on.
    await Promise.race([inOrder(), given(seconds * 1000 + LAST_WORD)])
    stopped = true
    clearInterval(looking)
    clearTimeout(opening)
    sweeps?.stop()
    await bells.flush()
    await liveness.close()
    await Promise.race([Promise.all([turns.end(), side.end()]), given(LAST_WORD)])
    for (const timer of timers) clearTimeout(timer)
  }

  return {
    get id() {
      return liveness.worker
    },
    get performing() {
      return performing.size
    },
    counts,
    drain: (seconds = 30) => (drained ??= drain(seconds)),
  }
}

const HELD = 'select run_id as run, n as task, attempt from engine.tasks where worker = $1'

function nameOf({ run, task, attempt }: Pick<Claimed, 'run' | 'task' | 'attempt'>): string {
  return `${run}/${task}/${attempt}`
}

function openPool(settings: Settings, max: number): pg.Pool {
  const pool = new pg.Pool({ ...workerSettings(settings), max, idleTimeoutMillis: KEPT })
  // A connection that PostgreSQL closed while idle is replaced at its next use.
  pool.on('error', () => {})
  // The same while one is in use: the pool listens to idle ones alone; the next query says it.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

async function inTransaction<T>(pool: pg.Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch((lost: Error) => (broken = lost))
    throw error
  } finally {
    client.release(broken)
  }
}
