/**
 * What can go wrong with a diagnosis run: a code chooses its text and its status.
 * No word of a patient, a model or an exception gets into one; details are numbers,
 * truth values and names of our own schema.
 */
import { Refusal, TaskFailed, type Failure } from '@millrace/engine'

interface Row {
  readonly message: string
  /** Of HTTP, when a request ends with it. */
  readonly status: number
  readonly remedy?: string
}

/** Of runs; `error_text` in verbs.sql says the same. */
export const RUN_ERRORS = {
  RUN_NOT_FOUND: {
    message: 'There is no such diagnosis run.',
    status: 404,
    remedy: '`millrace diagnosis list` shows those you may see.',
  },
  INVALID_STATUS: { message: 'The run is not in a state that allows this.', status: 409 },
  CONTEXT_FETCH_ERROR: {
    message: 'The assessment cannot be used: it is not there, not finished or empty.',
    status: 422,
    remedy: 'Let the patient finish it, then retry.',
  },
  LLM_ERROR: {
    message: 'The model could not be asked.',
    status: 502,
    remedy: 'Look at DIAGNOSIS_MODEL and its provider’s key, then retry.',
  },
  VALIDATION_ERROR: {
    message: "The model's reply is not a result.",
    status: 422,
    remedy: 'Retry, or ask another model.',
  },
  PERSISTENCE_ERROR: { message: 'The database did not accept the result.', status: 503, remedy: 'Retry.' },
  MAX_ATTEMPTS_REACHED: {
    message: 'All attempts of this round were used.',
    status: 409,
    remedy: 'Retry: a new round.',
  },
  UNEXPECTED_ERROR: { message: 'Something failed that nobody foresaw.', status: 500, remedy: 'Retry.' },
  CANCELLED: { message: 'The run was cancelled.', status: 409, remedy: 'Retry.' },
} as const satisfies Record<string, Row>

/** Of requests alone: no run has one. */
export const REQUEST_ERRORS = {
  ASSESSMENT_NOT_FOUND: { message: 'There is no such assessment.', status: 404 },
  ORGANISATION_NOT_FOUND: { message: 'There is no such organisation.', status: 404 },
  PERSON_NOT_FOUND: { message: 'There is nobody like that in the organisation.', status: 404 },
  SUBJECT_TAKEN: {
    message: 'That subject is somebody else already.',
    status: 409,
    remedy: 'Dismiss it first: a subject is at most one clinician and one patient.',
  },
  LAST_ADMINISTRATOR: {
    message: 'An organisation keeps an administrator.',
    status: 409,
    remedy: 'Appoint another one first.',
  },
  ROLE_NOT_ALLOWED: { message: 'Your role does not allow this.', status: 403 },
  NO_WORKER: {
    message: 'No worker is there that performs diagnosis runs.',
    status: 503,
    remedy: 'Start one: `millrace worker`.',
  },
} as const satisfies Record<string, Row>

const ALL = { ...RUN_ERRORS, ...REQUEST_ERRORS }
export type RunErrorCode = keyof typeof RUN_ERRORS
export type DiagnosisErrorCode = keyof typeof ALL

/** For a request; `status` is that of HTTP. */
export class DiagnosisRefusal extends Refusal {
  readonly status: number
  constructor(code: DiagnosisErrorCode, status: number) {
    const row: Row = ALL[code]
    super(code, row.message, row.remedy === undefined ? {} : { remedy: row.remedy })
    this.status = status
  }
}

const TOO_LONG = 504

/** `timeout`: the model was asked and took too long. */
export function refuse(code: DiagnosisErrorCode, timeout = false): Refusal {
  return new DiagnosisRefusal(code, timeout ? TOO_LONG : ALL[code].status)
}

/** Each code with its status and its sentence, for the list of all problems. */
export const DIAGNOSIS_PROBLEMS: Readonly<Record<string, readonly [status: number, title: string]>> =
  Object.fromEntries(
    Object.entries(ALL).map(([code, { status, message }]) => [code, [status, message.replace(/\.$/, '')]]),
  )

export function isRunErrorCode(code: string): code is RunErrorCode {
  return Object.hasOwn(RUN_ERRORS, code)
}

/** For a task. */
export function fail(
  code: RunErrorCode,
  facts: Pick<Failure, 'details' | 'retryAfter'> & { readonly retryable?: boolean } = {},
): TaskFailed {
  const { retryable = false, ...rest } = facts
  return new TaskFailed({
    code,
    message: RUN_ERRORS[code].message,
    retryable,
    origin: ORIGINS[code] ?? 'task',
    ...rest,
  })
}

const ORIGINS: Partial<Record<RunErrorCode, Failure['origin']>> = {
  CONTEXT_FETCH_ERROR: 'input',
  LLM_ERROR: 'provider',
  PERSISTENCE_ERROR: 'storage',
}
