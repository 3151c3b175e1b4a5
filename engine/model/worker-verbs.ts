/** What workers and their sweep do. */
import { endingOf, someEndings } from './choices.ts'
import { claim, nameOf, type Claimed } from './claim.ts'
import { current, rescue, settle, type Ending, type Settled } from './settle.ts'
import type { Answer } from './stage.ts'
import { alive, anyWorker, refused, rest, running, runs, same, workers, type Verb } from './verb.ts'
import {
  allLanes,
  allTasks,
  binds,
  affords,
  budgetsOf,
  LEASE,
  opensAt,
  reasons,
  SECOND,
  shutBy,
  tell,
  waiting,
  type Worker,
  type World,
} from './world.ts'

const KINDS = ['a', 'b', 'c', 'flow.next']

const closedRow = ({ run, kept, event, state, more }: Settled) => [
  run.id,
  kept,
  event,
  state,
  run.ended !== null || more,
]

function judgeClosed(world: World, said: unknown, endings: readonly Ending[]): string[] {
  const known = settle(world, endings)
  const ended = new Set(known.filter(({ run }) => run.ended !== null).map(({ run }) => run.id))
  const rows = ((said ?? []) as [number, number, number, string, boolean][])
    .map(([run, kept, event, state, more]) => [run, kept, event, state, ended.has(run) || more])
    .toSorted(([a], [b]) => Number(a) - Number(b))
  return same('closed', rows, known.map(closedRow))
}

function judgeClaim(world: World, id: number, free: number, answer: Answer, given: readonly Claimed[]): string[] {
  const worker = world.workers.get(id)
  if (worker === undefined || worker.gone !== null) return refused(answer, 'MR002')
  return [...refused(answer, null), ...claim(world, worker, free, given)]
}

/** A worker that waits for limits looks again before one opens; for a stop alone it does not look. */
function looksAgain(world: World, worker: Worker, again: number | null): string[] {
  const seconds = again ?? Infinity
  let waits = false
  const wrong: string[] = []
  for (const lane of allLanes(world)) {
    const why = reasons(world, lane, worker)
    if (lane.shut || why.length === 0 || why.some((one) => !OPENS.includes(one))) continue
    const limit = world.limits.get(lane.key)
    // A bound opens by no time; a place may become free at any time, and nobody knows when.
    const byTime = limit === undefined ? 0 : Math.max(opensAt(limit, world.now) - world.now, 0) / SECOND
    const opens = why.includes('concurrency') ? Math.max(byTime, 1) : byTime
    waits = true
    if (why.includes('budget') || seconds <= opens + 2e-6) continue
    wrong.push(`lane ${nameOf(lane)} opens in ${opens} s, the worker looks again in ${again}`)
  }
  if (!waits && again !== null) wrong.push(`nothing opens by itself, the worker looks again in ${again} s`)
  return wrong
}
const OPENS = ['throttled', 'requests', 'tokens', 'concurrency', 'budget']

export const workerVerbs: Record<string, Verb> = {
  claim: {
    weight: 8,
    make(world, dice) {
      const worker = anyWorker(world, dice)
      return worker === undefined ? undefined : { worker, free: dice.one(1, 1, 2, 3, 5, 9, 200) }
    },
    judge: (world, { worker = 0, free = 0 }, answer) =>
      judgeClaim(world, worker, free, answer, (answer.said ?? []) as Claimed[]),
  },
  ask: {
    weight: 8,
    make(world, dice) {
      const worker = anyWorker(world, dice)
      return worker === undefined ? undefined : { worker }
    },
    judge(world, { worker: id = 0 }, answer) {
      const worker = world.workers.get(id)
      if (worker === undefined || worker.gone !== null) return refused(answer, 'MR002')
      if (answer.wrong !== null) return refused(answer, null)
      const [blocks, first, took, given] = answer.said as [
        [number, string | null][] | null,
        number | null,
        number | null,
        Claimed[] | null,
      ]
      const said = new Map(blocks ?? [])
      const wrong = allLanes(world).flatMap((lane) => {
        const reason = said.get(lane.id) ?? null
        const known = reasons(world, lane, worker)
        if (reason === null ? known.length === 0 : known.includes(reason)) return []
        return [`lane ${nameOf(lane)} is blocked by ${reason}, the model says ${known.join(', ') || 'nothing'}`]
      })
      if (first !== took) wrong.push(`the first lane without a reason is ${first}, the next claim took from ${took}`)
      return [...wrong, ...claim(world, worker, 1, given ?? [])]
    },
  },
  close: {
    weight: 16,
    make(world, dice) {
      const endings = someEndings(world, dice, 4)
      // Not a word of theirs.
      return { endings: dice.chance(0.01) ? endings.map((one) => ({ ...one, outcome: 'expired' })) : endings }
    },
    judge(world, { endings = [] }, answer) {
      if (endings.some(({ outcome }) => outcome === 'expired')) return refused(answer, 'MR006')
      return [...refused(answer, null), ...judgeClosed(world, answer.said, endings)]
    },
  },
  turn: {
    weight: 16,
    make(world, dice) {
      const worker = anyWorker(world, dice)
      if (worker === undefined) return undefined
      return { worker, free: dice.one(0, 1, 2, 4, 50), endings: dice.chance(0.1) ? [] : someEndings(world, dice, 4) }
    },
    judge(world, { worker: id = 0, free = 0, endings = [] }, answer) {
      const worker = world.workers.get(id)
      if (free > 0 && (worker === undefined || worker.gone !== null)) return refused(answer, 'MR002')
      if (answer.wrong !== null) return refused(answer, null)
      const [closed, claimed, again] = answer.said as [unknown, Claimed[] | null, number | null]
      const wrong = judgeClosed(world, closed, endings)
      if (free === 0 || worker === undefined) return wrong
      wrong.push(...judgeClaim(world, id, free, answer, claimed ?? []))
      return (claimed?.length ?? 0) < free ? [...wrong, ...looksAgain(world, worker, again)] : wrong
    },
  },
  fence: {
    weight: 2,
    make: (world, dice) => ({ endings: someEndings(world, dice, 4) }),
    judge(world, { endings = [] }, answer) {
      const kept = current(
        world,
        endings.map((one) => ({ ...one, outcome: 'fence' })),
      )
      const rows = (answer.said ?? []) as [number, number][]
      const once = [...new Map(rows.map((row) => [row.join('/'), row])).values()]
      const known = kept
        .map(({ task }) => [task.run.id, task.n])
        .toSorted(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d)
      return [...refused(answer, null), ...same('fence', once, known)]
    },
  },
  emit: {
    weight: 2,
    make: (world, dice) => ({
      endings: someEndings(world, dice, 3).map((one) => ({ ...one, outcome: 'log', body: { line: dice.int(9) } })),
    }),
    judge(world, { endings = [] }, answer) {
      const told = new Set<number>()
      for (const ending of endings) {
        for (const { task } of current(world, [ending])) {
          tell(task.run, 'log', ending.body as Record<string, unknown>, task.n)
          told.add(task.run.id)
        }
      }
      const known = [...told].toSorted((a, b) => a - b).map((run) => [run, world.runs.get(run)?.events.length])
      return [...refused(answer, null), ...same('emitted', answer.said, known.length === 0 ? null : known)]
    },
  },
  note: {
    weight: 5,
    make(world, dice) {
      const endings = Array.from({ length: 1 + dice.int(3) }, () => endingOf(world, dice)).map((one) => {
        const intent = dice.chance(0.25)
        return { ...one, outcome: dice.one('n1', 'n2'), body: intent ? null : { got: 1 } }
      })
      return {
        endings,
        rest: {
          entries: endings.map(({ body }) => (body === null ? 'intent' : 'receipt')),
          tokens: endings.map(({ body }) => (body === null ? 0 : dice.one(0, 5, 20, 60))),
          micros: endings.map(({ body }) => (body === null ? 0 : dice.one(0, 0, 3, 9))),
        },
      }
    },
    judge(world, action, answer) {
      const { entries, tokens, micros } = rest<{ entries: string[]; tokens: number[]; micros: number[] }>(action)
      for (const [index, { run: id, n, attempt, outcome: name }] of (action.endings ?? []).entries()) {
        const run = world.runs.get(id)
        const task = run?.tasks.get(n)
        const key = [id, n, name, attempt, entries[index]].join('/')
        if (run === undefined || task === undefined || attempt > task.attempt || world.ledger.has(key)) continue
        const [entry = '', bought = 0, paid = 0] = [entries[index], tokens[index], micros[index]]
        world.ledger.set(key, { run, n, name, attempt, entry, tokens: bought, micros: paid })
        if (task.reserved !== null) task.reserved.usedTokens += bought
        if (task.reserved !== null) task.reserved.usedMicros += paid
        for (const budget of budgetsOf(world, run)) {
          budget.usedTokens += bought
          budget.usedMicros += paid
        }
      }
      return refused(answer, null)
    },
  },
  blob: {
    weight: 1,
    make: (_world, dice) => ({ rest: { workspace: dice.one(1, 1, 2), content: dice.one('one', 'two') } }),
    judge(world, action, answer) {
      const blob = rest<{ workspace: number; content: string }>(action)
      const known = world.blobs.find((one) => one.workspace === blob.workspace && one.content === blob.content)
      if (known === undefined) world.blobs.push({ ...blob, begun: world.now })
      else known.begun = world.now
      return refused(answer, null)
    },
  },
  attach: {
    weight: 2.5,
    make(world, dice) {
      const ending = { ...endingOf(world, dice), outcome: dice.one('f', 'g') }
      const workspace = world.runs.get(ending.run)?.workspace
      const blob = dice.pick(world.blobs.filter((one) => one.workspace === workspace))
      return blob === undefined ? undefined : { endings: [ending], rest: { content: blob.content } }
    },
    judge(world, action, answer) {
      const { content } = rest<{ content: string }>(action)
      for (const ending of action.endings ?? []) {
        for (const { task } of current(world, [ending])) {
          task.artifacts.set(ending.outcome, { attempt: ending.attempt, content })
        }
      }
      return refused(answer, null)
    },
  },
  register: {
    weight: 4,
    make(world, dice) {
      if (alive(world).length > 5) return undefined
      const kinds = dice.chance(0.8) ? KINDS : dice.some(KINDS, 1 + dice.int(3))
      return { rest: { kinds, workspace: dice.chance(0.75) ? null : dice.one(1, 2) } }
    },
    judge(world, action, answer) {
      const { kinds, workspace } = rest<{ kinds: string[]; workspace: number | null }>(action)
      const id = answer.said as number
      const lease = world.now + LEASE
      world.workers.set(id, { id, kinds, workspace, gone: null, emptied: false, lease, present: true, missed: false })
      return refused(answer, null)
    },
  },
  extend: {
    weight: 5,
    make: (world, dice) => withWorker(anyWorker(world, dice)),
    judge(world, { worker: id = 0 }, answer) {
      const worker = world.workers.get(id)
      if (worker === undefined || worker.gone !== null) return same('extend', answer.said, null)
      worker.lease = world.now + LEASE
      const asked = running(world).filter((task) => task.worker === id && task.run.cancelAsked)
      const known = [...new Set(asked.map((task) => task.run.id))].toSorted((a, b) => a - b)
      return same(
        'extend',
        ((answer.said ?? []) as number[]).toSorted((a, b) => a - b),
        known,
      )
    },
  },
  relock: {
    weight: 1,
    make: (world, dice) => withWorker(anyWorker(world, dice)),
    judge(world, { worker: id = 0 }, answer) {
      const worker = world.workers.get(id)
      if (worker === undefined || worker.gone !== null) return same('relock', answer.said, false)
      Object.assign(worker, { lease: world.now + LEASE, present: true, missed: false })
      return same('relock', answer.said, true)
    },
  },
  leave: {
    weight: 0.4,
    make: (world, dice) => withWorker(anyWorker(world, dice)),
    judge(world, { worker: id = 0 }, answer) {
      const worker = world.workers.get(id)
      // Its own word counts also where a sweep had taken it for dead.
      if (worker !== undefined) worker.gone = 'left'
      return refused(answer, null)
    },
  },
  /** The worker's session is lost. */
  sever: {
    weight: 0.7,
    make: (world, dice) => withWorker(dice.pick(alive(world).filter((worker) => worker.present))?.id),
    judge(world, { worker: id = 0 }) {
      const worker = world.workers.get(id)
      if (worker !== undefined) worker.present = false
      return []
    },
  },
  expire: {
    weight: 4,
    make: () => ({}),
    judge(world, _action, answer) {
      const { now } = world
      const dead = alive(world).find((worker) => worker.lease < now || (!worker.present && worker.missed))
      if (dead !== undefined) dead.gone = dead.lease < now ? 'lease' : 'session'
      for (const worker of alive(world)) worker.missed = !worker.present
      const [gone, work, busy, left, missing] = answer.said as [number, boolean, boolean, number, boolean]
      const known = [
        dead === undefined ? 0 : 1,
        running(world).length > 0,
        alive(world).length,
        alive(world).some((one) => one.missed),
      ]
      const wrong = same('expire', [gone, busy, left, missing], known)
      if (hasWork(world) && !work) wrong.push('there is something to sweep, and the sweep says there is nothing')
      return [...refused(answer, null), ...wrong]
    },
  },
  rescue: {
    weight: 3,
    make: () => ({}),
    judge: (world, _action, answer) => [...refused(answer, null), ...same('rescued', answer.said, rescue(world))],
  },
  withdraw: {
    weight: 0.5,
    make: () => ({}),
    judge: (_world, _action, answer) => refused(answer, null),
  },
  promote: {
    weight: 4,
    make: () => ({}),
    judge(world, _action, answer) {
      const lifted = allLanes(world).filter((lane) => lane.shut && affords(world, lane))
      for (const lane of lifted) lane.shut = false
      const opened = [...world.limits.values()].filter(({ until }) => until > 0 && until <= world.now)
      for (const limit of opened) limit.until = 0
      const ripe = allTasks(world).filter((task) => task.due !== null && task.due <= world.now)
      for (const task of ripe) task.due = null
      return [...refused(answer, null), ...same('promoted', answer.said, ripe.length + lifted.length + opened.length)]
    },
  },
}

const withWorker = (worker: number | undefined) => (worker === undefined ? undefined : { worker })

function hasWork(world: World): boolean {
  return (
    workers(world).some((worker) => worker.gone !== null && running(world).some((task) => task.worker === worker.id)) ||
    allTasks(world).some((task) => task.due !== null && task.due <= world.now) ||
    allLanes(world).some((lane) => lane.shut && affords(world, lane) && waiting(lane).length > 0) ||
    runs(world).some((run) => run.cancelAsked && [...run.tasks.values()].some((task) => task.state === 'ready')) ||
    [...world.limits].some(
      ([key, limit]) => binds(limit) && limit.until > 0 && limit.until <= world.now && shutBy(world, key).length === 0,
    )
  )
}
