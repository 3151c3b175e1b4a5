/** One model in one run, and two of them beside one another, scenario by scenario. */
import type { Facts, Slot } from '../analysis/facts.ts'
import { bootstrap, holm, mcnemar, mean, needed, signFlip, wilson } from './statistics.ts'

/** A share with its Wilson interval, 95 %. */
interface Share {
  readonly rate: number | null
  readonly low: number | null
  readonly high: number | null
  readonly n: number
}

/** One model in one run. */
export interface Arm {
  readonly run: number
  readonly modelId: string
  /** Slots that have ended, by what came of them. */
  readonly slots: number
  readonly decision: number
  readonly refusal: number
  readonly other: number
  readonly unparsed: number
  readonly none: number
  readonly failed: number
  readonly cancelled: number
  /** Slots with a decision, of all. */
  readonly decided: Share
  /** Mean over scenarios of their values. */
  readonly mean: number | null
}

/** Of pairs of scenarios, one way and the other; p by the exact test of McNemar. */
interface Changes {
  readonly gained: number
  readonly lost: number
  readonly n: number
  readonly p: number | null
  readonly pHolm: number | null
}

export interface ChangedScenario {
  readonly scenarioId: string
  /** Values; null where nothing was decided. */
  readonly a: number | null
  readonly b: number | null
  /** How often which code or outcome. */
  readonly saidA: Readonly<Record<string, number>>
  readonly saidB: Readonly<Record<string, number>>
}

export interface Pair {
  /** Places in `arms`. */
  readonly a: number
  readonly b: number
  /** Scenarios that both were asked. */
  readonly asked: number
  /** Of these: decided by both, by one alone, by neither. */
  readonly n: number
  readonly onlyA: number
  readonly onlyB: number
  readonly neither: number
  /** Mean of b − a over the n; its interval, 95 %, by paired bootstrap; p by flipping signs. */
  readonly difference: number | null
  readonly low: number | null
  readonly high: number | null
  readonly p: number | null
  readonly pHolm: number | null
  /** Scenarios that would be needed to see this difference with 80 % power. */
  readonly needed: number | null
  /** Above the middle of the scale in b and not in a, and the other way round. */
  readonly wins: Changes
  /** Decided in b and not in a, and the other way round. */
  readonly decided: Changes
  /** Not told apart at 5 %, after Holm; null when nothing was decided by both. */
  readonly tied: boolean | null
  /** Where they are not the same, farthest apart first. */
  readonly changed: readonly ChangedScenario[]
}

const ALPHA = 0.05

export interface Side {
  readonly run: number
  readonly modelId: string
  readonly slots: readonly Slot[]
  readonly byScenario: ReadonlyMap<string, readonly Slot[]>
  readonly values: ReadonlyMap<string, number>
}

interface Measure {
  readonly name: string
  readonly values: ReadonlyMap<string, number>
  readonly middle: number
}

const NUMBER = /^-?[0-9]{1,9}(\.[0-9]{1,9})?$/

export function measureOf(scale: readonly string[] | null): Measure | undefined {
  if (scale === null) return undefined
  if (scale.every((code) => NUMBER.test(code))) {
    const numbers = scale.map(Number)
    return {
      name: 'mean decision',
      values: new Map(scale.map((code) => [code, Number(code)])),
      middle: (Math.min(...numbers) + Math.max(...numbers)) / 2,
    }
  }
  const [first, second, ...more] = scale
  if (first === undefined || second === undefined || more.length > 0) return undefined
  return {
    name: `share of ${second}`,
    values: new Map([
      [first, 0],
      [second, 1],
    ]),
    middle: 0.5,
  }
}

export function sideOf(facts: Facts, modelId: string, codes: ReadonlyMap<string, number> | undefined): Side {
  const slots = facts.answers.filter((slot) => slot.modelId === modelId)
  const byScenario = Map.groupBy(slots, (slot) => slot.scenarioId)
  const values = new Map<string, number>()
  for (const [scenario, said] of byScenario) {
    const value = mean(said.flatMap(({ code }) => (code === null ? [] : (codes?.get(code) ?? []))))
    if (value !== null) values.set(scenario, value)
  }
  return { run: Number(facts.runId), modelId, slots, byScenario, values }
}

export function armOf({ run, modelId, slots, values }: Side): Arm {
  const count = (outcome: Slot['outcome']) => slots.filter((slot) => slot.outcome === outcome).length
  const decision = count('decision')
  const interval = wilson(decision, slots.length)
  return {
    run,
    modelId,
    slots: slots.length,
    decision,
    refusal: count('refusal'),
    other: count('other'),
    unparsed: count('unparsed'),
    none: count('none'),
    failed: count('failed'),
    cancelled: count('cancelled'),
    decided: {
      rate: slots.length === 0 ? null : decision / slots.length,
      low: interval?.low ?? null,
      high: interval?.high ?? null,
      n: slots.length,
    },
    mean: mean([...values.values()]),
  }
}

export function pairOf(
  sides: readonly Side[],
  a: number,
  b: number,
  middle: number,
  seed: number,
  draws: number,
): Pair {
  const [left, right] = [sides[a], sides[b]]
  if (left === undefined || right === undefined) throw new RangeError('no such arm')
  const asked = [...left.byScenario.keys()].filter((scenario) => right.byScenario.has(scenario))
  const decides = ({ byScenario }: Side, scenario: string) =>
    (byScenario.get(scenario) ?? []).some(({ outcome }) => outcome === 'decision')
  const onlyA = asked.filter((scenario) => decides(left, scenario) && !decides(right, scenario)).length
  const onlyB = asked.filter((scenario) => !decides(left, scenario) && decides(right, scenario)).length
  const both = asked.filter((scenario) => decides(left, scenario) && decides(right, scenario))
  const shared = both.flatMap((scenario) => {
    const [x, y] = [left.values.get(scenario), right.values.get(scenario)]
    return x === undefined || y === undefined ? [] : [{ x, y }]
  })
  const differences = shared.map(({ x, y }) => y - x)
  const interval = bootstrap(differences, seed, draws)
  const gained = shared.filter(({ x, y }) => y > middle && x <= middle).length
  const lost = shared.filter(({ x, y }) => x > middle && y <= middle).length
  return {
    a,
    b,
    asked: asked.length,
    n: both.length,
    onlyA,
    onlyB,
    neither: asked.length - both.length - onlyA - onlyB,
    difference: mean(differences),
    low: interval?.low ?? null,
    high: interval?.high ?? null,
    p: signFlip(differences, seed, draws),
    pHolm: null,
    needed: needed(differences),
    wins: changes(gained, lost, shared.length),
    decided: changes(onlyB, onlyA, asked.length),
    tied: null,
    changed: changedOf(left, right, asked),
  }
}

function changes(gained: number, lost: number, n: number): Changes {
  return { gained, lost, n, p: n === 0 ? null : mcnemar(gained, lost), pHolm: null }
}

function changedOf(left: Side, right: Side, asked: readonly string[]): ChangedScenario[] {
  const said = ({ byScenario }: Side, scenario: string) => {
    const counts: Record<string, number> = {}
    for (const { code, outcome } of byScenario.get(scenario) ?? []) {
      const what = code ?? outcome
      counts[what] = (counts[what] ?? 0) + 1
    }
    return Object.fromEntries(Object.entries(counts).toSorted(([x], [y]) => (x < y ? -1 : 1)))
  }
  const far = ({ a, b }: ChangedScenario) => (a === null || b === null ? Infinity : Math.abs(b - a))
  return asked
    .map((scenarioId) => ({
      scenarioId,
      a: left.values.get(scenarioId) ?? null,
      b: right.values.get(scenarioId) ?? null,
      saidA: said(left, scenarioId),
      saidB: said(right, scenarioId),
    }))
    .filter(({ saidA, saidB }) => JSON.stringify(saidA) !== JSON.stringify(saidB))
    .toSorted((x, y) => far(y) - far(x) || 0)
}

/** One family of tests each for differences, wins and decisions. */
export function adjusted(pairs: readonly Pair[]): Pair[] {
  const differences = holm(pairs.map(({ p }) => p))
  const wins = holm(pairs.map((pair) => pair.wins.p))
  const decided = holm(pairs.map((pair) => pair.decided.p))
  return pairs.map((pair, i) => {
    const pHolm = differences[i] ?? null
    return {
      ...pair,
      pHolm,
      tied: pHolm === null ? null : pHolm >= ALPHA,
      wins: { ...pair.wins, pHolm: wins[i] ?? null },
      decided: { ...pair.decided, pHolm: decided[i] ?? null },
    }
  })
}
