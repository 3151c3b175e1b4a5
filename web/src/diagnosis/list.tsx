/**
 * Whose records one may see, and what was asked about them.  Whom one has opened stands
 * in no address: a link that is sent on says nothing of a patient.
 */
import { Download, FileHeart, Stethoscope } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { ask, type Assessment, type DiagnosisLine, type Patient, type PatientResult } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { useMovingRuns } from '../feed.ts'
import {
  Badge,
  Button,
  ButtonLink,
  Card,
  Empty,
  Link,
  Page,
  Skeleton,
  States,
  Table,
  tellProblem,
  Time,
  type Column,
} from '../ui/index.ts'
import { words } from '../words/diagnosis.ts'
import { Confidence, short, Status, Support } from './parts.tsx'

export default function Diagnosis() {
  const [asked, again] = useAsked('/api/diagnosis-runs', { query: { limit: 100 } }, { moves: true })
  // To look is noted in each run's audit: it is looked again when one has ended, not every few seconds.
  useMovingRuns((runs) => {
    if (runs.some(({ kind, finishedAt }) => kind === 'diagnosis' && finishedAt !== null)) void again()
  })
  const [houses] = useAsked('/api/diagnosis/organisations', {})
  const [patients] = useAsked('/api/diagnosis/patients', { query: { limit: 500 } })
  const items = asked.data?.items ?? []
  const results = items.filter((one): one is PatientResult => 'summary' in one)
  const lines = items.filter((one): one is DiagnosisLine => !('summary' in one))
  const mine = houses.data?.items ?? []
  const known = patients.data?.items ?? []
  const staff = known.some(({ clinicians }) => clinicians.length > 0) || mine.some(({ administers }) => administers)
  const patient = results.length > 0 || (!staff && known.length > 0)
  const loading = houses.state === 'loading' || patients.state === 'loading' || asked.state === 'loading'
  const nothing = !loading && mine.length === 0 && known.length === 0 && items.length === 0
  return (
    <Page
      title={words.title}
      lead={words.lead}
      actions={
        nothing || items.length === 0 ? undefined : (
          <>
            {mine.some(({ administers }) => administers) ? (
              <ButtonLink href="/diagnosis/people">{words.people}</ButtonLink>
            ) : null}
            <a
              href="/api/diagnosis-runs/export"
              download
              className="inline-flex h-8 items-center gap-1.5 rounded-md border border-edge bg-box px-3 font-medium hover:bg-sunk"
            >
              <Download aria-hidden size={15} />
              {words.export}
            </a>
          </>
        )
      }
    >
      <Support patient={patient} />
      <States
        of={asked}
        again={again}
        isEmpty={() => nothing}
        empty={<Empty icon={Stethoscope} title={words.none} lead={words.noneLead} />}
      >
        {() =>
          loading ? (
            <Skeleton lines={6} />
          ) : (
            <>
              {staff && known.length > 0 ? <Patients patients={known} /> : null}
              {patient ? <Results results={results} /> : null}
              {staff || lines.length > 0 ? <Lines lines={lines} treats={known.length > 0} /> : null}
            </>
          )
        }
      </States>
    </Page>
  )
}

function Patients({ patients }: { patients: readonly Patient[] }) {
  const [chosen, setChosen] = useState<string>()
  const [named] = useAsked('/api/diagnosis/clinicians', {})
  const nameOf = (id: string) => named.data?.items.find((one) => one.id === id)?.name ?? short(id)
  const columns: readonly Column<Patient>[] = [
    {
      id: 'patient',
      name: words.patient,
      fixed: true,
      by: ({ id }) => id,
      cell: ({ id }) => <span className="font-mono">{short(id)}</span>,
    },
    { id: 'sex', name: words.sex, wide: true, cell: ({ sex }) => <span className="text-dim">{sex ?? '—'}</span> },
    {
      id: 'n',
      name: words.assessments,
      right: true,
      wide: true,
      by: ({ assessments }) => assessments,
      cell: ({ assessments }) => assessments,
    },
    {
      id: 'last',
      name: words.last,
      right: true,
      by: ({ last_assessment_at: at }) => at ?? '',
      cell: ({ last_assessment_at: at }) => <Time at={at} />,
    },
    {
      id: 'by',
      name: words.clinicians,
      wide: true,
      cell: ({ clinicians }) => <span className="text-dim">{clinicians.map(nameOf).join(', ')}</span>,
    },
    {
      id: 'do',
      name: '',
      fixed: true,
      right: true,
      cell: ({ id }) => (
        <Button size="small" aria-expanded={chosen === id} onClick={() => setChosen(chosen === id ? undefined : id)}>
          {chosen === id ? words.close : words.choose}
          <span className="sr-only">
            {' '}
            {words.patient} {short(id)}
          </span>
        </Button>
      ),
    },
  ]
  return (
    <div className="grid grid-cols-1 items-start gap-5 lg:grid-cols-5">
      <div className={`min-w-0 ${chosen === undefined ? 'lg:col-span-5' : 'lg:col-span-3'}`}>
        <Card title={words.patients} flush>
          <div className="max-h-96 overflow-auto" tabIndex={0} role="region" aria-label={words.patients}>
            <Table
              name="patients"
              label={words.patients}
              columns={columns}
              rows={patients}
              idOf={(one) => patients.indexOf(one)}
            />
          </div>
        </Card>
      </div>
      {chosen === undefined ? null : (
        <div className="min-w-0 lg:col-span-2">
          <Assessments of={chosen} />
        </div>
      )}
    </div>
  )
}

function Assessments({ of: patient }: { of: string }) {
  const [asked, again] = useAsked('/api/diagnosis/assessments', { query: { patient, limit: 100 } })
  const [, go] = useLocation()
  const [busy, setBusy] = useState<string>()
  async function start({ id }: Assessment) {
    setBusy(id)
    try {
      // Pressed twice it is one question; asked another day it is another.
      const correlationId = `console-${new Date().toISOString().slice(0, 10)}`
      const { id: run } = await ask('post', '/api/diagnosis-runs', { body: { assessmentId: id, correlationId } })
      askAgain('/api/diagnosis-runs')
      go(`/diagnosis/${run}`)
    } catch (error) {
      tellProblem(error)
      setBusy(undefined)
    }
  }
  return (
    <Card title={words.chosen(short(patient))} flush>
      <States
        of={asked}
        again={again}
        isEmpty={({ items }) => items.length === 0}
        empty={<p className="p-4 text-dim">{words.noAssessments}</p>}
      >
        {({ items }) => (
          <ul>
            {items.map((one) => (
              <li
                key={one.id}
                className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-b border-line px-4 py-2.5 last:border-b-0"
              >
                <div className="min-w-0 flex-1">
                  <p className="font-medium">{one.funnel.replaceAll('-', ' ').replaceAll('_', ' ')}</p>
                  <p className="text-sm text-dim">
                    {words.version(one.version)} · {words.answers(one.answers)} · <Time at={one.created_at} />
                  </p>
                </div>
                {one.status === 'completed' ? (
                  <Button size="small" busy={busy === one.id} onClick={() => void start(one)}>
                    {words.ask}
                  </Button>
                ) : (
                  <Badge>{words.unfinished}</Badge>
                )}
              </li>
            ))}
          </ul>
        )}
      </States>
    </Card>
  )
}

const COLUMNS: readonly Column<DiagnosisLine>[] = [
  {
    id: 'run',
    name: words.run,
    fixed: true,
    cell: ({ id }) => (
      <span className="font-mono">
        <Link href={`/diagnosis/${id}`}>{short(id)}</Link>
      </span>
    ),
  },
  {
    id: 'status',
    name: words.status,
    fixed: true,
    by: ({ status }) => status,
    cell: ({ status }) => <Status of={status} />,
  },
  {
    id: 'assessment',
    name: words.assessment,
    wide: true,
    cell: ({ assessment_id: id }) => <span className="font-mono text-dim">{short(id)}</span>,
  },
  {
    id: 'attempts',
    name: words.attempts,
    right: true,
    wide: true,
    cell: ({ attempts, max_attempts: most }) => words.attemptsOf(attempts, most),
  },
  {
    id: 'asked',
    name: words.asked,
    right: true,
    by: ({ created_at: at }) => at,
    cell: ({ created_at: at }) => <Time at={at} />,
  },
  {
    id: 'ended',
    name: words.ended,
    right: true,
    wide: true,
    by: ({ completed_at: at }) => at ?? '',
    cell: ({ completed_at: at }) => <Time at={at} />,
  },
]

function Lines({ lines, treats }: { lines: readonly DiagnosisLine[]; treats: boolean }) {
  return (
    <Card title={words.runs} flush>
      {lines.length === 0 ? (
        <Empty icon={Stethoscope} title={words.noRuns} lead={treats ? words.noRunsLead : words.noRunsPlain} />
      ) : (
        <Table name="diagnosis" label={words.runs} columns={COLUMNS} rows={lines} idOf={(one) => lines.indexOf(one)} />
      )}
    </Card>
  )
}

function Results({ results }: { results: readonly PatientResult[] }) {
  return (
    <Card title={words.results} flush>
      {results.length === 0 ? (
        <Empty icon={FileHeart} title={words.noResults} lead={words.noResultsLead} />
      ) : (
        <ul>
          {results.map(({ id, summary, confidence, uncertain, completed_at: at }) => (
            <li key={id} className="border-b border-line px-4 py-3 last:border-b-0">
              <p>
                <Link href={`/diagnosis/${id}`}>{summary}</Link>
              </p>
              <p className="mt-1 flex flex-wrap gap-x-4 text-sm text-dim">
                <Time at={at} />
                <span>{words.confidence}</span>
                <Confidence value={confidence} uncertain={uncertain} />
              </p>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
