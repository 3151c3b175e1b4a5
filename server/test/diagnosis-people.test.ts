/** Who is who: said by an organisation's administrators alone, over HTTP; in force at once, kept, and taken back. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { operator } from '../src/app.ts'
import { appoint, dismiss, peopleOf } from '../src/domains/diagnosis/appointments.ts'
import { exported } from '../src/domains/diagnosis/export.ts'
import { principalOf, type DiagnosisPrincipal } from '../src/domains/diagnosis/people.ts'
import { generate } from '../src/domains/diagnosis/synthetic/generate.ts'
import { install } from '../testing/cli.ts'
import { plant } from '../testing/diagnosis.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

let stage: HttpStage
let planted = { patient: '', assessment: '' }
let here = ''
let there = ''
let clinician = ''
let another = ''
beforeAll(async () => {
  stage = await openHttpStage()
  await generate(stage.engine, operator, { workspace: 1, patients: 6, seed: 7 })
  planted = await plant(stage.db, stage.engine)
  const rows = await stage.db.sql<{ subject: string; organisation: string; clinician: string }>(
    'select subject, organisation_id as organisation, clinician_id as clinician from diagnosis.people',
  )
  const of = (subject: string) => rows.find((row) => row.subject === subject)
  here = of('admin-1')?.organisation ?? ''
  there = of('admin-2')?.organisation ?? ''
  clinician = of('clinician-1-1')?.clinician ?? ''
  another = of('clinician-2-1')?.clinician ?? ''
  for (const name of ['admin-1', 'admin-2', 'clinician-1-1', 'new', 'second', 'member']) stage.person(name, 'member')
  stage.person('canary', 'member', 7)
}, 60_000)
afterAll(() => stage?.close())

const url = (rest = '', house = here) => `/api/diagnosis/organisations/${house}/people${rest}`
const put = (as: string | null, body: object, house = here) => stage.ask(url('', house), { as, body })
const take = (as: string, body: object, house = here) => stage.ask(url('/dismiss', house), { as, body })
const seenBy = async (as: string) =>
  (await stage.ask('/api/diagnosis/patients', { as })).body.items.map(({ id }: { id: string }) => id) as string[]

test('whoever is appointed sees at once what is his, and no more when he is dismissed', async () => {
  expect(await seenBy('new')).toEqual([])
  const body = { subject: 'new', role: 'clinician', person: clinician }
  expect(await put('admin-1', body)).toMatchObject({ status: 200, body: { created: true } })
  expect(await put('admin-1', body)).toMatchObject({ status: 200, body: { created: false } })
  expect(await seenBy('new')).toContain(planted.patient)
  expect(await take('admin-1', { subject: 'new', role: 'clinician' })).toMatchObject({ status: 204 })
  expect(await seenBy('new')).toEqual([])
  expect(await take('admin-1', { subject: 'new', role: 'clinician' })).toMatchObject({
    status: 404,
    body: { code: 'PERSON_NOT_FOUND' },
  })
  const { body: kept } = await stage.ask(`/api/diagnosis/organisations/${here}/appointments`, { as: 'admin-1' })
  expect(kept.items.slice(0, 2)).toMatchObject([
    { action: 'dismissed', subject: 'new', role: 'clinician', clinician_id: clinician, by: 'admin-1' },
    { action: 'appointed', subject: 'new', role: 'clinician', clinician_id: clinician, by: 'admin-1' },
  ])
})

type Refused = readonly [
  who: string,
  as: string | null,
  house: () => string,
  more: { readonly person?: string; readonly role?: string; readonly subject?: string },
  status: number,
  code: string | undefined,
]
const REFUSED: readonly Refused[] = [
  ['nobody', null, () => here, {}, 401, 'NOT_SIGNED_IN'],
  ['a clinician of the house', 'clinician-1-1', () => here, {}, 403, 'ROLE_NOT_ALLOWED'],
  ['a patient of the house', 'canary', () => here, {}, 403, 'ROLE_NOT_ALLOWED'],
  ['who runs the installation, from afar', 'admin', () => here, {}, 403, 'ROLE_NOT_ALLOWED'],
  ['the administrator of another house', 'admin-2', () => here, {}, 404, 'ORGANISATION_NOT_FOUND'],
  ['a member of the workspace', 'member', () => here, {}, 404, 'ORGANISATION_NOT_FOUND'],
  ['an administrator, in another house', 'admin-1', () => there, {}, 404, 'ORGANISATION_NOT_FOUND'],
  ['an administrator, in no house', 'admin-1', () => randomUUID(), {}, 404, 'ORGANISATION_NOT_FOUND'],
  [
    'an administrator with another house’s clinician',
    'admin-1',
    () => here,
    { role: 'clinician', person: 'another' },
    404,
    'PERSON_NOT_FOUND',
  ],
  [
    'an administrator with a clinician who is none',
    'admin-1',
    () => here,
    { role: 'clinician', person: randomUUID() },
    404,
    'PERSON_NOT_FOUND',
  ],
  ['an administrator with nobody', 'admin-1', () => here, { role: 'patient' }, 404, 'PERSON_NOT_FOUND'],
  [
    'an administrator of an administrator who is a clinician',
    'admin-1',
    () => here,
    { role: 'admin', person: randomUUID() },
    404,
    'PERSON_NOT_FOUND',
  ],
  [
    'an administrator for who is somebody else',
    'admin-1',
    () => here,
    { subject: 'clinician-2-1', role: 'clinician', person: 'own' },
    409,
    'SUBJECT_TAKEN',
  ],
  [
    'an administrator with words for a subject',
    'admin-1',
    () => here,
    { subject: 'Wilhelmine was here' },
    422,
    undefined,
  ],
]
test.each(REFUSED)('%s appoints nobody', async (_, as, house, more, status, code) => {
  const before = await stage.db.sql('select * from diagnosis.people order by 1, 2, 3, 4')
  const person = more.person === 'another' ? another : more.person === 'own' ? clinician : more.person
  const answer = await put(
    as,
    { subject: 'intruder', role: 'admin', ...more, ...(person === undefined ? {} : { person }) },
    house(),
  )
  if (code === undefined) expect([400, 422]).toContain(answer.status)
  else expect([answer.status, answer.body.code]).toEqual([status, code])
  expect(answer.text).not.toContain('Wilhelmine')
  expect(await stage.db.sql('select * from diagnosis.people order by 1, 2, 3, 4')).toEqual(before)
})

test('an organisation keeps an administrator; who was dismissed makes himself none again, not with an old claim either', async () => {
  const last = await take('admin-1', { subject: 'admin-1', role: 'admin' })
  expect(last).toMatchObject({ status: 409, body: { code: 'LAST_ADMINISTRATOR' } })
  expect(await put('admin-1', { subject: 'second', role: 'admin' })).toMatchObject({ status: 200 })
  const claimed: DiagnosisPrincipal = await principalOf(stage.engine, 'second')
  expect(await take('admin-1', { subject: 'second', role: 'admin' })).toMatchObject({ status: 204 })
  await expect(appoint(stage.engine, claimed, here, { subject: 'second', role: 'admin' })).rejects.toMatchObject({
    code: 'ROLE_NOT_ALLOWED',
  })
  await expect(peopleOf(stage.engine, claimed, here)).rejects.toMatchObject({ code: 'ROLE_NOT_ALLOWED' })
  expect(await put('second', { subject: 'second', role: 'admin' })).toMatchObject({ status: 404 })
})

test('two administrators who dismiss each other at once do not leave the house to nobody', async () => {
  await appoint(stage.engine, operator, here, { subject: 'second', role: 'admin' })
  const [one, two] = await Promise.all([principalOf(stage.engine, 'admin-1'), principalOf(stage.engine, 'second')])
  const ends = await Promise.allSettled([
    dismiss(stage.engine, one, here, { subject: 'second', role: 'admin' }),
    dismiss(stage.engine, two, here, { subject: 'admin-1', role: 'admin' }),
  ])
  expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  await appoint(stage.engine, operator, here, { subject: 'admin-1', role: 'admin' })
  await dismiss(stage.engine, operator, here, { subject: 'second', role: 'admin' }).catch(() => {})
})

test('the pages of a clinician and of a patient have what they need, and a run that is asked for can be watched', async () => {
  await stage.work()
  const as = 'clinician-1-1'
  const [house] = (await stage.ask('/api/diagnosis/organisations', { as })).body.items
  expect(house).toMatchObject({ id: here, administers: false })
  expect((await stage.ask('/api/diagnosis/clinicians', { as })).body.items).toMatchObject([{ id: clinician }])
  const patient = (await stage.ask('/api/diagnosis/patients', { as })).body.items.find(
    ({ id }: { id: string }) => id === planted.patient,
  )
  expect(patient).toMatchObject({ assessments: 1, clinicians: [clinician] })
  const [assessment] = (await stage.ask(`/api/diagnosis/assessments?patient=${planted.patient}`, { as })).body.items
  expect(assessment).toMatchObject({
    id: planted.assessment,
    funnel: 'stress',
    version: 2,
    status: 'completed',
    answers: 7,
  })
  const { id } = (
    await stage.ask('/api/diagnosis-runs', { as, body: { assessmentId: assessment.id, correlationId: 'visit' } })
  ).body
  const run = await until(
    async () => (await stage.ask(`/api/diagnosis-runs/${id}`, { as })).body,
    ({ status }) => status === 'completed',
  )
  const watched = await stage.raw(`/api/runs/${run.engine_run_id}/logs?stream=true`, { as })
  expect(await watched.text()).toContain('event: end')
  for (const finding of run.diagnosis_result.diagnosis.findings) expect(finding).toHaveProperty('question_ids')
  expect((await stage.ask(`/api/diagnosis/assessments`, { as: 'canary' })).body.items).toMatchObject([
    { id: assessment.id },
  ])
  expect((await stage.ask('/api/diagnosis-runs', { as: 'canary' })).body.items).toMatchObject([
    { id, summary: expect.any(String) },
  ])
})

test('pages of patients and assessments follow one another and leave out nobody', async () => {
  const walk = async (path: string, next: (last: { id: string; created_at: string }) => string) => {
    const seen: string[] = []
    for (let more = ''; ;) {
      const { items } = (await stage.ask(`${path}?limit=2${more}`, { as: 'admin-1' })).body
      if (items.length === 0) return seen
      seen.push(...items.map(({ id }: { id: string }) => id))
      more = next(items.at(-1))
    }
  }
  const all = async (table: string) =>
    (await stage.db.sql<{ id: string }>(`select id from diagnosis.${table} where organisation_id = $1`, [here])).map(
      ({ id }) => id,
    )
  const patients = await walk('/api/diagnosis/patients', ({ id }) => `&after=${id}`)
  expect(patients).toEqual((await all('patients')).toSorted())
  const assessments = (await stage.ask('/api/diagnosis/assessments?limit=500', { as: 'admin-1' })).body.items
  expect(assessments.map(({ id }: { id: string }) => id).toSorted()).toEqual((await all('assessments')).toSorted())
})

test('an export has what each may read, says so in the audit, and gives the rest to nobody who was dismissed meanwhile', async () => {
  // More than one page, some begun in the same moment.
  await stage.db.sql(
    `insert into diagnosis.diagnosis_runs (id, workspace_id, organisation_id, patient_id, assessment_id, correlation_id, status, errors, created_at)
     select gen_random_uuid(), 1, $1, $2, $3, 'many-' || n, 'failed', '[{"code": "LLM_ERROR", "message": "x", "at": "x", "attempt": 1}]',
            timestamptz '2026-01-01' + (n / 90) * interval '1 microsecond' from generate_series(1, 250) n`,
    [here, planted.patient, planted.assessment],
  )
  const [wanted] = await stage.db.sql<{ n: string }>('select count(*) as n from diagnosis.diagnosis_runs')
  const { text, status, headers } = await stage.ask('/api/diagnosis-runs/export', { as: 'admin-1' })
  expect([status, headers.get('content-type')]).toEqual([200, 'application/x-ndjson; charset=utf-8'])
  const runs = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string })
  expect(new Set(runs.map(({ id }) => id)).size).toBe(runs.length)
  expect(runs).toHaveLength(Number(wanted?.n))
  const [noted] = await stage.db.sql<{ n: string }>(
    "select count(distinct run_id) as n from diagnosis.audit where action = 'exported' and by = 'admin-1'",
  )
  expect(noted?.n).toBe(wanted?.n)

  await appoint(stage.engine, operator, here, { subject: 'new', role: 'clinician', person: clinician })
  const pages = exported(stage.engine, await principalOf(stage.engine, 'new'))
  expect((await pages.next()).value).toHaveLength(100)
  await dismiss(stage.engine, operator, here, { subject: 'new', role: 'clinician' })
  expect((await pages.next()).done).toBe(true)
})

test('the command line appoints for the operator, and writes an export that its owner alone may read', async () => {
  const place = await install(stage.db, { DIAGNOSIS_MODEL: 'fake:a' })
  const folder = await mkdtemp(join(tmpdir(), 'millrace-export-'))
  try {
    const appointed = await place.run(['diagnosis', 'appoint', here, 'user:9', '--admin'])
    expect(appointed).toMatchObject({ code: 0, stdout: 'user:9 is admin now.\n' })
    const file = join(folder, 'runs.jsonl')
    const ran = await place.run(['diagnosis', 'export', file, '--as', 'user:9'])
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+ runs are in/) })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await readFile(file, 'utf8')).split('\n').length).toBeGreaterThan(200)
    expect(await place.run(['diagnosis', 'export', file, '--as', 'user:9'])).toMatchObject({ code: 2 })
    const [row] = await stage.db.sql("select by, action from diagnosis.appointments where subject = 'user:9'")
    expect(row).toEqual({ by: 'operator', action: 'appointed' })
  } finally {
    await place.remove()
    await rm(folder, { recursive: true })
  }
}, 60_000)
