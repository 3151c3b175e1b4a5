/** The api's side: ask for runs, stop them, read them.  One function a verb. */
import { createHash } from 'node:crypto'
import pg from 'pg'
import { openApi, type Api, type Principal } from './access.ts'
import { openBudgets, type Budget, type Budgets } from './budgets.ts'
import type { Settings, Tx } from './database.ts'
import { LARGEST_ARTIFACT, listArtifacts, readChunk, type Artifact } from './artifacts.ts'
import { noSuchRun, Refusal, type Failure } from './errors.ts'
import { follow, openFeedReader, type Event } from './feed.ts'
import { toJson } from './json.ts'
import { unlisted, type RunKind, type TaskSpec } from './kinds.ts'
import { openLimits, type Limits } from './limits.ts'
import { keyOf, siftSpecs } from './sensitive.ts'
import { openWake, RUNS, type Wake } from './wake.ts'
import { askWhy, type Waiting } from './why.ts'

export type RunState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'

/** How far a run is; counts of tasks, `percent` of those ended. */
export interface Progress {
  readonly total: number
  readonly succeeded: number
  readonly failed: number
  readonly cancelled: number
  readonly open: number
  readonly percent: number
}

/** What a run is doing now. */
export interface Activity {
  /** Attempts under way. */
  readonly inFlight: number
  /** Tries that were spent and given again. */
  readonly retries: number
  /** Tasks that end a second, by the last minute; null when too few did. */
  readonly rate: number | null
  /** Seconds until nothing is open, at that rate; null while nothing is under way. */
  readonly secondsLeft: number | null
}

export interface Run {
  readonly id: number
  readonly workspace: number
  readonly kind: string
  readonly state: RunState
  /** The state, or `paused`, `awaiting_approval` while it is held. */
  readonly status: string
  readonly priority: number
  readonly round: number
  readonly progress: Progress
  readonly cancelAsked: boolean
  readonly lastEvent: number
  readonly parent: number | null
  readonly createdAt: Date
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  readonly output: unknown
  readonly failure: Failure | null
}

export interface StartOptions {
  readonly workspace: number
  readonly priority?: number
  /** Why nobody may claim yet. */
  readonly held?: 'paused' | 'awaiting_approval'
  readonly parent?: number
  /** The same key with the same input is the same run; with another input it is refused. */
  readonly key?: string
  /** The most that the run may use: tokens, and millionths of the currency. */
  readonly budget?: Budget
  /** Seconds from now before which none of its first tasks begins. */
  readonly delay?: number
  /** The domain's own rows about this run, in the same transaction. */
  readonly alongside?: (tx: Tx, run: number) => Promise<void>
}

export interface Engine {
  start<In>(
    who: Principal,
    kind: RunKind<In>,
    input: In,
    options: StartOptions,
  ): Promise<{ run: number; created: boolean }>
  hold(who: Principal, run: number, why?: 'paused' | 'awaiting_approval'): Promise<void>
  release(who: Principal, run: number): Promise<void>
  /** Before or after other runs: higher numbers first, 5 is usual. */
  prefer(who: Principal, run: number, priority: number): Promise<void>
  /** `reason`: kept in the run's log, so not for kinds that are sensitive. */
  cancel(who: Principal, run: number, reason?: string): Promise<void>
  /** Once more, under a new round: what failed or was cancelled; with `all`, everything. Gives the round. */
  reopen(
    who: Principal,
    run: number,
    options?: { all?: boolean; alongside?: (tx: Tx, run: number) => Promise<void> },
  ): Promise<number>
  /** A line for each part of the run that waits; empty when nothing does. */
  why(who: Principal, run: number): Promise<Waiting[]>
  /** What the run may use from now on; an empty budget is none. */
  budget(who: Principal, run: number, budget: Budget): Promise<void>
  /** Those of runs and of workspaces. */
  readonly budgets: Budgets
  /** What may run and begin under a key. */
  readonly limits: Limits
  artifacts(who: Principal, run: number): Promise<Artifact[]>
  /** The content, chunk by chunk; empty for a reader who may not see it. */
  readArtifact(who: Principal, artifact: number): AsyncIterable<Buffer>
  /** Throws away runs that ended before then, whole; gives how many. */
  prune(
    who: Principal,
    options: { before: Date; workspace?: number; kind?: string; signal?: AbortSignal },
  ): Promise<number>
  run(who: Principal, run: number): Promise<Run>
  runs(
    who: Principal,
    filter?: { kind?: string; ids?: readonly number[]; limit?: number; before?: number },
  ): Promise<Run[]>
  activity(who: Principal, run: number): Promise<Activity>
  /** Calls back when something may have changed in any run; gives the end of that.  It may be missed: look now and then. */
  onChange(listener: () => void): Promise<() => void>
  /** The events after a number, then those to come, until the run's end has been given. */
  follow(who: Principal, run: number, after?: number, signal?: AbortSignal): AsyncIterable<Event>
  /** For the domains' own queries. */
  readonly as: Api['as']
  /** Calls back when a bell of this channel is rung anywhere, and when some may have been missed; gives how to stop. */
  onBell(channel: string, listener: () => void): Promise<() => void>
  readonly connections: Api['connections']
  close(): Promise<void>
}

/** Its columns by name: a statement that is prepared outlives a column that is added. */
const SELECT_RUN = `select r.id, r.workspace_id, r.kind, r.state, r.priority, r.round, r.cancel_asked_at, r.last_event,
    r.parent_id, r.created_at, r.started_at, r.finished_at,
    engine.status(r) as status, engine.progress(r) as progress, b.output, b.failure
  from engine.runs r join engine.run_bodies b on b.run_id = r.id`
/** Prepared once a connection: looked up by their keys, they take longer to plan than to answer. */
const ONE_RUN = { name: 'one_run', text: `${SELECT_RUN} where r.id = $1` }
const THESE_RUNS = { name: 'these_runs', text: `${SELECT_RUN} where r.id = any($1) order by r.id desc` }
const SOME_RUNS = `${SELECT_RUN} where ($1::text is null or r.kind = $1) and ($2::bigint is null or r.id < $2)
  and ($3::bigint[] is null or r.id = any($3)) order by r.id desc limit $4`

/** Tasks that pass through memory at once while a run is started. */
const CHUNK = 1_000
const NORMAL = 5

export function openEngine(settings: Settings): Engine {
  const api = openApi(settings)
  const budgets = openBudgets(api)
  const reader = openFeedReader(api)
  let wake: Promise<Wake> | undefined
  const listening = () => (wake ??= openWake(settings))

  async function change(
    who: Principal,
    verb: 'hold' | 'release' | 'prefer' | 'cancel',
    run: number,
    ...rest: unknown[]
  ) {
    const places = [run, ...rest].map((_, index) => `$${index + 1}`).join(', ')
    await api.as(
      who,
      (tx) => tx.query<{ last_event: number }>(`select last_event from engine.${verb}(${places})`, [run, ...rest]),
      ({ rows }) => {
        const bells = { millrace_tasks: '', millrace_runs: `${run}:${rows[0]?.last_event ?? 0}` }
        return verb === 'cancel' ? { ...bells, millrace_cancel: `${run}` } : bells
      },
    )
  }

  return {
    as: (who, work, bells) => api.as(who, work, bells),
    onBell: async (channel, listener) => (await listening()).onBell(channel, listener),
    connections: () => api.connections(),
    async start(who, kind, input, options) {
      const parsed = kind.input.safeParse(input)
      if (!parsed.success) throw invalidInput(kind.name, parsed.error.issues)
      const body = toJson(parsed.data)
      const plan = async (tx: Tx) => {
        let begun: { run_id: number; created: boolean } | undefined
        for await (const planned of inChunks(kind.plan(parsed.data))) {
          const foreign = unlisted(kind, planned)
          if (foreign !== undefined) throw unlistedTask(kind.name, foreign)
          const chunk = siftSpecs(kind, planned)
          const tasks = toJson(options.delay === undefined ? chunk : delayed(chunk, options.delay))
          if (begun !== undefined) {
            await tx.query('select engine.more($1, $2)', [begun.run_id, tasks])
            continue
          }
          const { rows } = await tx.query<{ run_id: number; created: boolean }>(
            'select run_id, created from engine.start($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)',
            [
              options.workspace,
              kind.name,
              body,
              tasks,
              kind.next !== undefined,
              options.priority ?? NORMAL,
              options.held ?? null,
              options.parent ?? null,
              options.key === undefined ? null : keyOf(kind, options.key),
              options.key === undefined ? null : createHash('sha256').update(body).digest(),
              options.budget?.tokens ?? null,
              options.budget?.micros ?? null,
            ],
          )
          begun = rows[0]
          if (begun === undefined || !begun.created) break
          await options.alongside?.(tx, begun.run_id)
        }
        if (begun === undefined) throw new Error('engine.start gave no row')
        return begun
      }
      const started = await api.as(who, plan, ({ created, run_id }) =>
        created ? { millrace_tasks: '', millrace_runs: `${run_id}:1` } : undefined,
      )
      return { run: started.run_id, created: started.created }
    },
    hold: (who, run, why = 'paused') => change(who, 'hold', run, why),
    release: (who, run) => change(who, 'release', run),
    prefer: (who, run, priority) => change(who, 'prefer', run, priority),
    cancel: (who, run, reason) => change(who, 'cancel', run, reason ?? null),
    async reopen(who, run, { all = false, alongside } = {}) {
      const open = async (tx: Tx) => {
        const { rows } = await tx.query<{ round: number; last_event: number }>(
          'select round, last_event from engine.reopen($1, $2)',
          [run, all],
        )
        await alongside?.(tx, run)
        return rows[0]
      }
      const opened = await api.as(who, open, (row) => ({
        millrace_tasks: '',
        millrace_runs: `${run}:${row?.last_event ?? 0}`,
      }))
      return opened?.round ?? 0
    },
    why: (who, run) => api.as(who, (tx) => askWhy(tx, run)),
    budget: (who, run, budget) => budgets.set(who, { run }, budget),
    budgets,
    limits: openLimits(api),
    artifacts: (who, run) => api.as(who, (tx) => listArtifacts(tx, run)),
    async *readArtifact(who, artifact) {
      for (let i = 0; i < LARGEST_ARTIFACT; i += 1) {
        const chunk = await api.as(who, (tx) => readChunk(tx, artifact, i))
        if (chunk === undefined) return
        yield chunk
      }
    },
    async prune(who, { before, workspace, kind, signal }) {
      for (let gone = 0; ;) {
        const { rows } = await api.as(who, (tx) =>
          tx.query<{ amount: number }>('select engine.prune($1, $2, $3) as amount', [
            before,
            workspace ?? null,
            kind ?? null,
          ]),
        )
        const amount = rows[0]?.amount ?? 0
        gone += amount
        if (amount === 0 || signal?.aborted === true) return gone
      }
    },
    async run(who, run) {
      const { rows } = await api.as(who, (tx) => tx.query<RunRow>(ONE_RUN, [run]))
      const [row] = rows
      if (row === undefined) throw noSuchRun(run)
      return toRun(row)
    },
    async runs(who, { kind, before, ids, limit } = {}) {
      const values = [kind ?? null, before ?? null, ids ?? null, limit ?? ids?.length ?? 50]
      const simple = ids !== undefined && kind === undefined && before === undefined && limit === undefined
      const { rows } = await api.as(who, (tx) =>
        simple ? tx.query<RunRow>(THESE_RUNS, [ids]) : tx.query<RunRow>(SOME_RUNS, values),
      )
      return rows.map(toRun)
    },
    async activity(who, run) {
      const { rows } = await api.as(who, (tx) =>
        tx.query<{ in_flight: number; retries: number; rate: number | null; open: number }>(
          `select a.*, r.open - r.deciding::integer as open from engine.runs r cross join engine.activity(r.id) a where r.id = $1`,
          [run],
        ),
      )
      const [row] = rows
      if (row === undefined) throw noSuchRun(run)
      const { in_flight: inFlight, retries, rate, open } = row
      const moves = inFlight > 0 && rate !== null && rate > 0
      return { inFlight, retries, rate, secondsLeft: moves ? open / rate : null }
    },
    onChange: async (listener) => (await listening()).onBell(RUNS, listener),
    async *follow(who, run, after = 0, signal) {
      yield* follow(reader, await listening(), who, run, after, signal)
    },
    async close() {
      await (await wake)?.close()
      await api.close()
    },
  }
}

async function* inChunks(plan: Iterable<TaskSpec> | AsyncIterable<TaskSpec>): AsyncIterable<TaskSpec[]> {
  let chunk: TaskSpec[] = []
  let any = false
  for await (const spec of plan) {
    chunk.push(spec)
    if (chunk.length < CHUNK) continue
    any = true
    yield chunk
    chunk = []
  }
  if (chunk.length > 0 || !any) yield chunk
}

function delayed(chunk: readonly TaskSpec[], delay: number): TaskSpec[] {
  return chunk.map((spec) => ({ ...spec, delay: delay + (spec.delay ?? 0) }))
}

function invalidInput(kind: string, issues: readonly { path: readonly PropertyKey[]; message: string }[]): Refusal {
  const causes = issues.map((issue) => `${issue.path.map(String).join('.') || 'input'}: ${issue.message}`)
  return new Refusal('INVALID_INPUT', `The input of a ${kind} run is not valid.`, { causes })
}

/** Nobody would ever claim it, and the run would wait for ever. */
function unlistedTask(kind: string, task: string): Refusal {
  return new Refusal(
    'UNLISTED_TASK_KIND',
    `A ${kind} run plans a task of kind ${task}, which its \`tasks\` do not list.`,
    {
      remedy: 'Add that task kind to `tasks`, or plan one that stands there.',
    },
  )
}

interface RunRow extends pg.QueryResultRow {
  id: number
  workspace_id: number
  kind: string
  state: RunState
  status: string
  priority: number
  round: number
  progress: Progress
  cancel_asked_at: Date | null
  last_event: number
  parent_id: number | null
  created_at: Date
  started_at: Date | null
  finished_at: Date | null
  output: unknown
  failure: Failure | null
}

function toRun(row: RunRow): Run {
  return {
    id: row.id,
    workspace: row.workspace_id,
    kind: row.kind,
    state: row.state,
    status: row.status,
    priority: row.priority,
    round: row.round,
    progress: row.progress,
    cancelAsked: row.cancel_asked_at !== null,
    lastEvent: row.last_event,
    parent: row.parent_id,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    output: row.output,
    failure: row.failure,
  }
}
