/** What a sweep tells those who have nothing to do: when to look again. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../testing/index.ts'
import { startRun, workerByHand } from './by-hand.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await freshDatabase()
})
afterAll(async () => {
  await db?.drop()
})

test('where nobody performs anything, a sweep says when the next task is due, and else that it need not be waited for', async () => {
  const worker = await workerByHand(db)
  const next = async () => {
    const { rows } = await worker.client.query<{ due_in: number | null }>('select due_in from engine.expire()')
    return rows[0]?.due_in ?? null
  }
  expect(await next()).toBeNull()
  const soon = await startRun(db, [{ kind: 'work', input: {}, delay: 60 }])
  await startRun(db, [{ kind: 'work', input: {}, delay: 3_600 }])
  const due = await next()
  expect([due !== null && due > 0, due !== null && due <= 60]).toEqual([true, true])
  await db.sql("update engine.tasks set due_at = engine.clock() - interval '1 second' where run_id = $1", [soon])
  await worker.client.query('select engine.promote()')
  expect((await next()) ?? 0).toBeGreaterThan(60)
  // Somebody is busy: everybody looks all the time.
  expect(await worker.claim(1)).toHaveLength(1)
  expect(await next()).toBeNull()
  await worker.end()
})
