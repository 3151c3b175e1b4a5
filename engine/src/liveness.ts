/**
 * Being alive, for a worker: a connection of its own that holds the session lock
 * and hears the bells.  When it breaks the lock is taken again under the same id;
 * a worker that was fenced meanwhile must register anew.
 */
import pg from 'pg'
import { workerSettings, type Settings } from './database.ts'

export interface Identity {
  readonly name: string
  /** What can be performed now; asked at each beat. */
  readonly kinds: () => readonly string[]
  readonly workspace: number | null
  readonly slots: number
  /** Attempts that this process has closed, and those of them that failed. */
  readonly counts: () => { readonly closed: number; readonly failed: number }
}

export interface Liveness {
  /** The number under which this worker may claim; changes when it was fenced. */
  readonly worker: number
  /** One sweep over everybody; nothing while the connection is away. */
  sweep(): Promise<Swept | undefined>
  /** Called when another saw us dead under this number; nothing if we have a new one already. */
  registerAnew(fenced: number): Promise<void>
  close(): Promise<void>
}

export interface Swept {
  /** Tasks that became ready: taken back from the gone, or due. */
  readonly ready: number
  /** Does anybody perform anything? */
  readonly busy: boolean
  /** Workers that are alive, as far as is known. */
  readonly alive: number | null
  /** Somebody's session was not seen: look again soon. */
  readonly missing: boolean
  /** Seconds until the next thing that waits for a time is due; null: none, or somebody is busy. */
  readonly dueIn: number | null
}

export interface Bells {
  /** Work may be ready. */
  tasks(): void
  /** Something moved somewhere: a run changed. */
  runs(): void
  /** A cancellation was asked, or a lease was extended: these runs are to stop. */
  cancelled(runs: readonly number[]): void
  /** We were fenced and go on under a new number. */
  fenced(): void
  report(error: unknown): void
}

interface Look {
  readonly gone: number | null
  readonly work: boolean | null
  readonly busy: boolean
  readonly alive: number | null
  readonly missing: boolean | null
  readonly due_in: number | null
}

const EXPIRE = { name: 'expire', text: 'select gone, work, busy, alive, missing, due_in from engine.expire()' }
const RESCUE = { name: 'rescue', text: 'select engine.rescue() as ready' }
const WITHDRAW = { name: 'withdraw', text: 'select engine.withdraw()' }
const PROMOTE = { name: 'promote', text: 'select engine.promote() as ready' }

/** Milliseconds between two extensions of the lease of 15 s. */
const EXTEND = 5_000
/** Milliseconds for which a lost connection holds up the goodbye. */
const GOODBYE = 5_000

export async function openLiveness(settings: Settings, identity: Identity, bells: Bells): Promise<Liveness> {
  let worker = 0
  let client: pg.Client | undefined
  /** Before it is, nothing is tried behind the back of who waits for it. */
  let opened = false
  /** On its way out: it is not to come back under another number. */
  let leaving = false
  let closed = false
  let connecting: Promise<void> | undefined
  let last: Promise<unknown> = Promise.resolve()

  async function connect() {
    const next = new pg.Client({ ...workerSettings(settings), application_name: 'millrace worker liveness' })
    const lost = () => {
      if (client === next) client = undefined
      if (opened && !closed) reconnect()
    }
    next.on('error', lost)
    next.on('end', lost)
    next.on('notification', (message) => {
      if (message.channel === 'millrace_tasks') bells.tasks()
      else if (message.channel === 'millrace_cancel') void extend()
      else bells.runs()
    })
    await next.connect()
    await next.query('listen millrace_tasks; listen millrace_runs; listen millrace_cancel')
    client = next
    // What hangs on the old connection is not waited for.
    last = Promise.resolve()
  }

  async function register() {
    const { rows } = await query<{ register: number }>('select engine.register($1, $2, $3, $4)', [
      identity.name,
      identity.kinds(),
      identity.workspace,
      identity.slots,
    ])
    worker = rows[0]?.register ?? 0
  }

  /** One after the other: a beat waits for the sweep that is under way on the same connection. */
  function query<R extends pg.QueryResultRow>(
    text: string | { name: string; text: string },
    values: readonly unknown[],
  ) {
    const asked = last.then(() => {
      if (client === undefined) throw new Error('no connection')
      return client.query<R>(text as pg.QueryConfig, values as unknown[])
    })
    last = asked.catch(() => {})
    return asked
  }
  const ask = <R extends pg.QueryResultRow>(text: { name: string; text: string }) =>
    client === undefined ? undefined : query<R>(text, [])

  function reconnect() {
    connecting ??= (async () => {
      for (let pause = 20; !closed; pause = Math.min(1_000, pause * 2)) {
        try {
          await connect()
          const { rows } = await query<{ relock: boolean }>('select engine.relock($1)', [worker])
          if (rows[0]?.relock !== true) {
            await register()
            bells.fenced()
          }
          bells.tasks()
          return
        } catch (error) {
          bells.report(error)
          await client?.end().catch(() => {})
          client = undefined
          await new Promise((resolve) => setTimeout(resolve, pause))
        }
      }
    })().finally(() => (connecting = undefined))
  }

  async function extend() {
    try {
      const asked = worker
      const { closed: done, failed } = identity.counts()
      const { rows } = await query<{ extend: number[] | null }>('select engine.extend($1, $2, $3, $4)', [
        asked,
        identity.kinds(),
        done,
        failed,
      ])
      const runs = rows[0]?.extend ?? null
      if (runs === null) await registerAnew(asked)
      else if (runs.length > 0) bells.cancelled(runs.map(Number))
    } catch (error) {
      // The connection's own end brings a new one.
      if (client !== undefined) bells.report(error)
    }
  }

  let renewing: Promise<void> | undefined
  function registerAnew(fenced: number): Promise<void> {
    if (leaving) return Promise.resolve()
    renewing ??= (async () => {
      await connecting
      if (worker !== fenced) return
      await register()
      bells.fenced()
    })().finally(() => (renewing = undefined))
    return renewing
  }

  async function goodbye() {
    for (;;) {
      await connecting
      await renewing?.catch(() => {})
      const left = await query('select engine.leave($1)', [worker]).then(
        () => true,
        () => false,
      )
      if (left || closed) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  try {
    await connect()
    await register()
  } catch (error) {
    await client?.end().catch(() => {})
    throw error
  }
  opened = true
  // Lost in that moment, when nobody tried again yet.
  if (client === undefined) reconnect()
  const beat = setInterval(() => void extend(), EXTEND)
  return {
    get worker() {
      return worker
    },
    registerAnew,
    async sweep() {
      let row: Look | undefined
      do {
        const looked = await ask<Look>(EXPIRE)
        row = looked?.rows[0]
      } while ((row?.gone ?? 0) > 0)
      if (row === undefined) return undefined
      const { busy, alive, due_in: dueIn } = row
      const seen = { busy, alive, missing: row.missing === true, dueIn }
      if (row.work !== true) return { ready: 0, ...seen }
      const taken = await ask<{ ready: number }>(RESCUE)
      await ask(WITHDRAW)
      const ripe = await ask<{ ready: number }>(PROMOTE)
      return { ready: (taken?.rows[0]?.ready ?? 0) + (ripe?.rows[0]?.ready ?? 0), ...seen }
    },
    async close() {
      leaving = true
      clearInterval(beat)
      // Its last counts; what stands in the way of them stands in the way of the goodbye.
      if (client !== undefined) void extend()
      // Who does not say that he goes is taken for dead, so a lost connection is made anew for it.
      let timer: NodeJS.Timeout | undefined
      await Promise.race([goodbye(), new Promise((resolve) => (timer = setTimeout(resolve, GOODBYE)))])
      clearTimeout(timer)
      closed = true
      await connecting
      // A transaction of its own: what it still held, if anything, is taken back after it is gone.
      await ask(RESCUE)?.catch(() => {})
      await client?.end().catch(() => {})
    },
  }
}
