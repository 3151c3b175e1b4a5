/** `millrace mcp` as a desktop program begins it: everything that an agent needs, in one process and in either revision. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, until, type TestDatabase } from '../../engine/testing/index.ts'
import { rooms } from '../src/app.ts'
import { install, type Installation } from '../testing/cli.ts'
import { REVISIONS, stdioClient } from '../testing/mcp.ts'

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

test.each(REVISIONS)('an agent of %s writes no configuration, and starts, watches and calls', async (revision) => {
  const name = `count_${revision.slice(0, 4)}`
  expect((await place.run(['tools', 'new', name, '--folder', `${place.folder}/tools`])).code).toBe(0)
  const agent = await stdioClient(place, { revision, env: { MILLRACE_TOOLS: `${place.folder}/tools` } })
  const called = await agent.call(name, { text: 'one two' })
  expect(called.structuredContent).toEqual({ words: 2 })
  const { run } = (await agent.call('runs_start', { kind: 'tool', input: { tool: name, input: { text: '' } } }))
    .structuredContent
  const watched = await agent.call('runs_watch', { run: run.id, seconds: 30 })
  expect(watched.structuredContent.run).toMatchObject({ status: 'failed', failure: { code: 'NO_WORDS' } })
  await agent.close()
  // It leaves with its client: no worker of it stays.
  await until(
    async () => (await db.sql('select from engine.workers where gone_at is null')).length,
    (alive) => alive === 0,
  )
})
