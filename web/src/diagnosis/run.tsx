/** A diagnosis run as its reader may see it: whole for who treats, a result for the patient, numbers for others. */
import { FastForward, RotateCcw } from 'lucide-react'
import { useParams } from 'wouter'
import { ask, type Answer, type DiagnosisLine, type DiagnosisRun, type PatientResult } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { useFollowed } from '../feed.ts'
import { may, useMe } from '../shell/me.ts'
import { count, duration } from '../shown.ts'
import { Badge, Button, Card, Facts, Link, Page, States, Time, useAct } from '../ui/index.ts'
import { words } from '../words/diagnosis.ts'
import { Pack } from './pack.tsx'
import { Confidence, NextSteps, RedFlags, short, Status, Support } from './parts.tsx'

const MATTERS = ['run.running']

type Seen = Answer<'get', '/api/diagnosis-runs/{id}'>
const isPatients = (run: Seen): run is PatientResult => 'summary' in run
const isWhole = (run: Seen): run is DiagnosisRun => 'context_pack' in run

export default function Run() {
  const { id } = useParams<{ id: string }>()
  const [asked, again] = useAsked('/api/diagnosis-runs/{id}', { path: { id } }, { moves: true })
  const run = asked.data
  const going = run?.status === 'queued' || run?.status === 'in_progress'
  // To look is noted in its audit: what moves is told by the feed, and it is looked again when that matters.
  useFollowed(going && 'engine_run_id' in run ? run.engine_run_id : null, 0, (events, ended) => {
    if (ended || events.some(({ kind }) => MATTERS.includes(kind))) void again()
  })
  return (
    <Page
      title={words.page}
      mark={run === undefined ? undefined : <Status of={run.status} />}
      above={[[words.title, '/diagnosis']]}
      actions={run === undefined || isPatients(run) ? undefined : <Steps run={run} />}
    >
      <Support patient={run !== undefined && isPatients(run)} />
      <States of={asked} again={again} lines={8}>
        {(seen) => (isPatients(seen) ? <ForPatient run={seen} /> : <ForStaff run={seen} />)}
      </States>
    </Page>
  )
}

function Steps({ run: { id, status } }: { run: DiagnosisLine }) {
  const me = useMe()
  const [houses] = useAsked('/api/diagnosis/organisations', {})
  const [busy, act] = useAct()
  const raises = me.operator || houses.data?.items.some(({ administers }) => administers) === true
  const step = (verb: 'retry' | 'process') =>
    act(async () => {
      try {
        await ask('post', `/api/diagnosis-runs/{id}/${verb}`, { path: { id } })
      } finally {
        askAgain('/api/diagnosis-runs')
      }
    })
  if (!may(me, 'runs:write')) return null
  if (status === 'failed')
    return (
      <Button icon={RotateCcw} busy={busy} onClick={() => step('retry')}>
        {words.retry}
      </Button>
    )
  return status !== 'completed' && raises ? (
    <Button icon={FastForward} busy={busy} onClick={() => step('process')}>
      {words.process}
    </Button>
  ) : null
}

function ForPatient({ run }: { run: PatientResult }) {
  return (
    <div className="grid grid-cols-1 items-start gap-5 lg:grid-cols-3">
      <div className="flex flex-col gap-5 lg:col-span-2">
        <Card title={words.summary}>
          <p className="text-lg">{run.summary}</p>
          <p className="mt-3 flex flex-wrap items-center gap-2">
            <span className="text-dim">{words.confidence}</span>
            <Confidence value={run.confidence} uncertain={run.uncertain} />
          </p>
        </Card>
        <NextSteps of={run.next_steps} />
      </div>
      <RedFlags of={run.red_flags} />
    </div>
  )
}

function ForStaff({ run }: { run: DiagnosisLine | DiagnosisRun }) {
  const whole = isWhole(run) ? run : undefined
  const going = run.status === 'queued' || run.status === 'in_progress'
  if (whole === undefined)
    return (
      <div className="grid grid-cols-1 items-start gap-5 lg:grid-cols-2">
        <p className="text-dim lg:col-span-2">{going ? words.waits : words.contentHidden}</p>
        {run.errors.length === 0 ? null : (
          <div className="lg:col-span-2">
            <Errors of={run.errors} />
          </div>
        )}
        <About run={run} />
        <Audit id={run.id} />
      </div>
    )
  const result = whole.diagnosis_result ?? undefined
  return (
    <div className="grid grid-cols-1 items-start gap-5 lg:grid-cols-3">
      <div className="flex min-w-0 flex-col gap-5 lg:col-span-2">
        {going ? <p className="pulse text-dim">{words.waits}</p> : null}
        {run.errors.length === 0 ? null : <Errors of={run.errors} />}
        {result === undefined ? null : (
          <>
            <Card title={words.summary}>
              <p className="text-lg">{result.diagnosis.summary}</p>
              <p className="mt-3 flex flex-wrap items-center gap-2">
                <span className="text-dim">{words.confidence}</span>
                <Confidence value={result.confidence} uncertain={whole.uncertain === true} />
              </p>
            </Card>
            <Findings run={whole} />
            <Card title={words.differential} flush>
              {result.diagnosis.differential.length === 0 ? <p className="p-4 text-dim">{words.noneNamed}</p> : null}
              <ul>
                {result.diagnosis.differential.map(({ condition, rationale, likelihood }, i) => (
                  <li key={`${i} ${condition}`} className="border-b border-line px-4 py-2.5 last:border-b-0">
                    <p className="flex items-start justify-between gap-3">
                      <span className="min-w-0 font-medium">{condition}</span>
                      <Badge>{words.likelihood[likelihood]}</Badge>
                    </p>
                    <p className="text-dim">{rationale}</p>
                  </li>
                ))}
              </ul>
            </Card>
          </>
        )}
        <Pack of={whole.context_pack} />
      </div>
      <div className="flex min-w-0 flex-col gap-5">
        {result === undefined ? null : (
          <>
            <RedFlags of={result.diagnosis.red_flags} />
            <NextSteps of={result.diagnosis.next_steps} />
          </>
        )}
        <About run={run} />
        <Audit id={run.id} />
      </div>
    </div>
  )
}

/** Each finding with the answers that it rests on, as they were given. */
function Findings({ run: { diagnosis_result: result, context_pack: pack } }: { run: DiagnosisRun }) {
  const answers = new Map(pack?.assessment_data.answers.map((one) => [one.question_id, one]))
  return (
    <Card title={words.findings} flush>
      {result?.diagnosis.findings.length === 0 ? <p className="p-4 text-dim">{words.noneNamed}</p> : null}
      <ul>
        {result?.diagnosis.findings.map(({ finding, question_ids: ids }, i) => (
          <li key={`${i} ${finding}`} className="border-b border-line px-4 py-3 last:border-b-0">
            <p className="font-medium">{finding}</p>
            {ids.length === 0 ? null : <p className="mt-1.5 text-sm text-faint">{words.evidence}</p>}
            {ids.length === 0 ? null : (
              <dl className="mt-0.5 border-l-2 border-edge pl-3 text-sm">
                {ids.map((question) => {
                  const one = answers.get(question)
                  return (
                    <div key={question} className="flex flex-wrap gap-x-2">
                      <dt className="text-dim">{one?.label ?? question}</dt>
                      <dd className="font-medium">{one === undefined ? '—' : saidOf(one.value)}</dd>
                    </div>
                  )
                })}
              </dl>
            )}
          </li>
        ))}
      </ul>
    </Card>
  )
}

export const saidOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

function Errors({ of }: { of: DiagnosisLine['errors'] }) {
  return (
    <Card title={words.errors} flush>
      <ul>
        {of.map(({ code, message, at, attempt, details }) => (
          <li key={`${at} ${code}`} className="border-b border-line px-4 py-2.5 last:border-b-0">
            <p className="font-medium">{message}</p>
            <p className="text-sm text-dim">
              <span className="font-mono">{code}</span> · {words.attempt(attempt)} · <Time at={at} />
              {details?.paths === undefined ? null : <span className="font-mono"> · {details.paths.join(', ')}</span>}
            </p>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function About({ run }: { run: DiagnosisLine | DiagnosisRun }) {
  const metadata = isWhole(run) ? run.diagnosis_result?.metadata : undefined
  return (
    <Card title={words.facts}>
      <Facts
        of={[
          [words.asked, <Time key="asked" at={run.created_at} />],
          [words.started, <Time key="began" at={run.started_at} />],
          [words.ended, <Time key="ended" at={run.completed_at} />],
          [words.attempts, words.attemptsOf(run.attempts, run.max_attempts)],
          [words.round, run.round],
          ...(metadata === undefined
            ? []
            : ([
                [words.model, metadata.model_version ?? metadata.model],
                [words.prompt, metadata.prompt_version],
                [words.tokens, words.tokensOf(count(metadata.usage.input_tokens), count(metadata.usage.output_tokens))],
                [words.took, duration(metadata.latency_ms / 1_000)],
              ] as const)),
          ...(isWhole(run) ? [[words.correlation, run.correlation_id] as const] : []),
          [
            words.assessment,
            <span key="assessment" className="font-mono" title={run.assessment_id}>
              {short(run.assessment_id)}
            </span>,
          ],
          ...(run.inputs_hash === null
            ? []
            : [
                [
                  words.hash,
                  <span key="hash" className="font-mono" title={run.inputs_hash}>
                    {run.inputs_hash.slice(0, 12)}
                  </span>,
                ] as const,
              ]),
          ...(run.engine_run_id === null
            ? []
            : [
                [
                  words.engineRun,
                  <Link key="run" href={`/runs/${run.engine_run_id}`}>
                    #{run.engine_run_id}
                  </Link>,
                ] as const,
              ]),
        ]}
      />
    </Card>
  )
}

function Audit({ id }: { id: string }) {
  const me = useMe()
  const [asked, again] = useAsked('/api/diagnosis-runs/{id}/audit', { path: { id } })
  return (
    <Card title={words.audit} flush>
      <States of={asked} again={again}>
        {({ items }) => (
          <ul className="max-h-72 overflow-y-auto" tabIndex={0} aria-label={words.audit}>
            {items.map(({ id: n, action, by, at }) => (
              <li
                key={n}
                className="flex items-baseline justify-between gap-3 border-b border-line px-4 py-2 last:border-b-0"
              >
                <span className="cut min-w-0" title={by}>
                  {by === me.sub ? words.you : by} <span className="text-dim">{words.actions[action] ?? action}</span>
                </span>
                <span className="text-sm text-dim">
                  <Time at={at} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </States>
    </Card>
  )
}
