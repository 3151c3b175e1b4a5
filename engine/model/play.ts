/** Plays sequences of verbs on the database and on the model, side by side. */
import { diceFrom } from './dice.ts'
import { peopleVerbs } from './people-verbs.ts'
import { compare, observe } from './picture.ts'
import { dateOf, type Action, type Stage } from './stage.ts'
import type { Verb } from './verb.ts'
import { workerVerbs } from './worker-verbs.ts'
import { emptyWorld, SECOND, type World } from './world.ts'

/** What to do, and the seed of all that is left to choose; so any part of a sequence is one too. */
export interface Command {
  readonly verb: string
  readonly seed: number
}

export interface Played {
  readonly verbs: number
  /** False sentences of the first step that differs. */
  readonly differences: readonly string[]
  /** The verbs, as they were called. */
  readonly script: readonly string[]
}

export interface PlayOptions {
  /** After how many verbs the whole picture is compared. */
  readonly every?: number
  readonly bent?: readonly string[]
}

const VERBS: Readonly<Record<string, Verb>> = { ...workerVerbs, ...peopleVerbs }

/** Commands in a sequence: some find nothing to do. */
export const LENGTH = 120

/** Time passes. */
const TICK = { verb: 'tick', weight: 12 }
const TICKS = [0.001, 0.05, 0.05, 0.1, 0.1, 0.25, 0.25, 0.5, 1, 1, 3, 16, 61].map((seconds) => seconds * SECOND)

/** What seldom comes together by itself: deaths under one task, one after the other. */
const DEATH = ['register', 'claim', 'sever', 'sever', 'expire', 'expire', 'expire', 'rescue']
const DEATHS = [...DEATH, ...DEATH, ...DEATH]

export function sequenceFrom(seed: number, length: number): Command[] {
  const dice = diceFrom(seed)
  const weights = [TICK, ...Object.entries(VERBS).map(([verb, { weight }]) => ({ verb, weight }))]
  const sum = weights.reduce((total, { weight }) => total + weight, 0)
  const verbs = ['register']
  while (verbs.length < length) {
    let at = (dice.int(2 ** 30) / 2 ** 30) * sum
    const chosen = weights.find(({ weight }) => (at -= weight) < 0) ?? TICK
    if (dice.chance(0.004)) verbs.push(...DEATHS)
    else verbs.push(chosen.verb)
  }
  return verbs.map((verb) => ({ verb, seed: dice.int(2 ** 31) }))
}

export async function play(stage: Stage, commands: readonly Command[], options: PlayOptions = {}): Promise<Played> {
  await stage.clear()
  const world = emptyWorld(options.bent)
  const script: string[] = []
  const every = options.every ?? 8
  let verbs = 0
  async function act(action: Action, look = false): Promise<string[]> {
    verbs += 1
    script.push(`${world.now / SECOND} s: ${action.verb} ${JSON.stringify({ ...action, verb: undefined })}`)
    const answer = await stage.step(world.now, action, look || verbs % every === 0)
    const wrong = VERBS[action.verb]?.judge(world, action, answer) ?? [`there is no verb ${action.verb}`]
    if (wrong.length > 0) return wrong
    const claimed = ['claim', 'turn', 'ask'].includes(action.verb)
    if (answer.lanes !== undefined) wrong.push(...observe(world, answer.lanes ?? [], claimed))
    if (answer.picture !== null && wrong.length === 0) wrong.push(...compare(world, answer.picture))
    return wrong
  }

  for (const { verb, seed } of commands) {
    const dice = diceFrom(seed)
    if (verb === TICK.verb) {
      world.now += dice.chance(0.01) ? 90_000 * SECOND : (dice.pick(TICKS) ?? 0)
      continue
    }
    const made = VERBS[verb]?.make(world, dice)
    if (made === undefined) continue
    const differences = await act({ verb, ...made })
    if (differences.length > 0) return { verbs, differences, script }
  }
  return { verbs, differences: await finish(world, act), script }
}

/** After the last word everything comes to its end, and can be thrown away. */
async function finish(world: World, act: (action: Action, look?: boolean) => Promise<string[]>): Promise<string[]> {
  const live = () => [...world.runs.values()].filter((run) => run.ended === null)
  const opening: Action[] = [
    ...live().map((run) => ({ verb: 'release', rest: { run: run.id } })),
    ...[...world.limits.keys()].flatMap((key) => [
      { verb: 'limit', rest: { key, concurrency: null, requests: null, tokens: null } },
      { verb: 'release key', rest: { key } },
    ]),
    ...world.budgets.map(({ workspace, run }) => ({
      verb: 'budget',
      rest: { workspace, run, tokens: null, micros: null },
    })),
  ]
  for (const action of opening) {
    const wrong = await act(action)
    if (wrong.length > 0) return wrong
  }
  for (let round = 0; live().length > 0; round += 1) {
    if (round > 20) return [`run ${live()[0]?.id} does not end`]
    world.now += 30 * SECOND
    const wrong = await finishRound(world, act)
    if (wrong.length > 0) return wrong
  }
  world.now += SECOND
  return await act({ verb: 'prune', rest: { before: dateOf(world.now), workspace: null, limit: 1000 } }, true)
}

async function finishRound(world: World, act: (action: Action) => Promise<string[]>): Promise<string[]> {
  const alive = () => [...world.workers.values()].filter((worker) => worker.gone === null)
  const sweep = () => [
    ...alive().map(() => ({ verb: 'expire' })),
    { verb: 'rescue' },
    { verb: 'promote' },
    { verb: 'register', rest: { kinds: ['a', 'b', 'c', 'flow.next'], workspace: null } },
  ]
  const claims = () => alive().map(({ id }) => ({ verb: 'claim', worker: id, free: 200 }))
  const closes = () => {
    const held = [...world.runs.values()].flatMap((run) =>
      [...run.tasks.values()].filter((task) => task.state === 'running'),
    )
    const endings = held.map((task) => {
      const body = task.n < 0 ? { succeed: 'at last' } : { ok: 1 }
      return { run: task.run.id, n: task.n, attempt: task.attempt, outcome: 'succeeded', body, delay: 0 }
    })
    return [{ verb: 'close', endings }]
  }
  for (const actions of [sweep, claims, closes, claims, closes]) {
    for (const action of actions()) {
      const wrong = await act(action)
      if (wrong.length > 0) return wrong
    }
  }
  return []
}

/** The shortest part of a sequence that still differs, as far as it is found in that time. */
export async function shorten(
  stage: Stage,
  commands: readonly Command[],
  options: PlayOptions = {},
  seconds = 30,
): Promise<{ commands: readonly Command[]; played: Played }> {
  const end = Date.now() + seconds * 1000
  const again = () => play(stage, commands, { ...options, every: 1 })
  let best = commands
  let played = await again()
  if (played.differences.length === 0) {
    return { commands, played: { ...played, differences: ['it does not differ when it is played again'] } }
  }
  // Of the same sort as the first: with other numbers, perhaps.
  const sort = (one: Played) => one.differences[0]?.replaceAll(/[\d.]+|[abc](@[hkm])?(\/[hkm])?\b/g, '').slice(0, 60)
  const wanted = sort(played)
  const fails = async (some: readonly Command[]) => {
    const one = await play(stage, some, { ...options, every: 1 })
    return one.differences.length > 0 && sort(one) === wanted ? one : undefined
  }
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length && Date.now() < end;) {
      const fewer = best.toSpliced(at, size)
      const still = await fails(fewer)
      if (still === undefined) at += size
      else [best, played] = [fewer, still]
    }
  }
  return { commands: best, played }
}
