/** The example board while its workers are killed again and again: what comes out is what comes out in peace. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '@millrace/engine/testing'
import { expectedOf, outcomeOf } from '../../examples/expected.ts'
import { rooms } from '../src/app.ts'
import { install, type Command, type Installation } from '../testing/cli.ts'

let db: TestDatabase
let place: Installation
beforeAll(async () => {
  db = await freshDatabase(rooms.slice(1))
  // Slow enough to be killed in the middle of an answer.
  place = await install(db, { MILLRACE_FAKE_LATENCY_MS: '150' })
})
afterAll(async () => {
  await place?.remove()
  await db?.drop()
})

test('killing workers at random changes nothing but time', async () => {
  let storm = true
  let worker: Command | undefined
  let kills = 0
  const weather = (async () => {
    // A task that three workers die under is given up, so each lives a little longer than the one before.
    for (let life = 700; storm; life += 150) {
      worker = place.begin(['worker'], { WORKER_ID: `worker-${kills}` })
      await worker.says(/performs up to/, 60)
      await sleep(life)
      if (!storm) break
      await worker.kill()
      kills += 1
    }
  })()
  try {
    // The commands perform nothing themselves.
    const outcome = await outcomeOf('board', {
      ...place,
      run: (args) => place.run(args.filter((arg) => arg !== '--work')),
    })
    expect(outcome).toEqual(await expectedOf('board'))
  } finally {
    storm = false
    await weather
    await worker?.kill()
  }
  expect(kills).toBeGreaterThan(3)
  const [died] = await db.sql<{ amount: number }>(
    `select count(*)::int as amount from engine.attempts where outcome = 'expired'`,
  )
  expect(died?.amount).toBeGreaterThan(0)
  // Nothing was made twice.
  const twice = await db.sql(
    `select path from stage.documents where version > 1 union all
     select title from stage.tickets group by title, n having count(*) > 1`,
  )
  expect(twice).toEqual([])
}, 600_000)
