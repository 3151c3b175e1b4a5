/** What the model knows: runs, tasks, lanes, limits, budgets and workers as plain data. */

export type TaskState = 'ready' | 'running' | 'succeeded' | 'failed' | 'cancelled'
export type End = 'succeeded' | 'failed' | 'cancelled'
type Held = 'paused' | 'awaiting_approval'

/** JSON as it was given, written out. */
export type Text = string

export interface Reservation {
  readonly tokens: number
  readonly micros: number
  usedTokens: number
  usedMicros: number
}

export interface Task {
  readonly run: Run
  readonly n: number
  readonly lane: Lane
  state: TaskState
  attempt: number
  tries: number
  crashes: number
  worker: number | null
  due: number | null
  output: Text | null
  reserved: Reservation | null
  /** Attempts that ended otherwise than well. */
  readonly ended: Map<number, { readonly outcome: string; readonly failure: Text | null }>
  readonly artifacts: Map<string, { readonly attempt: number; readonly content: string }>
}

export interface Lane {
  /** The database's number, learned when it is first seen. */
  id: number
  readonly run: Run
  readonly kind: string
  readonly key: string
  /** A second key: of its limit, how many at a time and a stop hold too. */
  readonly bound: string
  readonly decides: boolean
  /** Of each worker that goes round: who had how many turns while this lane waited for its own. */
  readonly waits: Map<number, Wait>
  requests: number
  tokens: number
  micros: number
  /** A claim met it and could not afford it: it waits for the sweep. */
  shut: boolean
  readonly tasks: Task[]
}

export interface Wait {
  /** Its turns are counted from one that it had; or from its coming, somewhere in the round. */
  readonly had: boolean
  readonly turns: Map<Lane, number>
}

export interface Run {
  readonly id: number
  readonly workspace: number
  readonly priority: number
  readonly hasNext: boolean
  readonly tasks: Map<number, Task>
  readonly lanes: Lane[]
  readonly events: { readonly kind: string; readonly task: number | null; readonly data: Text }[]
  parent: number | null
  held: Held | null
  cancelAsked: boolean
  /** Has anything of this round been claimed? */
  begun: boolean
  ended: End | null
  finished: number | null
  round: number
  decisions: number
  output: Text | null
  failure: Text | null
}

export interface Limit {
  concurrency: number | null
  requests: number | null
  tokens: number | null
  /** Until when what was begun uses up the rate. */
  requestsAt: number
  tokensAt: number
  until: number
  /** What part of the rates is used since when; it grows back. */
  pace: number
  pacedAt: number
  stop: string | null
  /** What began under its requests a minute, as they are now. */
  begun: { readonly at: number; readonly amount: number }[]
}

export interface Budget {
  readonly workspace: number
  readonly run: number | null
  tokens: number | null
  micros: number | null
  usedTokens: number
  usedMicros: number
}

export interface Worker {
  readonly id: number
  readonly workspace: number | null
  readonly kinds: readonly string[]
  gone: 'left' | 'session' | 'lease' | null
  emptied: boolean
  lease: number
  /** Its session is there; it was missed once. */
  present: boolean
  missed: boolean
}

export interface Receipt {
  readonly run: Run
  readonly n: number
  readonly name: string
  readonly attempt: number
  readonly entry: string
  readonly tokens: number
  readonly micros: number
}

interface Blob {
  readonly workspace: number
  readonly content: string
  begun: number
}

export interface World {
  now: number
  readonly runs: Map<number, Run>
  readonly limits: Map<string, Limit>
  budgets: Budget[]
  readonly workers: Map<number, Worker>
  readonly ledger: Map<string, Receipt>
  readonly keys: Map<string, { readonly hash: string; readonly run: number }>
  readonly archive: Map<number, unknown[]>
  blobs: Blob[]
  /** Rules that a test bends, to see that the model can be red. */
  readonly bent: ReadonlySet<string>
}

export const SECOND = 1_000_000
export const LEASE = 15 * SECOND
/** Seconds of a rate that may be used at once. */
export const BURST = 0.6 * SECOND

export function emptyWorld(bent: readonly string[] = []): World {
  return {
    now: 0,
    runs: new Map(),
    limits: new Map(),
    budgets: [],
    workers: new Map(),
    ledger: new Map(),
    keys: new Map(),
    archive: new Map(),
    blobs: [],
    bent: new Set(bent),
  }
}

export const allTasks = (world: World): Task[] => [...world.runs.values()].flatMap((run) => [...run.tasks.values()])
export const allLanes = (world: World): Lane[] => [...world.runs.values()].flatMap((run) => run.lanes)
export const isOpen = (task: Task): boolean => task.state === 'ready' || task.state === 'running'
export const planned = (run: Run): Task[] => [...run.tasks.values()].filter((task) => task.n > 0)
export const open = (run: Run): number => [...run.tasks.values()].filter(isOpen).length
export const counted = (run: Run, state: TaskState): number =>
  planned(run).filter((task) => task.state === state).length
export const stateOf = (run: Run): string => run.ended ?? (run.begun ? 'running' : 'queued')

/** What of a lane may be claimed, the lowest number first; decisions are numbered downwards. */
export const waiting = (lane: Lane): Task[] =>
  lane.tasks.filter((task) => task.state === 'ready' && task.due === null).sort((a, b) => a.n - b.n)

export function limitOf(world: World, key: string): Limit {
  const known = world.limits.get(key)
  if (known !== undefined) return known
  const made: Limit = {
    concurrency: null,
    requests: null,
    tokens: null,
    requestsAt: 0,
    tokensAt: 0,
    until: 0,
    pace: 1,
    pacedAt: -Infinity,
    stop: null,
    begun: [],
  }
  world.limits.set(key, made)
  return made
}

/** Does it limit anything?  A pause that is over does until the sweep forgets it. */
export const binds = (limit: Limit): boolean =>
  limit.concurrency !== null ||
  limit.requests !== null ||
  limit.tokens !== null ||
  limit.until > 0 ||
  limit.stop !== null

export const budgetsOf = (world: World, run: Run): Budget[] =>
  world.budgets.filter((one) => one.workspace === run.workspace && (one.run === null || one.run === run.id))

/** What a budget has left: its amount, less what was used, less what those who run may still use. */
export function left(world: World, budget: Budget): { tokens: number; micros: number } {
  let tokens = (budget.tokens ?? Infinity) - budget.usedTokens
  let micros = (budget.micros ?? Infinity) - budget.usedMicros
  for (const run of world.runs.values()) {
    if (run.workspace !== budget.workspace || (budget.run !== null && budget.run !== run.id)) continue
    for (const { reserved } of run.tasks.values()) {
      if (reserved === null) continue
      tokens -= Math.max(reserved.tokens - reserved.usedTokens, 0)
      micros -= Math.max(reserved.micros - reserved.usedMicros, 0)
    }
  }
  return { tokens, micros }
}

/** An empty purse has enough for nothing. */
export function affords(world: World, lane: Lane): boolean {
  if (lane.decides) return true
  return budgetsOf(world, lane.run).every((budget) => {
    const { tokens, micros } = left(world, budget)
    return tokens > 0 && lane.tokens <= tokens && micros > 0 && lane.micros <= micros
  })
}

export const isAsked = (world: World, lane: Lane): boolean => !lane.decides && budgetsOf(world, lane.run).length > 0

/** Whether it is their first key or their bound. */
export const runningUnder = (world: World, key: string): Task[] =>
  allTasks(world).filter(({ state, lane }) => state === 'running' && (lane.key === key || lane.bound === key))

export const isLimited = (world: World, { key, bound }: Lane): boolean =>
  [key, bound].some((one) => {
    const limit = world.limits.get(one)
    return limit !== undefined && binds(limit)
  })

/** A fifth less after each refusal, and whole again a minute and a half later. */
export const paceOf = (limit: Limit, now: number): number =>
  Math.min(1, limit.pace + Math.max(now - limit.pacedAt, 0) / SECOND / 90)

/** How long one request, or one token, uses up its rate. */
export const each = (limit: Limit, perMinute: number, now: number): number =>
  (60 * SECOND) / (perMinute * paceOf(limit, now))

const spareOf = (limit: Limit, now: number): number =>
  limit.requests === null ? 0 : Math.max(BURST - each(limit, limit.requests, now), 0)

/** When a limit lets the next one through by time alone. */
export function opensAt(limit: Limit, now: number): number {
  const requests = limit.requests === null ? 0 : limit.requestsAt - spareOf(limit, now)
  const tokens = limit.tokens === null ? 0 : limit.tokensAt - BURST
  return Math.max(limit.until, requests, tokens)
}

/** What holds for everybody under a key, whether it is their first or their bound. */
export function fullBy(world: World, key: string): string[] {
  const limit = world.limits.get(key)
  if (limit === undefined) return []
  const why: string[] = []
  if (limit.stop !== null) why.push('stopped')
  if (limit.concurrency !== null) {
    const places = Math.ceil(limit.concurrency * paceOf(limit, world.now))
    if (runningUnder(world, key).length >= places) why.push('concurrency')
  }
  return why
}

/** Everything that stands in the way of the next task that has it as its first key. */
export function shutBy(world: World, key: string): string[] {
  const limit = world.limits.get(key)
  if (limit === undefined) return []
  const why = fullBy(world, key)
  if (limit.until > world.now) why.push('throttled')
  if (limit.requests !== null && limit.requestsAt - world.now > spareOf(limit, world.now) + 1) why.push('requests')
  if (limit.tokens !== null && limit.tokensAt - world.now > BURST + 1) why.push('tokens')
  return why
}

/** Everything that stands between a lane and the next claim of a worker; empty: that claim takes from it. */
export function reasons(world: World, lane: Lane, worker?: Worker): string[] {
  if (waiting(lane).length === 0) return ['nothing_ready']
  const why: string[] = []
  if (lane.run.held !== null && !lane.decides) why.push(lane.run.held)
  else if (lane.shut) why.push('budget')
  if (worker !== undefined) {
    if (worker.gone !== null) why.push('worker_gone')
    if (!worker.kinds.includes(lane.kind)) why.push('other_kind')
    if (worker.workspace !== null && worker.workspace !== lane.run.workspace) why.push('other_workspace')
  }
  why.push(...fullBy(world, lane.bound), ...shutBy(world, lane.key))
  if (!affords(world, lane)) why.push('budget')
  return why
}

export function tell(run: Run, kind: string, data: Record<string, unknown> = {}, task: number | null = null): void {
  run.events.push({ kind, task, data: sorted(data) })
}

/** JSON with its names in order, as both sides can write it. */
export function sorted(value: unknown): Text {
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
