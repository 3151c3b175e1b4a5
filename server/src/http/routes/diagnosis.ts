/** Diagnosis runs.  Everybody sees what the walls of the records let him see; what is sent holds no more than these schemas name. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import { RUN_ERRORS } from '../../domains/diagnosis/errors.ts'
import { withClaims } from '../../domains/diagnosis/people.ts'
import { resultSchema } from '../../domains/diagnosis/result.ts'
import { ask, audit, get, list, process, retry } from '../../domains/diagnosis/runs.ts'
import type { Door } from '../door.ts'
import { given, who, type Opened } from '../house.ts'

const tags = ['diagnosis']
const read = { right: 'runs:read' } as const
/** An answer may hold a result, and a replay would keep it where records do not belong. */
const write = { right: 'runs:write', replays: false } as const

const params = z.strictObject({ id: z.uuid() })
const status = z.enum(['queued', 'in_progress', 'completed', 'failed'])

const errors = z.array(
  z.object({
    code: z.enum(Object.keys(RUN_ERRORS) as [keyof typeof RUN_ERRORS]),
    message: z.string(),
    at: z.string(),
    attempt: z.int(),
    details: z
      .object({
        status: z.number().optional(),
        timeout: z.boolean().optional(),
        gone: z.boolean().optional(),
        paths: z.array(z.string()).optional(),
      })
      .optional(),
  }),
)

const score = z.object({ name: z.string(), score: z.number(), level: z.string() })
const pack = z
  .object({
    assessment_data: z.object({
      id: z.uuid(),
      answers: z.array(z.object({ question_id: z.string(), label: z.string(), value: z.unknown() })),
      created_at: z.string(),
    }),
    funnel_config: z.object({ funnel: z.string(), funnel_id: z.uuid(), version: z.int() }),
    patient_context: z.object({
      patient_id: z.uuid(),
      patient_created_at: z.string(),
      age_band: z.string().optional(),
      sex: z.string().optional(),
    }),
    scores: z.array(score).optional(),
    history: z
      .object({
        notes: z.array(z.object({ type: z.string(), content: z.string(), created_at: z.string() })),
        earlier: z.array(
          z.object({ assessment_id: z.uuid(), funnel: z.string(), completed_at: z.string(), scores: z.array(score) }),
        ),
      })
      .optional(),
  })
  .describe('What the model was given.')

const line = {
  id: z.uuid(),
  workspace_id: z.int(),
  organisation_id: z.uuid(),
  assessment_id: z.uuid(),
  status,
  errors,
  attempts: z.int().describe('Of this round.'),
  max_attempts: z.int(),
  round: z.int(),
  engine_run_id: z
    .int()
    .nullable()
    .describe('Number of the run whose feed tells how it goes; null once that was thrown away.'),
  inputs_hash: z.string().nullable(),
  created_at: z.date(),
  started_at: z.date().nullable(),
  completed_at: z.date().nullable(),
}
const staffView = z
  .object({
    ...line,
    correlation_id: z.string(),
    schema_version: z.string(),
    context_pack: pack.nullable(),
    diagnosis_result: resultSchema.nullable(),
    uncertain: z.boolean().nullable(),
  })
  .meta({ id: 'DiagnosisRun', description: 'For those who treat the patient. Decision support: it decides nothing.' })
const lineView = z
  .object(line)
  .meta({ id: 'DiagnosisLine', description: 'Without content: in lists, and for the operator.' })
const patientView = z
  .object({
    id: z.uuid(),
    assessment_id: z.uuid(),
    status: z.literal('completed'),
    summary: z.string(),
    next_steps: resultSchema.shape.diagnosis.shape.next_steps,
    red_flags: resultSchema.shape.diagnosis.shape.red_flags,
    confidence: z.number(),
    uncertain: z.boolean(),
    completed_at: z.date(),
  })
  .meta({ id: 'PatientResult', description: 'For the patient. Decision support: talk to those who treat you.' })
const anyView = z.union([staffView, lineView, patientView])

const question = z.strictObject({
  assessmentId: z.uuid(),
  correlationId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, 'must be 1 to 128 letters, digits and .-_:'),
})

/** Who asks, with what he may see of records. */
export const askerOf = (house: Opened) => (request: FastifyRequest) => withClaims(house().engine, who(request))

export function diagnosisRoutes(door: Door, house: Opened): void {
  const asker = askerOf(house)
  door.route({
    method: 'POST',
    url: '/api/diagnosis-runs',
    config: write,
    // A body that is not one is told by this domain's code.
    attachValidation: true,
    schema: {
      tags,
      operationId: 'askDiagnosis',
      summary: 'Ask for a diagnosis of an assessment; the same question again is the same run.',
      body: question,
      response: {
        200: z.object({ id: z.uuid(), status, created: z.literal(false) }),
        201: z.object({ id: z.uuid(), status, created: z.literal(true) }),
      },
    },
    async handler(request, reply) {
      if (request.validationError !== undefined) throw invalid(request.body)
      const asked = await ask(house().engine, await asker(request), request.body, house().diagnosis)
      if (!asked.created) return { ...asked, created: false as const }
      return reply
        .code(201)
        .header('location', `/api/diagnosis-runs/${asked.id}`)
        .send({ ...asked, created: true as const })
    },
  })
  door.route({
    method: 'GET',
    url: '/api/diagnosis-runs',
    config: read,
    schema: {
      tags,
      operationId: 'listDiagnoses',
      summary: 'The runs that you may see, newest first; a patient’s results.',
      querystring: z.strictObject({
        limit: z.coerce.number().int().min(1).max(500).default(50),
        before: z.coerce.date().optional().describe('Only those that were asked for before then.'),
        after: z
          .uuid()
          .optional()
          .describe('Only those that stand after this one: the last of a page begins the next.'),
      }),
      response: { 200: z.object({ items: z.array(z.union([lineView, patientView])) }) },
    },
    handler: async (request) => {
      const page = given(request.query)
      return { items: plain(await list(house().engine, await asker(request), page)) }
    },
  })
  door.route({
    method: 'GET',
    url: '/api/diagnosis-runs/:id',
    config: read,
    schema: {
      tags,
      operationId: 'getDiagnosis',
      summary: 'A run with what it was made from, or what of it you may see.',
      params,
      response: { 200: anyView },
    },
    handler: async (request) => plain(await get(house().engine, await asker(request), request.params.id)),
  })
  door.route({
    method: 'GET',
    url: '/api/diagnosis-runs/:id/audit',
    config: read,
    schema: {
      tags,
      operationId: 'auditDiagnosis',
      summary: 'Who did what with a run, oldest first.',
      params,
      response: {
        200: z.object({ items: z.array(z.object({ id: z.int(), action: z.string(), by: z.string(), at: z.date() })) }),
      },
    },
    handler: async (request) => ({ items: await audit(house().engine, await asker(request), request.params.id) }),
  })
  door.route({
    method: 'POST',
    url: '/api/diagnosis-runs/:id/process',
    config: write,
    schema: {
      tags,
      operationId: 'processDiagnosis',
      summary: 'Let a run come first and wait for its end; for administrators and the operator.',
      params,
      response: { 200: anyView },
    },
    handler: async (request, reply) =>
      plain(await process(house().engine, await asker(request), request.params.id, gone(reply))),
  })
  door.route({
    method: 'POST',
    url: '/api/diagnosis-runs/:id/retry',
    config: write,
    schema: {
      tags,
      operationId: 'retryDiagnosis',
      summary: 'A failed run once more: the same run, a new round.',
      params,
      response: { 200: z.object({ id: z.uuid(), round: z.int() }) },
    },
    handler: async (request) => retry(house().engine, await asker(request), request.params.id),
  })
}

type Plain<T> = T extends Date ? T : T extends object ? { -readonly [Name in keyof T]: Plain<T[Name]> } : T

/** What the schemas take: they do not know that nobody may change it. */
function plain<T>(value: T): Plain<T> {
  return value as Plain<T>
}

/** Names of our own fields, and nothing that was sent. */
function invalid(body: unknown): Refusal {
  const parsed = question.safeParse(body)
  const fields = parsed.success ? [] : parsed.error.issues.map(({ path }) => String(path[0] ?? 'body'))
  return new Refusal('VALIDATION_ERROR', 'The request is not as this route takes it.', {
    causes: [...new Set(fields)].map((field) => `${field} is missing, unknown or not as it must be.`),
  })
}

/** Whoever has gone is not waited for. */
function gone(reply: FastifyReply): AbortSignal {
  const left = new AbortController()
  reply.raw.on('close', () => left.abort())
  return left.signal
}
