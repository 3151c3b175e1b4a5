/**
 * All that somebody may read of diagnosis runs, page by page: those who treat a patient
 * the whole runs, a patient his results.  Every page says in the audit that it left,
 * in the transaction that read it.
 */
import type { Engine } from '@millrace/engine'
import { refuse } from './errors.ts'
import { IN_ORDER, withClaims, type DiagnosisPrincipal } from './people.ts'
import { isUncertain, type DiagnosisResult } from './result.ts'
import type { DiagnosisRun, PatientResult } from './runs.ts'

/** Packs are large. */
const PAGE = 100
const RUN = `id, workspace_id, organisation_id, assessment_id, correlation_id, schema_version, status, errors, attempts, max_attempts, round,
  engine_run_id, inputs_hash, context_pack, diagnosis_result, created_at, started_at, completed_at`
const AFTER = 'created_at <= $1 and (created_at < $1 or id > $2)'

/** Newest first.  A place in it is a time and an id; of the time every digit counts. */
export const EXPORT = {
  runs: `select *, created_at::text as place from (
      select r.* from unnest($4::uuid[]) house cross join lateral (
        select ${RUN} from diagnosis.diagnosis_runs where organisation_id = house and ${AFTER} order by created_at desc, id limit $3) r
      union all
      select * from (select ${RUN} from diagnosis.diagnosis_runs where patient_id = any ((select diagnosis.treated())::uuid[])
         and organisation_id <> all ($4::uuid[]) and ${AFTER} order by created_at desc, id limit $3) t
      order by created_at desc, id limit $3) page
    order by page.created_at desc, id`,
  results: `select *, completed_at::text as place from (
      select run_id as id, assessment_id, 'completed' as status, summary, next_steps, red_flags, confidence, completed_at
        from diagnosis.patient_results where patient_id = (select diagnosis.patient())
         and completed_at <= $1 and (completed_at < $1 or run_id > $2) order by completed_at desc, run_id limit $3) page
    order by page.completed_at desc, id`,
}
const FIRST = { place: 'infinity', id: '00000000-0000-0000-0000-000000000000' }

type Line = Omit<DiagnosisRun, 'uncertain'> | Omit<PatientResult, 'uncertain'>
export type Exported = DiagnosisRun | PatientResult

/**
 * What somebody may is asked anew for every page: who is dismissed gets no further one.
 * @throws Refusal ROLE_NOT_ALLOWED: who runs the installation reads none
 */
export async function* exported(api: Pick<Engine, 'as'>, who: DiagnosisPrincipal): AsyncGenerator<readonly Exported[]> {
  if (who.operator === true) throw refuse('ROLE_NOT_ALLOWED')
  yield* pages(api, who, EXPORT.runs, (now) => [Object.keys(now.diagnosis?.organisations ?? {})])
  // His own, where he is a patient.
  if (who.diagnosis?.patient !== undefined) yield* pages(api, who, EXPORT.results, () => [])
}

async function* pages(
  api: Pick<Engine, 'as'>,
  who: DiagnosisPrincipal,
  text: string,
  more: (now: DiagnosisPrincipal) => readonly unknown[],
) {
  for (let { place, id } = FIRST; ;) {
    const now = await withClaims(api, who)
    const rows = await api.as(now, async (tx) => {
      await tx.query(IN_ORDER)
      const found = await tx.query<{ id: string; place: string }>(text, [place, id, PAGE, ...more(now)])
      await tx.query("select diagnosis.note($1, 'exported')", [found.rows.map((row) => row.id)])
      return found.rows
    })
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows.map((row) => withDoubt(row as unknown as Line))
    if (rows.length < PAGE) return
    ;({ place, id } = last)
  }
}

function withDoubt(row: Line & { place?: string }): Exported {
  const line = { ...row }
  delete line.place
  if (!('diagnosis_result' in line)) return { ...line, uncertain: isUncertain(line) }
  const result: DiagnosisResult | null = line.diagnosis_result
  return { ...line, uncertain: result === null ? null : isUncertain(result) }
}
