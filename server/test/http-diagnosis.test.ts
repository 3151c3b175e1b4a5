/** Diagnosis runs over HTTP: who is told what, with which status, and that no answer holds a word that is not his. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { operator } from '../src/app.ts'
import { withClaims } from '../src/domains/diagnosis/people.ts'
import { assessmentsOf } from '../src/domains/diagnosis/directory.ts'
import { generate } from '../src/domains/diagnosis/synthetic/generate.ts'
import type { Worker } from '@millrace/engine'
import { openHttpStage, type HttpStage } from './http-stage.ts'

const PATH = '/api/diagnosis-runs'
let stage: HttpStage
let worker: Worker
let assessment = ''
beforeAll(async () => {
  stage = await openHttpStage()
  await generate(stage.engine, operator, { workspace: 1, patients: 12, seed: 7 })
  for (const name of ['clinician-1-1', 'clinician-1-2', 'admin-1', 'admin-2']) stage.person(name, 'member')
  for (const name of ['patient-1-1', 'patient-2-1']) stage.person(name, 'member', 7)
  stage.person('reader', 'member', 1, ['runs:read'])
  worker = await stage.work()
  const mine = await assessmentsOf(stage.engine, await withClaims(stage.engine, { sub: 'patient-1-1', workspaces: {} }))
  assessment = mine.find(({ status, answers }) => status === 'completed' && answers > 0)?.id ?? ''
})
afterAll(async () => {
  await stage?.close()
})
const ask = (as: string | null, correlationId: string = randomUUID(), assessmentId = assessment, headers = {}) =>
  stage.ask(PATH, { as, body: { assessmentId, correlationId }, headers })
const ended = (id: string) =>
  until(
    async () => (await stage.ask(`${PATH}/${id}`, { as: 'clinician-1-1' })).body as { status: string },
    ({ status }) => status === 'completed' || status === 'failed',
  )

test('a clinician asks, and the same question again is the same run', async () => {
  const first = await ask('clinician-1-1', 'visit-1')
  expect([first.status, first.body]).toEqual([201, { id: expect.any(String), status: 'queued', created: true }])
  expect(first.headers.get('location')).toBe(`${PATH}/${first.body.id}`)
  expect(await ended(first.body.id)).toMatchObject({
    status: 'completed',
    diagnosis_result: { metadata: { model: 'fake:a' } },
  })
  // In lists of runs it has no words of anybody.
  const { items } = (await stage.ask('/api/runs?kind=diagnosis')).body
  expect(items.map(({ name }: { name: string | null }) => name)).toEqual([null])
  const again = await ask('clinician-1-1', 'visit-1')
  expect([again.status, again.body]).toEqual([200, { id: first.body.id, status: 'completed', created: false }])
})

test('everybody is told what he may see, and others that there is nothing', async () => {
  const { id } = (await ask('clinician-1-1')).body
  await ended(id)
  const fields = async (as: string) => Object.keys((await stage.ask(`${PATH}/${id}`, { as })).body)
  expect(await fields('clinician-1-1')).toContain('context_pack')
  expect(await fields('admin-1')).toContain('diagnosis_result')
  expect((await fields('patient-1-1')).toSorted()).toEqual([
    'assessment_id',
    'completed_at',
    'confidence',
    'id',
    'next_steps',
    'red_flags',
    'status',
    'summary',
    'uncertain',
  ])
  expect(await fields('admin')).not.toContain('context_pack')
  for (const as of ['clinician-1-2', 'admin-2', 'patient-2-1', 'reader']) {
    const { status, body } = await stage.ask(`${PATH}/${id}`, { as })
    expect([as, status, body.code]).toEqual([as, 404, 'RUN_NOT_FOUND'])
    expect((await stage.ask(PATH, { as })).body.items.map((run: { id: string }) => run.id)).not.toContain(id)
    expect((await stage.ask(`${PATH}/${id}/audit`, { as })).status).toBe(404)
  }
  expect((await stage.ask(PATH, { as: 'patient-1-1' })).body.items.map((run: { id: string }) => run.id)).toContain(id)
  expect((await stage.ask(`${PATH}/${id}`, { as: null })).status).toBe(401)
})

test.each([
  ['nobody', null, () => ({}), 401, 'NOT_SIGNED_IN'],
  ['a key that may only read', 'reader', () => ({}), 403, 'MISSING_SCOPE'],
  ['a patient', 'patient-1-1', () => ({}), 403, 'ROLE_NOT_ALLOWED'],
  ['another clinician', 'clinician-1-2', () => ({}), 404, 'ASSESSMENT_NOT_FOUND'],
  [
    'somebody with an assessment that is none',
    'clinician-1-1',
    () => ({ assessmentId: randomUUID() }),
    404,
    'ASSESSMENT_NOT_FOUND',
  ],
  [
    'somebody with an id that is none',
    'clinician-1-1',
    () => ({ assessmentId: 'Wilhelmine' }),
    422,
    'VALIDATION_ERROR',
  ],
  [
    'somebody with words for an id',
    'clinician-1-1',
    () => ({ correlationId: 'Wilhelmine was here' }),
    422,
    'VALIDATION_ERROR',
  ],
  ['somebody with a field too many', 'clinician-1-1', () => ({ Wilhelmine: 1 }), 422, 'VALIDATION_ERROR'],
])('%s who asks is refused', async (_, as, more, status, code) => {
  const answer = await stage.ask(PATH, { as, body: { assessmentId: assessment, correlationId: 'x', ...more() } })
  expect([answer.status, answer.body.code]).toEqual([status, code])
  expect(answer.text).not.toContain('Wilhelmine')
})

test('only an administrator or the operator processes; what cannot be is told by its status', async () => {
  const { id } = (await ask('clinician-1-1')).body
  await ended(id)
  const process = (as: string, run = id) => stage.ask(`${PATH}/${run}/process`, { as, method: 'POST' })
  expect((await process('clinician-1-1')).body).toMatchObject({ status: 403, code: 'ROLE_NOT_ALLOWED' })
  expect((await process('admin-2')).body).toMatchObject({ status: 404, code: 'RUN_NOT_FOUND' })
  expect((await process('admin-1', randomUUID())).body).toMatchObject({ status: 404, code: 'RUN_NOT_FOUND' })
  expect(await process('admin-1')).toMatchObject({ status: 200, body: { id, diagnosis_result: { diagnosis: {} } } })
  expect(await process('admin')).toMatchObject({ status: 200, body: { id, status: 'completed' } })
  expect((await stage.ask(`${PATH}/${id}/retry`, { as: 'admin-1', method: 'POST' })).body).toMatchObject({
    status: 409,
    code: 'INVALID_STATUS',
  })
  await worker.drain(0)
  const waiting = (await ask('clinician-1-1')).body.id
  expect((await process('admin-1', waiting)).body).toMatchObject({ status: 503, code: 'NO_WORKER' })
  worker = await stage.work()
  expect(await process('admin-1', waiting)).toMatchObject({ status: 200, body: { status: 'completed' } })
})

test('a run that cannot get its context ends a process with 422, and may be retried', async () => {
  const [{ id: unfinished } = { id: '' }] = await stage.db.sql<{ id: string }>(
    `select a.id from diagnosis.assessments a join diagnosis.people p on p.organisation_id = a.organisation_id
      where p.subject = 'admin-1' and a.status = 'in_progress' limit 1`,
  )
  await worker.drain(0)
  const { id } = (await ask('admin-1', 'early', unfinished)).body
  worker = await stage.work()
  const ends = await stage.ask(`${PATH}/${id}/process`, { as: 'admin-1', method: 'POST' })
  expect(['CONTEXT_FETCH_ERROR', 'INVALID_STATUS']).toContain(ends.body.code)
  expect([422, 409]).toContain(ends.status)
  expect(await stage.ask(`${PATH}/${id}/retry`, { as: 'admin-1', method: 'POST' })).toMatchObject({
    status: 200,
    body: { id, round: 2 },
  })
})

test('no result is kept for an idempotency key, and none stands in the log', async () => {
  const { id } = (await ask('clinician-1-1', randomUUID(), assessment, { 'idempotency-key': 'k1' })).body
  await stage.ask(`${PATH}/${id}/process`, { as: 'admin-1', method: 'POST', headers: { 'idempotency-key': 'k2' } })
  const [run] = await stage.db.sql<{ result: string }>(
    'select diagnosis_result::text as result from diagnosis.diagnosis_runs where id = $1',
    [id],
  )
  const sentences = (run?.result ?? '').match(/[^"]{25,}/g) ?? []
  expect(sentences.length).toBeGreaterThan(3)
  expect(await stage.db.sql('select * from doors.replays')).toEqual([])
  for (const sentence of sentences) expect(stage.logged.join('\n')).not.toContain(sentence)
})
