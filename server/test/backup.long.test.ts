/** A dump of PostgreSQL's own tools is a backup: elsewhere it goes on where it was made. */
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { install, type Installation } from '../testing/cli.ts'
import { definitionText } from '../testing/probe.ts'

const run = promisify(execFile)
const TIMEOUT = 120_000
const PASSWORD = 'of-the-owner'

/** Where Debian keeps a whole PostgreSQL, with its tools; the embedded one has no pg_dump. */
const HOME = '/usr/lib/postgresql'
const [version] = await readdir(HOME).catch(() => [])
const bin = (name: string) => join(HOME, version ?? '', 'bin', name)

let folder = ''
const places: Installation[] = []
const clusters: { data: string; port: number }[] = []
const asPostgres = (program: string, args: readonly string[]) =>
  run('runuser', ['-u', 'postgres', '--', bin(program), ...args], { cwd: '/' })

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A cluster with nothing in it, as on another machine; gives where its owner finds its database. */
async function cluster(): Promise<{ url: string; port: number }> {
  const port = await freePort()
  const data = join(folder, `cluster-${port}`)
  await asPostgres('initdb', [
    '-D',
    data,
    '-U',
    'owner',
    '--pwfile',
    join(folder, 'password'),
    '--auth',
    'scram-sha-256',
    '-E',
    'UTF8',
  ])
  clusters.push({ data, port })
  await asPostgres('pg_ctl', [
    '-D',
    data,
    '-l',
    `${data}.log`,
    '-w',
    '-o',
    `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1`,
    'start',
  ])
  const base = `postgres://owner:${PASSWORD}@127.0.0.1:${port}`
  await run(bin('psql'), [`${base}/postgres`, '-c', 'create database millrace'])
  return { url: `${base}/millrace`, port }
}

async function place(url: string): Promise<Installation> {
  const made = await install(url, { MILLRACE_FAKE_LATENCY_MS: '200', WORKER_SLOTS: '10' })
  places.push(made)
  return made
}

async function counted(url: string): Promise<{ state: string; succeeded: number; transcripts: number; slots: number }> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(
      `select r.state, r.succeeded, count(t.*)::int as transcripts, count(distinct (t.scenario, t.model, t.sample))::int as slots
         from engine.runs r left join probe.transcripts t on t.run_id = r.id group by r.id`,
    )
    return rows[0]
  } finally {
    await client.end()
  }
}

const here = version !== undefined && process.getuid?.() === 0

beforeAll(async () => {
  if (!here) return
  folder = await mkdtemp(join(tmpdir(), 'millrace-backup-'))
  await chmod(folder, 0o777)
  await writeFile(join(folder, 'password'), PASSWORD, { mode: 0o644 })
}, TIMEOUT)
afterAll(async () => {
  await Promise.all(places.map((one) => one.remove()))
  await Promise.all(clusters.map(({ data }) => asPostgres('pg_ctl', ['-D', data, '-m', 'immediate', 'stop'])))
  if (folder !== '') await rm(folder, { recursive: true, force: true })
})

test.skipIf(!here)(
  'a backup that was taken in the middle of a run is restored on an empty server, and the run ends there with every answer once',
  async () => {
    const from = await cluster()
    const first = await place(from.url)
    await first.file('d.yaml', definitionText(30, 0))
    const probe = first.begin(['probe', 'd.yaml', '--models', 'fake:a', '--samples', '4'])
    await until(
      () => counted(from.url).catch(() => undefined),
      (seen) => (seen?.transcripts ?? 0) > 10,
    )
    const dump = join(folder, 'millrace.dump')
    const roles = join(folder, 'roles.sql')
    // As the guide *Operate an installation* has them.
    await run(bin('pg_dump'), ['--format=custom', `--file=${dump}`, from.url])
    await run(bin('pg_dumpall'), ['--roles-only', '--no-role-passwords', `--file=${roles}`, `--dbname=${from.url}`])
    await probe.kill()

    const to = await cluster()
    // The owner is there already: that one line fails, the others do not.
    await run(bin('psql'), [to.url, `--file=${roles}`])
    await run(bin('pg_restore'), ['--exit-on-error', `--dbname=${to.url}`, dump])
    const restored = await counted(to.url)
    expect(restored).toMatchObject({ state: 'running' })
    expect(restored.transcripts).toBeGreaterThan(10)
    expect(restored.transcripts).toBeLessThan(120)

    const second = await place(to.url)
    expect(await second.run(['migrate'])).toMatchObject({ code: 0 })
    second.begin(['worker'])
    await until(
      () => counted(to.url),
      ({ state }) => state === 'succeeded',
      60,
    )
    expect(await counted(to.url)).toEqual({ state: 'succeeded', succeeded: 120, transcripts: 120, slots: 120 })
    expect(await second.run(['doctor'])).toMatchObject({ code: 0 })
  },
  TIMEOUT,
)
