/**
 * What somebody finds his way by: organisations, clinicians, patients and their
 * assessments.  Ids, counts and times; a patient's name stays in the record.
 */
import type { Engine, Tx } from '@millrace/engine'
import { refuse } from './errors.ts'
import { IN_ORDER, type DiagnosisPrincipal } from './people.ts'
import { after, NO_ID } from './runs.ts'

type Api = Pick<Engine, 'as'>
type Row<T> = { [Name in keyof T]: T[Name] }

export interface OrganisationLine {
  readonly id: string
  readonly workspace_id: number
  readonly name: string
  /** Of who asks. */
  readonly administers: boolean
}

export interface ClinicianLine {
  readonly id: string
  readonly organisation_id: string
  readonly name: string
  /** Whom he treats now. */
  readonly patients: number
}

export interface PatientLine {
  readonly id: string
  readonly organisation_id: string
  readonly sex: string | null
  readonly assessments: number
  readonly last_assessment_at: Date | null
  /** Who treats him now. */
  readonly clinicians: readonly string[]
}

export interface AssessmentLine {
  readonly id: string
  readonly organisation_id: string
  readonly patient_id: string
  readonly funnel: string
  readonly version: number
  readonly status: 'in_progress' | 'completed'
  readonly answers: number
  readonly created_at: Date
  readonly completed_at: Date | null
}

const ASSESSMENT = 'id, organisation_id, patient_id, version_id, status, created_at, completed_at'
/** Their plans are watched: each begins at an index of the house or of the patient. */
export const DIRECTORY = {
  patients: `select p.id, p.organisation_id, p.sex, (select count(*) from diagnosis.assessments a where a.patient_id = p.id) as assessments,
      (select max(a.created_at) from diagnosis.assessments a where a.patient_id = p.id) as last_assessment_at,
      array(select s.clinician_id from diagnosis.assignments s where s.patient_id = p.id and s.organisation_id = p.organisation_id
               and s.ended_at is null order by 1) as clinicians
    from (
      select r.* from unnest($3::uuid[]) house cross join lateral (
        select id, organisation_id, sex from diagnosis.patients where organisation_id = house and id > $1 order by id limit $2) r
      union
      select * from (select id, organisation_id, sex from diagnosis.patients
         where id = any ((select diagnosis.treated_or_self())::uuid[]) and id > $1 order by id limit $2) t
      order by id limit $2) p
    order by p.id`,
  assessments: `select a.*, f.slug as funnel, v.version, (select count(*) from diagnosis.answers w where w.assessment_id = a.id) as answers
    from (
      select r.* from unnest($3::uuid[]) house cross join lateral (
        select ${ASSESSMENT} from diagnosis.assessments where organisation_id = house and ${after('created_at', 'id', '$4')} order by created_at desc, id limit $2) r
      union
      select * from (select ${ASSESSMENT} from diagnosis.assessments
         where patient_id = any ((select diagnosis.treated_or_self())::uuid[]) and ${after('created_at', 'id', '$4')} order by created_at desc, id limit $2) t
      order by created_at desc, id limit $2) a
    join diagnosis.funnel_versions v on v.id = a.version_id join diagnosis.funnels f on f.id = v.funnel_id
    order by a.created_at desc, a.id`,
  ofPatient: `select a.*, f.slug as funnel, v.version, (select count(*) from diagnosis.answers w where w.assessment_id = a.id) as answers
    from (select ${ASSESSMENT} from diagnosis.assessments where patient_id = $3 and ${after('created_at', 'id', '$4')} order by created_at desc, id limit $2) a
    join diagnosis.funnel_versions v on v.id = a.version_id join diagnosis.funnels f on f.id = v.funnel_id
    order by a.created_at desc, a.id`,
}

const FIRST = '00000000-0000-0000-0000-000000000000'
const houses = (who: DiagnosisPrincipal) => Object.keys(who.diagnosis?.organisations ?? {})

/** Those that somebody has to do with; all of them, for the operator. */
export async function organisationsOf(api: Api, who: DiagnosisPrincipal): Promise<OrganisationLine[]> {
  const { rows } = await api.as(who, (tx) =>
    tx.query<Row<OrganisationLine>>(
      who.operator === true
        ? 'select id, workspace_id, name, true as administers from diagnosis.houses()'
        : `select id, workspace_id, name, id = any ((select diagnosis.administered())::uuid[]) as administers
             from diagnosis.organisations order by name, id`,
    ),
  )
  return rows
}

/** Of the organisations that somebody administers, and himself. */
export async function cliniciansOf(api: Api, who: DiagnosisPrincipal): Promise<ClinicianLine[]> {
  return read(api, who, (tx) =>
    tx.query<Row<ClinicianLine>>(
      `select c.id, c.organisation_id, c.name, (select count(*) from diagnosis.assignments s where s.clinician_id = c.id and s.ended_at is null) as patients
         from diagnosis.clinicians c order by c.name, c.id`,
    ),
  )
}

/** By id, those after `after`. */
export async function patientsOf(
  api: Api,
  who: DiagnosisPrincipal,
  { limit = 50, after = FIRST }: { limit?: number; after?: string | undefined } = {},
): Promise<PatientLine[]> {
  return read(api, who, (tx) => tx.query<Row<PatientLine>>(DIRECTORY.patients, [after, limit, houses(who)]))
}

/** Newest first, those begun before `before` or after one of the list; of one patient, or of all whom one may see. */
export async function assessmentsOf(
  api: Api,
  who: DiagnosisPrincipal,
  { limit = 50, before, after: seen, patient }: AssessmentPage = {},
): Promise<AssessmentLine[]> {
  return read(api, who, async (tx) => {
    const [place] =
      seen === undefined
        ? [{ time: before ?? 'infinity' }]
        : (
            await tx.query<{ time: string }>(
              'select created_at::text as time from diagnosis.assessments where id = $1',
              [seen],
            )
          ).rows
    if (place === undefined) throw refuse('ASSESSMENT_NOT_FOUND')
    const values = [place.time, limit, patient ?? houses(who), seen ?? NO_ID]
    return tx.query<Row<AssessmentLine>>(patient === undefined ? DIRECTORY.assessments : DIRECTORY.ofPatient, values)
  })
}

interface AssessmentPage {
  readonly limit?: number
  readonly before?: Date | undefined
  readonly after?: string | undefined
  readonly patient?: string | undefined
}

async function read<T>(api: Api, who: DiagnosisPrincipal, work: (tx: Tx) => Promise<{ rows: T[] }>): Promise<T[]> {
  return api.as(who, async (tx) => {
    if (houses(who).length > 0) await tx.query(IN_ORDER)
    return (await work(tx)).rows
  })
}
