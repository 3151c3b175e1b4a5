/** The verbs by hand: a worker that is one connection, and runs without a kind's code around them. */
import pg from 'pg'
import { openApi, type Principal } from '../src/access.ts'
import { workerSettings, type Tx } from '../src/database.ts'
import type { TaskSpec } from '../src/kinds.ts'
import { member, until, type TestDatabase } from '../testing/index.ts'

export interface Held {
  readonly run: number
  readonly n: number
  readonly attempt: number
  readonly tries: number
  readonly crashes: number
  readonly workspace: number
  readonly kind: string
  readonly input: unknown
}

export type Outcome = 'succeeded' | 'failed' | 'again' | 'later' | 'throttled' | 'stopped' | 'released' | 'cancelled'

/** How one attempt ended. */
export interface End {
  readonly held: Pick<Held, 'run' | 'n' | 'attempt'>
  readonly outcome: Outcome
  readonly body?: unknown
  readonly delay?: number
}

export interface Closed {
  readonly run_id: number
  readonly kept: number
  readonly last_event: number
  readonly state: string
  readonly more: boolean
}

export interface Swept {
  readonly gone: number
  readonly rescued: number
  readonly due: number
}

export interface HandWorker {
  readonly id: number
  readonly client: pg.Client
  claim(free: number): Promise<Held[]>
  close(...ends: readonly End[]): Promise<Closed[]>
  turn(free: number, ...ends: readonly End[]): Promise<{ kept: number; claimed: Held[]; lookAgain: number | null }>
  fence(...held: readonly Held[]): Promise<number>
  /** Sweeps as if it were so many seconds later, until there is nothing more to do. */
  expire(later?: number): Promise<Swept>
  register(): Promise<number>
  leave(): Promise<void>
  end(): Promise<void>
}

export interface HandOptions {
  readonly kinds?: readonly string[]
  readonly workspace?: number | null
  readonly slots?: number
  /** A connection that is there already. */
  readonly client?: pg.Client
}

/** Registers a worker on a connection with the worker's own settings. */
export async function workerByHand(db: TestDatabase, options: HandOptions = {}): Promise<HandWorker> {
  const client = options.client ?? (await connectWorker(db))
  let id = 0
  async function register() {
    const { rows } = await client.query<{ register: number }>('select engine.register($1, $2, $3, $4)', [
      'by hand',
      options.kinds ?? ['work'],
      options.workspace ?? null,
      options.slots ?? 200,
    ])
    id = rows[0]?.register ?? 0
    return id
  }
  await register()
  return {
    get id() {
      return id
    },
    client,
    register,
    async claim(free) {
      const { rows } = await client.query<ClaimRow>(
        'select run_id as run, n, attempt, tries, crashes, workspace_id as workspace, kind, input from engine.claim($1, $2)',
        [id, free],
      )
      return rows
    },
    close: (...ends) => closeOn(client, ends),
    async turn(free, ...ends) {
      const { rows } = await client.query<{
        closed: [number, number][] | null
        claimed: TurnRow[] | null
        look_again: number | null
      }>('select closed, claimed, look_again from engine.turn($1, $2, $3, $4, $5, $6, $7, $8)', [
        id,
        free,
        ...columnsOf(ends),
      ])
      const claimed = (rows[0]?.claimed ?? []).map(([run, n, attempt, tries, crashes, workspace, kind, input]) => ({
        run,
        n,
        attempt,
        tries,
        crashes,
        workspace,
        kind,
        input,
      }))
      return {
        kept: (rows[0]?.closed ?? []).reduce((sum, [, kept]) => sum + kept, 0),
        claimed,
        lookAgain: rows[0]?.look_again ?? null,
      }
    },
    async fence(...held) {
      const { rowCount } = await client.query('select run_id, n from engine.fence($1, $2, $3)', [
        held.map((one) => one.run),
        held.map((one) => one.n),
        held.map((one) => one.attempt),
      ])
      return rowCount ?? 0
    },
    expire: (later = 0) => expireOn(client, later),
    async leave() {
      await client.query('select engine.leave($1)', [id])
      await client.query('select engine.rescue()')
    },
    end: () => client.end(),
  }
}

type ClaimRow = { [name in keyof Held]: Held[name] }
type TurnRow = [number, number, number, number, number, number, string, unknown]

/** A connection of the worker's login, with the worker's own settings. */
export async function connectWorker(db: TestDatabase): Promise<pg.Client> {
  const client = new pg.Client({ ...workerSettings(db.worker), application_name: 'by hand' })
  client.on('error', () => {})
  await client.connect()
  return client
}

/** A close that comes from anywhere: only the attempt counts. */
export async function closeOn(client: pg.Client, ends: readonly End[]): Promise<Closed[]> {
  const { rows } = await client.query<Closed & pg.QueryResultRow>(
    'select * from engine.close($1, $2, $3, $4, $5, $6)',
    columnsOf(ends),
  )
  return rows
}

/** Sweeps as if it were so many seconds later, until there is nothing more to do; what all sweeps did together. */
export async function expireOn(client: pg.Client, later: number): Promise<Swept> {
  const sum = { gone: 0, rescued: 0, due: 0 }
  const end = Date.now() + 10_000
  for (;;) {
    const swept = await sweepOnce(client, later)
    if (swept.gone === null) {
      if (Date.now() > end) throw new Error('another had the broom for 10 s')
      await new Promise((resolve) => setTimeout(resolve, 5))
      continue
    }
    sum.gone += swept.gone
    sum.rescued += swept.rescued ?? 0
    sum.due += swept.due ?? 0
    if (swept.gone === 0 && swept.rescued === 0 && swept.due === 0) return sum
  }
}

/** One sweep; all null if another has the broom. */
export async function sweepOnce(client: pg.Client, later = 0) {
  const [looked] = await atClock(client, later, () =>
    client.query<{ gone: number | null; work: boolean | null }>('select gone, work from engine.expire()'),
  )
  if (looked === undefined) throw new Error('expire gave no row')
  if (looked.gone === null) return { gone: null, rescued: null, due: null }
  if (looked.gone > 0 || looked.work !== true) return { gone: looked.gone, rescued: 0, due: 0 }
  const [taken] = await atClock(client, later, () =>
    client.query<{ rescued: number }>('select engine.rescue() as rescued'),
  )
  await client.query('select engine.withdraw()')
  const [ripe] = await atClock(client, later, () => client.query<{ due: number }>('select engine.promote() as due'))
  return { gone: 0, rescued: taken?.rescued ?? 0, due: ripe?.due ?? 0 }
}

/** A transaction in which it is so many seconds later. */
export async function atClock<R extends pg.QueryResultRow>(
  client: pg.Client,
  later: number,
  work: () => Promise<pg.QueryResult<R>>,
): Promise<R[]> {
  await client.query('begin')
  try {
    await client.query(
      "select set_config('millrace.clock', (clock_timestamp() + make_interval(secs => $1))::text, true)",
      [later],
    )
    const { rows } = await work()
    await client.query('commit')
    return rows
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** For some seconds after its start the server counts nobody as dead: everybody is still coming back. */
export async function serverIsSettled(db: TestDatabase): Promise<void> {
  await until(
    () =>
      db.sql<{ up: number }>(
        // A template is made after the start: its databases begin to count there.
        `select extract(epoch from clock_timestamp() - greatest(max(at), pg_postmaster_start_time()))::float8 as up
           from engine.server_up`,
      ),
    ([row]) => (row?.up ?? 0) > 3.1,
  )
}

function columnsOf(ends: readonly End[]): unknown[] {
  return [
    ends.map((end) => end.held.run),
    ends.map((end) => end.held.n),
    ends.map((end) => end.held.attempt),
    ends.map((end) => end.outcome),
    ends.map((end) => (end.body === undefined ? null : JSON.stringify(end.body))),
    ends.map((end) => end.delay ?? 0),
  ]
}

export interface RunOptions {
  readonly kind?: string
  readonly workspace?: number
  readonly priority?: number
  readonly next?: boolean
  readonly held?: string
  readonly budget?: { readonly tokens?: number; readonly micros?: number }
}

/** Runs as the api would start them, many in one transaction; gives their numbers. */
export async function startRuns(
  db: TestDatabase,
  runs: readonly (RunOptions & { readonly tasks: readonly TaskSpec[] })[],
  who: Principal = member(),
): Promise<number[]> {
  const api = openApi(db.api, 1)
  try {
    return await api.as(who, async (tx) => {
      const ids: number[] = []
      for (const run of runs) ids.push(await startOn(tx, run))
      return ids
    })
  } finally {
    await api.close()
  }
}

export async function startRun(db: TestDatabase, tasks: number | readonly TaskSpec[], options: RunOptions = {}) {
  const specs = typeof tasks === 'number' ? tasksOf(tasks) : tasks
  const who = member('admin', options.workspace ?? 1)
  const [run = 0] = await startRuns(db, [{ ...options, tasks: specs }], who)
  return run
}

export function tasksOf(amount: number, kind = 'work'): TaskSpec[] {
  return Array.from({ length: amount }, (_, index) => ({ kind, input: { at: index + 1 } }))
}

async function startOn(tx: Tx, run: RunOptions & { readonly tasks: readonly TaskSpec[] }): Promise<number> {
  const { rows } = await tx.query<{ run_id: number }>(
    'select run_id from engine.start($1, $2, $3, $4, $5, $6, $7, null, null, null, $8, $9)',
    [
      run.workspace ?? 1,
      run.kind ?? 'hand',
      '{}',
      JSON.stringify(run.tasks),
      run.next ?? false,
      run.priority ?? 5,
      run.held ?? null,
      run.budget?.tokens ?? null,
      run.budget?.micros ?? null,
    ],
  )
  return rows[0]?.run_id ?? 0
}

/** Many runs of one task each, in one statement. */
export async function startMany(db: TestDatabase, amount: number, kind = 'work'): Promise<void> {
  const api = openApi(db.api, 1)
  try {
    await api.as(member(), (tx) =>
      tx.query(
        `select engine.start(1, 'hand', '{}', $2, false, 5::smallint, null, null, null, null)
           from generate_series(1, $1::integer)`,
        [amount, JSON.stringify(tasksOf(1, kind))],
      ),
    )
  } finally {
    await api.close()
  }
}

/** A second workspace, made by the owner. */
export async function addWorkspace(db: TestDatabase, name: string): Promise<number> {
  const rows = await db.sql<{ id: number }>('insert into engine.workspaces (name) values ($1) returning id', [name])
  return rows[0]?.id ?? 0
}
