/** The package that others install: made from this tree, installed where there is nothing else, used by its two doors. */
import { execFile, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listenTo, REPOSITORY, type Command } from '../testing/cli.ts'

const run = promisify(execFile)
const TIMEOUT = 240_000

let place = ''
const begun: Command[] = []
const environment = () => ({ PATH: process.env['PATH'] ?? '', HOME: place, PORT: '0' })

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'millrace-package-'))
  await chmod(place, 0o755)
  const { stdout } = await run('npm', ['run', '--silent', 'package'], { cwd: REPOSITORY })
  const [, tarball = ''] = /^(\S+\.tgz)/.exec(stdout) ?? []
  await writeFile(join(place, 'package.json'), JSON.stringify({ name: 'elsewhere', private: true, type: 'module' }))
  // With the registry of this machine's own settings: only the home folder is another one.
  await run('npm', ['install', '--no-audit', '--no-fund', join(REPOSITORY, tarball)], { cwd: place })
}, TIMEOUT)
afterAll(async () => {
  await Promise.all(begun.map((command) => command.kill()))
  await rm(place, { recursive: true, force: true })
})

test(
  'the installed package starts with `millrace up`, runs its example, and what it says to try next can be typed',
  async () => {
    const up = listenTo(
      spawn('npx', ['millrace', 'up'], {
        cwd: place,
        env: environment(),
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
    begun.push(up)
    await up.says(/Ctrl-C stops/, 60)
    expect(up.stdout).toMatch(/Run 1 succeeded in /)
    const [, example = ''] = /millrace (probe \S+ --models \S+)/.exec(up.stdout) ?? []
    const { stdout } = await run('npx', ['millrace', ...example.split(' '), '--dry-run'], {
      cwd: place,
      env: environment(),
    })
    expect(stdout).toContain('Nothing was started. A start would create:')
    await up.kill()
  },
  TIMEOUT,
)

const PROGRAM = `
import { z } from 'zod'
import { defineRun, defineTask, openMillrace, startWorker } from 'millrace'

const one = defineTask({
  name: 'square.one',
  input: z.object({ n: z.number() }),
  output: z.object({ n: z.number() }),
  perform: async ({ input: { n } }) => ({ n: n * n }),
})
const squares = defineRun({
  name: 'squares',
  input: z.object({ upTo: z.int() }),
  tasks: [one],
  plan: ({ upTo }) => Array.from({ length: upTo }, (_, n) => ({ kind: 'square.one', input: { n } })),
})
const database = { folder: './own' }
const worker = await startWorker({ kinds: [squares], database })
const millrace = await openMillrace({ kinds: [squares], database })
const { run } = await millrace.start(squares, { upTo: 5 })
const { state, progress } = await millrace.ended(run)
console.log(state, progress.succeeded)
await worker.drain()
await millrace.close()
`

test(
  'a program that imports the package is checked by its types, and runs its own kinds',
  async () => {
    await writeFile(join(place, 'squares.ts'), PROGRAM)
    const options = {
      module: 'nodenext',
      target: 'es2024',
      lib: ['es2024', 'dom'],
      strict: true,
      noEmit: true,
      types: ['node'],
    }
    await writeFile(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['squares.ts'] }))
    await run(join(REPOSITORY, 'node_modules/.bin/tsc'), ['-p', '.'], { cwd: place })
    const { stdout } = await run(process.execPath, ['squares.ts'], { cwd: place, env: environment() })
    expect(stdout).toBe('succeeded 5\n')
  },
  TIMEOUT,
)
