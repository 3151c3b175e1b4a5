/** What people do, and what is asked in their name. */
import { anyKey, someTasks } from './choices.ts'
import type { Dice } from './dice.ts'
import { addTasks, ask, endReady, type Spec } from './settle.ts'
import { dateOf, type Action, type Answer } from './stage.ts'
import { alive, anyRun, refused, rest, runs, same, type Verb } from './verb.ts'
import {
  allLanes,
  counted,
  fullBy,
  limitOf,
  planned,
  reasons,
  runningUnder,
  SECOND,
  stateOf,
  tell,
  type Lane,
  type Run,
  type World,
} from './world.ts'

interface Start {
  workspace: number
  tasks: Spec[]
  more?: Spec[]
  next: boolean
  priority: number
  held: Run['held']
  parent: number | null
  key: string | null
  hash: string | null
  tokens: number | null
  micros: number | null
}

function makeStart(world: World, dice: Dice): Start {
  const workspace = dice.one(1, 1, 1, 2)
  const key = dice.chance(0.2) ? dice.one('x', 'y') : null
  const budget = dice.chance(0.35)
  return {
    workspace,
    tasks: someTasks(dice, 5),
    next: dice.chance(0.5),
    priority: dice.one(5, 5, 5, 1, 9),
    held: dice.chance(0.1) ? dice.one('paused', 'awaiting_approval') : null,
    parent: dice.chance(0.1) ? (dice.pick(runs(world).filter((run) => run.workspace === workspace))?.id ?? null) : null,
    key,
    hash: key === null ? null : dice.one('h', 'h', 'i'),
    tokens: budget ? dice.one(0, 60, 100, 100, 200, null) : null,
    micros: budget ? dice.one(8, 30, null, null) : null,
  }
}

function begin(world: World, id: number, start: Start): string[] {
  const { workspace, tasks, more = [], next, priority, held, parent, tokens, micros } = start
  const run: Run = {
    id,
    workspace,
    priority,
    hasNext: next,
    tasks: new Map(),
    lanes: [],
    events: [],
    parent,
    held,
    cancelAsked: false,
    begun: false,
    ended: null,
    finished: null,
    round: 1,
    decisions: 0,
    output: null,
    failure: null,
  }
  world.runs.set(id, run)
  if (tokens !== null || micros !== null) {
    world.budgets.push({ workspace, run: id, tokens, micros, usedTokens: 0, usedMicros: 0 })
  }
  if (tasks.length === 0) ask(run)
  else addTasks(world, run, tasks)
  addTasks(world, run, more)
  tell(run, 'run.queued', { kind: 'flow', total: planned(run).length })
  return []
}

/** Hold, release, cancel and reopen answer with the run. */
function changed(answer: Answer, run: Run): string[] {
  return [...refused(answer, null), ...same('the run', answer.said, [stateOf(run), run.held, run.events.length])]
}

/** The run that is meant; or how it must be refused. */
function meant(world: World, action: Action, answer: Answer): Run | string[] {
  return world.runs.get(rest<{ run: number }>(action).run) ?? refused(answer, 'MR003')
}

/** Mostly one that has ended, or has not, as the verb wants. */
function fitting(world: World, dice: Dice, ended: boolean): number {
  const fits = runs(world).filter((run) => (run.ended !== null) === ended)
  return (dice.chance(0.8) ? dice.pick(fits)?.id : undefined) ?? anyRun(world, dice)
}

const onRun = (
  weight: number,
  judge: (world: World, run: Run, action: Action, answer: Answer) => string[],
  ended = false,
): Verb => ({
  weight,
  make: (world, dice) => ({
    rest: { run: fitting(world, dice, ended), why: dice.one('paused', 'awaiting_approval'), all: dice.chance(0.3) },
  }),
  judge(world, action, answer) {
    const run = meant(world, action, answer)
    return Array.isArray(run) ? run : judge(world, run, action, answer)
  },
})

export const peopleVerbs: Record<string, Verb> = {
  start: {
    weight: 9,
    make: (world, dice) => (runs(world).length > 25 ? undefined : { rest: { ...makeStart(world, dice) } }),
    judge(world, action, answer) {
      const start = rest<Start>(action)
      if (start.tasks.length === 0 && !start.next) return refused(answer, 'MR004')
      const place = `${start.workspace}/${start.key}`
      const earlier = start.key === null ? undefined : world.keys.get(place)
      if (earlier !== undefined) {
        if (earlier.hash !== start.hash) return refused(answer, 'MR001')
        return [...refused(answer, null), ...same('started', answer.said, [earlier.run, false])]
      }
      if (answer.wrong !== null) return refused(answer, null)
      const [id, created] = answer.said as [number, boolean]
      if (start.key !== null) world.keys.set(place, { hash: start.hash ?? '', run: id })
      return [...same('created', created, true), ...begin(world, id, start)]
    },
  },
  'start more': {
    weight: 1,
    make(world, dice) {
      const first = makeStart(world, dice)
      const start = { ...first, key: null, hash: null, more: someTasks(dice, 4, first.tasks) }
      const nothing = start.tasks.length === 0 && !start.next
      return runs(world).length > 25 || nothing ? undefined : { rest: start }
    },
    judge(world, action, answer) {
      const { tasks } = rest<Start>(action)
      // What is being decided is not added to from outside.
      if (tasks.length === 0 || answer.wrong !== null) return refused(answer, tasks.length === 0 ? 'MR004' : null)
      const [id] = answer.said as [number]
      return begin(world, id, rest<Start>(action))
    },
  },
  /** Later than in the transaction that started it. */
  more: {
    weight: 0.2,
    make: (world, dice) => ({ rest: { run: anyRun(world, dice), tasks: [{ kind: 'a' }] } }),
    judge: (_world, _action, answer) => refused(answer, 'MR004'),
  },
  hold: onRun(2, (_world, run, action, answer) => {
    if (run.ended !== null) return refused(answer, 'MR004')
    if (run.held === null) {
      run.held = rest<{ why: 'paused' | 'awaiting_approval' }>(action).why
      for (const lane of run.lanes) lane.shut = false
      tell(run, 'run.held', { why: run.held })
    }
    return changed(answer, run)
  }),
  release: onRun(3, (_world, run, _action, answer) => {
    if (run.ended !== null) return refused(answer, 'MR004')
    if (run.held !== null) {
      run.held = null
      tell(run, 'run.released')
    }
    return changed(answer, run)
  }),
  cancel: onRun(1.5, (world, run, _action, answer) => {
    if (run.ended !== null && run.ended !== 'cancelled' && !run.cancelAsked) return refused(answer, 'MR004')
    if (run.ended === null && !run.cancelAsked) {
      run.cancelAsked = true
      tell(run, 'run.cancel_asked')
      endReady(world, run)
    }
    return changed(answer, run)
  }),
  reopen: onRun(
    3,
    (_world, run, action, answer) => {
      const { all } = rest<{ all: boolean }>(action)
      if (run.ended === null) return refused(answer, 'MR004')
      const again = planned(run).filter((task) => all || task.state !== 'succeeded')
      if (again.length === 0 && !run.hasNext) return refused(answer, 'MR004')
      for (const task of again) Object.assign(task, { state: 'ready', tries: 0, crashes: 0, output: null })
      for (const lane of run.lanes) if (!lane.decides) lane.shut = false
      Object.assign(run, {
        ended: null,
        finished: null,
        held: null,
        cancelAsked: false,
        begun: false,
        output: null,
        failure: null,
      })
      run.round += 1
      tell(run, 'run.reopened', { round: run.round, tasks: again.length })
      if (again.length === 0) ask(run)
      return changed(answer, run)
    },
    true,
  ),
  why: onRun(1, (world, run, _action, answer) => {
    const rows = (answer.said ?? []) as [string, string, number, number, number, string][]
    const wrong = refused(answer, null)
    const lanes = run.lanes.filter((lane) => lane.tasks.some((task) => task.state === 'ready'))
    if (rows.length !== lanes.length) wrong.push(`${rows.length} lanes say why they wait, ${lanes.length} wait`)
    for (const [index, lane] of lanes.toSorted((a, b) => a.id - b.id).entries()) {
      const [kind, key, ready, due, busy, reason] = rows[index] ?? []
      wrong.push(...same('why lane', [kind, key], [lane.kind, inTheWay(world, lane)]))
      const waits = lane.tasks.filter((task) => task.state === 'ready')
      const later = waits.filter((task) => task.due !== null).length
      const known = [waits.length - later, later, lane.tasks.filter((task) => task.state === 'running').length]
      wrong.push(...same('why counts', [ready, due, busy], known))
      const serving = alive(world).filter(
        (worker) =>
          worker.lease > world.now &&
          worker.kinds.includes(lane.kind) &&
          (worker.workspace ?? run.workspace) === run.workspace,
      )
      const why = reasons(world, lane)
      const may = [...why, ...(serving.length === 0 ? ['no_worker'] : why.length === 0 ? ['turn'] : [])]
      if (!may.includes(reason ?? '')) wrong.push(`why says ${reason}, the model ${may.join(', ')}`)
    }
    return wrong
  }),
  limit: {
    weight: 3,
    make: (_world, dice) => ({
      rest: {
        key: dice.chance(0.2) ? 'other' : anyKey(dice),
        concurrency: dice.one(null, null, 1, 2, 3, 0),
        requests: dice.one(null, null, 60, 240, 600, 6000),
        tokens: dice.one(null, null, 60, 600, 6000),
      },
    }),
    judge(world, action, answer) {
      const { key, concurrency, requests, tokens } = rest<{
        key: string
        concurrency: number | null
        requests: number | null
        tokens: number | null
      }>(action)
      const limit = limitOf(world, key)
      if (limit.requests !== requests) limit.begun = []
      // What is running now counts from now on.
      for (const task of runningUnder(world, key)) {
        task.reserved ??= { tokens: task.lane.tokens, micros: task.lane.micros, usedTokens: 0, usedMicros: 0 }
      }
      // So that no more of the rate comes back from it than it set aside; a bound's was never used.
      if (tokens !== null && tokens !== limit.tokens) {
        const dearer = 60 * SECOND * (1 / tokens - (limit.tokens === null ? 0 : 1 / limit.tokens))
        const unused = runningUnder(world, key).map(({ lane, reserved: one }) =>
          one === null || lane.key !== key ? 0 : Math.max(one.tokens - one.usedTokens, 0),
        )
        limit.tokensAt = Math.max(limit.tokensAt, world.now) + unused.reduce((sum, amount) => sum + amount, 0) * dearer
      }
      Object.assign(limit, { concurrency, requests, tokens })
      return refused(answer, null)
    },
  },
  'stop key': {
    weight: 0.7,
    make: (_world, dice) => ({ rest: { key: dice.one('k', 'm', 'h', 'other') } }),
    judge(world, action, answer) {
      limitOf(world, rest<{ key: string }>(action).key).stop ??= 'PAUSED'
      return refused(answer, null)
    },
  },
  'release key': {
    weight: 3,
    make: (_world, dice) => ({ rest: { key: dice.one('k', 'm', 'h', 'other') } }),
    judge(world, action, answer) {
      const limit = world.limits.get(rest<{ key: string }>(action).key)
      if (limit === undefined) return refused(answer, 'MR003')
      Object.assign(limit, { stop: null, until: 0 })
      return refused(answer, null)
    },
  },
  budget: {
    weight: 2.5,
    make(world, dice) {
      const run = dice.chance(0.6) ? anyRun(world, dice) : null
      const [tokens, micros] = [dice.one(null, 0, 50, 100, 100, 200, 1000), dice.one(null, null, null, 10, 40)]
      return { rest: { workspace: world.runs.get(run ?? 0)?.workspace ?? dice.one(1, 1, 2), run, tokens, micros } }
    },
    judge(world, action, answer) {
      const { workspace, run, tokens, micros } = rest<{
        workspace: number
        run: number | null
        tokens: number | null
        micros: number | null
      }>(action)
      if (run !== null && !world.runs.has(run)) return refused(answer, 'MR003')
      let budget = world.budgets.find((one) => one.workspace === workspace && one.run === run)
      if (budget === undefined) {
        budget = { workspace, run, tokens, micros, usedTokens: 0, usedMicros: 0 }
        // What was bought before counts.
        for (const receipt of world.ledger.values()) {
          if (receipt.run.workspace !== workspace || (run !== null && receipt.run.id !== run)) continue
          budget.usedTokens += receipt.tokens
          budget.usedMicros += receipt.micros
        }
        world.budgets.push(budget)
      }
      Object.assign(budget, { tokens, micros })
      for (const lane of allLanes(world)) {
        if (lane.run.ended !== null || lane.run.workspace !== workspace) continue
        if (run === null || lane.run.id === run) lane.shut = false
      }
      return refused(answer, null)
    },
  },
  prune: {
    weight: 1,
    make: (world, dice) => ({
      rest: {
        before: dateOf(Math.max(world.now - dice.one(-0.001, 1, 10, 60) * SECOND, 0)),
        workspace: dice.one(null, null, 1, 2),
        limit: dice.one(1, 2, 50),
      },
    }),
    judge(world, action, answer) {
      const { before, workspace, limit } = rest<{ before: string; workspace: number | null; limit: number }>(action)
      const at = (Date.parse(before) - Date.parse(dateOf(0))) * 1000
      const gone = runs(world)
        .filter((run) => run.finished !== null && run.finished < at && (workspace ?? run.workspace) === run.workspace)
        .slice(0, limit)
      for (const run of gone) forget(world, run)
      const attached = new Set(
        runs(world).flatMap((run) =>
          [...run.tasks.values()].flatMap((task) =>
            [...task.artifacts.values()].map(({ content }) => `${run.workspace}/${content}`),
          ),
        ),
      )
      const loose = world.blobs.filter(
        (blob) => blob.begun < world.now - 86_400 * SECOND && !attached.has(`${blob.workspace}/${blob.content}`),
      )
      world.blobs = world.blobs.filter((blob) => !loose.slice(0, limit).includes(blob))
      return [...refused(answer, null), ...same('pruned', answer.said, gone.length)]
    },
  },
}

/** The limiter key that is, its bound before its own; or else its own. */
function inTheWay(world: World, lane: Lane): string {
  const [first] = reasons(world, lane)
  return fullBy(world, lane.bound).includes(first ?? '') ? lane.bound : lane.key
}

/** All of it, and a line in the archive. */
function forget(world: World, run: Run): void {
  world.archive.set(run.id, [
    run.id,
    run.ended,
    run.round,
    planned(run).length,
    counted(run, 'succeeded'),
    counted(run, 'failed'),
    counted(run, 'cancelled'),
    run.events.length,
  ])
  world.runs.delete(run.id)
  world.budgets = world.budgets.filter((budget) => budget.run !== run.id)
  for (const [key, receipt] of world.ledger) if (receipt.run === run) world.ledger.delete(key)
  for (const [key, known] of world.keys) if (known.run === run.id) world.keys.delete(key)
  for (const other of runs(world)) if (other.parent === run.id) other.parent = null
}
