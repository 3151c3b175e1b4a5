/**
 * `npm run check`: everything that can be known without running the product.
 * Each check is one line; what a failed one said is shown whole.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { consoleSizes } from './console-sizes.ts'
import { guardrails } from './guardrails.ts'
import { lostPages } from './pages.ts'
import { staleReferences } from './reference.ts'
import { crossings } from './rooms.ts'
import { tooLong } from './sizes.ts'
import { house, TOOL_CHECKS } from './tool-rules.ts'

/** The bench has dependencies of its own; its types are there to look at once they are installed. */
const places = existsSync('bench/node_modules') ? ['.', 'bench'] : ['.']
/** The console runs in another place, so that its types are others; its journeys know both. */
const TYPED = [...places, 'web', 'web/test']
const LINTED: Record<string, string[]> = {
  '.': ['engine', 'server', 'tools', 'web', 'examples', 'vitest.config.ts'],
  bench: ['bench'],
}

type Check = readonly [name: string, run: () => Promise<readonly string[]>]

const checks: readonly Check[] = [
  ['types', async () => (await Promise.all(TYPED.map((place) => command('tsc', ['-p', place])))).flat()],
  [
    'lint',
    () => command('oxlint', ['--type-aware', '--deny-warnings', ...places.flatMap((place) => LINTED[place] ?? [])]),
  ],
  ['format', () => command('oxfmt', ['--check'])],
  ['unused code', () => command('knip', ['--no-progress'])],
  ['import rooms', crossings],
  ['generated pictures', staleReferences],
  ['links of the pages', lostPages],
  ['sizes', tooLong],
  ['size of the console', consoleSizes],
  ['guardrails', guardrails],
  ['the door of the tools', async () => TOOL_CHECKS.flatMap(({ look }) => look(house))],
]

/** Gives what it said when it failed; nothing when all is well. */
function command(name: string, args: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(`node_modules/.bin/${name}`, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const said: string[] = []
    child.stdout.setEncoding('utf8').on('data', (text: string) => said.push(text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text))
    child.on('error', reject)
    child.on('close', (code) => resolve(code === 0 ? [] : [said.join('').trimEnd() || `exit code ${code}`]))
  })
}

let failed = 0
for (const [name, run] of checks) {
  const problems = await run()
  process.stdout.write(`${problems.length === 0 ? '✓' : '✗'} ${name}\n`)
  for (const problem of problems) process.stdout.write(`${problem.replace(/^/gm, '    ')}\n`)
  if (problems.length > 0) failed += 1
}
process.exitCode = failed === 0 ? 0 : 1
