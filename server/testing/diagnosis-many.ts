/** A practice with very many records, made inside of the database. */
import type { TestDatabase } from '../../engine/testing/index.ts'

/** Five assessments a patient; each with an answer, a score, a run, an attempt, two lines of audit, and every second with a result. */
export const ASSESSMENTS_EACH = 5
/** Whom clinician-1-1 treats of them. */
const TREATED = 100

export async function fillPractice(db: Pick<TestDatabase, 'sql'>, patients: number): Promise<void> {
  // Keys to other tables are true by the way the rows are made, and are not looked up a million times.
  await db.sql(`
    set session_replication_role = replica;
    insert into diagnosis.patients (id, workspace_id, organisation_id)
    select gen_random_uuid(), 1, o.id from diagnosis.organisations o, generate_series(1, ${patients / 2});
    insert into diagnosis.assignments (clinician_id, patient_id, workspace_id, organisation_id)
    select w.clinician_id, p.id, 1, p.organisation_id from diagnosis.people w
      join lateral (select id, organisation_id from diagnosis.patients x where x.organisation_id = w.organisation_id
                     and not exists (select from diagnosis.identities i where i.patient_id = x.id) limit ${TREATED}) p on true
     where w.subject = 'clinician-1-1';
    insert into diagnosis.assessments (id, workspace_id, organisation_id, patient_id, version_id, status, created_at)
    select gen_random_uuid(), 1, p.organisation_id, p.id,
           (select v.id from diagnosis.funnel_versions v where v.organisation_id = p.organisation_id limit 1), 'in_progress',
           timestamptz '2026-01-01' + random() * interval '300 days'
      from diagnosis.patients p, generate_series(1, ${ASSESSMENTS_EACH});
    insert into diagnosis.answers (assessment_id, question_id, workspace_id, organisation_id, patient_id, value)
    select a.id, 'q', 1, a.organisation_id, a.patient_id, '1' from diagnosis.assessments a;
    insert into diagnosis.scores (assessment_id, name, workspace_id, organisation_id, patient_id, score, level)
    select a.id, 'q', 1, a.organisation_id, a.patient_id, 1, 'low' from diagnosis.assessments a;
    insert into diagnosis.diagnosis_runs (id, workspace_id, organisation_id, patient_id, assessment_id, correlation_id, status, errors, created_at)
    select gen_random_uuid(), 1, a.organisation_id, a.patient_id, a.id, 'many', 'failed', '[{}]', a.created_at from diagnosis.assessments a;
    insert into diagnosis.run_attempts (run_id, attempt, workspace_id, organisation_id, patient_id, round)
    select r.id, 1, 1, r.organisation_id, r.patient_id, 1 from diagnosis.diagnosis_runs r where r.correlation_id = 'many';
    insert into diagnosis.patient_results (run_id, workspace_id, organisation_id, patient_id, assessment_id, summary, next_steps, red_flags, confidence, completed_at)
    select r.id, 1, r.organisation_id, r.patient_id, r.assessment_id, 'x', '[]', '[]', 0.5, r.created_at
      from diagnosis.diagnosis_runs r where r.correlation_id = 'many' and random() < 0.5;
    insert into diagnosis.audit (workspace_id, organisation_id, patient_id, run_id, assessment_id, action, by)
    select 1, r.organisation_id, r.patient_id, r.id, r.assessment_id, x.action, 'many'
      from diagnosis.diagnosis_runs r, unnest(array['created', 'viewed']) x(action) where r.correlation_id = 'many';
    set session_replication_role = default;
    analyze`)
}
