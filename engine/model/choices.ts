/** What verbs are called with: tasks to be, and attempts that end. */
import type { Dice } from './dice.ts'
import type { Ending, Spec } from './settle.ts'
import { NOWHERE, running } from './verb.ts'
import { allTasks, type World } from './world.ts'

/** Each of them is the first of some lanes and the bound of others. */
export const anyKey = (dice: Dice): string => dice.one('k', 'k', 'h', 'h', 'm')

/** One bound for all tasks of a kind under one key, also of those that the run has. */
export function someTasks(
  dice: Dice,
  most: number,
  before: readonly Pick<Spec, 'kind' | 'key' | 'bound'>[] = [],
): Spec[] {
  const known = [...before]
  return Array.from({ length: dice.int(most + 1) }, () => {
    const kind = dice.one('a', 'a', 'b', 'c')
    const key = dice.chance(0.6) ? dice.one('k', 'k', 'k', 'm', 'm', 'h') : ''
    const bound = dice.chance(0.4) ? anyKey(dice) : ''
    const lane = known.find((one) => one.kind === kind && (one.key ?? '') === key) ?? { kind, key, bound }
    known.push(lane)
    return {
      kind,
      ...(key === '' ? {} : { key }),
      ...((lane.bound ?? '') === '' ? {} : { bound: lane.bound }),
      ...(dice.chance(0.15) ? { delay: dice.one(0, 0.5, 2, 20) } : {}),
      ...(dice.chance(0.5)
        ? { uses: { requests: dice.one(1, 1, 2), tokens: dice.one(0, 10, 50), micros: dice.one(0, 0, 7) } }
        : {}),
    }
  })
}

export function endingOf(
  world: World,
  dice: Dice,
): Omit<Ending, 'run' | 'n' | 'attempt'> & { n: number; run: number; attempt: number } {
  const task = (dice.chance(0.95) ? dice.pick(running(world)) : undefined) ?? dice.pick(allTasks(world))
  const delay = dice.one(0, 0, 0.5, 3)
  if (task === undefined) return { run: NOWHERE, n: 1, attempt: 1, outcome: 'succeeded', body: null, delay }
  const attempt = dice.chance(0.93) ? task.attempt : task.attempt + dice.one(-1, 1)
  const outcome = dice.one(
    ...(['succeeded', 'succeeded', 'succeeded', 'succeeded', 'succeeded', 'succeeded', 'failed', 'failed'] as const),
    ...([
      'again',
      'again',
      'later',
      'released',
      'cancelled',
      'throttled',
      dice.chance(0.3) ? 'stopped' : 'later',
    ] as const),
  )
  const failure = { code: dice.one('BILLING', 'BROKEN', 'LATE') }
  const one = { run: task.run.id, n: task.n, attempt, outcome, delay }
  if (outcome === 'stopped') return { ...one, body: failure }
  if (outcome !== 'succeeded') return { ...one, body: dice.chance(0.8) ? failure : null }
  if (task.n > 0) return { ...one, body: dice.chance(0.8) ? { ok: dice.int(9) } : null }
  const body = dice.one<() => unknown>(
    () => ({ do: someTasks(dice, 4, task.run.lanes) }),
    () => ({ do: someTasks(dice, 2, task.run.lanes), hold: dice.one('paused', 'awaiting_approval') }),
    () => ({ succeed: dice.int(9) }),
    () => ({ fail: failure }),
    () => ({ do: [] }),
  )()
  return { ...one, body }
}

export function someEndings(world: World, dice: Dice, most: number): Ending[] {
  const endings: Ending[] = Array.from({ length: dice.int(most) + 1 }, () => endingOf(world, dice))
  const [first] = endings
  // An attempt that is named twice.
  if (first !== undefined && dice.chance(0.1)) endings.push(first)
  if (first !== undefined && dice.chance(0.05)) endings.push({ ...first, outcome: 'again', body: null })
  return endings
}
