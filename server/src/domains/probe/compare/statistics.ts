/**
 * Statistics of paired comparisons.  Every function is defined on ties, on no
 * pairs and on pairs that do not differ; what does not exist is null.  Checked
 * against scipy and statsmodels (server/testing/golden).
 */

/** The normal quantiles of 97.5 % and of 80 %. */
const Z95 = 1.959963984540054
const Z_POWER = 0.8416212335729143

/** Draws of a comparison that is not large. */
export const DRAWS = 10_000
/** Up to so many differences that are not 0 every sign is tried. */
const EXACT = 13

export interface Interval {
  readonly low: number
  readonly high: number
}

/** The Wilson score interval of a share, 95 %; null without anything to share. */
export function wilson(part: number, n: number): Interval | null {
  if (n === 0) return null
  const share = part / n
  const z2 = Z95 * Z95
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n)
  const reach = (Z95 * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n))) / (1 + z2 / n)
  return {
    low: part === 0 ? 0 : Math.max(0, centre - reach),
    high: part === n ? 1 : Math.min(1, centre + reach),
  }
}

export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The sample's standard deviation (n − 1); null below two values. */
function deviation(values: readonly number[]): number | null {
  const middle = mean(values)
  if (middle === null || values.length < 2) return null
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1))
}

/** Adjusted p-values of Holm's step-down, in the order given, never falling as p rises; null stays null. */
export function holm(values: readonly (number | null)[]): (number | null)[] {
  const known = values.flatMap((p, place) => (p === null ? [] : [{ p, place }])).toSorted((a, b) => a.p - b.p)
  const adjusted: (number | null)[] = values.map(() => null)
  let highest = 0
  for (const [rank, { p, place }] of known.entries()) {
    highest = Math.max(highest, Math.min(1, (known.length - rank) * p))
    adjusted[place] = highest
  }
  return adjusted
}

/** Two-sided exact McNemar: of the pairs that changed, so many did it one way and so many the other. */
export function mcnemar(gained: number, lost: number): number {
  const n = gained + lost
  // The binomial distribution with one half, summed from its end.
  let log = -n * Math.LN2
  let tail = Math.exp(log)
  for (let i = 0; i < Math.min(gained, lost); i++) {
    log += Math.log(n - i) - Math.log(i + 1)
    tail += Math.exp(log)
  }
  return Math.min(1, 2 * tail)
}

/** The interval of the mean difference: 95 %, percentiles of resampled pairs; null below two pairs. */
export function bootstrap(differences: readonly number[], seed: number, draws = DRAWS): Interval | null {
  const n = differences.length
  if (n < 2) return null
  const random = generator(seed)
  const means = new Float64Array(draws)
  for (let round = 0; round < draws; round++) {
    let sum = 0
    for (let i = 0; i < n; i++) sum += differences[Math.floor(random() * n)] ?? 0
    means[round] = sum / n
  }
  means.sort()
  return { low: quantile(means, 0.025), high: quantile(means, 0.975) }
}

function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1)
  const below = sorted[Math.floor(at)] ?? 0
  return below + (at - Math.floor(at)) * ((sorted[Math.ceil(at)] ?? below) - below)
}

/**
 * Two-sided p of the mean difference when each pair could as well stand the other
 * way round: every sign with few pairs, else so many draws; null without pairs.
 */
export function signFlip(differences: readonly number[], seed: number, draws = DRAWS): number | null {
  if (differences.length === 0) return null
  const moved = differences.filter((difference) => difference !== 0)
  const seen = Math.abs(moved.reduce((sum, value) => sum + value, 0))
  // Sums of the same numbers in another order differ in their last digits.
  const far = (sum: number) => Math.abs(sum) >= seen - 1e-9 * Math.max(1, seen)
  if (moved.length <= EXACT) {
    const rounds = 2 ** moved.length
    let beyond = 0
    for (let signs = 0; signs < rounds; signs++) {
      if (far(moved.reduce((sum, value, i) => sum + ((signs >> i) & 1 ? value : -value), 0))) beyond += 1
    }
    return beyond / rounds
  }
  const random = generator(seed)
  let beyond = 0
  for (let round = 0; round < draws; round++) {
    let sum = 0
    for (const value of moved) sum += random() < 0.5 ? value : -value
    if (far(sum)) beyond += 1
  }
  // The order that was seen is one of them.
  return (beyond + 1) / (draws + 1)
}

/**
 * Pairs that would be needed to see this mean difference with 80 % power at 5 %,
 * by the normal approximation: ⌈((z₀.₉₇₅ + z₀.₈) · sd / mean)²⌉.  Null for no
 * difference, or where the deviation is not known.
 */
export function needed(differences: readonly number[]): number | null {
  const middle = mean(differences)
  const sd = deviation(differences)
  if (middle === null || middle === 0 || sd === null) return null
  return Math.ceil((((Z95 + Z_POWER) * sd) / Math.abs(middle)) ** 2)
}

/** Numbers from 0 to 1 of a seed of 32 bits (the mixing of splitmix32): the same everywhere. */
function generator(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 4_294_967_296
  }
}
