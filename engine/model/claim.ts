/** What a claim may take, and what it may not leave. */
import {
  allLanes,
  binds,
  BURST,
  each,
  isAsked,
  isLimited,
  reasons,
  sorted,
  tell,
  waiting,
  SECOND,
  type Lane,
  type Task,
  type Worker,
  type World,
} from './world.ts'

/** run, n, attempt, tries, crashes, workspace, kind, input */
export type Claimed = readonly [number, number, number, number, number, number, string, unknown]

/** Checks what a claim gave and lets it happen; false sentences come back. */
export function claim(world: World, worker: Worker, free: number, given: readonly Claimed[]): string[] {
  const wrong: string[] = []
  const lanes = allLanes(world)
  const before = new Map(lanes.map((lane) => [lane, reasons(world, lane, worker).length === 0]))
  if (given.length > free) wrong.push(`${given.length} tasks were claimed by somebody with ${free} free places`)

  const left: Task[] = []
  for (const [run, n] of given) {
    const task = world.runs.get(run)?.tasks.get(n)
    if (task === undefined || left.includes(task)) wrong.push(`${run}/${n} was claimed, and is not there`)
    else left.push(task)
  }
  if (wrong.length > 0) return wrong
  const taken = Map.groupBy(left, (task) => task.lane)
  for (const [lane, tasks] of taken) {
    const lowest = waiting(lane).slice(0, tasks.length)
    if (tasks.some((task) => !lowest.includes(task))) wrong.push(`lane ${nameOf(lane)} did not give its lowest numbers`)
  }
  wrong.push(...beginAll(world, left, worker))
  for (const [run, n, attempt, tries, crashes, workspace, kind] of given) {
    const task = world.runs.get(run)?.tasks.get(n)
    if (task === undefined) continue
    const known = [task.attempt, task.tries, task.crashes, task.run.workspace, task.lane.kind]
    const said = [attempt, tries, crashes, workspace, kind]
    if (sorted(known) !== sorted(said)) wrong.push(`${run}/${n} was claimed as ${sorted(said)}, it is ${sorted(known)}`)
  }
  wrong.push(...passedBy(world, worker, free, given.length, before, taken))
  return wrong
}

type Order = (a: Task, b: Task) => number

/** Each was allowed at the moment at which it was taken, in some order. */
const ORDERS: readonly Order[] = [
  ({ lane: a }, { lane: b }) => a.tokens - b.tokens || a.micros - b.micros || a.requests - b.requests,
  ({ lane: a }, { lane: b }) => a.micros - b.micros || a.requests - b.requests || a.tokens - b.tokens,
  ({ lane: a }, { lane: b }) => a.requests - b.requests || a.tokens - b.tokens || a.micros - b.micros,
  (a, b) => b.run.priority - a.run.priority || a.lane.id - b.lane.id || a.n - b.n,
]

function beginAll(world: World, tasks: readonly Task[], worker: Worker): string[] {
  let wrong: string[] = []
  for (const order of ORDERS) {
    const left = tasks.toSorted(order)
    const undo: (() => void)[] = []
    wrong = []
    while (left.length > 0) {
      const next = left.findIndex((task) => reasons(world, task.lane, worker).length === 0)
      const [task] = left.splice(Math.max(next, 0), 1)
      if (task === undefined) break
      if (next < 0) {
        wrong.push(`${task.run.id}/${task.n} was claimed, though: ${reasons(world, task.lane, worker).join(', ')}`)
      }
      undo.push(begin(world, task, worker))
      wrong.push(...tooFast(world, task.lane.key))
    }
    if (wrong.length === 0) return []
    if (order !== ORDERS.at(-1)) for (const back of undo.toReversed()) back()
  }
  return wrong
}

/** In no window began more than its length and the burst allow, the last one aside. */
function tooFast(world: World, key: string): string[] {
  const limit = world.limits.get(key)
  const last = limit?.begun.at(-1)
  if (key === '' || limit === undefined || limit.requests === null || last === undefined) return []
  const long = (60 * SECOND) / limit.requests
  let used = 0
  for (const { at, amount } of limit.begun.slice(0, -1).toReversed()) {
    used += amount * long
    const allowed = Math.max(BURST - long, 0) + last.at - at
    if (used > allowed + 1) return [`${key} allows ${limit.requests} a minute, and in ${last.at - at} µs began more`]
  }
  return []
}

/** Gives what takes it back. */
function begin(world: World, task: Task, worker: Worker): () => void {
  const { lane, run } = task
  const [begun, limit] = [run.begun, world.limits.get(lane.key)]
  const rates = limit === undefined ? {} : { ...limit }
  task.state = 'running'
  task.worker = worker.id
  task.attempt += 1
  if (!run.begun) {
    run.begun = true
    tell(run, 'run.running')
  }
  // Of a bound no rate is used.
  if (limit !== undefined) {
    if (limit.requests !== null) {
      limit.requestsAt = Math.max(limit.requestsAt, world.now) + lane.requests * each(limit, limit.requests, world.now)
      limit.begun = [...limit.begun.slice(-40), { at: world.now, amount: lane.requests }]
    }
    if (limit.tokens !== null) {
      limit.tokensAt = Math.max(limit.tokensAt, world.now) + lane.tokens * each(limit, limit.tokens, world.now)
    }
  }
  if (isLimited(world, lane) || isAsked(world, lane)) {
    task.reserved = { tokens: lane.tokens, micros: lane.micros, usedTokens: 0, usedMicros: 0 }
  }
  return () => {
    Object.assign(task, { state: 'ready', worker: null, attempt: task.attempt - 1, reserved: null })
    if (!begun) run.events.pop()
    run.begun = begun
    if (limit !== undefined) Object.assign(limit, rates)
  }
}

/** Nothing that could be taken was left, unless all places are full; and all have their turns. */
function passedBy(
  world: World,
  worker: Worker,
  free: number,
  got: number,
  before: ReadonlyMap<Lane, boolean>,
  taken: ReadonlyMap<Lane, readonly Task[]>,
): string[] {
  const wrong: string[] = []
  const still = [...before.keys()].filter((lane) => reasons(world, lane, worker).length === 0)
  // Of many places, one whose limit or budget others reached for too may be given to the next.
  const sure = new Set(still.filter((lane) => free === 1 || !(isAsked(world, lane) || isLimited(world, lane))))
  for (const [lane, could] of before) wrong.push(...outOfTurn(lane, worker, could && sure.has(lane), taken))
  if (got < free) {
    for (const lane of still)
      wrong.push(`lane ${nameOf(lane)} has no reason to wait, and ${free - got} places are free`)
    return wrong
  }
  for (const lane of still) {
    for (const [other, tasks] of taken) {
      if (other.run.priority < lane.run.priority) {
        wrong.push(`lane ${nameOf(other)} was served before ${nameOf(lane)} of a higher priority`)
      } else if (other.run.priority === lane.run.priority && tasks.length > shareOf(world, free, before, lane)) {
        if ((taken.get(lane)?.length ?? 0) >= shareOf(world, free, before, lane)) continue
        wrong.push(`lane ${nameOf(other)} took more than its share before ${nameOf(lane)} had its own`)
      }
    }
  }
  return wrong
}

/** While it waits for its next turn each other has one at most; two, while one that has come waits for its first. */
function outOfTurn(lane: Lane, worker: Worker, waited: boolean, taken: ReadonlyMap<Lane, readonly Task[]>): string[] {
  if (taken.has(lane)) lane.waits.set(worker.id, { had: true, turns: new Map() })
  else if (!waited) lane.waits.delete(worker.id)
  else {
    const wait = lane.waits.get(worker.id) ?? { had: false, turns: new Map() }
    lane.waits.set(worker.id, wait)
    for (const other of taken.keys()) {
      if (other.run.priority !== lane.run.priority) continue
      const turns = (wait.turns.get(other) ?? 0) + 1
      wait.turns.set(other, turns)
      if (turns > (wait.had ? 1 : 2)) return [`lane ${nameOf(other)} had ${turns} turns while ${nameOf(lane)} waited`]
    }
  }
  return []
}

/**
 * At most so much goes to a lane while others of its priority have not had as much.
 * Where limits or budgets have a say, what one lane may not take goes to the first.
 */
function shareOf(world: World, free: number, before: ReadonlyMap<Lane, boolean>, lane: Lane): number {
  let among = 0
  if (world.budgets.length > 0 || [...world.limits.values()].some(binds)) return Infinity
  for (const [other, could] of before) if (could && other.run.priority === lane.run.priority) among += 1
  return Math.ceil(free / Math.max(among, 1))
}

export const nameOf = ({ run, kind, key, bound }: Lane): string =>
  `${run.id}:${kind}${key === '' ? '' : `@${key}`}${bound === '' ? '' : `/${bound}`}`
