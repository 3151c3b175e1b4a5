/**
 * `npm run conformance [-- server | client]`: the official suite of MCP against the product, as a server and
 * as a client, in both revisions that are alive.  What is counted are the scenarios' own
 * checks; the exit code of the suite is not believed.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startWorker } from '@millrace/engine'
import { openApp, servedKinds } from '../../src/app.ts'
import { openServing } from '../../src/cli/serving.ts'
import { readConfig } from '../../src/config.ts'
import { FIXTURES, SHELF } from './fixtures.ts'

const asked = process.argv.slice(2)
const legs = asked.length === 0 ? ['server', 'client'] : asked

const SUITE = join(import.meta.dirname, '../../../node_modules/@modelcontextprotocol/conformance')
const REVISIONS = ['2026-07-28', '2025-11-25'] as const
/** Scenarios that each revision requires of a server and of a client. */
const REQUIRED = { '2026-07-28': { server: 37, client: 32 }, '2025-11-25': { server: 30, client: 18 } } as const

interface Scenario {
  readonly name: string
  readonly passed: number
  readonly failed: readonly string[]
}

/** Runs the suite in a folder of its own and reads what it has written there, scenario by scenario. */
async function suite(args: readonly string[], folder: string): Promise<Map<string, Scenario>> {
  const out = await mkdtemp(join(folder, 'results-'))
  await new Promise<void>((resolve, reject) => {
    const child = spawn(process.execPath, [join(SUITE, 'dist/index.js'), ...args, '-o', out], {
      cwd: folder,
      stdio: 'ignore',
    })
    child.on('error', reject).on('close', () => resolve())
  })
  const found = new Map<string, Scenario>()
  for (const file of await readdir(out, { recursive: true })) {
    if (!file.endsWith('checks.json')) continue
    const name = file
      .slice(0, -'/checks.json'.length)
      .replace(/^(server|client)-/, '')
      .replace(/-\d{4}-\d{2}-\d{2}T[\dZ:.-]*$/, '')
    const checks = JSON.parse(await readFile(join(out, file), 'utf8')) as { id: string; status: string }[]
    const of = (status: string) => checks.filter((check) => check.status === status)
    found.set(name, { name, passed: of('SUCCESS').length, failed: of('FAILURE').map(({ id }) => id) })
  }
  return found
}

/** The names that a revision requires, from the suite's own list. */
async function required(revision: string, leg: 'server' | 'client'): Promise<string[]> {
  const text = await readFile(join(SUITE, `requirements/${revision}.yaml`), 'utf8')
  const part = new RegExp(`^${leg}:\\n((?:  - .+\\n)+)`, 'm').exec(text)?.[1] ?? ''
  return Array.from(part.matchAll(/- (\S+)/g), ([, name = '']) => name)
}

let broken = 0
const say = (line: string) => process.stdout.write(`${line}\n`)

function judge(title: string, names: readonly string[], wanted: number, found: Map<string, Scenario>) {
  const problems: string[] = names.length === wanted ? [] : [`${names.length} scenarios are required, not ${wanted}`]
  let passed = 0
  let checks = 0
  for (const name of names) {
    const { passed: good = 0, failed = ['it did not run'] } =
      found.get(name.replaceAll('/', '-')) ?? found.get(name) ?? {}
    if (failed.length === 0 && good > 0) {
      passed += 1
      checks += good
    } else problems.push(`${name}: ${failed.join(', ') || 'nothing was checked'}`)
  }
  const all = problems.length === 0
  say(`${all ? '✓' : '✗'} ${title}: ${passed} of ${names.length} scenarios pass, ${checks} checks`)
  for (const problem of problems) say(`    ${problem}`)
  broken += problems.length
}

const folder = await mkdtemp(join(tmpdir(), 'millrace-conformance-'))
const config = {
  ...readConfig(),
  folder: join(folder, '.millrace'),
  host: '127.0.0.1',
  port: 0,
  databaseUrl: undefined,
  apiDatabaseUrl: undefined,
  workerDatabaseUrl: undefined,
  ownTools: undefined,
  logLevel: 'error' as const,
}
const served = await servedKinds(config)
for (const tool of FIXTURES) served.tools.runner.add(tool)
const serving = await openServing(config, true, [SHELF])
const app = await openApp(config, () => {}, served)
const worker = await startWorker({ settings: app.logins.worker, kinds: app.kinds, slots: 20 })
try {
  await app.joinTools(app.logins.worker, worker)
  await serving.open(app, worker)
  const client = `${process.execPath} ${join(import.meta.dirname, 'client.ts')}`
  for (const revision of REVISIONS) {
    const of = { server: await required(revision, 'server'), client: await required(revision, 'client') }
    const args = ['server', '--url', `${serving.url}/mcp`, '--requirements', revision]
    if (legs.includes('server')) {
      judge(`server, ${revision}`, of.server, REQUIRED[revision].server, await suite(args, folder))
    }
    if (!legs.includes('client')) continue
    const found = new Map<string, Scenario>()
    // One by one: all at once they are as many programs, and each is measured by the clock.
    for (const name of of.client) {
      const one = ['client', '--command', client, '--scenario', name, '--spec-version', revision]
      for (const seen of (await suite(one, folder)).values()) found.set(name, seen)
    }
    judge(`client, ${revision}`, of.client, REQUIRED[revision].client, found)
  }
} finally {
  await worker.drain(2)
  await serving.close()
  await app.close()
  await rm(folder, { recursive: true, force: true })
}
process.exitCode = broken === 0 ? 0 : 1
