/** A practice in an empty database, and a diagnosis, by the command line alone. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../engine/testing/index.ts'
import { rooms } from '../src/app.ts'
import { install, type Installation } from '../testing/cli.ts'

let db: TestDatabase
let place: Installation
beforeAll(async () => {
  db = await freshDatabase(rooms.slice(1))
  place = await install(db, { DIAGNOSIS_MODEL: 'fake:a', DIAGNOSIS_AUTO_PROCESS: 'off' })
})
afterAll(async () => {
  await place?.remove()
  await db?.drop()
})
const diagnosis = (...args: string[]) => place.run(['diagnosis', ...args])

test('a practice is made, one of its clinicians asks, an administrator has it processed, and everybody sees what he may', async () => {
  const made = await diagnosis('generate', '--patients', '12', '--json')
  expect(made.stderr).toContain('Synthetic data. Decision support')
  expect(JSON.parse(made.stdout)).toMatchObject({ synthetic: true, organisations: 2, clinicians: 8, patients: 12 })
  expect(await diagnosis('generate')).toMatchObject({ code: 2, stderr: expect.stringContaining('There are records') })

  const mine = JSON.parse((await diagnosis('assessments', '--as', 'clinician-1-1', '--json')).stdout) as {
    id: string
    status: string
    answers: number
  }[]
  const assessment = mine.find(({ status, answers }) => status === 'completed' && answers > 0)?.id ?? ''
  const asked = JSON.parse((await diagnosis('ask', assessment, '--as', 'clinician-1-1', '--json')).stdout) as {
    id: string
  }
  expect(asked).toMatchObject({ created: true, status: 'queued' })
  expect(await diagnosis('ask', assessment, '--as', 'clinician-1-2')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no such assessment'),
  })
  expect(await diagnosis('process', asked.id)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('millrace worker'),
  })

  const worker = place.begin(['worker'])
  await worker.says(/[Ww]orker .*\d/, 60)
  const processed = await diagnosis('process', asked.id, '--as', 'admin-1')
  expect(processed).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /is completed\.\nRound 1, attempt 1 of 3\.\n[^]*fake:a with prompt diagnosis-1: confidence 0?\.\d+/,
    ),
  })
  await worker.kill()
  expect((await diagnosis('list')).stdout).toMatch(new RegExp(`${asked.id}\\s+completed`))
  expect(await diagnosis('retry', asked.id, '--as', 'clinician-1-1')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('not in a state'),
  })
  expect(await diagnosis('show', asked.id, '--as', 'clinician-1-2')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no such diagnosis run'),
  })
  expect(await diagnosis('show', asked.id, '--as', 'somebody')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Nobody in the practices'),
  })
  const trail = JSON.parse((await diagnosis('audit', asked.id, '--json')).stdout) as { action: string; by: string }[]
  const done = trail.map(({ action, by }) => `${action} ${by}`)
  expect(done.slice(0, 2)).toEqual(['created clinician-1-1', 'processed operator'])
  expect(done).toEqual(expect.arrayContaining(['started worker', 'completed worker']))
}, 120_000)
