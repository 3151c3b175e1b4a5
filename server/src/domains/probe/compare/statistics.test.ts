/** The statistics of comparisons against values that scipy and statsmodels worked out. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { bootstrap, holm, mcnemar, needed, signFlip, wilson } from './statistics.ts'

interface Golden {
  wilson: { wins: number; n: number; low: number | null; high: number | null }[]
  holm: { p: (number | null)[]; adjusted: (number | null)[] }[]
  mcnemar: { b: number; c: number; p: number }[]
  signFlip: { differences: number[]; p: number }[]
  bootstrap: { differences: number[]; low: number; high: number }[]
  needed: { differences: number[]; n: number | null }[]
}
const golden = JSON.parse(
  readFileSync(new URL('../../../../testing/golden/statistics.json', import.meta.url), 'utf8'),
) as Golden

function expectSame(found: number | null, wanted: number | null) {
  if (found === null || wanted === null) expect(found).toBe(wanted)
  else expect(Math.abs(found - wanted)).toBeLessThanOrEqual(1e-9 * Math.max(1e-3, Math.abs(wanted)))
}

test.each(golden.wilson)('$wins of $n have the interval of Wilson', ({ wins, n, low, high }) => {
  const found = wilson(wins, n)
  expectSame(found?.low ?? null, low)
  expectSame(found?.high ?? null, high)
})

test.each(golden.holm)('p-values $p are adjusted as by Holm', ({ p, adjusted }) => {
  for (const [i, found] of holm(p).entries()) expectSame(found, adjusted[i] ?? null)
})

test.each(golden.mcnemar)('$b changes one way and $c the other have the exact p of McNemar', ({ b, c, p }) => {
  expectSame(mcnemar(b, c), p)
})

test.each(golden.signFlip)('differences $differences have the p of all their signs', ({ differences, p }) => {
  expectSame(signFlip(differences, 1), p)
})

test('with many pairs the p of drawn signs is near the p of all signs', () => {
  const differences = Array.from({ length: 40 }, (_, i) => [1, -1, 1, 0.5, -1][i % 5] ?? 0)
  // Normal approximation: z = 4 / √(Σd²) = 0.686…, two-sided p ≈ 0.49, widened by the steps of 0.5.
  const p = signFlip(differences, 1) ?? 0
  expect(p).toBeGreaterThan(0.45)
  expect(p).toBeLessThan(0.58)
  expect(
    signFlip(
      Array.from({ length: 40 }, () => 1),
      1,
    ),
  ).toBeLessThan(0.001)
})

test.each(golden.bootstrap)('resampled means of %# lie where those of scipy lie', ({ differences, low, high }) => {
  const found = bootstrap(differences, 7)
  const width = high - low
  expect(Math.abs((found?.low ?? 99) - low)).toBeLessThan(0.06 * width)
  expect(Math.abs((found?.high ?? 99) - high)).toBeLessThan(0.06 * width)
})

test.each(golden.needed)('differences $differences would need so many pairs', ({ differences, n }) => {
  expect(needed(differences)).toBe(n)
})

test('the same seed gives the same interval and the same p, another seed others', () => {
  const differences = Array.from({ length: 30 }, (_, i) => (i % 7) - 2.5)
  expect(bootstrap(differences, 5)).toEqual(bootstrap(differences, 5))
  expect(bootstrap(differences, 5)).not.toEqual(bootstrap(differences, 6))
  expect(signFlip(differences, 5)).toBe(signFlip(differences, 5))
  expect(signFlip(differences, 5)).not.toBe(signFlip(differences, 6))
})

test('what does not exist is null', () => {
  expect([bootstrap([], 1), bootstrap([1], 1), signFlip([], 1), needed([]), needed([0, 0]), needed([1])]).toEqual(
    Array.from({ length: 6 }, () => null),
  )
  expect(bootstrap([0, 0, 0], 1)).toEqual({ low: 0, high: 0 })
  expect(mcnemar(0, 0)).toBe(1)
})
