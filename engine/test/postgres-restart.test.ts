/** PostgreSQL falls and comes back under workers that are at work: none of them is taken for dead. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ownerSettings, workerSettings } from '../src/database.ts'
import { engineRoom, migrate, openEngine, startWorker, type Engine, type Settings } from '../src/index.ts'
import { openPostgres, type Postgres } from '../src/postgres.ts'
import { member, until } from '../testing/index.ts'
import { waitingRun } from './live-kinds.ts'

describe('a restart of PostgreSQL', () => {
  let folder: string
  const servers: Postgres[] = []
  let owner: pg.Pool
  let own: { engine: Engine; worker: Settings }

  beforeAll(async () => {
    folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'millrace-liveness-'))
    chmodSync(folder, 0o755)
    const postgres = await openPostgres({ folder })
    servers.push(postgres)
    await migrate(postgres.owner(), [engineRoom], (login) => postgres.secret(login))
    const login = (user: string) => ({ ...postgres.owner(), user, password: postgres.secret(user) })
    owner = new pg.Pool({ ...ownerSettings(postgres.owner()), max: 1 })
    owner.on('error', () => {})
    own = { engine: openEngine(login('millrace_api')), worker: login('millrace_worker') }
  })
  afterAll(async () => {
    await own?.engine.close()
    await owner?.end()
    for (const server of servers) await server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const pidOfServer = () => Number(readFileSync(join(folder, 'pg', 'postmaster.pid'), 'utf8').split('\n')[0])
  async function stopAndStart(signal: NodeJS.Signals) {
    const pid = pidOfServer()
    process.kill(pid, signal)
    await until(
      () => existsSync(`/proc/${pid}`),
      (there) => !there,
    )
    servers.push(await openPostgres({ folder }))
  }
  const ask = async (text: string, values: unknown[] = []) =>
    await until(
      () =>
        owner.query(text, values).then(
          ({ rows }) => rows as Record<string, unknown>[],
          () => undefined,
        ),
      (rows) => rows !== undefined,
    )

  /** The first who is back looks around, again and again, while the others are still on their way. */
  async function sweepImpatiently() {
    // A server that has not yet seen what happened to it lets people in and throws them out again.
    await until(
      async () => {
        const client = new pg.Client(workerSettings(own.worker))
        client.on('error', () => {})
        try {
          await client.connect()
          for (let times = 0; times < 20; times += 1) {
            await client.query('select * from engine.expire()')
            await new Promise((resolve) => setTimeout(resolve, 5))
          }
          return true
        } catch {
          return false
        } finally {
          await client.end().catch(() => {})
        }
      },
      (done) => done,
    )
  }

  const ways: Record<string, () => Promise<void>> = {
    'one after a crash of a single backend': async () => {
      const rows = await ask(
        "select pid from pg_stat_activity where application_name = 'millrace worker liveness' limit 1",
      )
      process.kill(Number(rows?.[0]?.['pid']), 'SIGKILL')
    },
    'an orderly one': () => stopAndStart('SIGINT'),
    'a hard one': () => stopAndStart('SIGQUIT'),
  }
  test.each(Object.entries(ways))('is nobody’s death: %s', async (name, restart) => {
    let open = () => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    // Several, so that some are back before others.
    const here = await Promise.all(
      Array.from({ length: 4 }, () => startWorker({ settings: own.worker, kinds: [waitingRun(() => gate)], slots: 2 })),
    )
    try {
      if (name.includes('backend')) {
        // It must not look like a server that has just been started.
        await until(
          () => ask("select clock_timestamp() - pg_postmaster_start_time() > '3.1 s' as up"),
          (rows) => rows?.[0]?.['up'] === true,
        )
      }
      const numbers = here.map((worker) => worker.id)
      const { run } = await own.engine.start(
        member(),
        waitingRun(async () => {}),
        { amount: 8 },
        { workspace: 1 },
      )
      await until(
        () => here.reduce((sum, worker) => sum + worker.performing, 0),
        (sum) => sum === 8,
      )
      await restart()
      await sweepImpatiently()
      await until(
        () =>
          ask('select count(*) as back from pg_locks where locktype = $1 and objid::integer = any($2)', [
            'advisory',
            numbers,
          ]),
        (rows) => rows?.[0]?.['back'] === 4,
        10,
      )
      // Also a lease that passed while the server was away is nobody's death.
      const early = new pg.Client(workerSettings(own.worker))
      await early.connect()
      await early.query("select set_config('millrace.clock', (clock_timestamp() + interval '16 seconds')::text, false)")
      await early.query('select * from engine.expire()')
      await early.end()
      open()
      await until(
        () => own.engine.run(member(), run).catch(() => undefined),
        (seen) => seen !== undefined && seen.finishedAt !== null,
        8,
      )
      expect(await ask('select attempt, outcome from engine.attempts where run_id = $1', [run])).toEqual([])
      expect(await ask('select id from engine.workers where id = any($1) and gone_at is not null', [numbers])).toEqual(
        [],
      )
    } finally {
      open()
      await Promise.all(here.map((worker) => worker.drain(0)))
    }
  })
})
