/**
 * Builds the console into `web/dist`, if it is not there as its sources are now.
 * It begins when the packages are installed and before `npm start`.  Where the
 * tools to build are not installed it says so, and the server goes on without.
 * `--mapped` builds the same into `web/dist-mapped`, as it was written and with the way
 * back to its sources: for the coverage of the journeys.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

const here = import.meta.dirname
const mapped = process.argv.includes('--mapped')
const folder = mapped ? `${here}/dist-mapped` : `${here}/dist`
const mark = `${folder}/.digest`

/** Of everything that the built files come from. */
function digest(): string {
  const hash = createHash('sha256')
  const sources = ['src', 'public'].flatMap((folder) =>
    readdirSync(`${here}/${folder}`, { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`),
  )
  const others = ['index.html', 'package.json', 'vite.config.ts', 'build.ts', '../package-lock.json']
  const outside = ['../examples/value-dilemma/definition.yaml']
  for (const file of [...sources, ...others, ...outside].toSorted()) {
    const path = `${here}/${file}`
    if (/\.[a-z]+$/.test(file)) hash.update(file).update(existsSync(path) ? readFileSync(path) : '')
  }
  return hash.digest('hex')
}

const isThere = (now: string) => existsSync(mark) && readFileSync(mark, 'utf8') === now

/** Seconds that another who builds it is waited for; a lock that is older is nobody's. */
const PATIENCE = 60

/** One builds, others wait for it: tests begin side by side. */
async function alone(deed: () => Promise<void>): Promise<void> {
  const lock = `${here}/.building`
  for (let tenths = 0; ; tenths += 1) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if (tenths > PATIENCE * 10) rmSync(lock, { recursive: true, force: true })
      else if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      await setTimeout(100)
    }
  }
  try {
    await deed()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

const now = digest()
if (!isThere(now)) {
  const vite = await import('vite').catch(() => undefined)
  if (vite === undefined) {
    console.error('The console is not built: vite is not installed. `npm ci` (with development packages) brings it.')
  } else {
    await alone(async () => {
      if (isThere(now)) return
      // As it is shipped, whoever builds it.
      process.env['NODE_ENV'] = 'production'
      const build = { outDir: folder, emptyOutDir: true, ...(mapped ? { sourcemap: true, minify: false } : {}) }
      await vite.build({ configFile: `${here}/vite.config.ts`, logLevel: 'warn', build })
      writeFileSync(mark, now)
    })
  }
}
