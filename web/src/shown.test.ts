/** How numbers and times are written. */
import { expect, test } from 'vitest'
import { ago, briefly, bytes, dollars, duration } from './shown.ts'

test('a duration is written in the two largest units that say something', () => {
  expect([0, 0.12, 0.9999, 4.25, 59.4, 60, 200, 3_600, 7_500, 273_600].map(duration)).toEqual([
    '0 ms',
    '120 ms',
    '1.0 s',
    '4.3 s',
    '59 s',
    '1 min',
    '3 min 20 s',
    '1 h',
    '2 h 5 min',
    '3 d 4 h',
  ])
})

test('a small price keeps the places that say something, and nothing is nothing', () => {
  expect([0, 0.000001, 0.00042, 0.0312, 12.5, 1_234.567].map(dollars)).toEqual([
    '$0',
    '<$0.00001',
    '$0.00042',
    '$0.031',
    '$12.50',
    '$1,234.57',
  ])
})

test('a clock that is a little ahead says now, not the future', () => {
  const now = Date.parse('2026-11-21T12:00:00Z')
  const at = (seconds: number) => ago(new Date(now + seconds * 1_000), now)
  expect([at(30), at(-2), at(-30), at(-600), at(-7_200), at(-86_400 * 3)]).toEqual([
    'now',
    'now',
    '30 sec. ago',
    '10 min. ago',
    '2 hr. ago',
    '3 days ago',
  ])
})

test('sizes and large counts are short', () => {
  expect([0, 999, 1_500, 250_000, 12_400_000].map(bytes)).toEqual(['0 B', '999 B', '1.5 kB', '250 kB', '12.4 MB'])
  expect([7, 9_999, 12_400].map(briefly)).toEqual(['7', '9,999', '12.4K'])
})
