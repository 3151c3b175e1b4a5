/** Who may see and do what with records: everybody × every table × every verb × every function, and walls with holes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPractice, type Practice } from '../testing/diagnosis.ts'
import { openWalls, type Walls } from '../testing/diagnosis-walls.ts'

let practice: Practice
let walls: Walls
beforeAll(async () => {
  practice = await openPractice()
  const worker = await practice.startWorker()
  const { id } = await practice.ask(practice.planted.assessment)
  await practice.ended(id)
  await worker.drain(0)
  walls = await openWalls(practice, id)
})
afterAll(async () => {
  await walls?.close()
  await practice?.close()
})

test('the walls let through whom they are for, and nobody else, and nobody writes past a verb', async () => {
  expect(await walls.examine()).toEqual([])
}, 120_000)

describe('a hole is found:', () => {
  test.each([
    [
      'a policy that asks nobody',
      'identities',
      'alter policy read_own on diagnosis.identities using (true)',
      'sees identities',
    ],
    [
      'a policy that is gone',
      'answers',
      'drop policy read_own on diagnosis.answers',
      'clinician-1-1 does not see answers',
    ],
    [
      'a clinician who sees all of his house',
      'diagnosis_runs',
      'alter policy read_own on diagnosis.diagnosis_runs using (organisation_id = any ((select diagnosis.known())::uuid[]))',
      'clinician-1-2 sees diagnosis_runs',
    ],
    [
      'a patient who sees the pack',
      'diagnosis_runs',
      'alter policy read_own on diagnosis.diagnosis_runs using (patient_id = any ((select diagnosis.treated_or_self())::uuid[]) or organisation_id = any ((select diagnosis.administered())::uuid[]))',
      'canary sees diagnosis_runs',
    ],
    [
      'a wall that does not hold against its owner',
      'scores',
      'alter table diagnosis.scores no force row level security',
      'scores has no forced',
    ],
    ['no wall', 'people', 'alter table diagnosis.people disable row level security', 'people has no forced'],
    [
      'a verb without its check',
      'diagnosis_runs',
      'grant update on diagnosis.diagnosis_runs to millrace_api; create policy hole on diagnosis.diagnosis_runs for update to millrace_api using (true)',
      'may: update',
    ],
    [
      'rows that may be taken away',
      'assessments',
      'grant delete on diagnosis.assessments to millrace_api',
      'may: delete',
    ],
    [
      'a worker who reads without a task',
      'anamnesis_notes',
      'grant select on diagnosis.anamnesis_notes to millrace_worker; create policy hole on diagnosis.anamnesis_notes for select to millrace_worker using (true)',
      'the worker’s login sees',
    ],
    [
      'a function for everybody',
      'functions',
      'grant execute on function diagnosis.material(uuid, uuid) to public',
      'material may be called by the wrong ones',
    ],
    [
      'a definer’s function without a path',
      'functions',
      'alter function diagnosis.claims_of(text) reset search_path',
      'claims_of does not pin',
    ],
    [
      'an audit that can be changed',
      'none',
      'create policy hole on diagnosis.audit for update to millrace_owner using (true)',
      'the owner may: update',
    ],
    [
      'a new table that nobody thought of',
      'none',
      'create table diagnosis.extra (id integer)',
      'nobody said who sees extra',
    ],
    ['a table without a row to hide', 'replies', 'delete from diagnosis.replies', 'nothing is proved'],
    [
      'a function that is asked once a row',
      'none',
      'alter policy read_own on diagnosis.clinicians using (id = diagnosis.clinician())',
      'once a row',
    ],
  ])(
    '%s',
    async (_, table, hole, told) => {
      const copy = await practice.db.sql<{ reply: unknown }>('select * from diagnosis.replies')
      await practice.db.sql(hole)
      try {
        expect((await walls.examine(table)).join('\n')).toContain(told)
      } finally {
        await mend()
        if (copy.length > 0 && table === 'replies')
          await practice.db.sql(
            `insert into diagnosis.replies (run_id, workspace_id, organisation_id, patient_id, reply)
           select id, workspace_id, organisation_id, patient_id, '{}' from diagnosis.diagnosis_runs limit 1`,
          )
      }
      expect(await walls.examine(table)).toEqual([])
    },
    120_000,
  )

  /** The room's own text, applied once more. */
  async function mend() {
    await practice.db
      .sql(`drop table if exists diagnosis.extra; revoke all on all tables in schema diagnosis from millrace_api, millrace_worker;
      update engine.migrations set hash = '' where name = '(texts)'`)
    await practice.migrate()
  }
})
