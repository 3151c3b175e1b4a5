/** docs/reference/attacks.md names files and what stands in them: they are there, and it does. */
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { files, textOf } from './tree.ts'

const rows = textOf('docs/reference/attacks.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| attack'))
  .map((line) => line.split('|').map((cell) => cell.trim()))

test.each(rows.map(([, attack = '', places = '', by = '']) => [attack, places, by]))('%s', (_, places, by) => {
  const named = [...places.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path)
  expect(named).not.toEqual([])
  expect(named.filter((path) => !existsSync(path))).toEqual([])
  const word = by.replaceAll('`', '').toLowerCase()
  expect(named.filter((path) => textOf(path).toLowerCase().includes(word))).not.toEqual([])
})

test('every test of attacks is in the list', () => {
  const list = textOf('docs/reference/attacks.md')
  expect(files(/(^|\/)attack-.*\.test\.ts$/).filter((path) => !list.includes(path))).toEqual([])
})
