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
  test.each(names)('%s gives exactly its expected output with the keyless models', async (example) => {
    expect(await outcomeOf(example, (args) => place.run(args))).toEqual(await expectedOf(example))
  })

  test('are all among these', async () => {
    const folders = (await readdir(new URL('./', import.meta.url), { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
    expect(folders.toSorted()).toEqual(names.toSorted())
  })
})
