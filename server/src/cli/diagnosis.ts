/** `millrace diagnosis …`: ids, states, counts and codes; no answer, pack or result is said here. */
import { Refusal } from '@millrace/engine'
import { operator, WORKSPACE, type App } from '../app.ts'
import { principalOf, type DiagnosisPrincipal } from '../domains/diagnosis/people.ts'
import { adviceFor } from '../domains/diagnosis/prompt.ts'
import { ask, audit, get, list, process as processRun, retry, type DiagnosisLine } from '../domains/diagnosis/runs.ts'
import type { DiagnosisResult } from '../domains/diagnosis/result.ts'
import { generate } from '../domains/diagnosis/synthetic/generate.ts'
import { grouped, remark, say, table } from './screen.ts'
import { onInterrupt, withApp } from './session.ts'

export const NOTICE = 'Synthetic data. Decision support for clinicians: it decides nothing.'

export interface As {
  readonly as?: string
  readonly json?: boolean
}

type Shown = Awaited<ReturnType<typeof get>>
/** A patient's result is not more than its id here. */
type Said = Pick<Shown, 'id' | 'assessment_id' | 'status' | 'completed_at'> &
  Partial<Omit<DiagnosisLine, 'engine_run_id' | 'workspace_id'> & Pick<DiagnosisResult, 'confidence' | 'metadata'>>

export async function principal({ engine }: App, { as }: As): Promise<DiagnosisPrincipal> {
  if (as === undefined) return operator
  const who = await principalOf(engine, as)
  if (Object.keys(who.diagnosis ?? {}).length > 0) return who
  throw new Refusal('NO_SUCH_PERSON', 'Nobody in the practices is known by that subject.', {
    remedy: 'Synthetic practices have admin-1, clinician-1-1 and patient-1-1, for example.',
  })
}

export async function generatePractice(options: { patients: number; seed: number; json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const made = await generate(engine, operator, { workspace: WORKSPACE, ...options })
    if (options.json === true) say(JSON.stringify({ synthetic: true, ...made }))
    else {
      for (const name of ['organisations', 'clinicians', 'patients', 'assessments', 'answers'])
        say(`${grouped(made[name] ?? 0).padStart(8)} ${name}`)
      say()
      say('Subjects: admin-1, admin-2, clinician-1-1 … clinician-2-4, patient-1-1 … patient-2-5.')
    }
    remark(NOTICE)
    return 0
  })
}

export async function askFor(
  assessmentId: string,
  options: { as: string; correlation: string; json?: boolean },
): Promise<number> {
  return withApp(async (app) => {
    const asked = { assessmentId, correlationId: options.correlation }
    const { id, status, created } = await ask(app.engine, await principal(app, options), asked, app.diagnosis)
    if (options.json === true) say(JSON.stringify({ id, status, created }))
    else say(created ? `Run ${id} is queued.` : `Run ${id} was asked for before: ${status}.`)
    remark(NOTICE)
    return 0
  })
}

export async function listDiagnoses(options: As & { limit: number; open?: boolean }): Promise<number> {
  return withApp(async (app) => {
    const found = (
      await list(app.engine, await principal(app, options), { limit: options.limit, open: options.open === true })
    ).map(withoutContent)
    if (options.json === true) say(JSON.stringify(found))
    else if (found.length === 0) say('There are no diagnosis runs. `millrace diagnosis ask` asks for one.')
    else
      say(
        table(
          ['run', 'status', 'attempts', 'errors'],
          found.map((run) => [
            run.id,
            run.status,
            run.attempts ?? '',
            [...new Set(run.errors?.map(({ code }) => code))].join(' '),
          ]),
        ),
      )
    return 0
  })
}

export async function showDiagnosis(id: string, options: As): Promise<number> {
  return withApp(async (app, config) => {
    tell(withoutContent(await get(app.engine, await principal(app, options), id)), options, config.diagnosisModel)
    return 0
  })
}

export async function processDiagnosis(id: string, options: As): Promise<number> {
  const interruption = onInterrupt(() => {})
  return withApp(async (app, config) => {
    const end = await processRun(app.engine, await principal(app, options), id, interruption.signal)
    tell(withoutContent(end), options, config.diagnosisModel)
    if (interruption.signal.aborted) return 130
    return end.status === 'completed' ? 0 : 1
  }).finally(() => interruption.stop())
}

export async function retryDiagnosis(id: string, options: As): Promise<number> {
  return withApp(async (app) => {
    const { round } = await retry(app.engine, await principal(app, options), id)
    if (options.json === true) say(JSON.stringify({ id, round }))
    else say(`Run ${id} is queued again: round ${round}.`)
    return 0
  })
}

export async function auditOf(id: string, options: As): Promise<number> {
  return withApp(async (app) => {
    const lines = await audit(app.engine, await principal(app, options), id)
    if (options.json === true) say(JSON.stringify(lines))
    else
      say(
        table(
          ['when', 'action', 'by'],
          lines.map((line) => [line.at.toISOString(), line.action, line.by]),
        ),
      )
    return 0
  })
}

/** What of a run is said on a screen. */
function withoutContent(run: Shown): Said {
  if (!('attempts' in run)) {
    return { id: run.id, assessment_id: run.assessment_id, status: run.status, completed_at: run.completed_at }
  }
  const { id, assessment_id, organisation_id, status, attempts, max_attempts, round, errors, inputs_hash } = run
  const { created_at, started_at, completed_at } = run
  const result = 'diagnosis_result' in run && run.diagnosis_result !== null ? run.diagnosis_result : undefined
  return {
    id,
    assessment_id,
    organisation_id,
    status,
    attempts,
    max_attempts,
    round,
    errors,
    inputs_hash,
    created_at,
    started_at,
    completed_at,
    ...(result === undefined ? {} : { confidence: result.confidence, metadata: result.metadata }),
  }
}

function tell(run: Said, { json }: As, model: string) {
  if (json === true) say(JSON.stringify(run))
  else {
    say(`Run ${run.id} is ${run.status}.`)
    if (run.attempts !== undefined) say(`Round ${run.round}, attempt ${run.attempts} of ${run.max_attempts}.`)
    if (run.inputs_hash != null) say(`Inputs ${run.inputs_hash.slice(0, 16)}.`)
    if (run.metadata !== undefined) {
      say(`${run.metadata.model} with prompt ${run.metadata.prompt_version}: confidence ${run.confidence}.`)
    }
    for (const { code, message, attempt, details } of run.errors ?? []) {
      say(`  attempt ${attempt}: ${code} ${message}${details === undefined ? '' : ` ${JSON.stringify(details)}`}`)
      if (details?.gone === true) say(`  ${adviceFor(model)}`)
    }
  }
  remark(NOTICE)
}
