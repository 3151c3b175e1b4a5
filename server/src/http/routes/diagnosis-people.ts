/**
 * Around diagnosis runs: whose records there are, who is who in an organisation, and
 * everything at once as a file.  Ids, counts and times; who is who is said by an
 * organisation's administrators alone, also to whoever runs the installation.
 */
import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { appoint, appointmentsOf, dismiss, peopleOf, ROLES, SUBJECT } from '../../domains/diagnosis/appointments.ts'
import { assessmentsOf, cliniciansOf, organisationsOf, patientsOf } from '../../domains/diagnosis/directory.ts'
import { refuse } from '../../domains/diagnosis/errors.ts'
import { exported, type Exported } from '../../domains/diagnosis/export.ts'
import type { Door } from '../door.ts'
import { file, type Opened } from '../house.ts'
import { askerOf } from './diagnosis.ts'

const tags = ['diagnosis']
const read = { right: 'runs:read' } as const
const change = { right: 'runs:write', replays: false } as const

const params = z.strictObject({ id: z.uuid() })
const limit = z.coerce.number().int().min(1).max(500).default(50)
const listOf = <T extends z.ZodType>(item: T) => ({ 200: z.object({ items: z.array(item) }) })

const organisation = z
  .object({ id: z.uuid(), workspace_id: z.int(), name: z.string(), administers: z.boolean().describe('You do.') })
  .meta({ id: 'Organisation' })
const clinician = z
  .object({ id: z.uuid(), organisation_id: z.uuid(), name: z.string(), patients: z.int() })
  .meta({ id: 'Clinician' })
const patient = z
  .object({
    id: z.uuid(),
    organisation_id: z.uuid(),
    sex: z.string().nullable(),
    assessments: z.int(),
    last_assessment_at: z.date().nullable(),
    clinicians: z.array(z.uuid()).describe('Who treats the patient now, as far as you may see it.'),
  })
  .meta({ id: 'Patient', description: 'By id: the name stays in the record.' })
const assessment = z
  .object({
    id: z.uuid(),
    organisation_id: z.uuid(),
    patient_id: z.uuid(),
    funnel: z.string(),
    version: z.int(),
    status: z.enum(['in_progress', 'completed']),
    answers: z.int(),
    created_at: z.date(),
    completed_at: z.date().nullable(),
  })
  .meta({ id: 'Assessment' })
const role = z.enum(ROLES)
const person = {
  subject: z.string(),
  role,
  clinician_id: z.uuid().nullable(),
  patient_id: z.uuid().nullable(),
}
const subject = z.string().regex(SUBJECT).describe('As a sign-in names it: `user:7`, `jwt:…`.')

export function diagnosisPeopleRoutes(door: Door, house: Opened): void {
  const asker = askerOf(house)
  const steward = async (request: FastifyRequest) => {
    const one = await asker(request)
    // From his own keyboard; a session or a key of his that is stolen makes nobody a clinician.
    if (one.operator === true) throw refuse('ROLE_NOT_ALLOWED')
    return one
  }
  door.route({
    method: 'GET',
    url: '/api/diagnosis/organisations',
    config: read,
    schema: {
      tags,
      operationId: 'listOrganisations',
      summary: 'The organisations that you have to do with.',
      response: listOf(organisation),
    },
    handler: async (request) => ({ items: await organisationsOf(house().engine, await asker(request)) }),
  })
  door.route({
    method: 'GET',
    url: '/api/diagnosis/clinicians',
    config: read,
    schema: {
      tags,
      operationId: 'listClinicians',
      summary: 'The clinicians of the organisations that you administer; and yourself.',
      response: listOf(clinician),
    },
    handler: async (request) => ({ items: await cliniciansOf(house().engine, await asker(request)) }),
  })
  door.route({
    method: 'GET',
    url: '/api/diagnosis/patients',
    config: read,
    schema: {
      tags,
      operationId: 'listPatients',
      summary: 'The patients whom you may see, by id.',
      querystring: z.strictObject({ limit, after: z.uuid().optional().describe('Only those after this id.') }),
      response: listOf(patient),
    },
    handler: async (request) => ({
      items: (await patientsOf(house().engine, await asker(request), request.query)).map((one) => ({
        ...one,
        clinicians: [...one.clinicians],
      })),
    }),
  })
  door.route({
    method: 'GET',
    url: '/api/diagnosis/assessments',
    config: read,
    schema: {
      tags,
      operationId: 'listAssessments',
      summary: 'The assessments that you may see, newest first.',
      querystring: z.strictObject({
        limit,
        patient: z.uuid().optional().describe('Of this patient alone.'),
        before: z.coerce.date().optional().describe('Only those begun before then.'),
        after: z
          .uuid()
          .optional()
          .describe('Only those that stand after this one: the last of a page begins the next.'),
      }),
      response: listOf(assessment),
    },
    handler: async (request) => ({
      items: await assessmentsOf(house().engine, await asker(request), request.query),
    }),
  })
  door.route({
    method: 'GET',
    url: '/api/diagnosis/organisations/:id/people',
    config: read,
    schema: {
      tags,
      operationId: 'listPeople',
      summary: 'Who is who in an organisation; for its administrators.',
      params,
      response: listOf(z.object(person)),
    },
    handler: async (request) => ({ items: await peopleOf(house().engine, await steward(request), request.params.id) }),
  })
  door.route({
    method: 'POST',
    url: '/api/diagnosis/organisations/:id/people',
    config: change,
    schema: {
      tags,
      operationId: 'appointPerson',
      summary: 'Say that a subject is a clinician, a patient or an administrator; for administrators.',
      params,
      body: z.strictObject({
        subject,
        role,
        person: z.uuid().optional().describe('Which clinician or patient of the organisation.'),
      }),
      response: { 200: z.object({ created: z.boolean().describe('False: it was so before.') }) },
    },
    handler: async (request) => ({
      created: await appoint(house().engine, await steward(request), request.params.id, request.body),
    }),
  })
  door.route({
    method: 'POST',
    url: '/api/diagnosis/organisations/:id/people/dismiss',
    config: change,
    schema: {
      tags,
      operationId: 'dismissPerson',
      summary: 'Take it back; for administrators.',
      params,
      body: z.strictObject({ subject, role }),
      response: { 204: z.null() },
    },
    async handler(request, reply) {
      await dismiss(house().engine, await steward(request), request.params.id, request.body)
      return reply.code(204).send(null)
    },
  })
  door.route({
    method: 'GET',
    url: '/api/diagnosis/organisations/:id/appointments',
    config: read,
    schema: {
      tags,
      operationId: 'listAppointments',
      summary: 'Who made whom what, newest first; for administrators.',
      params,
      querystring: z.strictObject({ limit }),
      response: listOf(
        z.object({
          ...person,
          id: z.int(),
          action: z.enum(['appointed', 'dismissed']),
          by: z.string(),
          at: z.date(),
        }),
      ),
    },
    handler: async (request) => ({
      items: await appointmentsOf(house().engine, await steward(request), request.params.id, request.query.limit),
    }),
  })
  door.route({
    method: 'GET',
    url: '/api/diagnosis-runs/export',
    exposeHeadRoute: false,
    config: { right: 'exports:read' },
    schema: {
      tags,
      operationId: 'exportDiagnoses',
      summary: 'All runs that you may read, one JSON a line; a patient’s results.',
      description:
        'Streamed; the audit of each run says that it was exported. A failure in the middle breaks the connection.',
      response: { 200: { description: 'The file.', content: { 'application/x-ndjson': { schema: file } } } },
    },
    async handler(request, reply) {
      const pages = exported(house().exports, await asker(request))
      // What is refused is refused before the first byte.
      const first = await pages.next()
      return reply
        .type('application/x-ndjson; charset=utf-8')
        .header('content-disposition', 'attachment; filename="diagnosis-runs.jsonl"')
        .header('cache-control', 'no-store')
        .send(Readable.from(linesOf(first, pages)))
    },
  })
}

async function* linesOf(first: IteratorResult<readonly Exported[]>, rest: AsyncIterable<readonly Exported[]>) {
  const text = (page: readonly Exported[]) => page.map((run) => `${JSON.stringify(run)}\n`).join('')
  if (first.done === true) return
  yield text(first.value)
  for await (const page of rest) yield text(page)
}
