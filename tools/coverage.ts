/**
 * `npm run coverage [-- web …]`: how many of the lines are run by the tests; with words,
 * of the files of tests that are called so, and only of what those are about.  What
 * vitest counts is joined with what the browsers of the journeys have run, and the
 * workers in Python count themselves.  Too little is a failure.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { convert } from 'ast-v8-to-istanbul'
import { mergeScriptCovs, type ScriptCov } from '@bcoe/v8-coverage'
import { createCoverageMap } from '@vitest/istanbul-lib-coverage'
import { parseAstAsync } from 'vite'
import { root } from './tree.ts'

/** Percent of the lines, of each part. */
const LEAST = { 'engine/src/': 85, 'server/src/': 85, 'web/src/': 80, 'server/workers/': 80 } as const

/** Lines of a file, by number: how often each was run. */
type Lines = Map<number, number>
type Files = Map<string, Lines>

const words = process.argv.slice(2)
const wanted = Object.entries(LEAST).filter(([part]) => words.length === 0 || words.some((one) => part.startsWith(one)))
const browsers = mkdtempSync(join(tmpdir(), 'millrace-covered-'))
try {
  const ran = spawnSync('npx', ['vitest', 'run', '--coverage', ...words], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, MILLRACE_COVERED: browsers },
  })
  const files: Files = new Map()
  count(files, JSON.parse(readFileSync(`${root}coverage/coverage-final.json`, 'utf8')))
  await countBrowsers(files)
  const percents = new Map([...files].map(([file, lines]) => [file, percentOf([lines])]))
  const workers = wanted.some(([part]) => part === 'server/workers/') ? pythonWorkers() : []
  for (const [file, percent] of workers) percents.set(`server/workers/${file}`, percent)
  let failed = ran.status !== 0
  for (const [part, least] of wanted) {
    const inside = [...percents].filter(([file]) => file.startsWith(part)).toSorted(([, a], [, b]) => a - b)
    const mean = Math.min(...workers.map(([, percent]) => percent))
    const all = part === 'server/workers/' ? mean : percentOf(inside.map(([file]) => files.get(file) ?? new Map()))
    process.stdout.write(`\n${all >= least ? '✓' : '✗'} ${part} ${all.toFixed(1)} % of its lines, at least ${least}\n`)
    for (const [file, percent] of inside.filter(([, it]) => it < least))
      process.stdout.write(`    ${percent.toFixed(1).padStart(5)} % ${file}\n`)
    if (!(all >= least)) failed = true
  }
  process.exitCode = failed ? 1 : 0
} finally {
  rmSync(browsers, { recursive: true, force: true })
}

/** The same file may come in two forms that differ in their statements; their lines are the same. */
function count(files: Files, data: Parameters<typeof createCoverageMap>[0]): void {
  const map = createCoverageMap(data)
  for (const path of map.files()) {
    const file = relative(root, path)
    const lines = files.get(file) ?? new Map<number, number>()
    for (const [line, hits] of Object.entries(map.fileCoverageFor(path).getLineCoverage()))
      lines.set(Number(line), (lines.get(Number(line)) ?? 0) + hits)
    files.set(file, lines)
  }
}

/** By the maps that lie beside the built files. */
async function countBrowsers(files: Files): Promise<void> {
  const found = new Map<string, ScriptCov[]>()
  for (const name of readdirSync(browsers)) {
    for (const one of JSON.parse(readFileSync(join(browsers, name), 'utf8')) as ScriptCov[])
      found.set(one.url, [...(found.get(one.url) ?? []), one])
  }
  const folder = `${root}web/dist-mapped/assets/`
  for (const [file, scripts] of found) {
    if (!existsSync(`${folder}${file}.map`)) continue
    const code = readFileSync(folder + file, 'utf8')
    const sourceMap = JSON.parse(readFileSync(`${folder}${file}.map`, 'utf8'))
    if (!sourceMap.sources.some((source: string) => source.startsWith('../../src/'))) continue
    const coverage = mergeScriptCovs(scripts)
    if (coverage === undefined) continue
    const url = `file://${folder}${file}`
    const data = await convert({ code, sourceMap, coverage: { ...coverage, url }, ast: parseAstAsync(code) })
    const ours = Object.entries(data).filter(
      ([path]) => relative(root, path).startsWith('web/src/') && !path.includes('/words/'),
    )
    count(files, Object.fromEntries(ours))
  }
}

function pythonWorkers(): [file: string, percent: number][] {
  const { stdout } = spawnSync('python3', ['tests/coverage.py'], { cwd: `${root}server/workers`, encoding: 'utf8' })
  return Object.entries((JSON.parse(stdout) as { coverage: Record<string, number> }).coverage)
}

function percentOf(all: readonly Lines[]): number {
  const hits = all.flatMap((lines) => [...lines.values()])
  return hits.length === 0 ? 100 : (100 * hits.filter((one) => one > 0).length) / hits.length
}
