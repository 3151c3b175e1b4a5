/** Which scenarios a sample takes: by chance, but the same chance everywhere. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSamplePercentage, sampleScenarios, sampleSize } from './definition/expand.ts'

describe('a sample', () => {
  test('is these indexes for these seeds, on every machine', () => {
    expect(sampleScenarios(25, 20, 42)).toMatchInlineSnapshot(`
      [
        3,
        7,
        13,
        14,
        20,
      ]
    `)
    expect(sampleScenarios(25, 20, -42)).toMatchInlineSnapshot(`
      [
        3,
        4,
        8,
        12,
        13,
      ]
    `)
    expect(sampleScenarios(1000, 1, 2n ** 70n)).toMatchInlineSnapshot(`
      [
        20,
        38,
        64,
        179,
        243,
        456,
        460,
        593,
        890,
        949,
      ]
    `)
  })

  test('has the promised size, sorted, without repeats, inside the whole', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 100 }),
        fc.bigInt(),
        (total, percentage, seed) => {
          const sample = sampleScenarios(total, percentage, seed)
          expect(sample).toHaveLength(Math.max(1, Math.round((total * percentage) / 100)))
          expect(sample).toEqual([...new Set(sample)].sort((a, b) => a - b))
          expect(sample.every((index) => Number.isInteger(index) && index >= 0 && index < total)).toBe(true)
          expect(sampleScenarios(total, percentage, seed)).toEqual(sample)
        },
      ),
    )
  })

  test('of a larger percentage holds the smaller one of the same seed', () => {
    const larger = new Set(sampleScenarios(500, 30, 5))
    expect(sampleScenarios(500, 10, 5).every((index) => larger.has(index))).toBe(true)
  })

  test('takes every index about equally often', () => {
    const uses = Array.from({ length: 10 }, () => 0)
    for (let seed = 0; seed < 2000; seed++)
      for (const index of sampleScenarios(10, 30, seed)) uses[index] = (uses[index] ?? 0) + 1
    for (const count of uses) expect(Math.abs(count - 600)).toBeLessThan(90)
  })

  test('of one percent of a few is one, of everything is everything, of nothing is nothing', () => {
    expect(sampleScenarios(3, 1, 1)).toHaveLength(1)
    expect(sampleScenarios(5, 100, 1)).toEqual([0, 1, 2, 3, 4])
    expect(sampleScenarios(0, 50, 1)).toEqual([])
    expect(sampleSize(25, 50)).toBe(13)
  })

  test('of a huge whole costs what the sample costs', () => {
    const start = performance.now()
    expect(sampleScenarios(10_000_000, 1, 1)).toHaveLength(100_000)
    expect(performance.now() - start).toBeLessThan(2000)
  })

  test('is only of whole percentages from 1 to 100', () => {
    for (const wrong of [0, 101, 1.5, -1, Number.NaN, '50', null, undefined])
      expect(isSamplePercentage(wrong)).toBe(false)
    expect([1, 50, 100].every(isSamplePercentage)).toBe(true)
    expect(() => sampleScenarios(10, 0, 1)).toThrow(RangeError)
  })
})
