/** Each example gives what it is said to give. */
import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../engine/testing/index.ts'
import { rooms } from '../server/src/app.ts'
import { install, type Installation } from '../server/testing/cli.ts'
import { expectedOf, names, outcomeOf } from './expected.ts'

let db: TestDatabase
let place: Installation
beforeAll(async () => {
  db = await freshDatabase(rooms.slice(1))
  place = await install(db)
})
afterAll(async () => {
  await place?.remove()
  await db?.drop()
})

describe('the examples', () => {
  // What takes several processes, or a score of commands, is asked in tests of their own, with those that take long.
  test.each(names.filter((name) => name !== 'careful-answer' && name !== 'board'))(
    '%s gives exactly its expected output, without a key',
    async (example) => {
      expect(await outcomeOf(example, place)).toEqual(await expectedOf(example))
    },
    120_000,
  )

  test('with a kind of its own asks for each price once, though the shop was busy at every first attempt', async () => {
    await outcomeOf('own-kind', place)
    const rows = await db.sql<{ entry: string; attempt: number; calls: number; least: number }>(
      `select l.entry, l.attempt, count(*)::int as calls, min(t.attempt)::int as least
         from engine.ledger l join engine.tasks t on t.run_id = l.run_id and t.n = l.n
        where l.run_id = (select max(id) from engine.runs where kind = 'prices') group by 1, 2 order by 1`,
    )
    expect(rows).toEqual([
      { entry: 'intent', attempt: 1, calls: 6, least: 2 },
      { entry: 'receipt', attempt: 1, calls: 6, least: 2 },
    ])
  })

  test('are all among these', async () => {
    const folders = (await readdir(new URL('./', import.meta.url), { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
    expect(folders.toSorted()).toEqual(names.toSorted())
  })
})
