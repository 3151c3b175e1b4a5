/** What a lock file may not let in: each is planted in the real one and found. */
import { expect, test } from 'vitest'
import { wrongInLock } from './guardrails.ts'
import { textOf } from './tree.ts'

type Lock = { packages: Record<string, Record<string, unknown>> }
const [lock, manifest] = [textOf('package-lock.json'), textOf('package.json')]
const look = (text: string) => wrongInLock('package-lock.json', text, manifest)

test('every package of the lock file is exact, whole, of a registry, and runs nothing unnamed', () => {
  expect(look(lock)).toEqual([])
  expect(
    wrongInLock('bench/package-lock.json', textOf('bench/package-lock.json'), textOf('bench/package.json')),
  ).toEqual([])
})

test.each([
  ['an install script', { hasInstallScript: true }, 'R-LCK-002'],
  ['no integrity', { integrity: undefined }, 'R-LCK-003'],
  ['a weak digest', { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }, 'R-LCK-003'],
  ['a repository', { resolved: 'git+ssh://git@example.org/a/b.git#0123' }, 'R-LCK-004'],
  ['a way without encryption', { resolved: 'http://registry.example.org/a/-/a-1.0.0.tgz' }, 'R-LCK-004'],
  ['a range', { version: '^1.0.0' }, 'R-LCK-005'],
])('a package with %s is found', (_, change, rule) => {
  const read = JSON.parse(lock) as Lock
  const place = 'node_modules/zod'
  read.packages[place] = { ...read.packages[place], ...change }
  expect(look(JSON.stringify(read))).toEqual([expect.stringMatching(new RegExp(`zod .*\\(${rule}\\)$`))])
})
