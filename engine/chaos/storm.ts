/**
 * The storm: worker processes killed, stopped and cut off, backends and whole
 * servers killed under them, from a seed; then an oracle counts what is stored.
 *
 *   node engine/chaos/storm.ts --seeds 20      until 20 seeds counted
 *   node engine/chaos/storm.ts --seed 7        this one alone
 *
 * A seed counts only if every listed fault hit.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Refusal, type Principal } from '../src/index.ts'
import { FAULTS, strike, type Fault } from './storm-faults.ts'
import { stormKinds, type Work } from './storm-kinds.ts'
import { judge, numbersOf, settled } from './storm-oracle.ts'
import { insist, openWorld, WORKERS, type World } from './storm-world.ts'

export interface Told {
  readonly seed: number
  /** How often each fault hit, and where in a turn the worker was. */
  readonly hits: Record<Fault, number>
  readonly phases: Record<string, number>
  /** False sentences; none in a good storm. */
  readonly violations: readonly string[]
  readonly runs: number
  readonly tasks: number
  /** Attempts that were taken back, closes that came too late, purchases beyond the first of a task. */
  readonly expired: number
  readonly fenced: number
  readonly again: number
  readonly ms: number
}

export interface Storm {
  /** `brief`: the server falls last, so that nobody waits for its grace. */
  run(seed: number, options?: { brief?: boolean }): Promise<Told>
  close(): Promise<void>
}

const somebody: Principal = { sub: 'storm', workspaces: { 1: 'admin' } }

export async function openStorm(tell: (line: string) => void = () => {}): Promise<Storm> {
  const world = await openWorld()
  return {
    run: (seed, options) => runSeed(world, seed, options?.brief === true, tell),
    close: () => world.close(),
  }
}

////////////////////////////////////////////////////////////////////// a seed

async function runSeed(world: World, seed: number, brief: boolean, tell: (line: string) => void): Promise<Told> {
  const since = Date.now()
  const random = randomFrom(seed)
  const before = (await world.sql('select coalesce(max(id), 0) as id from engine.runs'))[0]?.['id'] as number
  const weather = { over: false }
  const hits = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>
  const phases: Record<string, number> = {}
  const feeding = feed(world, seed, randomFrom(seed + 1_000_000), weather)
  await pause(150)
  for (const fault of orderOf(random, brief)) {
    await pause(40 + random() * 200)
    const hit = await strike[fault](world, random)
    if (hit === undefined) continue
    hits[fault] += 1
    for (const phase of hit) phases[`${fault}: ${phase}`] = (phases[`${fault}: ${phase}`] ?? 0) + 1
  }
  weather.over = true
  const violations = await feeding
  violations.push(...world.fleet.surprises())
  await world.fleet.refill(WORKERS)
  violations.push(...(await settled(world, before)))
  violations.push(...(await judge(world, before)))
  const told: Told = {
    seed,
    hits,
    phases,
    violations,
    ...(await numbersOf(world, before)),
    fenced: world.fleet.takeFenced(),
    ms: Date.now() - since,
  }
  tell(lineOf(told))
  return told
}

/** All faults in an order from the seed; the two that restart the server stand together, so that one grace serves both. */
function orderOf(random: () => number, brief: boolean): Fault[] {
  const others = FAULTS.filter((fault) => fault !== 'crash' && fault !== 'kill backend')
  const order: Fault[] = others
    .map((fault) => ({ fault, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ fault }) => fault)
  const servers: Fault[] = random() < 0.5 ? ['crash', 'kill backend'] : ['kill backend', 'crash']
  order.splice(brief ? order.length : Math.floor(random() * (order.length + 1)), 0, ...servers)
  return order
}

/** Starts runs, and holds, releases and cancels some, until the weather is over. */
async function feed(world: World, seed: number, random: () => number, weather: { over: boolean }): Promise<string[]> {
  const { flat, rounds } = stormKinds(world.effects)
  const errands: Promise<void>[] = []
  const violations: string[] = []
  const errand = async (after: number, work: () => Promise<void>) => {
    await pause(after)
    try {
      await insist(work)
    } catch (error) {
      // It may have ended before.
      if (error instanceof Refusal && error.code === 'WRONG_STATE') return
      violations.push(`an errand was refused: ${String(error)}`)
    }
  }
  for (let at = 0; !weather.over; at += 1) {
    const kind = at % 4 === 3 ? rounds : flat
    const amount = at % 3 === 0 ? 1 : 4 + Math.floor(random() * 14)
    const input = { tasks: Array.from({ length: amount }, () => workFrom(random)), rounds: kind === rounds ? 2 : 1 }
    const key = `${seed}/${at}/${Date.now()}`
    const options = { workspace: 1, key, priority: random() < 0.2 ? 7 : 5 }
    const { run } = await insist(() => world.engine.start(somebody, kind, input, options))
    const luck = random()
    if (luck < 0.1) errands.push(errand(random() * 150, () => world.engine.cancel(somebody, run)))
    else if (luck < 0.25) {
      errands.push(
        errand(random() * 50, () => world.engine.hold(somebody, run)).then(() =>
          errand(random() * 200, () => world.engine.release(somebody, run)),
        ),
      )
    }
    await pause(50)
  }
  await Promise.all(errands)
  return violations
}

function workFrom(random: () => number): Work {
  const luck = random()
  const ends = luck < 0.05 ? 'badly' : luck < 0.12 ? 'second' : luck < 0.15 ? 'poison' : 'well'
  return { ms: Math.floor(10 + random() * 110), ends, buys: random() < 0.4 }
}

///////////////////////////////////////////////////////////////////// the telling

export const missed = (told: Told): Fault[] => FAULTS.filter((fault) => told.hits[fault] === 0)

function lineOf(told: Told): string {
  const { seed, runs, tasks, expired, fenced, again, ms, violations } = told
  const not = missed(told)
  const counted = not.length === 0 ? '' : ` — not counted, these did not hit: ${not.join(', ')}`
  const facts = `${runs} runs, ${tasks} tasks, ${expired} taken back, ${fenced} fenced, ${again} bought again`
  return [
    `seed ${seed}: ${facts}, ${(ms / 1000).toFixed(1)} s${counted}`,
    ...violations.map((one) => `  FALSE: ${one}`),
  ].join('\n')
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

async function main() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '5' },
      seed: { type: 'string' },
      from: { type: 'string', default: '1' },
    },
  })
  const storm = await openStorm((line) => console.log(line))
  const good: Told[] = []
  const bad: Told[] = []
  const only = values.seed === undefined ? undefined : Number(values.seed)
  const wanted = only === undefined ? Number(values.seeds) : 1
  try {
    for (let seed = only ?? Number(values.from), tried = 0; good.length + bad.length < wanted; seed += 1, tried += 1) {
      const told = await storm.run(seed)
      if (told.violations.length > 0) bad.push(told)
      else if (missed(told).length === 0 || only !== undefined) good.push(told)
      if (tried > wanted * 3) throw new Error('too many seeds in which a fault did not hit')
    }
  } finally {
    await storm.close()
  }
  const sum = (of: (told: Told) => number) => [...good, ...bad].reduce((total, told) => total + of(told), 0)
  for (const fault of FAULTS) console.log(`${fault}: hit ${sum((told) => told.hits[fault])} times`)
  const phases = [...new Set([...good, ...bad].flatMap((told) => Object.keys(told.phases)))].sort()
  for (const phase of phases) console.log(`  ${phase}: ${sum((told) => told.phases[phase] ?? 0)}`)
  const fenced = sum((told) => told.fenced)
  console.log(
    `${good.length} seeds good, ${bad.length} bad; ${fenced} attempts fenced, ${sum((told) => told.again)} bought again`,
  )
  if (bad.length > 0)
    console.log(`replay with: node engine/chaos/storm.ts --seed ${bad.map((told) => told.seed).join(' | ')}`)
  if (fenced === 0) console.log('FALSE: no attempt was fenced, so nothing was proved')
  process.exitCode = bad.length > 0 || fenced === 0 ? 1 : 0
}

if (import.meta.main) await main()
