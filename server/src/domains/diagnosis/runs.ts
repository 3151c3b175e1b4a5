/** What a person does with diagnosis runs: ask, look, raise, retry.  One function a door, whichever door. */
import { createHash } from 'node:crypto'
import { Refusal, type Engine, type RunKind, type Tx } from '@millrace/engine'
import { isRunErrorCode, refuse, type RunErrorCode } from './errors.ts'
import { EXAMINE } from './examine.ts'
import type { ContextPack } from './pack.ts'
import { IN_ORDER, type DiagnosisPrincipal } from './people.ts'
import { isUncertain, type DiagnosisResult } from './result.ts'

type Status = 'queued' | 'in_progress' | 'completed' | 'failed'

interface RunError {
  readonly code: RunErrorCode
  readonly message: string
  readonly at: string
  readonly attempt: number
  readonly details?: {
    readonly status?: number
    readonly timeout?: boolean
    readonly gone?: boolean
    readonly paths?: readonly string[]
  }
}

/** A run without anything of its content: for lists, and for the operator. */
export interface DiagnosisLine {
  readonly id: string
  readonly workspace_id: number
  readonly organisation_id: string
  readonly assessment_id: string
  readonly status: Status
  readonly errors: readonly RunError[]
  readonly attempts: number
  readonly max_attempts: number
  readonly round: number
  readonly engine_run_id: number | null
  readonly inputs_hash: string | null
  readonly created_at: Date
  readonly started_at: Date | null
  readonly completed_at: Date | null
}

/** As clinicians and administrators see it. */
export interface DiagnosisRun extends DiagnosisLine {
  readonly correlation_id: string
  readonly schema_version: string
  readonly context_pack: ContextPack | null
  readonly diagnosis_result: DiagnosisResult | null
  /** The model was not sure; null without a result. */
  readonly uncertain: boolean | null
}

/** As the patient sees it. */
export interface PatientResult {
  readonly id: string
  readonly assessment_id: string
  readonly status: 'completed'
  readonly summary: string
  readonly next_steps: DiagnosisResult['diagnosis']['next_steps']
  readonly red_flags: DiagnosisResult['diagnosis']['red_flags']
  readonly confidence: number
  readonly uncertain: boolean
  readonly completed_at: Date
}

export const SCHEMA_VERSION = 'v1'
const LINE = `id, workspace_id, organisation_id, assessment_id, status, errors, attempts, max_attempts, round, engine_run_id,
  inputs_hash, created_at, started_at, completed_at`
const PATIENT = `run_id as id, assessment_id, 'completed' as status, summary, next_steps, red_flags, confidence, completed_at`
/** Past a place of a list, which is the time in `$1` and an id: some were asked for in the same moment. */
export function after(time: string, id: string, seen: string): string {
  return `${time} <= $1 and (${time} < $1 or ${id} > ${seen})`
}
/** No id is greater: past a time alone. */
export const NO_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
/** Their plans are watched: nobody's list may read the whole table. */
export const STATEMENTS = {
  one: `select ${LINE}, correlation_id, schema_version, context_pack, diagnosis_result from diagnosis.diagnosis_runs where id = $1`,
  treated: `select ${LINE} from diagnosis.diagnosis_runs where ${after('created_at', 'id', '$3')} order by created_at desc, id limit $2`,
  // House by house, each from its index: an administrator has more rows than can be sorted.
  administered: `select r.* from unnest($4::uuid[]) house cross join lateral (
      select ${LINE} from diagnosis.diagnosis_runs where organisation_id = house and ${after('created_at', 'id', '$3')}
       order by created_at desc, id limit $2) r
    union
    select * from (select ${LINE} from diagnosis.diagnosis_runs where patient_id = any ((select diagnosis.treated())::uuid[])
       and ${after('created_at', 'id', '$3')} order by created_at desc, id limit $2) t
    order by created_at desc, id limit $2`,
  audit: 'select id, action, by, at from diagnosis.audit where run_id = $1 order by id',
}
const OWN = `select ${PATIENT} from diagnosis.patient_results where patient_id = (select diagnosis.patient())`
export const PATIENT_STATEMENTS = {
  one: `${OWN} and run_id = $1`,
  list: `${OWN} and ${after('completed_at', 'run_id', '$3')} order by completed_at desc, run_id limit $2`,
}
/** The place of a run in the list that it stands in, to the last digit of its time. */
const PLACES = {
  runs: 'select created_at::text as place from diagnosis.diagnosis_runs where id = $1',
  results: `select completed_at::text as place from diagnosis.patient_results
     where run_id = $1 and patient_id = (select diagnosis.patient())`,
}
/** Seconds that `process` waits for a worker to be there. */
const WORKER_WAIT = 2
const RAISED = 10

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export interface AskOptions {
  readonly kind: RunKind<{ diagnosis: string }>
  /** Off: the run waits until somebody processes it. */
  readonly autoProcess: boolean
}

/**
 * Asks for a diagnosis of an assessment.  The same question again is the same run.
 * @throws Refusal ASSESSMENT_NOT_FOUND, ROLE_NOT_ALLOWED, VALIDATION_ERROR
 */
export async function ask(
  engine: Engine,
  who: DiagnosisPrincipal,
  { assessmentId, correlationId }: { assessmentId: string; correlationId: string },
  { kind, autoProcess }: AskOptions,
): Promise<{ id: string; status: Status; created: boolean }> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/.test(correlationId)) throw invalid()
  if (!UUID.test(assessmentId)) throw refuse('ASSESSMENT_NOT_FOUND')
  const seen = await engine.as(who, (tx) => assessmentAndRun(tx, assessmentId, correlationId))
  if (seen === undefined) throw refuse('ASSESSMENT_NOT_FOUND')
  if (!seen.treats) throw refuse('ROLE_NOT_ALLOWED')
  if (seen.run !== null) return { id: seen.run, status: seen.status ?? 'queued', created: false }
  const question = [seen.organisation, assessmentId.toLowerCase(), correlationId, SCHEMA_VERSION]
  const id = idOf(question)
  const { created } = await engine.start(
    who,
    kind,
    { diagnosis: id },
    {
      workspace: seen.workspace,
      key: JSON.stringify(question),
      ...(autoProcess ? {} : { held: 'awaiting_approval' as const }),
      alongside: async (tx, run) => {
        await tx.query('select diagnosis.record($1, $2, $3, $4)', [id, run, assessmentId, correlationId])
      },
    },
  )
  return { id, status: 'queued', created }
}

/** From the question itself, so that all who ask it at once start the same run. */
function idOf(question: readonly string[]): string {
  const hex = createHash('sha256').update(JSON.stringify(question)).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

async function assessmentAndRun(tx: Tx, assessment: string, correlation: string) {
  const { rows } = await tx.query<{
    workspace: number
    organisation: string
    treats: boolean
    run: string | null
    status: Status | null
  }>(
    `select a.workspace_id as workspace, a.organisation_id as organisation, r.id as run, r.status,
            a.organisation_id = any (diagnosis.administered()) or a.patient_id = any (diagnosis.treated()) as treats
       from diagnosis.assessments a
       left join diagnosis.diagnosis_runs r on r.organisation_id = a.organisation_id and r.assessment_id = a.id
            and r.correlation_id = $2 and r.schema_version = $3
      where a.id = $1`,
    [assessment, correlation, SCHEMA_VERSION],
  )
  return rows[0]
}

export interface Page {
  readonly limit?: number
  /** Only those that were asked for before then. */
  readonly before?: Date
  /** Only those that stand after this one. */
  readonly after?: string
}

/**
 * Newest first.  The operator sees ids and states, `open` those that are not over; a patient the results that are there.
 * @throws Refusal RUN_NOT_FOUND: there is nothing to go on after
 */
export async function list(
  engine: Pick<Engine, 'as'>,
  who: DiagnosisPrincipal,
  { limit = 50, before, after: seen, open = false }: Page & { open?: boolean } = {},
): Promise<(DiagnosisLine | PatientResult)[]> {
  return engine.as(who, async (tx) => {
    if (who.operator === true) {
      return (await tx.query<LineRow>('select * from diagnosis.overview(null, $1, $2)', [limit, open])).rows
    }
    const place = async (text: string) =>
      (await tx.query<{ place: string }>(text, [seen])).rows.map((row): Place => ({
        time: row.place,
        id: seen ?? NO_ID,
      }))[0]
    const first: Place = { time: before ?? 'infinity', id: NO_ID }
    const runs = seen === undefined ? first : await place(PLACES.runs)
    const results = seen === undefined ? first : await place(PLACES.results)
    if (runs === undefined && results === undefined) throw refuse('RUN_NOT_FOUND')
    const rows = runs === undefined ? [] : await staffRows(tx, who, runs, limit)
    // Those who treat him have the whole run.
    const own =
      results === undefined ? [] : await patientRows(tx, who, PATIENT_STATEMENTS.list, valuesOf(results, limit))
    const found = [...rows, ...own.filter((one) => !rows.some(({ id }) => id === one.id))]
    await tx.query("select diagnosis.note($1, 'listed')", [found.map(({ id }) => id)])
    return found
  })
}

interface Place {
  readonly time: string | Date
  readonly id: string
}
const valuesOf = ({ time, id }: Place, limit: number) => [time, Math.min(limit, 500), id]

async function staffRows(tx: Tx, who: DiagnosisPrincipal, place: Place, limit: number): Promise<LineRow[]> {
  const houses = Object.keys(who.diagnosis?.organisations ?? {})
  if (houses.length === 0) return (await tx.query<LineRow>(STATEMENTS.treated, valuesOf(place, limit))).rows
  await tx.query(IN_ORDER)
  return (await tx.query<LineRow>(STATEMENTS.administered, [...valuesOf(place, limit), houses])).rows
}

/** @throws Refusal RUN_NOT_FOUND */
export async function get(
  engine: Pick<Engine, 'as'>,
  who: DiagnosisPrincipal,
  id: string,
): Promise<DiagnosisRun | DiagnosisLine | PatientResult> {
  if (!UUID.test(id)) throw refuse('RUN_NOT_FOUND')
  return engine.as(who, async (tx) => {
    const found = await look(tx, who, id)
    if (found === undefined) throw refuse('RUN_NOT_FOUND')
    await tx.query("select diagnosis.note(array[$1::uuid], 'viewed')", [id])
    return found
  })
}

async function look(tx: Tx, who: DiagnosisPrincipal, id: string) {
  if (who.operator === true) {
    return (await tx.query<LineRow>('select * from diagnosis.overview($1)', [id])).rows[0]
  }
  const { rows } = await tx.query<Omit<DiagnosisRun, 'uncertain'> & LineRow>(STATEMENTS.one, [id])
  const [run] = rows
  if (run === undefined) return (await patientRows(tx, who, PATIENT_STATEMENTS.one, [id]))[0]
  return { ...run, uncertain: run.diagnosis_result === null ? null : isUncertain(run.diagnosis_result) }
}

type LineRow = { [Name in keyof DiagnosisLine]: DiagnosisLine[Name] }

async function patientRows(tx: Tx, who: DiagnosisPrincipal, text: string, values: readonly unknown[]) {
  // Those who treat him have the whole run.
  if (who.diagnosis?.patient === undefined) return []
  const { rows } = await tx.query<{ [Name in keyof PatientResult]: PatientResult[Name] }>(text, values)
  return rows.map((row) => ({ ...row, uncertain: isUncertain(row) }))
}

/** Steps of a run that this caller may steer. */
async function steered(engine: Engine, who: DiagnosisPrincipal, id: string, processes: boolean) {
  if (!UUID.test(id)) throw refuse('RUN_NOT_FOUND')
  const found = await engine.as(who, (tx) => look(tx, who, id))
  if (found === undefined) throw refuse('RUN_NOT_FOUND')
  const administers =
    who.operator === true ||
    ('organisation_id' in found && who.diagnosis?.organisations?.[found.organisation_id] === 'admin')
  if (!('attempts' in found) || (processes && !administers)) throw refuse('ROLE_NOT_ALLOWED')
  return found
}

/**
 * Lets a run come first and waits for its end, which it gives.  Nobody performs it here.
 * @throws Refusal RUN_NOT_FOUND, ROLE_NOT_ALLOWED, INVALID_STATUS, NO_WORKER, and what the run failed with,
 *   except for a reply that was no result: that is an end like any other
 */
export async function process(
  engine: Engine,
  who: DiagnosisPrincipal,
  id: string,
  signal?: AbortSignal,
): Promise<DiagnosisRun | DiagnosisLine> {
  const found = await steered(engine, who, id, true)
  if (found.status === 'completed') return found
  const run = found.engine_run_id
  if (found.status === 'failed' || run === null) throw refuse('INVALID_STATUS')
  await engine.as(who, (tx) => tx.query("select diagnosis.note(array[$1::uuid], 'processed')", [id]))
  await engine.release(who, run).catch(ended)
  await engine.prefer(who, run, RAISED).catch(ended)
  await waitForWorker(engine, who)
  for await (const event of engine.follow(who, run, 0, signal)) void event
  const end = await steered(engine, who, id, true)
  const last = end.errors.at(-1)
  if (end.status === 'failed' && last !== undefined && last.code !== 'VALIDATION_ERROR' && isRunErrorCode(last.code)) {
    throw refuse(last.code, last.details?.timeout === true)
  }
  return end
}

/** It came to its end meanwhile, and that is what is waited for. */
function ended(error: unknown) {
  if (!(error instanceof Refusal && error.code === 'WRONG_STATE')) throw error
}

/** @throws Refusal NO_WORKER, after two seconds */
async function waitForWorker(engine: Engine, who: DiagnosisPrincipal): Promise<void> {
  for (const end = Date.now() + WORKER_WAIT * 1000; ;) {
    const { rowCount } = await engine.as(who, (tx) =>
      tx.query('select from engine.workers where gone_at is null and lease_until > now() and $1 = any(kinds) limit 1', [
        EXAMINE,
      ]),
    )
    if (rowCount !== 0) return
    if (Date.now() > end) throw refuse('NO_WORKER')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** A failed run once more, as the same run in a new round; gives the round.  @throws Refusal as `process` */
export async function retry(
  engine: Engine,
  who: DiagnosisPrincipal,
  id: string,
): Promise<{ id: string; round: number }> {
  const found = await steered(engine, who, id, false)
  if (found.status !== 'failed' || found.engine_run_id === null) throw refuse('INVALID_STATUS')
  try {
    return { id, round: await engine.reopen(who, found.engine_run_id) }
  } catch (error) {
    // Somebody else was first.
    if (error instanceof Refusal && error.code === 'WRONG_STATE') throw refuse('INVALID_STATUS')
    throw error
  }
}

export interface AuditLine {
  readonly id: number
  readonly action: string
  readonly by: string
  readonly at: Date
}

/** Who did what with a run, oldest first.  @throws Refusal RUN_NOT_FOUND */
export async function audit(engine: Pick<Engine, 'as'>, who: DiagnosisPrincipal, id: string): Promise<AuditLine[]> {
  if (!UUID.test(id)) throw refuse('RUN_NOT_FOUND')
  return engine.as(who, async (tx) => {
    const { rows } = await tx.query<{ [Name in keyof AuditLine]: AuditLine[Name] }>(
      who.operator === true ? 'select id, action, by, at from diagnosis.trail($1)' : STATEMENTS.audit,
      [id],
    )
    if (rows.length === 0) throw refuse('RUN_NOT_FOUND')
    return rows
  })
}

function invalid(): Refusal {
  return new Refusal('VALIDATION_ERROR', 'The request is not as this door takes it.', {
    causes: ['correlationId must be 1 to 128 letters, digits and .-_: and begin with a letter or digit.'],
  })
}
