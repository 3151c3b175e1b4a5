/** `millrace diagnosis …` around runs: whose records there are, who is who, and a file with all that one may read. */
import { open } from 'node:fs/promises'
import { Refusal } from '@millrace/engine'
import { appoint, appointmentsOf, dismiss, peopleOf, type PersonRole } from '../domains/diagnosis/appointments.ts'
import { assessmentsOf, cliniciansOf, organisationsOf, patientsOf } from '../domains/diagnosis/directory.ts'
import { exported } from '../domains/diagnosis/export.ts'
import { NOTICE, principal, type As } from './diagnosis.ts'
import { say, remark, table, when } from './screen.ts'
import { withApp } from './session.ts'

type Cell = string | number

function tell<T>(found: readonly T[], { json }: As, heads: readonly string[], row: (one: T) => Cell[], none: string) {
  if (json === true) say(JSON.stringify(found))
  else say(found.length === 0 ? none : table([...heads], found.map(row)))
}

export async function listOrganisations(options: As): Promise<number> {
  return withApp(async (app) => {
    const found = await organisationsOf(app.engine, await principal(app, options))
    tell(found, options, ['organisation', 'name'], (one) => [one.id, one.name], 'There is no organisation.')
    return 0
  })
}

export async function listClinicians(options: As): Promise<number> {
  return withApp(async (app) => {
    const found = await cliniciansOf(app.engine, await principal(app, options))
    const row = (one: (typeof found)[number]) => [one.id, one.patients, one.name]
    tell(found, options, ['clinician', 'patients', 'name'], row, 'There is no clinician whom this person may see.')
    return 0
  })
}

export async function listPatients(options: As & { limit: number; after?: string }): Promise<number> {
  return withApp(async (app) => {
    const found = await patientsOf(app.engine, await principal(app, options), options)
    tell(
      found,
      options,
      ['patient', 'assessments', 'last'],
      (one) => [one.id, one.assessments, one.last_assessment_at === null ? '' : when(one.last_assessment_at)],
      'There is no patient whom this person may see.',
    )
    return 0
  })
}

export async function listAssessments(options: As & { limit: number; patient?: string }): Promise<number> {
  return withApp(async (app) => {
    const found = await assessmentsOf(app.engine, await principal(app, options), options)
    tell(
      found,
      options,
      ['assessment', 'status', 'answers', 'funnel', 'begun'],
      (one) => [one.id, one.status, one.answers, `${one.funnel} ${one.version}`, when(one.created_at)],
      'There is no assessment that this person may see.',
    )
    return 0
  })
}

export async function listPeople(organisation: string, options: As): Promise<number> {
  return withApp(async (app) => {
    const found = await peopleOf(app.engine, await principal(app, options), organisation)
    tell(
      found,
      options,
      ['subject', 'role', 'who'],
      (one) => [one.subject, one.role, one.clinician_id ?? one.patient_id ?? ''],
      'Nobody is appointed there.',
    )
    return 0
  })
}

interface Whom extends As {
  readonly admin?: boolean
  readonly clinician?: string | boolean
  readonly patient?: string | boolean
}

function roleIn({ admin, clinician, patient }: Whom): { role: PersonRole; person?: string } {
  const given = [admin, clinician, patient].filter((one) => one !== undefined)
  if (given.length !== 1) {
    throw new Refusal('INVALID_ARGUMENT', 'Say one of --admin, --clinician and --patient.', {
      remedy: '`millrace diagnosis clinicians --as …` and `millrace diagnosis patients --as …` say the ids.',
    })
  }
  if (admin === true) return { role: 'admin' }
  const [person] = given
  return { role: clinician === undefined ? 'patient' : 'clinician', ...(typeof person === 'string' ? { person } : {}) }
}

export async function appointPerson(organisation: string, subject: string, options: Whom): Promise<number> {
  return withApp(async (app) => {
    const { role, person } = roleIn(options)
    const created = await appoint(app.engine, await principal(app, options), organisation, { subject, role, person })
    if (options.json === true) say(JSON.stringify({ created }))
    else say(created ? `${subject} is ${role} now.` : `${subject} was ${role} before.`)
    return 0
  })
}

export async function dismissPerson(organisation: string, subject: string, options: Whom): Promise<number> {
  return withApp(async (app) => {
    const { role } = roleIn(options)
    await dismiss(app.engine, await principal(app, options), organisation, { subject, role })
    if (options.json === true) say(JSON.stringify({ dismissed: true }))
    else say(`${subject} is ${role} no more.`)
    return 0
  })
}

export async function listAppointments(organisation: string, options: As & { limit: number }): Promise<number> {
  return withApp(async (app) => {
    const who = await principal(app, options)
    const found = await appointmentsOf(app.engine, who, organisation, options.limit)
    tell(
      found,
      options,
      ['when', 'what', 'subject', 'role', 'by'],
      (one) => [one.at.toISOString(), one.action, one.subject, one.role, one.by],
      'Nobody was appointed there by a command or over HTTP.',
    )
    return 0
  })
}

/** Contents go into a file that its owner alone may read, never to a terminal. */
export async function exportDiagnoses(path: string, options: As): Promise<number> {
  return withApp(async (app) => {
    const who = await principal(app, options)
    const out = await open(path, 'wx', 0o600).catch((error: unknown) => {
      throw new Refusal('FILE_NOT_WRITTEN', `The file ${path} could not be made.`, {
        remedy: 'Name one that is not there yet, in a folder that is.',
        causes: [error instanceof Error && 'code' in error ? String(error.code) : 'unknown'],
      })
    })
    let runs = 0
    try {
      for await (const page of exported(app.engine, who)) {
        await out.write(page.map((run) => `${JSON.stringify(run)}\n`).join(''))
        runs += page.length
      }
    } finally {
      await out.close()
    }
    if (options.json === true) say(JSON.stringify({ runs }))
    else say(`${runs} runs are in ${path}.`)
    remark(NOTICE)
    return 0
  })
}
