/**
 * A definition's scenarios: every combination of its levels, and which wording
 * each one gets.  The same definition and seed give the same scenarios and the
 * same sample on every machine, one at a time and in any order.
 *
 * Chance is sha256 and nothing else.  The stream of a text is the digests of
 * `text#0`, `text#1`, …, read as unsigned 32-bit big-endian numbers.  The wordings
 * of a scenario come from the stream `options:SEED:KEY`, one number a dimension in
 * order: wording number floor(number * wordings / 2^32).  A sample comes from
 * `sample:SEED:TOTAL` by the shuffle in `sampleScenarios`.
 */

import { createHash } from 'node:crypto'
import { Refusal } from '@millrace/engine'
import type { Definition } from './definition-shape.ts'
import { nameKey, templateParts } from './placeholders.ts'
import type { TemplatePart } from './placeholders.ts'

export interface ScenarioDimension {
  readonly score: number
  readonly label: string
  /** The wording that stands in the prompt. */
  readonly option: string
}

export interface Scenario {
  /** From 0, in the order of the product: the first dimension changes slowest. */
  readonly index: number
  /** `stakes=3_duty=1`: says the levels, is unique in its definition, and stays when levels are added. `only` without dimensions. */
  readonly key: string
  /** By the dimension's name, in the definition's order. */
  readonly dimensions: Readonly<Record<string, ScenarioDimension>>
  readonly prompt: string
}

/** Scenarios of one definition and seed; nothing is made before it is asked for. */
export interface Expansion extends Iterable<Scenario> {
  readonly count: number
  /** Sentences for the person who is about to create them. */
  readonly warnings: readonly string[]
  /** @throws RangeError when `index` is not in 0 … count-1 */
  at(index: number): Scenario
}

export const expansionLimits = { warnAbove: 1_000, cap: 100_000 } as const

/** How many scenarios the definition has: the product of its levels, however large. */
export function countScenarios(definition: Pick<Definition, 'dimensions'>): bigint {
  return definition.dimensions.reduce((count, { levels }) => count * BigInt(levels.length), 1n)
}

/**
 * Opens the scenarios of a definition.
 * @param options.seed any integer
 * @param options.cap the most scenarios that are allowed
 * @throws Refusal TOO_MANY_SCENARIOS above the cap; NO_SCENARIOS when a dimension has no levels; INVALID_SEED
 */
export function openExpansion(definition: Definition, options: { seed: number | bigint; cap?: number }): Expansion {
  const seed = seedText(options.seed)
  const cap = options.cap ?? expansionLimits.cap
  const product = countScenarios(definition)
  if (product > BigInt(cap)) {
    throw new Refusal(
      'TOO_MANY_SCENARIOS',
      `The definition has ${grouped(product)} scenarios; at most ${grouped(cap)} are allowed.`,
      {
        remedy: 'Remove levels or dimensions, or raise the cap.',
      },
    )
  }
  if (product === 0n) {
    const empty = definition.dimensions.find(({ levels }) => levels.length === 0)
    throw new Refusal('NO_SCENARIOS', `Dimension "${empty?.name ?? ''}" has no levels, so there is no scenario.`, {
      remedy: 'Give it a level or remove it.',
    })
  }
  const count = Number(product)
  const warnings =
    count > expansionLimits.warnAbove
      ? [`The definition has ${grouped(count)} scenarios; each is asked of every model. A sample asks fewer.`]
      : []
  const parts = filledBy(definition)
  const slugs = definition.dimensions.map(({ name }, i) => slug(name, i))
  const at = (index: number): Scenario => {
    if (!Number.isSafeInteger(index) || index < 0 || index >= count) {
      throw new RangeError(`scenario ${index} is not in 0 … ${count - 1}`)
    }
    return scenarioOf(definition, parts, slugs, seed, index)
  }
  return {
    count,
    warnings,
    at,
    *[Symbol.iterator]() {
      for (let index = 0; index < count; index++) yield at(index)
    },
  }
}

/** Every scenario in order, one at a time; throws as `openExpansion` does, before the first. */
export function expandScenarios(
  definition: Definition,
  options: { seed: number | bigint; cap?: number },
): Iterable<Scenario> {
  return openExpansion(definition, options)
}

/** Can this be a `samplePercentage`? A whole number from 1 to 100. */
export function isSamplePercentage(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 100
}

/** How many of `total` a percentage takes: rounded half up, at least one, none of none. */
export function sampleSize(total: number, percentage: number): number {
  if (!isSamplePercentage(percentage)) throw new RangeError(`${percentage} is not a whole percentage from 1 to 100`)
  if (!Number.isSafeInteger(total) || total < 0 || total > 2 ** 32)
    throw new RangeError(`${total} is not a number of scenarios`)
  return total === 0 ? 0 : Math.max(1, Math.floor((total * percentage + 50) / 100))
}

/**
 * The indexes of a sample, ascending.  A larger percentage with the same seed holds the smaller sample.
 * @param total how many scenarios there are, at most 2^32
 */
export function sampleScenarios(total: number, percentage: number, seed: number | bigint): number[] {
  const size = sampleSize(total, percentage)
  const next = numbers(`sample:${seedText(seed)}:${total}`)
  // The first `size` places of a Fisher–Yates shuffle; only places that have been swapped are remembered.
  const moved = new Map<number, number>()
  const sample: number[] = []
  for (let place = 0; place < size; place++) {
    const chosen = place + below(next, total - place)
    sample.push(moved.get(chosen) ?? chosen)
    moved.set(chosen, moved.get(place) ?? place)
    moved.delete(place)
  }
  return sample.sort((a, b) => a - b)
}

/** The seed's decimal digits. @throws Refusal INVALID_SEED when it is not an integer */
export function seedText(seed: number | bigint): string {
  if (typeof seed === 'bigint') return seed.toString()
  if (Number.isInteger(seed)) return BigInt(seed).toString()
  throw new Refusal('INVALID_SEED', `The seed ${seed} is not a whole number.`, { remedy: 'Give any whole number.' })
}

/** A template's parts, each placeholder with the number of the dimension that fills it. */
type FilledPart = string | number

function filledBy(definition: Definition): FilledPart[] {
  const numbers = new Map(definition.dimensions.map(({ name }, i) => [nameKey(name), i]))
  return templateParts(definition.template).map((part: TemplatePart) => {
    if (part.kind === 'text') return part.text
    const number = numbers.get(nameKey(part.name))
    if (number !== undefined) return number
    throw new Refusal(
      'INVALID_DEFINITION',
      `The template has the placeholder [${part.name}], which names no dimension.`,
      {
        remedy: 'Add the dimension, or write \\[ for a bracket that is text.',
      },
    )
  })
}

function scenarioOf(
  definition: Definition,
  parts: readonly FilledPart[],
  slugs: readonly string[],
  seed: string,
  index: number,
): Scenario {
  const levels = []
  let rest = index
  for (const { levels: all } of definition.dimensions.toReversed()) {
    const level = all[rest % all.length]
    if (level !== undefined) levels.unshift(level)
    rest = Math.floor(rest / all.length)
  }
  const key = levels.map(({ score }, i) => `${slugs[i] ?? ''}=${score}`).join('_') || 'only'
  const next = numbers(`options:${seed}:${key}`)
  const dimensions: Record<string, ScenarioDimension> = {}
  const wordings: string[] = []
  for (const [i, { score, label, options }] of levels.entries()) {
    // A number is drawn even where there is no choice, so that a wording more in one dimension changes no other.
    const option = options[Math.floor((next() * options.length) / 2 ** 32)] ?? label
    wordings.push(option)
    dimensions[definition.dimensions[i]?.name ?? ''] = { score, label, option }
  }
  // A wording is put in as it is: a placeholder in it is text.
  const filled = parts.map((part) => (typeof part === 'string' ? part : (wordings[part] ?? ''))).join('')
  const instruction = definition.decision?.instruction
  const prompt = instruction === undefined ? filled : `${filled.trimEnd()}\n\n${instruction}`
  return { index, key, dimensions, prompt: prompt.trimEnd() }
}

/** Letters and digits of any script, the rest as hyphens: no separator of the key can stand in it. */
function slug(name: string, index: number): string {
  const letters = nameKey(name)
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '')
  return letters.slice(0, 32).toWellFormed() || `d${index + 1}`
}

/** The stream of 32-bit numbers that belongs to a text. */
function numbers(text: string): () => number {
  let digest = Buffer.alloc(0)
  let block = 0
  let offset = 0
  return () => {
    if (offset === digest.length) {
      digest = createHash('sha256').update(`${text}#${block++}`).digest()
      offset = 0
    }
    offset += 4
    return digest.readUInt32BE(offset - 4)
  }
}

/** A number in 0 … bound-1, each equally likely: numbers of the incomplete last round are thrown away. */
function below(next: () => number, bound: number): number {
  const whole = 2 ** 32 - (2 ** 32 % bound)
  for (;;) {
    const number = next()
    if (number < whole) return number % bound
  }
}

function grouped(count: number | bigint): string {
  return count.toString().length > 24 ? 'far too many' : count.toLocaleString('en-US')
}
