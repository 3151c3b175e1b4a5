/** Diagnosis runs from asking to the result, on a real database, with a model that says what it is told to. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Worker } from '@millrace/engine'
import { until } from '../../engine/testing/index.ts'
import { failureOf } from '../src/providers/failures.ts'
import { ask, audit, get, list, process, retry, type DiagnosisRun } from '../src/domains/diagnosis/runs.ts'
import { CANARY, OPERATOR, openPractice, REPLY, type Practice } from '../testing/diagnosis.ts'

let practice: Practice
let worker: Worker | undefined
beforeAll(async () => {
  practice = await openPractice()
  worker = await practice.startWorker()
})
afterAll(async () => {
  await practice?.close()
})
const fine = () => ({ text: JSON.stringify(REPLY), latencyMs: 0 })
beforeEach(() => practice.script(fine))

const stateOf = (id: string) =>
  practice.db.sql<{ status: string }>('select status from diagnosis.diagnosis_runs where id = $1', [id])

describe('a diagnosis run', () => {
  test('ends with the model’s result, its own confidence and what it was made from', async () => {
    const { id, created, status } = await practice.ask(practice.planted.assessment)
    expect([created, status]).toEqual([true, 'queued'])
    await practice.ended(id)
    const run = (await get(practice.engine, await practice.as('clinician-1-1'), id)) as DiagnosisRun
    expect(run).toMatchObject({
      status: 'completed',
      assessment_id: practice.planted.assessment,
      schema_version: 'v1',
      attempts: 1,
      max_attempts: 3,
      errors: [],
      uncertain: false,
      diagnosis_result: {
        ...REPLY,
        metadata: { model: 'fake:a', model_version: 'fake-a-2026-01', prompt_version: 'diagnosis-1' },
      },
    })
    expect(run.completed_at).toBeInstanceOf(Date)
    expect(run.started_at).toBeInstanceOf(Date)
  })

  test('keeps the very pack that was sent: typed answers with their labels, ids, no one’s name', async () => {
    const { id } = await practice.ask(practice.planted.assessment)
    await practice.ended(id)
    const run = (await get(practice.engine, await practice.as('admin-1'), id)) as DiagnosisRun
    const sent = practice.requests.at(-1)?.messages.at(-1)?.content ?? ''
    const record = /^<record>\n(.*)\n<\/record>$/s.exec(sent)?.[1] ?? ''
    expect(JSON.parse(record)).toEqual(run.context_pack)
    expect(run.context_pack).toMatchObject({
      assessment_data: { id: practice.planted.assessment },
      funnel_config: { funnel: 'stress', version: 2 },
      patient_context: { patient_id: practice.planted.patient, age_band: '50-59', sex: 'female' },
      scores: [{ name: 'burden', score: 55, level: 'moderate' }],
    })
    expect(run.context_pack?.assessment_data.answers).toContainEqual({
      question_id: 'sleep_q1',
      label: 'How well do you fall asleep in the last four weeks?',
      value: 4,
    })
    const { words, ...identity } = CANARY
    for (const known of [...Object.values(identity), 'Wilhelmine', 'Kanarienvogel']) expect(sent).not.toContain(known)
    expect(sent).toContain(words)
    // A text of the patient cannot end the record.
    expect(sent.match(/<\/record>/g)).toHaveLength(1)
  })

  test('ties findings to questions that were answered, and to no other', async () => {
    const findings = [{ finding: 'Wakes at night.', question_ids: ['sleep_q2', 'shoe_size'] }]
    practice.script(() => ({ text: JSON.stringify({ ...REPLY, diagnosis: { ...REPLY.diagnosis, findings } }) }))
    const { id } = await practice.ask(practice.planted.assessment)
    const { diagnosis_result } = await practice.ended(id)
    expect(diagnosis_result).toMatchObject({ diagnosis: { findings: [{ question_ids: ['sleep_q2'] }] } })
  })

  test('says by one hash what the model was given, and another when an answer changed', async () => {
    const first = await practice.ask(practice.planted.assessment)
    const before = (await practice.ended(first.id))['inputs_hash']
    const second = await practice.ask(practice.planted.assessment)
    expect((await practice.ended(second.id))['inputs_hash']).toBe(before)
    await practice.db.sql(
      "update diagnosis.answers set value = '3' where assessment_id = $1 and question_id = 'stress_q1'",
      [practice.planted.assessment],
    )
    const third = await practice.ask(practice.planted.assessment)
    expect((await practice.ended(third.id))['inputs_hash']).not.toBe(before)
    expect(before).toMatch(/^[0-9a-f]{64}$/)
  })

  test('is one run and one call of the model, also when fifty ask at once', async () => {
    const calls = practice.requests.length
    const correlation = randomUUID()
    const asked = await Promise.all(
      Array.from({ length: 50 }, () => practice.ask(practice.planted.assessment, 'clinician-1-1', correlation)),
    )
    expect(new Set(asked.map(({ id }) => id)).size).toBe(1)
    expect(asked.filter(({ created }) => created)).toHaveLength(1)
    await practice.ended(asked[0]?.id ?? '')
    expect(practice.requests.length - calls).toBe(1)
  })

  test.each([
    ['is not finished', "a.status = 'in_progress'"],
    [
      'has no answers',
      "a.status = 'completed' and not exists (select from diagnosis.answers w where w.assessment_id = a.id)",
    ],
  ])('of an assessment that %s fails with a code, and no model is asked', async (_, where) => {
    const calls = practice.requests.length
    const [assessment = ''] = await practice.assessments(
      `${where} and a.organisation_id = (select organisation_id from diagnosis.people where subject = 'admin-1')`,
    )
    const { id } = await practice.ask(assessment, 'admin-1')
    const run = await practice.ended(id)
    expect(run).toMatchObject({ status: 'failed', context_pack: null, errors: [{ code: 'CONTEXT_FETCH_ERROR' }] })
    expect(practice.requests.length).toBe(calls)
  })
})

describe('a reply that is no result', () => {
  const wrong = { ...REPLY, confidence: 7, diagnosis: { ...REPLY.diagnosis, summary: '' } }

  test('is asked for once more, with the places that were wrong', async () => {
    let calls = 0
    practice.script(() => (calls++ === 0 ? { text: JSON.stringify(wrong) } : fine()))
    const { id } = await practice.ask(practice.planted.assessment)
    expect(await practice.ended(id)).toMatchObject({ status: 'completed', attempts: 1, errors: [] })
    expect(calls).toBe(2)
    expect(practice.requests.at(-1)?.messages.at(-1)?.content).toContain('diagnosis.summary, confidence')
  })

  test.each([
    ['out of bounds', JSON.stringify(wrong), ['diagnosis.summary', 'confidence']],
    ['no JSON', `{"diagnosis": "${CANARY.name}`, ['$']],
    ['another shape', JSON.stringify({ [CANARY.name]: CANARY.words }), ['diagnosis', 'confidence', '$']],
    ['of another type', JSON.stringify({ ...REPLY, confidence: CANARY.words }), ['confidence']],
    [
      'with a name of its own',
      JSON.stringify({ ...REPLY, diagnosis: { ...REPLY.diagnosis, next_steps: undefined, [CANARY.name]: 1 } }),
      ['diagnosis.next_steps', 'diagnosis'],
    ],
    ['not a number', JSON.stringify(REPLY).replace('0.72', 'NaN'), ['$']],
  ])('twice (%s) fails the run with the places, and none of its words', async (_, text, paths) => {
    practice.script(() => ({ text }))
    const { id } = await practice.ask(practice.planted.assessment)
    const run = await practice.ended(id)
    expect(run).toMatchObject({
      status: 'failed',
      diagnosis_result: null,
      completed_at: null,
      errors: [{ code: 'VALIDATION_ERROR', attempt: 1, details: { paths } }],
    })
    expect(JSON.stringify(run.errors)).not.toContain('Wilhelmine')
  })

  test('is not taken for the answer of the next round', async () => {
    practice.script(() => ({ text: JSON.stringify(wrong) }))
    const { id } = await practice.ask(practice.planted.assessment)
    await practice.ended(id)
    practice.script(fine)
    const who = await practice.as('clinician-1-1')
    expect(await retry(practice.engine, who, id)).toEqual({ id, round: 2 })
    expect(await practice.ended(id)).toMatchObject({
      status: 'completed',
      round: 2,
      attempts: 1,
      errors: [{ code: 'VALIDATION_ERROR' }],
    })
  })
})

describe('attempts', () => {
  const busy = () => ({ failure: failureOf('RATE_LIMIT', { status: 429, retryAfter: 0 }) })

  test('end after the third: the next one is none, and says so', async () => {
    practice.script(busy)
    const { id } = await practice.ask(practice.planted.assessment)
    const run = await practice.ended(id)
    expect(run.errors.map(({ code, details }) => [code, details?.['status']])).toEqual([
      ['LLM_ERROR', 429],
      ['LLM_ERROR', 429],
      ['LLM_ERROR', 429],
      ['MAX_ATTEMPTS_REACHED', undefined],
    ])
    expect(run).toMatchObject({ status: 'failed', attempts: 3, max_attempts: 3 })
    practice.script(fine)
    await retry(practice.engine, await practice.as('admin-1'), id)
    expect(await practice.ended(id)).toMatchObject({ status: 'completed', attempts: 1, round: 2 })
  })

  test('that may succeed later are made again, and what was paid for is kept', async () => {
    let calls = 0
    practice.script(() => (calls++ < 2 ? busy() : fine()))
    const { id } = await practice.ask(practice.planted.assessment)
    expect(await practice.ended(id)).toMatchObject({ status: 'completed', attempts: 3 })
  })

  test('against a model that is gone are not repeated, and the run says that it is gone', async () => {
    practice.script(() => ({ failure: failureOf('NOT_FOUND', { status: 404 }) }))
    const { id } = await practice.ask(practice.planted.assessment)
    expect(await practice.ended(id)).toMatchObject({
      status: 'failed',
      attempts: 1,
      errors: [{ code: 'LLM_ERROR', details: { gone: true, status: 404 } }],
    })
  })
})

describe('the run here and the engine’s run', () => {
  test('change together: a cancelled one is failed, and nothing of a result stays', async () => {
    practice.script(() => ({ hang: 'before' }))
    const { id } = await practice.ask(practice.planted.assessment)
    await until(
      () => stateOf(id),
      ([row]) => row?.status === 'in_progress',
    )
    const [row] = await practice.db.sql<{ engine_run_id: number }>(
      'select * from diagnosis.diagnosis_runs where id = $1',
      [id],
    )
    await practice.engine.cancel(await practice.as('admin-1'), row?.engine_run_id ?? 0)
    expect(await practice.ended(id)).toMatchObject({ errors: [{ code: 'CANCELLED' }], diagnosis_result: null })
    expect(await practice.db.sql('select * from diagnosis.replies')).toEqual([])
  })

  test('a result that is there is not made again', async () => {
    const { id } = await practice.ask(practice.planted.assessment)
    const { engine_run_id } = await practice.ended(id)
    const who = await practice.as('admin-1')
    await expect(retry(practice.engine, who, id)).rejects.toMatchObject({ code: 'INVALID_STATUS' })
    await expect(practice.engine.reopen(who, engine_run_id as number, { all: true })).rejects.toMatchObject({
      code: 'WRONG_STATE',
    })
  })

  test('a record stays when the engine throws its run away', async () => {
    const { id } = await practice.ask(practice.planted.assessment, 'clinician-1-1', 'kept')
    await practice.ended(id)
    await practice.engine.prune(OPERATOR, { before: new Date(Date.now() + 1_000), kind: 'diagnosis' })
    expect(await practice.ended(id)).toMatchObject({ status: 'completed', engine_run_id: null })
    expect(await practice.ask(practice.planted.assessment, 'clinician-1-1', 'kept')).toEqual({
      id,
      status: 'completed',
      created: false,
    })
  })

  test('a run of this kind that nobody asked for finds no record', async () => {
    const { run } = await practice.engine.start(OPERATOR, practice.kind, { diagnosis: randomUUID() }, { workspace: 1 })
    const end = await until(
      () => practice.engine.run(OPERATOR, run),
      ({ finishedAt }) => finishedAt !== null,
    )
    expect(end.failure).toMatchObject({ code: 'RUN_NOT_FOUND' })
  })

  test('somebody else’s run cannot be taken over by naming it', async () => {
    const { id } = await practice.ask(practice.planted.assessment)
    const before = await practice.ended(id)
    const { run } = await practice.engine.start(OPERATOR, practice.kind, { diagnosis: id }, { workspace: 1 })
    await until(
      () => practice.engine.run(OPERATOR, run),
      ({ finishedAt }) => finishedAt !== null,
    )
    expect(await practice.ended(id)).toEqual(before)
  })
})

describe('the doors', () => {
  test('tell who may not see an assessment that there is none', async () => {
    const [foreign = ''] = await practice.assessments(
      "a.organisation_id = (select organisation_id from diagnosis.people where subject = 'admin-2')",
    )
    for (const [assessment, who] of [
      [foreign, 'clinician-1-1'],
      [practice.planted.assessment, 'clinician-1-2'],
      [practice.planted.assessment, 'admin-2'],
      [randomUUID(), 'admin-1'],
      ['no id at all', 'admin-1'],
    ] as const) {
      await expect(practice.ask(assessment, who)).rejects.toMatchObject({ code: 'ASSESSMENT_NOT_FOUND' })
    }
    await expect(practice.ask(practice.planted.assessment, 'canary')).rejects.toMatchObject({
      code: 'ROLE_NOT_ALLOWED',
    })
  })

  test('give a patient his result, without pack, errors and attempts; the operator ids and states', async () => {
    const { id } = await practice.ask(practice.planted.assessment)
    await practice.ended(id)
    const own = await get(practice.engine, await practice.as('canary'), id)
    expect(Object.keys(own).sort()).toEqual([
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
    expect((await list(practice.engine, await practice.as('canary'))).map((run) => run.id)).toContain(id)
    const overview = await get(practice.engine, OPERATOR, id)
    expect(JSON.stringify(overview)).not.toContain('sleep')
    for (const who of ['clinician-1-2', 'admin-2', 'patient-1-1', 'nobody'])
      await expect(get(practice.engine, await practice.as(who), id)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  })

  test('let administrators and the operator process; it comes first, and its end is given', async () => {
    const how = { kind: practice.kind, autoProcess: false }
    const asked = { assessmentId: practice.planted.assessment, correlationId: randomUUID() }
    const { id } = await ask(practice.engine, await practice.as('clinician-1-1'), asked, how)
    await expect(process(practice.engine, await practice.as('clinician-1-1'), id)).rejects.toMatchObject({
      code: 'ROLE_NOT_ALLOWED',
    })
    expect((await stateOf(id))[0]?.status).toBe('queued')
    const admin = await practice.as('admin-1')
    const end = await process(practice.engine, admin, id)
    expect(end).toMatchObject({ status: 'completed', diagnosis_result: REPLY })
    expect((await practice.engine.run(admin, end.engine_run_id ?? 0)).priority).toBe(10)
    expect(await process(practice.engine, admin, id)).toMatchObject({ id, status: 'completed' })
    expect(await process(practice.engine, OPERATOR, id)).toMatchObject({ id, status: 'completed' })
  })

  test('tell by its code what a processed run failed with; a reply that was no result is an end', async () => {
    const admin = await practice.as('admin-1')
    practice.script(() => ({ failure: failureOf('AUTH_ERROR', { status: 401 }), latencyMs: 300 }))
    const one = await practice.ask(practice.planted.assessment)
    await expect(process(practice.engine, admin, one.id)).rejects.toMatchObject({
      code: 'LLM_ERROR',
    })
    await expect(process(practice.engine, admin, one.id)).rejects.toMatchObject({ code: 'INVALID_STATUS' })
    practice.script(() => ({ text: 'x', latencyMs: 100 }))
    const two = await practice.ask(practice.planted.assessment)
    expect(await process(practice.engine, admin, two.id)).toMatchObject({ status: 'failed' })
  })

  test('write down who created, looked, processed and retried, and that it ended', async () => {
    practice.script(() => ({ failure: failureOf('AUTH_ERROR', { status: 401 }) }))
    const { id } = await practice.ask(practice.planted.assessment)
    await practice.ended(id)
    practice.script(fine)
    await retry(practice.engine, await practice.as('admin-1'), id)
    await practice.ended(id)
    await get(practice.engine, await practice.as('canary'), id)
    const lines = await audit(practice.engine, await practice.as('clinician-1-1'), id)
    expect(lines.map(({ action, by }) => [action, by])).toEqual([
      ['created', 'clinician-1-1'],
      ['started', 'worker'],
      ['failed', 'worker'],
      ['retried', 'admin-1'],
      ['started', 'worker'],
      ['completed', 'worker'],
      ['viewed', 'canary'],
    ])
    await expect(audit(practice.engine, await practice.as('clinician-1-2'), id)).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
    })
    expect(await audit(practice.engine, OPERATOR, id)).toHaveLength(7)
  })

  test('say within two seconds that nobody is there to perform', async () => {
    await worker?.drain(0)
    worker = undefined
    const { id } = await practice.ask(practice.planted.assessment)
    await expect(process(practice.engine, OPERATOR, id)).rejects.toMatchObject({ code: 'NO_WORKER' })
    worker = await practice.startWorker()
    expect(await practice.ended(id)).toMatchObject({ status: 'completed' })
  })
})
