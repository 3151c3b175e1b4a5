/** One storm from one seed: the faults in their order, then the oracle. */
import { setTimeout as pause } from 'node:timers/promises'
import { FAULTS, listedFor, strike, type Fault, type Scene } from './storm-faults.ts'
import { ALWAYS } from './storm-laws.ts'
import { brokenOf, judge, numbersOf, settled } from './storm-oracle.ts'
import { openPeople } from './storm-people.ts'
import { WORKERS, type World } from './storm-world.ts'

export interface Told {
  readonly seed: number
  readonly listed: readonly Fault[]
  /** How often each fault hit. */
  readonly hits: Partial<Record<Fault, number>>
  /** And where in their turns the workers were. */
  readonly places: readonly (readonly [Fault, string])[]
  /** False sentences; none in a good storm. */
  readonly violations: readonly string[]
  readonly runs: number
  readonly tasks: number
  /** Attempts taken back from the dead, given back in order, closed too late; purchases beyond the first of a slot. */
  readonly expired: number
  readonly released: number
  readonly fenced: number
  readonly again: number
  /** Connections that a worker asked for and that were not to be had. */
  readonly refused: number
  readonly pauses: number
  readonly cancelled: number
  readonly ms: number
}

export interface SeedOptions {
  /** Default: those of the seed. */
  readonly faults?: readonly Fault[]
  /** The server falls last, so that nobody waits for its grace. */
  readonly brief?: boolean
}

export async function runSeed(world: World, seed: number, options: SeedOptions = {}): Promise<Told> {
  const since = Date.now()
  const random = randomFrom(seed)
  const [row] = await world.sql('select coalesce(max(id), 0) as id from engine.runs')
  const before = Number(row?.['id'])
  world.fleet.takeCounts()
  const people = openPeople(world, seed, randomFrom(seed + 1_000_000))
  const scene: Scene = { world, people, random, violations: [], after: [] }
  const { violations } = scene
  const listed = options.faults ?? listedFor(seed)
  const hits: Partial<Record<Fault, number>> = {}
  const places: [Fault, string][] = []
  await pause(150)
  for (const fault of orderOf(listed, random, options.brief === true)) {
    await pause(40 + random() * 160)
    const hit = await strike[fault](scene)
    violations.push(...(await brokenOf(ALWAYS, world, before)))
    if (hit === undefined) continue
    hits[fault] = (hits[fault] ?? 0) + 1
    for (const place of hit) places.push([fault, place])
  }
  violations.push(...(await people.goHome()))
  for (const end of scene.after) await end()
  await world.fleet.refill(WORKERS)
  violations.push(...(await settled(world, before)), ...(await judge(world, before, people)))
  violations.push(...world.fleet.surprises())
  const { deadlocks, ...counts } = world.fleet.takeCounts()
  // Each of the two misses some.
  const found = Math.max(deadlocks, await world.takeDeadlocks())
  if (found > 0) violations.push(`“nothing deadlocks”: ${found} times it did`)
  return {
    seed,
    listed,
    hits,
    places,
    violations,
    ...counts,
    ...(await numbersOf(world, before)),
    pauses: people.pauses.length,
    cancelled: people.cancelled.size,
    ms: Date.now() - since,
  }
}

/** In an order from the seed; what brings the server down stands together, so that one grace serves both. */
function orderOf(listed: readonly Fault[], random: () => number, brief: boolean): Fault[] {
  const falls = (fault: Fault) => fault === 'crash' || fault === 'kill backend' || fault === 'restart'
  const shuffled = (of: readonly Fault[]) =>
    of
      .map((fault) => ({ fault, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ fault }) => fault)
  const order = shuffled(listed.filter((fault) => !falls(fault)))
  const at = Math.floor(random() * (order.length + 1))
  order.splice(brief ? order.length : at, 0, ...shuffled(listed.filter(falls)))
  return order
}

/** Those that did not hit as often as they were listed. */
export const missed = (told: Told): Fault[] =>
  [...new Set(told.listed)].filter((fault) => (told.hits[fault] ?? 0) < timesOf(told, fault))

const timesOf = (told: Told, fault: Fault) => told.listed.filter((one) => one === fault).length

export function lineOf(told: Told): string {
  const { seed, runs, tasks, expired, released, fenced, refused, again, ms, violations } = told
  const not = missed(told)
  const counted = not.length === 0 ? '' : ` — not counted, these did not hit: ${not.join(', ')}`
  const facts = [
    `${runs} runs, ${told.pauses} paused, ${told.cancelled} cancelled, ${tasks} tasks`,
    `${expired} taken back, ${released} given back, ${fenced} fenced, ${refused} refused, ${again} bought again`,
  ]
  return [
    `seed ${seed}: ${facts.join(', ')}, ${(ms / 1000).toFixed(1)} s${counted}`,
    ...violations.map((one) => `  FALSE: ${one}`),
  ].join('\n')
}

/** How often each fault hit, and where the workers were then. */
export function hitsOf(all: readonly Told[]): string[] {
  return FAULTS.flatMap((fault) => {
    const hit = all.reduce((sum, told) => sum + (told.hits[fault] ?? 0), 0)
    const listed = all.reduce((sum, told) => sum + timesOf(told, fault), 0)
    if (listed === 0) return []
    const places = all.flatMap((told) => told.places.filter(([of]) => of === fault).map(([, place]) => place))
    const where = [...Map.groupBy(places, (place) => place)]
      .sort(([, a], [, b]) => b.length - a.length)
      .map(([place, times]) => `${place} ${times.length}`)
    return [`${fault}: hit in ${hit} of ${listed} (${where.join(', ')})`]
  })
}

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
