/** Names of documents, and patterns of them. */
import { posix } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { matchesPattern, wrongPath, wrongPattern } from './path.ts'

const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 4 })
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
const part = fc
  .array(fc.constantFrom('a', 'b', '.', '*', '?', '{a,b}', '{aa,b.a}'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(''))
const pattern = fc
  .array(fc.oneof({ arbitrary: part, weight: 4 }, { arbitrary: fc.constant('**'), weight: 1 }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.join('/'))

test('a pattern means what it means to everybody else', () => {
  fc.assert(
    fc.property(path, pattern, (of, like) => {
      fc.pre(wrongPath(of) === undefined && wrongPattern(like) === undefined)
      expect([of, like, matchesPattern(of, like)]).toEqual([of, like, posix.matchesGlob(of, like)])
    }),
    { numRuns: 3_000, seed: 20_261_121 },
  )
})

test.each([
  ['a'.repeat(99), `${'*a'.repeat(49)}b`],
  ['a/a/a/a/a/a', `${'**/'.repeat(40)}b`],
  ['a'.repeat(99), `${'{a,a}'.repeat(30)}b`],
])('a pattern that was made to be slow is not: %s', (of, like) => {
  const before = performance.now()
  expect(matchesPattern(of, like)).toBe(false)
  // Not a claim about time: what takes exponentially long would not end today.
  expect(performance.now() - before).toBeLessThan(5_000)
})
