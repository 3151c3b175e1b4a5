/** A probe in the hands of the real world: killed, interrupted, shared; each time exactly what is missing is done. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { openPostgres } from '@millrace/engine/postgres'
import { freshDatabase, until, type TestDatabase } from '../../engine/testing/index.ts'
import { rooms } from '../src/app.ts'
import { install, type Installation } from '../testing/cli.ts'
import { definitionText, startGatedServer, type GatedServer } from '../testing/probe.ts'

const left: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const leave of left.splice(0).toReversed()) await leave()
})

async function database(): Promise<TestDatabase> {
  const made = await freshDatabase(rooms.slice(1))
  left.push(() => made.drop())
  return made
}

async function models(): Promise<GatedServer> {
  const server = await startGatedServer()
  left.push(() => server.close())
  return server
}

async function installation(
  server: GatedServer,
  on: Parameters<typeof install>[0],
  slots: number,
): Promise<Installation> {
  const made = await install(on, { OPENAI_COMPATIBLE_URL: server.url, WORKER_SLOTS: String(slots) })
  left.push(() => made.remove())
  return made
}

type Ask = <R extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<R[]>

async function facts(of: { readonly sql: Ask }) {
  const [row] = await of.sql<Record<'runs' | 'transcripts' | 'slots' | 'intents' | 'receipts' | 'bought', number>>(
    `select (select count(*)::int from engine.runs) as runs,
            (select count(*)::int from probe.transcripts) as transcripts,
            (select count(distinct (run_id, scenario, model, sample))::int from probe.transcripts) as slots,
            (select count(*)::int from engine.ledger where entry = 'intent') as intents,
            (select count(*)::int from engine.ledger where entry = 'receipt') as receipts,
            (select count(distinct (run_id, n, name))::int from engine.ledger where entry = 'receipt') as bought`,
  )
  return row
}

const PROBE = ['probe', 'small.yaml', '--models', 'openai-compatible:m', '--json']
/** 30 scenarios of two turns, 8 at a time; 21 answers are given, then everything waits. */
const [SCENARIOS, SLOTS, ANSWERED] = [30, 8, 21]
const TURNS = SCENARIOS * 2

interface Told {
  run: { id: number; state: string; progress: object }
  results: { model: string; answered: number }[]
  csv: string
}

describe('killing everything in the middle of a probe', () => {
  test('and giving the same command again makes exactly the missing transcripts, and buys only what was under way again', async () => {
    const [db, server] = await Promise.all([database(), models()])
    const place = await installation(server, db, SLOTS)
    await place.file('small.yaml', definitionText(SCENARIOS, 1))
    server.admit(ANSWERED)
    const killed = place.begin(PROBE)
    await until(
      () => server.held,
      (held) => held === SLOTS,
    )
    const before = await until(
      () => facts(db),
      (seen) => seen?.receipts === ANSWERED && (seen.transcripts ?? 0) > 0,
    )
    const kept = await db.sql('select task, created_at, turns from probe.transcripts order by task')
    await killed.kill()
    expect(killed.stdout).toBe('')
    server.open()

    const again = await place.run(PROBE)
    expect(again).toMatchObject({ code: 0, signal: null })
    expect(again.stderr).toContain(
      `Going on with run 1: ${kept.length} of ${SCENARIOS} are done (--new starts another).`,
    )
    expect(before).toMatchObject({ runs: 1, intents: ANSWERED + SLOTS })
    expect(await facts(db)).toEqual({
      runs: 1,
      transcripts: SCENARIOS,
      slots: SCENARIOS,
      intents: TURNS + SLOTS,
      receipts: TURNS,
      bought: TURNS,
    })
    expect(server.calls).toHaveLength(TURNS + SLOTS)
    const tasks = kept.map((row) => row['task'] as number)
    expect(
      await db.sql('select task, created_at, turns from probe.transcripts where task = any($1) order by task', [tasks]),
    ).toEqual(kept)
    const told = JSON.parse(again.stdout) as Told
    expect(told.run).toMatchObject({ id: 1, state: 'succeeded', progress: { total: SCENARIOS, succeeded: SCENARIOS } })
    expect((await readFile(told.csv, 'utf8')).trim().split('\r\n')).toHaveLength(SCENARIOS + 1)
  })

  test('the embedded database too, leaves nothing that the next start minds', async () => {
    const server = await models()
    const place = await installation(server, undefined, SLOTS)
    await place.file('small.yaml', definitionText(SCENARIOS, 1))
    server.admit(ANSWERED)
    const killed = place.begin(PROBE)
    await until(
      () => server.held,
      (held) => held === SLOTS,
      40,
    )
    // Eight wait, so what the eight before them brought is written: a slot is free only after that.
    await killDatabase(place.folder)
    await killed.kill()
    server.open()

    const again = await place.run(PROBE)
    expect(again).toMatchObject({ code: 0, signal: null })
    expect(again.stderr).toMatch(/Going on with run 1: \d+ of 30 are done/)
    expect(server.calls).toHaveLength(TURNS + SLOTS)
    const postgres = await openPostgres({ folder: join(place.folder, '.millrace') })
    left.push(() => postgres.close())
    const client = new pg.Client(postgres.owner())
    await client.connect()
    left.push(() => client.end())
    expect(await facts({ sql: async (text) => (await client.query(text)).rows as never })).toEqual({
      runs: 1,
      transcripts: SCENARIOS,
      slots: SCENARIOS,
      intents: TURNS + SLOTS,
      receipts: TURNS,
      bought: TURNS,
    })
  })
})

/** SIGKILL for the server of a folder and for each of its processes. */
async function killDatabase(folder: string): Promise<void> {
  const parent = Number((await readFile(join(folder, '.millrace/pg/postmaster.pid'), 'utf8')).split('\n')[0])
  const family = [parent]
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent) family.push(Number(name))
  }
  for (const pid of family) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It had gone before.
    }
  }
}

describe('Ctrl-C in the middle of a probe', () => {
  test('lets what is under way be finished, ends with 130, and the same command makes the rest without a call too many', async () => {
    const [db, server] = await Promise.all([database(), models()])
    const place = await installation(server, db, 4)
    await place.file('small.yaml', definitionText(12))
    server.admit(4)
    const first = place.begin(PROBE)
    await until(
      () => server.held,
      (held) => held === 4,
    )
    first.tell('SIGINT')
    await first.says(/Coming to an end/)
    server.open()
    const interrupted = await first.ended
    expect(interrupted).toMatchObject({ code: 130, signal: null, stdout: '' })
    expect(interrupted.stderr).toContain('Run 1 has 4 of 12 to go. The same command goes on with it.')
    expect(await facts(db)).toMatchObject({ transcripts: 8, receipts: 8 })

    const again = await place.run(PROBE)
    expect(again.code).toBe(0)
    expect(again.stderr).toContain('Going on with run 1: 8 of 12 are done')
    expect(await facts(db)).toMatchObject({ runs: 1, transcripts: 12, receipts: 12, intents: 12 })
    expect(server.calls).toHaveLength(12)
  })

  test('when the last calls are under way does not lose what they bring: the run is told as ended, or the same command ends it', async () => {
    const [db, server] = await Promise.all([database(), models()])
    const place = await installation(server, db, 4)
    await place.file('small.yaml', definitionText(4))
    server.shut()
    const first = place.begin(PROBE)
    await until(
      () => server.held,
      (held) => held === 4,
    )
    first.tell('SIGINT')
    await first.says(/Coming to an end/)
    server.open()
    const interrupted = await first.ended
    const again = interrupted.code === 130 ? await place.run(PROBE) : interrupted
    expect(again.code).toBe(0)
    expect(JSON.parse(again.stdout)).toMatchObject({ run: { id: 1, state: 'succeeded' } })
    expect(await facts(db)).toMatchObject({ runs: 1, transcripts: 4, intents: 4 })
  })

  test('twice ends at once, and what was under way is asked again by the next command', async () => {
    const [db, server] = await Promise.all([database(), models()])
    const place = await installation(server, db, 4)
    await place.file('small.yaml', definitionText(6))
    server.admit(2)
    const first = place.begin(PROBE)
    await until(
      () => server.held,
      (held) => held === 4,
    )
    first.tell('SIGINT')
    await first.says(/Coming to an end/)
    // npm passes on what the terminal has sent already, so two at once are one.
    let over = false
    void first.ended.then(() => (over = true))
    await until(
      () => {
        first.tell('SIGINT')
        return over
      },
      Boolean,
      5,
    )
    expect(await first.ended).toMatchObject({ code: 130, signal: null })
    server.open()
    expect(await place.run(PROBE)).toMatchObject({ code: 0 })
    expect(await facts(db)).toMatchObject({ runs: 1, transcripts: 6, receipts: 6, intents: 10 })
  })
})

describe('two worker processes', () => {
  test('share one run: both close tasks, and every slot is answered once', async () => {
    const [db, server] = await Promise.all([database(), models()])
    const place = await installation(server, db, 5)
    await place.file('small.yaml', definitionText(40))
    server.shut()
    const workers = [place.begin(['worker', '--name', 'one']), place.begin(['worker', '--name', 'two'])]
    await Promise.all(workers.map((worker) => worker.says(/Worker \d+ performs up to 5 tasks at a time: probe/)))
    const probe = place.begin(PROBE, { WORKER_SLOTS: '1' })
    await until(
      () => server.held,
      (held) => held === 11,
    )
    server.open()
    expect(await probe.ended).toMatchObject({ code: 0 })
    for (const worker of workers) worker.tell('SIGTERM')
    const closed = await Promise.all(
      workers.map(async (worker) => {
        const { code, stdout } = await worker.ended
        expect(code).toBe(0)
        return Number(/closed (\d+) tasks/.exec(stdout)?.[1])
      }),
    )
    expect(Math.min(...closed)).toBeGreaterThanOrEqual(5)
    expect(await facts(db)).toEqual({
      runs: 1,
      transcripts: 40,
      slots: 40,
      intents: 40,
      receipts: 40,
      bought: 40,
    })
    expect(server.calls).toHaveLength(40)
  })

  test('when one is killed, the other takes over what it held, and the run ends without anybody', async () => {
    const [db, server] = await Promise.all([database(), models()])
    const place = await installation(server, db, 3)
    await place.file('small.yaml', definitionText(10, 1))
    server.shut()
    const doomed = place.begin(['worker', '--name', 'doomed'])
    await doomed.says(/performs up to 3/)
    const probe = place.begin(PROBE)
    await until(
      () => server.held,
      (held) => held === 6,
    )
    await doomed.kill()
    server.open()
    expect(await probe.ended).toMatchObject({ code: 0 })
    expect(await facts(db)).toMatchObject({ transcripts: 10, receipts: 20, intents: 23 })
    expect(await db.sql("select name, gone_why from engine.workers where name = 'doomed'")).toEqual([
      { name: 'doomed', gone_why: 'session' },
    ])
  })
})

describe('a database that goes away in the middle of a probe', () => {
  test('is waited for: every connection is cut, and the command ends with all transcripts', async () => {
    const [db, server] = await Promise.all([database(), models()])
    const place = await installation(server, db, 4)
    await place.file('small.yaml', definitionText(12))
    server.admit(4)
    const probe = place.begin(PROBE)
    await until(
      () => server.held,
      (held) => held === 4,
    )
    await db.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename like 'millrace\\_%'",
    )
    server.open()
    const { code, stderr } = await probe.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('12 of 12') })
    expect(await facts(db)).toMatchObject({ runs: 1, transcripts: 12, receipts: 12 })
  })
})
