/** The examples that take several processes or a score of commands, by those of their READMEs. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../engine/testing/index.ts'
import { rooms } from '../server/src/app.ts'
import { install, type Installation } from '../server/testing/cli.ts'
import { expectedOf, outcomeOf } from './expected.ts'

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

test.each(['careful-answer', 'board'] as const)(
  '%s gives exactly its expected output, with the same ids on every machine',
  async (example) => {
    expect(await outcomeOf(example, place)).toEqual(await expectedOf(example))
  },
  180_000,
)
