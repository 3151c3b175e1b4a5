/**
 * Runs of one definition beside one another, or the models of one run.  Scenarios
 * are the units: an arm's value for one is the mean over its samples, and two arms
 * are compared on the scenarios that both decided.  Who did not decide is counted.
 */
import { Refusal, type Engine, type Principal, type Tx } from '@millrace/engine'
import { factsOf, probeOf, type Facts } from '../analysis/facts.ts'
import type { ProbeInput } from '../input.ts'
import { adjusted, armOf, measureOf, pairOf, sideOf, type Arm, type Pair, type Side } from './pairs.ts'
import { DRAWS } from './statistics.ts'

export interface Comparison {
  readonly runs: readonly number[]
  readonly name: string
  readonly definitionHash: string
  /** Which arms were paired. */
  readonly pairing: 'models of the run' | 'same model in other runs' | 'all of other runs'
  /** What a value is; null when the codes of the scale are more than two and not all numbers. */
  readonly measure: string | null
  readonly seed: number
  readonly draws: number
  readonly arms: readonly Arm[]
  readonly pairs: readonly Pair[]
  /** Sets of arms, neighbours by mean, no two of which could be told apart; highest first. */
  readonly tied: readonly (readonly number[])[]
  /** What else is not the same, one sentence each. */
  readonly notes: readonly string[]
}

const MOST_ARMS = 40
/** Resampled values of all pairs above which each is drawn less often. */
const LARGE = 20_000
const FEWER_DRAWS = 2_000

/**
 * @throws Refusal NO_SUCH_RUN, NOT_A_PROBE, OTHER_DEFINITION, NOTHING_TO_COMPARE, TOO_MANY_ARMS
 */
export async function compareRuns(
  engine: Engine,
  who: Principal,
  asked: readonly number[],
  seed = 1,
): Promise<Comparison> {
  const runs = [...new Set(asked)]
  const { facts, notes, name, definitionHash } = await engine.as(who, async (tx) => {
    const read: Tx['query'] = (text, values) => tx.query(text, values)
    const same = await sameDefinition(read, runs)
    const facts: Facts[] = []
    for (const run of runs) facts.push(await factsOf(read, run))
    return { ...same, facts, notes: await notesOf(read, runs) }
  })
  const scale = measureOf(facts[0]?.scale ?? null)
  const sides = facts.flatMap((one) => one.models.map((model) => sideOf(one, model, scale?.values)))
  if (sides.length > MOST_ARMS) throw tooMany(sides.length)
  const { pairing, places } = pairsOf(runs, sides)
  if (places.length === 0) throw nothing()
  const draws = places.length * (facts[0]?.scenarios.length ?? 0) > LARGE ? FEWER_DRAWS : DRAWS
  const pairs = adjusted(places.map(([a, b]) => pairOf(sides, a, b, scale?.middle ?? 0, seed, draws)))
  const arms = sides.map(armOf)
  return {
    runs,
    name,
    definitionHash,
    pairing,
    measure: scale?.name ?? null,
    seed,
    draws,
    arms,
    pairs,
    tied: tiedSets(arms, pairs),
    notes: [...alone(sides, places), ...notes],
  }
}

async function sameDefinition(read: Tx['query'], runs: readonly number[]) {
  const probes: { run: number; name: string; definitionHash: string }[] = []
  for (const run of runs) probes.push({ run, ...(await probeOf(read, run)) })
  const [first] = probes
  if (first === undefined) throw nothing()
  const others = probes.filter((one) => one.definitionHash !== first.definitionHash)
  if (others.length > 0) {
    throw new Refusal('OTHER_DEFINITION', 'These runs do not ask the same: only runs of one definition are compared.', {
      causes: [first, ...others].map(
        ({ run, name, definitionHash }) => `run ${run}: ${name} (${definitionHash.slice(0, 12)})`,
      ),
      remedy: '`millrace probe … --new` asks a definition again, of other models or with other parameters.',
    })
  }
  return first
}

function nothing(): Refusal {
  return new Refusal('NOTHING_TO_COMPARE', 'There is one model in one run: nothing stands beside it.', {
    remedy: 'Name two or more runs of the same definition, or one of several models.',
  })
}

function tooMany(arms: number): Refusal {
  return new Refusal('TOO_MANY_ARMS', `That would be ${arms} models beside one another; ${MOST_ARMS} are the most.`, {
    remedy: 'Compare fewer runs at a time.',
  })
}

/** One run: its models. More: the same model in each; if none is in two of them, all of one with all of another. */
function pairsOf(runs: readonly number[], sides: readonly Side[]) {
  const all = sides.flatMap((_, a) => sides.slice(a + 1).map((_, i): [number, number] => [a, a + 1 + i]))
  if (runs.length === 1) return { pairing: 'models of the run' as const, places: all }
  const across = all.filter(([a, b]) => sides[a]?.run !== sides[b]?.run)
  const same = across.filter(([a, b]) => sides[a]?.modelId === sides[b]?.modelId)
  return same.length > 0
    ? { pairing: 'same model in other runs' as const, places: same }
    : { pairing: 'all of other runs' as const, places: across }
}

function alone(sides: readonly Side[], places: readonly (readonly [number, number])[]): string[] {
  const paired = new Set(places.flat())
  return sides.flatMap(({ run, modelId }, place) =>
    paired.has(place) ? [] : [`${modelId} was asked in run ${run} alone: it stands beside nothing.`],
  )
}

function tiedSets(arms: readonly Arm[], pairs: readonly Pair[]): number[][] {
  const tied = new Set(pairs.flatMap((pair) => (pair.tied === true ? [`${pair.a} ${pair.b}`] : [])))
  const tested = (a: number, b: number) => pairs.some((pair) => pair.a === Math.min(a, b) && pair.b === Math.max(a, b))
  const together = (a: number, b: number) => tied.has(`${Math.min(a, b)} ${Math.max(a, b)}`)
  const order = arms
    .flatMap((arm, place) => (arm.mean === null ? [] : [{ place, mean: arm.mean }]))
    .toSorted((x, y) => y.mean - x.mean || x.place - y.place)
    .map(({ place }) => place)
  const sets: number[][] = []
  for (const [at, place] of order.entries()) {
    // Neighbours among those that it was compared with.
    const set = [place]
    for (const next of order.slice(at + 1)) {
      if (!tested(place, next)) continue
      if (!set.every((one) => together(one, next))) break
      set.push(next)
    }
    if (!sets.some((known) => set.every((one) => known.includes(one)))) sets.push(set)
  }
  return sets
}

const PARAMETERS = [
  'temperature',
  'maxTokens',
  'maxTurns',
  'sampleSeed',
  'samplesPerScenario',
  'samplePercentage',
] as const

async function notesOf(read: Tx['query'], runs: readonly number[]): Promise<string[]> {
  const notes: string[] = []
  const { rows } = await read<{ id: number; ended: boolean; input: ProbeInput }>(
    `select r.id, r.finished_at is not null as ended, b.input - 'definition' as input
       from engine.runs r join engine.run_bodies b on b.run_id = r.id where r.id = any($1) order by array_position($1, r.id)`,
    [runs],
  )
  for (const { id, ended } of rows) if (!ended) notes.push(`Run ${id} has not ended: this is what there is so far.`)
  for (const name of PARAMETERS) {
    const values = rows.map(({ input }) => String(input[name] ?? 'not set'))
    if (new Set(values).size > 1) notes.push(`They differ in ${name}: ${values.join(', ')}.`)
  }
  const worded = await read<{ amount: number }>(
    `select count(*) as amount from (
       select from probe.scenarios where run_id = any($1) group by key having count(distinct prompt) > 1) q`,
    [runs],
  )
  const otherwise = worded.rows[0]?.amount ?? 0
  if (otherwise > 0) notes.push(`${otherwise} ${otherwise === 1 ? 'scenario was' : 'scenarios were'} worded otherwise.`)
  return notes
}
