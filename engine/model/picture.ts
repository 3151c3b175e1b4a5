/** The model's picture of everything that is stored, and where the database's differs. */
import { nameOf } from './claim.ts'
import type { SeenLane } from './stage.ts'
import {
  affords,
  allLanes,
  allTasks,
  counted,
  open,
  planned,
  sorted,
  stateOf,
  waiting,
  type Limit,
  type Run,
  type Text,
  type World,
} from './world.ts'

type Row = unknown[]

const parsed = (text: Text | null): unknown => (text === null ? null : (JSON.parse(text) as unknown))

/** By the row's first values, as the database orders them. */
function ordered(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => {
    for (const [index, left] of a.entries()) {
      const right = b[index]
      if (left === right) continue
      if (left === null) return -1
      if (right === null) return 1
      return (left as number) < (right as number) ? -1 : 1
    }
    return 0
  })
}

function runRow(run: Run): Row {
  const live = run.ended === null
  const deciding = [...run.tasks.values()].some(
    (task) => task.n < 0 && (task.state === 'ready' || task.state === 'running'),
  )
  return [
    run.id,
    run.workspace,
    run.priority,
    stateOf(run),
    live && run.held !== null ? run.held : stateOf(run),
    run.round,
    run.held,
    run.cancelAsked,
    live && run.cancelAsked,
    planned(run).length,
    open(run),
    counted(run, 'succeeded'),
    counted(run, 'failed'),
    counted(run, 'cancelled'),
    deciding,
    run.decisions,
    run.events.length,
    run.parent,
    run.finished,
    parsed(run.output),
    parsed(run.failure),
  ]
}

function limitRow(world: World, key: string, limit: Limit): Row {
  const ahead = (at: number) => Math.round(Math.max(at - world.now, 0))
  return [
    key,
    limit.concurrency,
    limit.requests,
    limit.tokens,
    ahead(limit.requestsAt),
    ahead(limit.tokensAt),
    ahead(limit.until),
    limit.stop,
  ]
}

export function pictureOf(world: World): Record<string, Row[]> {
  const tasks = allTasks(world)
  const runs = [...world.runs.values()]
  return {
    runs: runs.map(runRow),
    tasks: ordered(
      tasks.map((one) => [
        one.run.id,
        one.n,
        one.lane.id,
        one.state,
        one.attempt,
        one.tries,
        one.crashes,
        one.worker,
        one.due,
      ]),
    ),
    inputs: ordered(tasks.map(({ run, n }) => [run.id, n])),
    events: runs.flatMap((run) =>
      run.events.flatMap((one, index) =>
        one.kind === 'run.held' ? [] : [[run.id, index + 1, one.kind, one.task, parsed(one.data)]],
      ),
    ),
    held: runs.flatMap((run) =>
      run.events.flatMap((one, index) =>
        one.kind === 'run.held' ? [[run.id, index + 1, (parsed(one.data) as { why: string }).why]] : [],
      ),
    ),
    outputs: ordered(tasks.flatMap(({ run, n, output }) => (output === null ? [] : [[run.id, n, parsed(output)]]))),
    attempts: ordered(
      tasks.flatMap(({ run, n, ended }) =>
        [...ended].map(([attempt, { outcome, failure }]) => [run.id, n, attempt, outcome, parsed(failure)]),
      ),
    ),
    reservations: ordered(
      tasks.flatMap(({ run, n, lane, reserved: one }) =>
        one === null ? [] : [[run.id, n, lane.key, lane.bound, one.tokens, one.micros, one.usedTokens, one.usedMicros]],
      ),
    ),
    limits: ordered([...world.limits].map(([key, limit]) => limitRow(world, key, limit))),
    budgets: ordered(
      world.budgets.map((one) => [one.workspace, one.run, one.tokens, one.micros, one.usedTokens, one.usedMicros]),
    ),
    workers: [...world.workers.values()].map((one) => [one.id, one.gone, one.emptied, one.missed, one.lease]),
    ledger: ordered(
      [...world.ledger.values()].map((one) => [
        one.run.id,
        one.n,
        one.name,
        one.attempt,
        one.entry,
        one.tokens,
        one.micros,
      ]),
    ),
    artifacts: ordered(
      tasks.flatMap(({ run, n, artifacts }) =>
        [...artifacts].map(([name, { attempt, content }]) => [run.id, n, name, attempt, content]),
      ),
    ),
    blobs: ordered(world.blobs.map(({ workspace, content }) => [workspace, content])),
    keys: ordered([...world.keys].map(([place, { run }]) => [Number(place.split('/')[0]), place.split('/')[1], run])),
    archive: ordered([...world.archive.values()]),
  }
}

/** Rates are broken numbers: what differs by microseconds is taken as the database has it. */
function adjust(world: World, said: readonly unknown[][], known: readonly unknown[][]): void {
  for (const [index, row] of known.entries()) {
    const limit = world.limits.get(String(row[0]))
    for (const [column, name] of [
      [4, 'requestsAt'],
      [5, 'tokensAt'],
    ] as const) {
      const [there, here] = [said[index]?.[column], row[column]]
      if (limit === undefined || typeof there !== 'number' || typeof here !== 'number') continue
      if (there === here || Math.abs(there - here) > 20) continue
      row[column] = there
      limit[name] = world.now + there
    }
  }
}

export function compare(world: World, picture: Record<string, readonly unknown[] | null>): string[] {
  const known = pictureOf(world)
  return Object.entries(known).flatMap(([table, rows]) => {
    const said = picture[table] ?? []
    if (table === 'limits') adjust(world, said as unknown[][], rows)
    if (said.length === rows.length && JSON.stringify(said) === JSON.stringify(rows)) return []
    const [there, here] = [said.map(sorted), rows.map(sorted)]
    const [more, less] = [there.filter((row) => !here.includes(row)), here.filter((row) => !there.includes(row))]
    if (more.length + less.length === 0 && there.length === here.length) return []
    return [
      `${table}: the database has ${more.join(' ') || 'nothing more'}, the model ${less.join(' ') || 'nothing more'}`,
    ]
  })
}

/** Learns what the promises leave open: numbers of new lanes, and which lane a claim shut. */
export function observe(world: World, lanes: readonly SeenLane[], claimed: boolean): string[] {
  const wrong: string[] = []
  const known = allLanes(world)
  const byId = new Map(known.filter((lane) => lane.id !== 0).map((lane) => [lane.id, lane]))
  if (known.length !== lanes.length) wrong.push(`${lanes.length} lanes are there, the model knows ${known.length}`)
  const last = Math.max(0, ...known.map((lane) => lane.id))
  for (const [id, run, kind, key, bound, idle, stop, first] of lanes) {
    const lane =
      byId.get(id) ?? world.runs.get(run)?.lanes.find((one) => one.kind === kind && one.key === key && one.id === 0)
    if (lane === undefined) continue
    if (lane.id === 0 && id < last) wrong.push(`lane ${nameOf(lane)} is new, and stands before older ones`)
    lane.id = id
    if (bound !== lane.bound) wrong.push(`lane ${nameOf(lane)} has the bound ${bound}`)
    const [lowest] = waiting(lane)
    if (idle && lowest !== undefined) wrong.push(`lane ${nameOf(lane)} is idle, and something waits in it`)
    if (lowest !== undefined && lowest.n < first) wrong.push(`lane ${nameOf(lane)} looks past its number ${lowest.n}`)
    const held = lane.decides ? null : lane.run.held
    if (stop === 'budget' && held === null && claimed && !affords(world, lane)) lane.shut = true
    if (stop !== (held ?? (lane.shut ? 'budget' : null))) wrong.push(`lane ${nameOf(lane)} is stopped by ${stop}`)
  }
  return wrong
}
