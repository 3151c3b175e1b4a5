/** What a browser loads is counted once, with all that it brings along. */
import { expect, test } from 'vitest'
import { tooLarge, type Manifest } from './console-sizes.ts'

const manifest: Manifest = {
  'index.html': { file: 'index.js', isEntry: true, imports: ['_shared.js'], dynamicImports: ['src/home/home.tsx'] },
  '_shared.js': { file: 'shared.js' },
  '_table.js': { file: 'table.js' },
  'src/home/home.tsx': { file: 'home.js', isDynamicEntry: true, imports: ['_shared.js'] },
  'src/runs/list.tsx': { file: 'list.js', isDynamicEntry: true, imports: ['_shared.js', '_table.js'] },
}
const sizes = (some: Readonly<Record<string, number>>) => (file: string) => some[file] ?? 1_000

test('the first route is the entry and Home, with what both import, each once', () => {
  expect(tooLarge(manifest, sizes({ 'shared.js': 167_000 }))).toEqual([])
  expect(tooLarge(manifest, sizes({ 'shared.js': 168_001 }))).toEqual([
    'the first route loads 171 kB of JavaScript; 170 kB are allowed',
  ])
})

test('a further page is what it loads besides the first route', () => {
  expect(tooLarge(manifest, sizes({ 'shared.js': 160_000, 'table.js': 59_000 }))).toEqual([])
  expect(tooLarge(manifest, sizes({ 'table.js': 59_001 }))).toEqual([
    'src/runs/list.tsx loads 61 kB of JavaScript; 60 kB are allowed',
  ])
})
