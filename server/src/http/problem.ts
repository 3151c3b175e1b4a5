/**
 * What goes wrong, as RFC 9457 tells it: a code, a constant title, and the id
 * under which the program's log knows more.  Nothing of an exception, of the
 * database, or of a value that was sent stands in it.
 */
import { isConnectionLoss, Refusal } from '@millrace/engine'
import { z } from 'zod'
import { ACCESS_PROBLEMS } from '../access/refusals.ts'
import { DIAGNOSIS_PROBLEMS, DiagnosisRefusal } from '../domains/diagnosis/errors.ts'
import { STAGE_PROBLEMS } from '../domains/stage/problems.ts'
import { RECIPE_PROBLEMS } from '../domains/stage/recipes/problems.ts'
import { InvalidRecipe } from '../domains/stage/recipes/recipes.ts'
import { SKILL_PROBLEMS } from '../skills/refusals.ts'
import { ERROR_TYPES } from '../tools/envelope.ts'
import { recipeValidation } from './recipe-shapes.ts'
import { partsOf, ToolProblem } from './tool-problem.ts'

/** The envelope of a tool's error; `plugin` is the tool, as older callers say it. */
export const errorSchema = z
  .object({
    type: z.enum(ERROR_TYPES),
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    tool: z.string(),
    plugin: z.string(),
    retryable: z.boolean(),
    timestamp: z.string(),
    correlationId: z.string(),
  })
  .meta({ id: 'ToolError', description: 'What went wrong with a tool, and who is to act.' })

const problemSchema = z
  .object({
    type: z.string().describe('Where the code is explained.'),
    title: z.string().describe('The same for every problem of this code.'),
    status: z.int(),
    code: z.string().describe('UPPER_SNAKE, for programs.'),
    detail: z.string().optional().describe('One sentence about this one.'),
    instance: z.string().describe('Names this occurrence.'),
    correlationId: z.string().describe('The request, as the server’s log knows it; also in the header x-request-id.'),
    errors: z
      .array(z.object({ pointer: z.string(), message: z.string() }))
      .optional()
      .describe('What is wrong in the request: a JSON pointer and a sentence each.'),
    causes: z.array(z.string()).optional().describe('Each cause on its own, when there are several.'),
    remedy: z.string().optional().describe('What to do about it.'),
    retryAfter: z.number().optional().describe('Seconds before which trying again is useless.'),
    error: errorSchema.optional().describe('Where a tool was called.'),
    run: z.int().optional().describe('Number of the run that failed.'),
    validation: recipeValidation.optional().describe('Of a recipe that was not saved.'),
  })
  // The contract finds it by this id.
  .meta({ id: 'Problem', description: 'RFC 9457' })
export type Problem = z.output<typeof problemSchema>

/** Every code that the server's own doors answer with; a refusal that is not here is a 422. */
export const PROBLEMS: Readonly<Record<string, readonly [status: number, title: string]>> = {
  ...ACCESS_PROBLEMS,
  ...DIAGNOSIS_PROBLEMS,
  ...STAGE_PROBLEMS,
  ...RECIPE_PROBLEMS,
  ...SKILL_PROBLEMS,
  INVALID_REQUEST: [400, 'The request is not as this route takes it'],
  INVALID_JSON: [400, 'The body is not JSON'],
  INVALID_TEXT: [400, 'A text holds a character that cannot be kept'],
  TOO_DEEP: [400, 'The body is nested too deeply'],
  TOO_MUCH_ASKED: [400, 'This asks for too much at once'],
  INVALID_CURSOR: [400, 'This cursor is not one that was given'],
  INVALID_WORKSPACE: [400, 'This workspace cannot be chosen'],
  NOT_SIGNED_IN: [401, 'Nobody is signed in'],
  NOT_ALLOWED: [403, 'This is not allowed'],
  MISSING_SCOPE: [403, 'The key or token lacks a scope'],
  CROSS_ORIGIN: [403, 'Another site’s page may not ask this'],
  HOST_NOT_ALLOWED: [403, 'This host name does not lead here'],
  NOT_FOUND: [404, 'There is nothing here'],
  NO_SUCH_RUN: [404, 'There is no such run'],
  NO_SUCH_TASK: [404, 'There is no such task'],
  NO_SUCH_TRANSCRIPT: [404, 'There is no such transcript'],
  NO_SUCH_DEFINITION: [404, 'There is no such definition'],
  NO_SUCH_ARTIFACT: [404, 'There is no such artifact'],
  UNKNOWN_PROVIDER: [404, 'There is no such provider with a key'],
  NO_SUCH_TOOL: [404, 'There is no such tool'],
  UNKNOWN_KIND: [404, 'There is no such kind of run'],
  METHOD_NOT_ALLOWED: [405, 'This route has no such method'],
  IDEMPOTENCY_MISMATCH: [409, 'This idempotency key was used for another request'],
  IDEMPOTENCY_UNDER_WAY: [409, 'A request with this idempotency key is under way'],
  WRONG_STATE: [409, 'The state does not allow this'],
  NOT_ENDED: [409, 'The run has not ended'],
  NOTHING_TO_RETRY: [409, 'There is nothing to do again'],
  TRANSCRIPTS_STAY: [409, 'A transcript that is there stays'],
  STEPS_IN_ORDER: [409, 'The steps of a stage follow one another'],
  NOT_A_PROBE: [409, 'Only probe runs have transcripts'],
  DEFINITION_CHANGED: [409, 'Somebody else has changed the definition'],
  BODY_TOO_LARGE: [413, 'The body is too large'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'This kind of content is not taken here'],
  OTHER_DEFINITION: [422, 'These runs do not ask the same'],
  NOTHING_TO_COMPARE: [422, 'There is nothing to compare'],
  TOO_MANY_ARMS: [422, 'That is too much to compare at once'],
  BUDGET_CANNOT_HOLD: [422, 'A budget of money could not hold this'],
  INVALID_KEY: [422, 'That is no key'],
  CANNOT_START: [422, 'The run cannot start'],
  INVALID_DEFINITION: [422, 'The definition is not valid'],
  INVALID_INPUT: [422, 'The input is not valid'],
  NOT_ON_THE_SCALE: [422, 'That is not on the scale'],
  TOO_MANY_SCENARIOS: [422, 'There are too many scenarios'],
  TOO_MANY_REQUESTS: [429, 'Too many requests'],
  HEADERS_TOO_LARGE: [431, 'The headers or the address are too long'],
  INTERNAL: [500, 'Something went wrong here'],
  STARTING: [503, 'The server is starting'],
  DATABASE_AWAY: [503, 'The database is away'],
  DATABASE_STARTING: [503, 'The database is starting'],
  DATABASE_FULL: [503, 'The database has no connection left'],
  DISK_FULL: [503, 'The database has no space left'],
  TOO_MANY_EXPORTS: [503, 'Too many exports are under way'],
  TOO_MANY_READERS: [503, 'Too many readers follow'],
}

const REFUSED = [422, 'The request was refused'] as const
/** Worth trying again soon: the seconds that a client is told to wait. */
const SOON = 2

export function problemOf(code: string, correlationId: string, more: Partial<Problem> = {}): Problem {
  const [status, title] = PROBLEMS[code] ?? REFUSED
  const retryAfter = status === 503 || code === 'IDEMPOTENCY_UNDER_WAY' ? { retryAfter: SOON } : {}
  return {
    type: `/api/docs#${code}`,
    title,
    status,
    code,
    instance: `urn:millrace:request:${correlationId}`,
    correlationId,
    ...retryAfter,
    ...more,
  }
}

/** Any error as a problem; what nobody foresaw says its id and nothing else. */
export function toProblem(error: unknown, correlationId: string): Problem {
  if (error instanceof Refusal) {
    const { code, message, remedy, causes } = error
    return problemOf(code, correlationId, {
      detail: message,
      ...(error instanceof DiagnosisRefusal ? { status: error.status } : {}),
      ...(error instanceof InvalidRecipe ? { validation: error.validation as Problem['validation'] } : {}),
      // What to type in a terminal helps nobody who is in front of a browser or a program.
      ...(remedy === undefined || remedy.includes('millrace ') || remedy.includes(' --') ? {} : { remedy }),
      ...(causes.length === 0 ? {} : { causes: [...causes] }),
    })
  }
  if (error instanceof ToolProblem) return problemOf(error.envelope.code, correlationId, partsOf(error))
  const invalid = validationOf(error)
  if (invalid !== undefined) return problemOf('INVALID_REQUEST', correlationId, { errors: invalid })
  const known = frameworkCode(error)
  if (known !== undefined) return problemOf(known, correlationId)
  if (isConnectionLoss(error)) return problemOf('DATABASE_AWAY', correlationId)
  return problemOf('INTERNAL', correlationId)
}

/** What Fastify and its plugins throw before a route is reached. */
const BY_CODE: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'INVALID_JSON',
  FST_ERR_CTP_INVALID_JSON_BODY: 'INVALID_JSON',
}
const BY_STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_REQUEST',
  404: 'NOT_FOUND',
  413: 'BODY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'TOO_MANY_REQUESTS',
}

function frameworkCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  if ('code' in error && typeof error.code === 'string' && BY_CODE[error.code] !== undefined) return BY_CODE[error.code]
  if (!('statusCode' in error) || typeof error.statusCode !== 'number') return undefined
  if (error instanceof SyntaxError) return 'INVALID_JSON'
  return error.statusCode >= 400 && error.statusCode < 500
    ? (BY_STATUS[error.statusCode] ?? 'INVALID_REQUEST')
    : undefined
}

interface Issue {
  readonly keyword?: string
  readonly instancePath?: string
  readonly message?: string
  readonly params?: { readonly keys?: readonly string[] }
}

const MOST_ERRORS = 50
/** A field's name is repeated only where it looks like one: it may be somebody's data. */
const FIELD = /^[A-Za-z][A-Za-z0-9_-]{0,39}$/

function validationOf(error: unknown): { pointer: string; message: string }[] | undefined {
  if (typeof error !== 'object' || error === null || !('validation' in error) || !Array.isArray(error.validation)) {
    return undefined
  }
  const where =
    'validationContext' in error && typeof error.validationContext === 'string' ? error.validationContext : 'body'
  return (error.validation as Issue[]).slice(0, MOST_ERRORS).map((issue) => {
    const steps = (issue.instancePath ?? '').split('/').filter((step) => step !== '')
    const shown = steps.map((step) => (/^\d{1,6}$/.test(step) || FIELD.test(step) ? step : '…'))
    return { pointer: ['', where, ...shown].join('/'), message: sentenceOf(issue) }
  })
}

function sentenceOf({ keyword, message = 'is not valid', params }: Issue): string {
  if (keyword !== 'unrecognized_keys') return message
  const names = (params?.keys ?? []).filter((key) => FIELD.test(key))
  return `There is no such field here${names.length === 0 ? '' : `: ${names.slice(0, 5).join(', ')}`}.`
}
