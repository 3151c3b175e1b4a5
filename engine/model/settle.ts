/** How attempts end, and what follows from it: the rules of a close. */
import {
  allTasks,
  counted,
  limitOf,
  open,
  paceOf,
  planned,
  sorted,
  tell,
  SECOND,
  type End,
  type Lane,
  type Limit,
  type Run,
  type Task,
  type Text,
  type World,
} from './world.ts'

export interface Spec {
  readonly kind: string
  readonly key?: string
  readonly bound?: string
  /** Seconds. */
  readonly delay?: number
  readonly uses?: { readonly requests?: number; readonly tokens?: number; readonly micros?: number }
}

/** One attempt that is said to have ended; `withdrawn` and `expired` are the engine's own words. */
export interface Ending {
  readonly run: number
  readonly n: number
  readonly attempt: number
  readonly outcome: string
  readonly body: unknown
  readonly delay: number
}

export interface Settled {
  readonly run: Run
  readonly kept: number
  readonly event: number
  readonly state: string
  /** Something of it may be claimed that could not be before. */
  readonly more: boolean
}

const BACK = new Set(['again', 'later', 'throttled', 'stopped', 'released', 'expired'])

export const NOTHING_TO_DO = {
  code: 'NOTHING_TO_DO',
  origin: 'engine',
  message: 'The run decided to go on and named no task.',
  retryable: false,
}

export function findLane(run: Run, kind: string, key: string): Lane | undefined {
  return run.lanes.find((lane) => lane.kind === kind && lane.key === key)
}

function newLane(run: Run, kind: string, key: string, bound: string): Lane {
  const none = { requests: 0, tokens: 0, micros: 0, shut: false }
  return { id: 0, run, kind, key, bound, decides: false, ...none, waits: new Map(), tasks: [] }
}

/** New tasks stand behind those that are there; a new lane behind all lanes. */
export function addTasks(world: World, run: Run, specs: readonly Spec[]): Task[] {
  const first = planned(run).length
  return specs.map((spec, index) => {
    const { kind, key = '', bound = '', uses = {} } = spec
    let lane = findLane(run, kind, key)
    if (lane === undefined) {
      // Beside itself no key holds.
      lane = newLane(run, kind, key, bound === key ? '' : bound)
      run.lanes.push(lane)
      for (const one of [key, bound]) if (one !== '') limitOf(world, one)
    }
    // The most that one task of the lane can use is what is set aside for each.
    lane.requests = Math.max(lane.requests, uses.requests ?? 1)
    lane.tokens = Math.max(lane.tokens, uses.tokens ?? 0)
    lane.micros = Math.max(lane.micros, uses.micros ?? 0)
    const due = spec.delay !== undefined && spec.delay > 0 ? world.now + spec.delay * SECOND : null
    return addTask(run, lane, first + index + 1, due)
  })
}

function addTask(run: Run, lane: Lane, n: number, due: number | null): Task {
  const task: Task = {
    run,
    n,
    lane,
    state: 'ready',
    attempt: 0,
    tries: 0,
    crashes: 0,
    worker: null,
    due,
    output: null,
    reserved: null,
    ended: new Map(),
    artifacts: new Map(),
  }
  run.tasks.set(n, task)
  lane.tasks.push(task)
  return task
}

/** The run is asked what comes next. */
export function ask(run: Run): void {
  run.decisions += 1
  const kind = 'flow.next'
  let lane = run.lanes.find((one) => one.decides)
  if (lane === undefined) {
    lane = { ...newLane(run, kind, '', ''), decides: true, requests: 1 }
    run.lanes.push(lane)
  }
  addTask(run, lane, -run.decisions, null)
}

/** Only an attempt that is the task's own, while it runs, and only once. */
export function current(world: World, endings: readonly Ending[]): { task: Task; ending: Ending }[] {
  const seen = new Set<Task>()
  return endings.flatMap((ending) => {
    const task = world.runs.get(ending.run)?.tasks.get(ending.n)
    const wanted = ending.outcome === 'withdrawn' ? 'ready' : 'running'
    if (task === undefined || task.state !== wanted || task.attempt !== ending.attempt || seen.has(task)) return []
    seen.add(task)
    return [{ task, ending }]
  })
}

export function settle(world: World, endings: readonly Ending[]): Settled[] {
  const kept = current(world, endings)
  const byRun = Map.groupBy(kept, ({ task }) => task.run)
  const fates = kept.map(({ task, ending }) => ({ task, ending, outcome: outcomeOf(task, ending) }))
  const settled = [...byRun].toSorted(([a], [b]) => a.id - b.id).map(([run, mine]) => settleRun(world, run, mine))
  leaveLimits(world, fates)
  return settled
}

function settleRun(world: World, run: Run, mine: readonly { task: Task; ending: Ending }[]): Settled {
  let verdict: { state: End; output: Text | null; failure: Text | null } | 'do' | undefined
  let came = 0
  let decided = false
  let worked = false
  for (const { task, ending } of mine) {
    const outcome = outcomeOf(task, ending)
    if (outcome !== 'withdrawn') worked = true
    if (BACK.has(outcome)) came += 1
    else if (task.n < 0) {
      decided = true
      verdict = decide(world, run, outcome, ending.body)
    }
    endOne(world, task, outcome, ending)
  }
  if (worked) run.begun = true
  const over = open(run) === 0
  const asks = over && run.hasNext && !decided && !run.cancelAsked
  if (asks) ask(run)
  if (over && !asks) end(world, run, typeof verdict === 'object' ? verdict : undefined)
  const counts = {
    total: planned(run).length,
    succeeded: counted(run, 'succeeded'),
    failed: counted(run, 'failed'),
    cancelled: counted(run, 'cancelled'),
    again: came,
  }
  tell(run, run.ended === null ? 'tasks.closed' : `run.${run.ended}`, counts)
  return {
    run,
    kept: mine.length,
    event: run.events.length,
    state: run.ended ?? (run.begun ? 'running' : 'queued'),
    more: asks || came > 0 || (verdict === 'do' && run.ended === null),
  }
}

/** Nothing comes back to a run whose end was asked; what stands under no key cannot be stopped with it. */
function outcomeOf(task: Task, ending: Ending): string {
  const { outcome } = ending
  if (outcome === 'stopped' && task.lane.key === '') return 'failed'
  return BACK.has(outcome) && task.run.cancelAsked ? 'cancelled' : outcome
}

function endOne(world: World, task: Task, outcome: string, ending: Ending): void {
  const { now } = world
  const body = ending.body === null || ending.body === undefined ? null : sorted(ending.body)
  if (outcome !== 'succeeded' && outcome !== 'withdrawn') task.ended.set(task.attempt, { outcome, failure: body })
  if (outcome === 'again' || outcome === 'failed' || (outcome === 'later' && world.bent.has('later costs a try'))) {
    task.tries += 1
  }
  if (outcome === 'expired') task.crashes += 1
  if (outcome === 'succeeded') task.output = task.n < 0 ? decisionText(ending.body) : body
  task.worker = null
  const waits = ['again', 'later', 'throttled'].includes(outcome) && ending.delay > 0
  task.due = waits ? now + ending.delay * SECOND : null
  task.state = BACK.has(outcome) ? 'ready' : outcome === 'withdrawn' ? 'cancelled' : (outcome as End)
  if (task.lane.key === '' || outcome !== 'throttled') return
  const limit = limitOf(world, task.lane.key)
  if (ending.delay > 0) limit.until = Math.max(limit.until, now + ending.delay * SECOND)
  // Many refusals in a second are one.
  if (limit.pacedAt < now - SECOND)
    Object.assign(limit, { pace: Math.max(0.05, paceOf(limit, now) * 0.8), pacedAt: now })
}

/** A pause, a stop and a rate are the first key's.  Their places are free, and what they set aside of a rate and did not use comes back; what they used beyond is used up. */
function leaveLimits(world: World, kept: readonly { task: Task; outcome: string; ending: Ending }[]): void {
  const unused = new Map<Limit, number>()
  const codes = new Map<Limit, string>()
  for (const { task, outcome, ending } of kept) {
    const { reserved } = task
    task.reserved = null
    if (task.lane.key === '') continue
    const limit = limitOf(world, task.lane.key)
    if (reserved !== null) unused.set(limit, (unused.get(limit) ?? 0) + reserved.tokens - reserved.usedTokens)
    const { code } = (ending.body ?? {}) as { code?: string }
    // Of several that stop it at once, one is named.
    if (outcome === 'stopped' && code !== undefined && code > (codes.get(limit) ?? '')) codes.set(limit, code)
  }
  for (const [limit, amount] of unused) {
    if (limit.tokens === null) continue
    if (amount < 0) limit.tokensAt = Math.max(limit.tokensAt, world.now)
    limit.tokensAt -= (amount * 60 * SECOND) / limit.tokens
  }
  for (const [limit, code] of codes) limit.stop ??= code
}

const decisionText = (body: unknown): Text => {
  const { do: specs, hold } = body as { do?: readonly Spec[]; hold?: string }
  if (specs === undefined) return sorted(body)
  return sorted(
    specs.length === 0 ? { fail: NOTHING_TO_DO } : { do: specs.length, ...(hold === undefined ? {} : { hold }) },
  )
}

/** What a decision says; what it asks for stands there at once. */
function decide(world: World, run: Run, outcome: string, body: unknown) {
  const says = (body ?? {}) as {
    do?: readonly Spec[]
    hold?: 'paused' | 'awaiting_approval'
    succeed?: unknown
    fail?: unknown
  }
  if (outcome !== 'succeeded') {
    return {
      state: 'failed' as const,
      output: null,
      failure: body === null || body === undefined ? null : sorted(body),
    }
  }
  if ('succeed' in says) return { state: 'succeeded' as const, output: sorted(says.succeed), failure: null }
  if ('fail' in says) return { state: 'failed' as const, output: null, failure: sorted(says.fail) }
  const specs = says.do ?? []
  if (specs.length === 0) return { state: 'failed' as const, output: null, failure: sorted(NOTHING_TO_DO) }
  const made = addTasks(world, run, specs)
  // A lane that waited for its budget asks again.
  for (const lane of run.lanes) lane.shut = false
  // Cancelled while it decided: what it asked for ends where it began.
  if (run.cancelAsked) for (const task of made) Object.assign(task, { state: 'cancelled', due: null })
  // What it asks for is held from its first moment; an approval is more than a pause.
  else if (says.hold !== undefined && says.hold !== run.held && run.held !== 'awaiting_approval') {
    run.held = says.hold
    tell(run, 'run.held', { why: says.hold })
  }
  return 'do' as const
}

function end(world: World, run: Run, verdict?: { state: End; output: Text | null; failure: Text | null }): void {
  run.finished = world.now
  if (run.cancelAsked) {
    run.ended = 'cancelled'
    return
  }
  run.ended = verdict?.state ?? (counted(run, 'succeeded') > 0 ? 'succeeded' : 'failed')
  run.output = verdict?.output ?? null
  if (run.ended === 'failed') run.failure = verdict?.failure ?? commonestFailure(run)
}

/** The failure that most failed tasks ended with; of two, that of the lower number. */
function commonestFailure(run: Run): Text | null {
  const groups = new Map<Text, { amount: number; first: number }>()
  for (const task of planned(run)) {
    const failure = task.state === 'failed' ? (task.ended.get(task.attempt)?.failure ?? null) : null
    if (failure === null) continue
    const group = groups.get(failure) ?? { amount: 0, first: task.n }
    groups.set(failure, { amount: group.amount + 1, first: Math.min(group.first, task.n) })
  }
  const [best] = [...groups].toSorted(([, a], [, b]) => b.amount - a.amount || a.first - b.first)
  return best?.[0] ?? null
}

/** What is ready in a run whose end was asked ends at once. */
export function endReady(world: World, run: Run): void {
  const ready = [...run.tasks.values()].filter((task) => task.state === 'ready')
  settle(
    world,
    ready.map(({ n, attempt }) => ({ run: run.id, n, attempt, outcome: 'withdrawn', body: null, delay: 0 })),
  )
}

/** What the gone held comes back; three deaths under one task end it. */
export function rescue(world: World): number {
  const fallen = [...world.workers.values()].filter((worker) => worker.gone !== null && !worker.emptied)
  const endings = allTasks(world).flatMap((task): Ending[] => {
    const worker = fallen.find((one) => one.id === task.worker)
    if (worker === undefined) return []
    const one = { run: task.run.id, n: task.n, attempt: task.attempt, delay: 0 }
    if (worker.gone === 'left') return [{ ...one, outcome: 'released', body: null }]
    if (task.crashes >= 2 && task.n > 0) return [{ ...one, outcome: 'failed', body: quarantined(task.crashes + 1) }]
    return [{ ...one, outcome: 'expired', body: null }]
  })
  settle(world, endings)
  for (const worker of fallen) worker.emptied = true
  return endings.length
}

const quarantined = (crashes: number) => ({
  code: 'QUARANTINED',
  message: 'Three workers died while they performed this task.',
  retryable: false,
  origin: 'worker',
  details: { crashes },
})
