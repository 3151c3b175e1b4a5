/**
 * Diagnosis runs as somebody sees them who wants more than is his: by the doors that are
 * open to all kinds of runs, by keys that others will use, by words that look like ids.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { operator } from '../src/app.ts'
import { generate } from '../src/domains/diagnosis/synthetic/generate.ts'
import { plant } from '../testing/diagnosis.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

const PATH = '/api/diagnosis-runs'
let stage: HttpStage
let planted = { patient: '', assessment: '' }
beforeAll(async () => {
  stage = await openHttpStage()
  await generate(stage.engine, operator, { workspace: 1, patients: 6, seed: 7 })
  planted = await plant(stage.db, stage.engine)
  for (const name of ['clinician-1-1', 'clinician-1-2', 'clinician-2-1', 'admin-1', 'admin-2', 'member'])
    stage.person(name, 'member')
  stage.person('chief', 'admin')
  stage.person('canary', 'member', 7)
})
afterAll(() => stage?.close())

const ask = (correlationId: unknown, as = 'clinician-1-1', headers = {}) =>
  stage.ask(PATH, { as, body: { assessmentId: planted.assessment, correlationId }, headers })
async function waiting() {
  const { id } = (await ask(randomUUID())).body as { id: string }
  const [row] = await stage.db.sql<{ run: number }>(
    'select engine_run_id as run from diagnosis.diagnosis_runs where id = $1',
    [id],
  )
  return { id, run: Number(row?.run) }
}

/** Members of the workspace, one of them its administrator; two are of another organisation in it. */
const STRANGERS = ['clinician-1-2', 'clinician-2-1', 'admin-2', 'member', 'chief']
const act = (action: string) => (run: number) => [`/api/runs/${run}`, { action }] as const
const change = (field: string) => (run: number) =>
  ['/graphql', { query: `mutation { ${field}(runId: "${run}") { id } }` }] as const
type Steer = (run: number) => readonly [path: string, body: object]
/** What must be so before, as the owner of the database makes it. */
const STEERING: readonly [what: string, steer: Steer, before?: string][] = [
  ['cancelled', act('cancel')],
  ['paused', act('pause')],
  ['let go on', act('resume'), "held = 'paused'"],
  ['approved', act('approve'), "held = 'awaiting_approval'"],
  ['let go on while it awaits an approval', act('resume'), "held = 'awaiting_approval'"],
  ['given a budget', (run) => [`/api/runs/${run}/budget`, { tokens: 0 }]],
  ['cancelled by GraphQL', change('cancelRun')],
  ['paused by GraphQL', change('pauseRun')],
]
const stateOf = (run: number) =>
  stage.db.sql(
    `select state, held, cancel_asked_at, priority, round, (select count(*) from engine.budgets where run_id = $1) as budgets
       from engine.runs where id = $1`,
    [run],
  )

test.each(STEERING)(
  'a run about a patient whom one does not treat is not %s',
  async (_, steer, before = 'held = null') => {
    const { run } = await waiting()
    await stage.db.sql(`update engine.runs set ${before} where id = $1`, [run])
    const seen = await stateOf(run)
    const [path, body] = steer(run)
    const method = path.endsWith('/budget') ? 'PUT' : 'POST'
    for (const as of STRANGERS) {
      const { status, text } = await stage.ask(path, { as, body, method })
      if (path === '/graphql') expect([as, text]).toEqual([as, expect.stringContaining('NO_SUCH_RUN')])
      else expect([as, status]).toEqual([as, 403])
      expect(await stateOf(run)).toEqual(seen)
    }
  },
)

test('those who treat him steer it, and what awaits an approval is let go by an administrator alone', async () => {
  const { id, run } = await waiting()
  const does = async (as: string, action: string) =>
    (await stage.ask(`/api/runs/${run}`, { as, body: { action } })).status
  expect(await does('clinician-1-1', 'pause')).toBe(200)
  expect(await does('clinician-1-1', 'resume')).toBe(200)
  await stage.db.sql("update engine.runs set held = 'awaiting_approval' where id = $1", [run])
  expect(await does('clinician-1-1', 'approve')).toBe(403)
  expect(await does('admin-1', 'approve')).toBe(200)
  expect(await does('clinician-1-1', 'cancel')).toBe(200)
  expect((await stage.ask(`${PATH}/${id}`, { as: 'clinician-1-1' })).body.status).toBe('failed')
  expect(await does('member', 'retry')).toBe(403)
  expect(await does('clinician-1-1', 'retry')).toBe(200)
})

test('nobody takes the key of a question that a clinician will ask', async () => {
  const first = (await ask('first')).body as { id: string }
  const [row] = await stage.db.sql<{ house: string }>(
    'select organisation_id as house from diagnosis.diagnosis_runs where id = $1',
    [first.id],
  )
  const key = JSON.stringify([row?.house, planted.assessment, 'taken', 'v1'])
  for (const as of ['member', 'clinician-1-2', 'chief', 'admin']) {
    const { status, body } = await stage.ask('/api/kinds/diagnosis/runs', {
      as,
      body: { input: { diagnosis: randomUUID() } },
      headers: { 'idempotency-key': key },
    })
    expect([status, body.code]).toEqual([422, 'CANNOT_START'])
  }
  const { id, created } = (await ask('taken')).body as { id: string; created: boolean }
  expect(created).toBe(true)
  expect((await stage.ask(`${PATH}/${id}`, { as: 'clinician-1-1' })).status).toBe(200)
})

test.each([
  ['ten thousand letters', 'x'.repeat(10_000)],
  ['NUL', 'a\0b'],
  ['an emoji', '🦜'],
  ['a line', 'a\nb'],
  ['a path', '../../x'],
  ['HTML', '<b>x</b>'],
  ['a number', 7],
  ['nothing', null],
  ['a list', ['x']],
  ['half a letter', 'a\ud800'],
  ['a letter that looks like another', 'аbc'],
])('a correlation id of %s is refused, and said nowhere', async (_, id) => {
  const answer = await ask(id)
  expect([
    [400, 'INVALID_TEXT'],
    [422, 'VALIDATION_ERROR'],
  ]).toContainEqual([answer.status, answer.body.code])
  if (typeof id === 'string') expect(answer.text + stage.logged.join()).not.toContain(JSON.stringify(id).slice(1, -1))
})

test('fifty who ask at once have one run, one created', async () => {
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => ask('fifty', n % 2 === 0 ? 'clinician-1-1' : 'admin-1')),
  )
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(49)
})

test('pages lose nothing that was asked for or begun in the same moment', async () => {
  await Promise.all(Array.from({ length: 30 }, () => ask(randomUUID())))
  await stage.db.sql(
    "update diagnosis.diagnosis_runs set created_at = date_trunc('second', now()) + random() * interval '0.9 ms' where random() < 0.7",
  )
  await stage.db.sql(
    "update diagnosis.assessments set created_at = '2026-01-01', completed_at = '2026-01-02'::timestamptz where status = 'completed'",
  )
  for (const as of ['clinician-1-1', 'admin-1']) {
    for (const path of [PATH, '/api/diagnosis/assessments', `/api/diagnosis/assessments?patient=${planted.patient}`]) {
      const read = async (page: string) =>
        (
          (await stage.ask(`${path}${path.includes('?') ? '&' : '?'}${page}`, { as })).body as {
            items: { id: string }[]
          }
        ).items
      const all = (await read('limit=500')).map(({ id }) => id)
      const seen: string[] = []
      for (let items = await read('limit=7'); items.length > 0; items = await read(`limit=7&after=${seen.at(-1)}`))
        seen.push(...items.map(({ id }) => id))
      expect([as, path, seen]).toEqual([as, path, all])
      expect((await stage.ask(`${path}${path.includes('?') ? '&' : '?'}after=${randomUUID()}`, { as })).status).toBe(
        404,
      )
    }
  }
})

test('a page does not begin after what one may not see', async () => {
  const { id } = (await ask(randomUUID())).body as { id: string }
  for (const as of ['clinician-1-2', 'admin-2', 'member', 'canary'])
    expect([as, (await stage.ask(`${PATH}?after=${id}`, { as })).status]).toEqual([as, 404])
})
