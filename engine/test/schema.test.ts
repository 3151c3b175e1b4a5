/** Tables and texts: what they look like, and how a database comes to them. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  defineRun,
  defineTask,
  engineRoom,
  migrate,
  openEngine,
  Refusal,
  startWorker,
  type Room,
} from '../src/index.ts'
import { freshDatabase, member, secretOf, until, type TestDatabase } from '../testing/index.ts'
import { PICTURE, schemaPicture } from './schema-picture.ts'

let folder: string
const databases: TestDatabase[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-schema-'))
})
afterEach(async () => {
  for (const db of databases.splice(0)) await db.drop()
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function database(options: { empty?: boolean } = {}): Promise<TestDatabase> {
  const db = await freshDatabase([], options)
  databases.push(db)
  return db
}
const apply = (db: TestDatabase, room: Room = engineRoom) => migrate(db.owner, [room], secretOf)

/** The engine's room with its own folder of migrations, to be changed. */
let rooms = 0
async function roomWith(change: (migrations: string) => Promise<void>, text = ''): Promise<Room> {
  const migrations = join(folder, `room-${(rooms += 1)}`)
  await cp(engineRoom.migrations, migrations, { recursive: true })
  await change(migrations)
  const own = join(folder, `room-${rooms}.sql`)
  await writeFile(own, text)
  const texts = text === '' ? engineRoom.texts : [...engineRoom.texts, pathToFileURL(own)]
  return { name: 'engine', migrations: pathToFileURL(`${migrations}/`), texts }
}

const pictureOf = (db: TestDatabase) => schemaPicture((text) => db.sql(text))

/** All that a migration could have changed; function numbers too, so that even the same text written anew is seen. */
async function stateOf(db: TestDatabase) {
  return {
    picture: await pictureOf(db),
    migrations: await db.sql('select * from engine.migrations order by name'),
    functions: await db.sql(
      "select oid::integer from pg_proc where pronamespace::regnamespace::text in ('engine', 'access') order by oid",
    ),
  }
}

describe('the picture of the schema', () => {
  test('is what stands in schema.sql', async () => {
    const db = await database()
    const seen = await pictureOf(db)
    // If this is what you wanted: node engine/test/schema-picture.ts --write
    expect(seen).toBe(await readFile(PICTURE, 'utf8'))
  })

  test('is the same for a database that was made by all steps and one that was made anew', async () => {
    const [first, second] = [await database({ empty: true }), await database()]
    await apply(first)
    expect(await pictureOf(first)).toBe(await pictureOf(second))
  })
})

describe('a migration', () => {
  test('makes an empty database whole, and a second time changes nothing', async () => {
    const db = await database({ empty: true })
    const first = await apply(db)
    expect(first.refreshed).toBe(true)
    expect(first.applied).toContain('engine/0001_runs.sql')
    const before = await stateOf(db)
    expect(await apply(db)).toEqual({ applied: [], refreshed: false })
    expect(await stateOf(db)).toEqual(before)
  })

  test('that was changed after it was applied is refused, and nothing changes', async () => {
    const db = await database()
    const before = await stateOf(db)
    const changed = await roomWith(async (migrations) => {
      const file = join(migrations, '0001_runs.sql')
      await writeFile(file, `${await readFile(file, 'utf8')}\n-- a word more\n`)
    }, 'create function engine.more_of_it() returns integer language sql as $$ select 1 $$;')
    const refused = apply(db, changed)
    await expect(refused).rejects.toBeInstanceOf(Refusal)
    await expect(refused).rejects.toMatchObject({
      code: 'CHANGED_MIGRATION',
      message: expect.stringContaining('engine/0001_runs.sql'),
    })
    expect(await stateOf(db)).toEqual(before)
  })

  test('of a newer program is refused by an older one, and nothing changes', async () => {
    const db = await database()
    const newer = await roomWith((migrations) =>
      writeFile(join(migrations, '9999_later.sql'), 'create table engine.later (n integer);'),
    )
    expect((await apply(db, newer)).applied).toEqual(['engine/9999_later.sql'])
    const before = await stateOf(db)
    const refused = apply(db)
    await expect(refused).rejects.toMatchObject({
      code: 'NEWER_SCHEMA',
      message: expect.stringContaining('9999_later'),
    })
    expect(await stateOf(db)).toEqual(before)
  })

  test('that fails leaves nothing behind, not even the steps before it', async () => {
    const db = await database()
    const before = await stateOf(db)
    const failing = await roomWith(async (migrations) => {
      await writeFile(join(migrations, '9998_good.sql'), 'create table engine.good (n integer);')
      await writeFile(join(migrations, '9999_bad.sql'), 'create table engine.bad (n integer); select 1 / 0;')
    })
    await expect(apply(db, failing)).rejects.toMatchObject({ code: '22012' })
    expect(await stateOf(db)).toEqual(before)
  })

  test('that runs several times at the same moment is applied once', async () => {
    const db = await database({ empty: true })
    const done = await Promise.all(Array.from({ length: 4 }, () => apply(db)))
    expect(done.filter((one) => one.applied.length > 0)).toHaveLength(1)
    expect(done.filter((one) => one.refreshed)).toHaveLength(1)
    const rows = await db.sql('select name from engine.migrations group by name having count(*) > 1')
    expect(rows).toEqual([])
  })

  test('of two databases in one cluster at the same moment works for both', async () => {
    const both = [await database({ empty: true }), await database({ empty: true })]
    const done = await Promise.all(both.map((db) => apply(db)))
    expect(done.every((one) => one.refreshed)).toBe(true)
  })
})

describe('the texts', () => {
  test('name only what is there: every function is accepted with its body checked', async () => {
    const db = await database()
    const functions = await db.sql(
      `select p.oid::regprocedure::text as name, pg_get_functiondef(p.oid) as text from pg_proc p
        where p.pronamespace::regnamespace::text in ('engine', 'access')`,
    )
    expect(functions.length).toBeGreaterThan(30)
    for (const { name, text } of functions) {
      const accepted = await db.sql(`begin; set local search_path = engine, pg_temp; ${String(text)}; rollback`).then(
        () => 'accepted',
        (error: unknown) => String(error),
      )
      expect([name, accepted]).toEqual([name, 'accepted'])
    }
  })

  test('are written anew when they changed, and only then', async () => {
    const db = await database()
    const more = await roomWith(
      async () => {},
      'create function engine.answer() returns integer language sql as $$ select 42 $$;',
    )
    expect(await apply(db, more)).toEqual({ applied: [], refreshed: true })
    expect(await db.sql('select engine.answer() as answer')).toEqual([{ answer: 42 }])
    expect(await apply(db, more)).toEqual({ applied: [], refreshed: false })
    // What an earlier text brought and the present one does not is gone.
    await apply(db)
    expect(await db.sql("select 1 from pg_proc where proname = 'answer'")).toEqual([])
    expect(await pictureOf(db)).toBe(await readFile(PICTURE, 'utf8'))
  })

  test('written anew while workers work lose no task, no event and no worker', async () => {
    const db = await database()
    const kind = defineTask({
      name: 'small',
      input: z.object({ at: z.number() }),
      output: z.object({ at: z.number() }),
      async perform(hand) {
        hand.log('here')
        await new Promise((resolve) => setTimeout(resolve, 3))
        return { at: hand.input.at }
      },
    })
    const smalls = defineRun({
      name: 'smalls',
      input: z.object({ amount: z.number() }),
      tasks: [kind],
      plan: (input) =>
        Array.from({ length: input.amount }, (_, index) => ({ kind: 'small', input: { at: index + 1 } })),
      next: (soFar) => ({ succeed: soFar.succeeded }),
    })
    const engine = openEngine(db.api)
    const workers = await Promise.all(
      [1, 2].map(() => startWorker({ settings: db.worker, kinds: [smalls], slots: 20 })),
    )
    const numbers = workers.map((worker) => worker.id)
    const runs: number[] = []
    let over = false
    const feed = async () => {
      while (!over) {
        // A start is a person's: it may be refused for a moment, and then nothing has happened.
        const started = await engine.start(member(), smalls, { amount: 10 }, { workspace: 1 }).catch(() => undefined)
        if (started !== undefined) runs.push(started.run)
      }
    }
    const feeding = feed()
    try {
      for (let times = 0; times < 5; times += 1) {
        await until(
          () => runs.length,
          (length) => length > times * 5 + 5,
        )
        const texts = `create function engine.version_${times}() returns integer language sql as $$ select ${times} $$;`
        expect(await apply(db, await roomWith(async () => {}, texts))).toEqual({ applied: [], refreshed: true })
      }
      over = true
      await feeding
      for (const run of runs) {
        const seen = await until(
          () => engine.run(member(), run),
          (seen) => seen.finishedAt !== null,
          10,
        )
        expect(seen).toMatchObject({ state: 'succeeded', output: 10, progress: { total: 10, succeeded: 10 } })
      }
      expect(workers.map((worker) => worker.id)).toEqual(numbers)
      expect(await db.sql('select * from engine.attempts')).toEqual([])
      const gaps = await db.sql(
        `select r.id from engine.runs r join engine.events e on e.run_id = r.id
          group by r.id having count(*) <> r.last_event or max(e.n) <> r.last_event`,
      )
      expect(gaps).toEqual([])
    } finally {
      over = true
      await feeding
      await Promise.all(workers.map((worker) => worker.drain(1)))
      await engine.close()
    }
  })
})
