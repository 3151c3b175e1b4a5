/** A program of one version on a database of another says so; whole upgrades are in upgrade.long.test.ts. */
import { expect, test } from 'vitest'
import { startWorker } from '@millrace/engine'
import { freshDatabase, until, type TestDatabase } from '@millrace/engine/testing'
import { openDatabase, rooms } from '../src/app.ts'
import { readConfig } from '../src/config.ts'

const loginOnly = ({ worker: { user, password, port, host, database } }: TestDatabase) =>
  `postgresql://${user}:${String(password)}@localhost:${port}/${database}?host=${encodeURIComponent(String(host))}`
const open = (db: TestDatabase) => openDatabase({ ...readConfig({}), workerDatabaseUrl: loginOnly(db) }, () => {})

test('a program that may not migrate says what an older, a newer and an empty database lack', async () => {
  const [older, newer, empty] = await Promise.all([
    freshDatabase(rooms.slice(1)),
    freshDatabase(rooms.slice(1)),
    freshDatabase([], { empty: true }),
  ])
  try {
    await older.sql("delete from engine.migrations where name = 'engine/0004_workers_count.sql'")
    await expect(open(older)).rejects.toMatchObject({
      code: 'OLDER_SCHEMA',
      message: expect.stringContaining('engine/0004_workers_count.sql'),
      remedy: expect.stringContaining('millrace migrate'),
    })
    await newer.sql("insert into engine.migrations (name, hash) values ('engine/9999_later.sql', '')")
    await expect(open(newer)).rejects.toMatchObject({
      code: 'NEWER_SCHEMA',
      message: expect.stringContaining('engine/9999_later.sql'),
    })
    await expect(open(empty)).rejects.toMatchObject({ code: 'NO_TABLES' })
  } finally {
    await Promise.all([older, newer, empty].map((db) => db.drop()))
  }
})

test('a worker whose verbs an upgrade takes away says so once, and claims nothing more', async () => {
  const db = await freshDatabase(rooms.slice(1))
  const said: unknown[] = []
  let superseded = 0
  const worker = await startWorker({
    settings: db.worker,
    kinds: [],
    report: (error) => void said.push(error),
    superseded: () => void (superseded += 1),
  })
  try {
    await db.sql(`alter function engine.turn rename to turn_of_later;
        update engine.migrations set hash = 'of later' where name = '(texts)'`)
    await until(
      () => superseded,
      (times) => times > 0,
    )
    expect(said).toEqual([expect.objectContaining({ code: 'SUPERSEDED', remedy: expect.stringContaining('again') })])
  } finally {
    await worker.drain(1)
    await db.drop()
  }
  expect(superseded).toBe(1)
  expect(said).toHaveLength(1)
})
