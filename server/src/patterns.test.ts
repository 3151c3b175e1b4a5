/** Schemas of strangers: what they say is checked, and what they cost is ours to say. */
import { expect, test } from 'vitest'
import { checkerOf } from './patterns.ts'

const withPattern = (pattern: string) =>
  checkerOf({ type: 'object', properties: { a: { type: 'string', pattern } }, required: ['a'] })

test('a value is checked against a pattern, and against everything else', () => {
  const slug = withPattern('^[a-z]+(-[a-z]+)*$')
  expect(slug.safeParse({ a: 'one-two' })).toMatchObject({ success: true, data: { a: 'one-two' } })
  expect(slug.safeParse({ a: 'One' })).toMatchObject({ success: false, error: { issues: [{ path: ['a'] }] } })
  expect(slug.safeParse({ a: 1 })).toMatchObject({ success: false, error: { issues: [{ code: 'invalid_type' }] } })
  expect(checkerOf({ type: 'number' }).safeParse(1).success).toBe(true)
  expect(() => checkerOf({ if: {} })).toThrow()
})

test.each([
  ['^(a|a)*$', `${'a'.repeat(60)}!`],
  ['^((a)+)+$', `${'a'.repeat(60)}!`],
  ['^a*a*a*a*a*a*a*b$', 'a'.repeat(5_000)],
  ['a*b', 'a'.repeat(400_000)],
])('a pattern that would search for ever is stopped, and is no fit: %s', (pattern, a) => {
  expect(withPattern(pattern).safeParse({ a })).toMatchObject({
    success: false,
    error: { issues: [{ code: 'custom', message: 'a pattern of the schema takes too long on this' }] },
  })
  // The next one is checked as if nothing had been.
  expect(withPattern(pattern).safeParse({ a: 'b' }).success).toBe(pattern.endsWith('b$') || pattern === 'a*b')
})
