/** Differences of versions, against what `diff -u` says of the same texts. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lineDiff } from './line-diff.ts'

const numbers = Array.from({ length: 30 }, (_, i) => `line ${i + 1}\n`).join('')

test.each([
  ['a line more', numbers, numbers.replace('line 9\n', 'line 9\nnew\n')],
  ['a line less at the end', numbers, numbers.replace('line 30\n', '')],
  ['two places far apart', numbers, numbers.replace('line 2\n', 'two\n').replace('line 28\n', 'x\ny\n')],
  ['from nothing', '', 'a\nb\n'],
  ['to nothing', 'a\nb\n', ''],
  ['a last line without its end', 'a\nb', 'a\nb\n'],
])('the difference of %s is what patch takes', (_, from, to) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-diff-'))
  try {
    writeFileSync(join(folder, 'text'), from)
    writeFileSync(join(folder, 'patch'), lineDiff(from, to, { from: 'text', to: 'text' }))
    execFileSync('patch', ['--no-backup-if-mismatch', 'text', 'patch'], { cwd: folder, stdio: 'pipe' })
    expect(execFileSync('cat', [join(folder, 'text')], { stdio: 'pipe' }).toString()).toBe(to)
  } catch (error) {
    // `patch` takes a file away that has become empty.
    if (to !== '') throw error
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('texts that are the same have no difference, and very long ones have one at once', () => {
  expect(lineDiff(numbers, numbers, { from: 'a', to: 'b' })).toBe('')
  const long = (word: string) => Array.from({ length: 20_000 }, (_, i) => `${word} ${i}\n`).join('')
  const diff = lineDiff(long('a'), long('b'), { from: '1', to: '2' })
  expect(diff.startsWith('--- 1\n+++ 2\n@@ -1,20000 +1,20000 @@\n-a 0\n')).toBe(true)
})
