/** What a list shows of its first page and of what was loaded below it. */
import { expect, test } from 'vitest'
import { joined } from './pages.ts'

const list = (first: string, before: string) => joined(first.split(''), before.split(''), (one) => one).join('')

test('what newer ones push out of the first page is still in the list, and each is there once', () => {
  expect(list('abc', '')).toBe('abc')
  expect(list('abc', 'abcdef')).toBe('abcdef')
  expect(list('yxa', 'abcdef')).toBe('yxabcdef')
  expect(list('zyx', 'abcdef')).toBe('zyxabcdef')
  expect(list('eab', 'abcdef')).toBe('eabcdf')
})

test('what has left the first page otherwise does not stay in the list', () => {
  expect(list('acd', 'abcdef')).toBe('acdef')
  expect(list('def', 'abcdefgh')).toBe('defgh')
})
