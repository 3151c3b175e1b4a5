/**
 * Who is who in an organisation: said by its administrators, and by whoever runs the
 * installation from his own keyboard; kept with who said it.
 */
import { Refusal, sqlState, type Engine, type Tx } from '@millrace/engine'
import { refuse } from './errors.ts'
import type { DiagnosisPrincipal } from './people.ts'

export const ROLES = ['admin', 'clinician', 'patient'] as const
export type PersonRole = (typeof ROLES)[number]

/** A subject of a sign-in, as it stands in the audit: printable, without spaces. */
export const SUBJECT = /^[\x21-\x7e]{1,200}$/

export interface Person {
  readonly subject: string
  readonly role: PersonRole
  readonly clinician_id: string | null
  readonly patient_id: string | null
}

export interface AppointmentLine extends Person {
  readonly id: number
  readonly action: 'appointed' | 'dismissed'
  readonly by: string
  readonly at: Date
}

type Api = Pick<Engine, 'as'>
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Says that a subject is this clinician, this patient (`person`) or an administrator;
 * false: it was so before.
 * @throws Refusal ORGANISATION_NOT_FOUND, ROLE_NOT_ALLOWED, PERSON_NOT_FOUND, SUBJECT_TAKEN
 */
export async function appoint(
  api: Api,
  who: DiagnosisPrincipal,
  organisation: string,
  { subject, role, person }: { subject: string; role: PersonRole; person?: string | undefined },
): Promise<boolean> {
  if (!SUBJECT.test(subject) || (person !== undefined && !UUID.test(person))) throw refuse('PERSON_NOT_FOUND')
  const { rows } = await inHouse(api, who, organisation, (tx) =>
    tx.query<{ done: string }>('select diagnosis.appoint($1, $2, $3, $4) as done', [
      organisation,
      subject,
      role,
      person ?? null,
    ]),
  )
  if (rows[0]?.done === 'PERSON_NOT_FOUND') throw refuse('PERSON_NOT_FOUND')
  if (rows[0]?.done === 'SUBJECT_TAKEN') throw refuse('SUBJECT_TAKEN')
  return rows[0]?.done === 'done'
}

/** @throws Refusal as `appoint`, and LAST_ADMINISTRATOR */
export async function dismiss(
  api: Api,
  who: DiagnosisPrincipal,
  organisation: string,
  { subject, role }: { subject: string; role: PersonRole },
): Promise<void> {
  const { rows } = await inHouse(api, who, organisation, (tx) =>
    tx.query<{ done: string }>('select diagnosis.dismiss($1, $2, $3) as done', [organisation, subject, role]),
  )
  if (rows[0]?.done === 'PERSON_NOT_FOUND') throw refuse('PERSON_NOT_FOUND')
  if (rows[0]?.done === 'LAST_ADMINISTRATOR') throw refuse('LAST_ADMINISTRATOR')
}

/** Who is appointed now, by role and subject.  @throws Refusal as `appoint` */
export async function peopleOf(api: Api, who: DiagnosisPrincipal, organisation: string): Promise<Person[]> {
  const { rows } = await inHouse(api, who, organisation, (tx) =>
    tx.query<{ [Name in keyof Person]: Person[Name] }>('select * from diagnosis.staff($1)', [organisation]),
  )
  return rows
}

/** Who was made what by whom, newest first; for administrators.  @throws Refusal as `appoint` */
export async function appointmentsOf(
  api: Api,
  who: DiagnosisPrincipal,
  organisation: string,
  limit = 50,
): Promise<AppointmentLine[]> {
  const { rows } = await inHouse(api, who, organisation, (tx) =>
    tx.query<{ [Name in keyof AppointmentLine]: AppointmentLine[Name] }>(
      `select id, action, subject, role, clinician_id, patient_id, by, at from diagnosis.appointments
        where organisation_id = $1 order by id desc limit $2`,
      [organisation, limit],
    ),
  )
  return rows
}

/** An organisation that this caller does not know is none; one that he does not administer is not his to change. */
async function inHouse<T>(
  api: Api,
  who: DiagnosisPrincipal,
  organisation: string,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  if (!UUID.test(organisation)) throw refuse('ORGANISATION_NOT_FOUND')
  return api.as(who, async (tx) => {
    if (who.operator !== true) {
      const { rowCount } = await tx.query('select from diagnosis.organisations where id = $1', [organisation])
      if (rowCount === 0) throw refuse('ORGANISATION_NOT_FOUND')
      if (who.diagnosis?.organisations?.[organisation.toLowerCase()] !== 'admin') throw refuse('ROLE_NOT_ALLOWED')
    }
    try {
      return await work(tx)
    } catch (error) {
      // Dismissed a moment ago, or an organisation that even the operator does not find.
      if (sqlState(error) !== '42501' || error instanceof Refusal) throw error
      throw refuse(who.operator === true ? 'ORGANISATION_NOT_FOUND' : 'ROLE_NOT_ALLOWED')
    }
  })
}
