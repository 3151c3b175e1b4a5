/**
 * A diagnosis run through every door: who is shown it where, on a run that somebody
 * else sees; and that of all that leaves the program, answers, streams, numbers,
 * logs and traces, nothing but the record's own door says a patient's words.
 */
import { context, trace, type Span, type SpanOptions } from '@opentelemetry/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { operator } from '../src/app.ts'
import { generate } from '../src/domains/diagnosis/synthetic/generate.ts'
import { createFake } from '../src/providers/fake.ts'
import { failureOf } from '../src/providers/failures.ts'
import { CANARY_WORDS, plant, REPLY } from '../testing/diagnosis.ts'
import { everywhereElse, foundIn } from '../testing/diagnosis-words.ts'
import { catalogueOf } from '../testing/probe.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

const WORDY = JSON.stringify({ ...REPLY, diagnosis: { ...REPLY.diagnosis, summary: CANARY_WORDS.join('; ') } })
/** What the model does next. */
let model: 'answers' | 'babbles' | 'fails' | 'throws' = 'answers'
const spans: string[] = []

let stage: HttpStage
let run = 0
let diagnosis = ''
let planted = { patient: '', assessment: '' }
let home = { organisation: '', clinician: '' }

/** Members of workspace 1, where both organisations are; the others have nothing to do with it. */
const MEMBERS = ['clinician-1-1', 'clinician-1-2', 'clinician-2-1', 'admin-1', 'admin-2', 'member']
const OTHERS = ['canary', 'patient-2-1', 'elsewhere']
/** `admin` runs the installation; null has not signed in. */
const EVERYBODY = [...MEMBERS, ...OTHERS, 'admin', null] as const
type Somebody = (typeof EVERYBODY)[number]
const STAFF: readonly Somebody[] = ['clinician-1-1', 'admin-1']
const RECORD: readonly Somebody[] = [...STAFF, 'canary']
const WORKSPACE: readonly Somebody[] = [...MEMBERS, 'admin']

beforeAll(async () => {
  const startSpan = (name: string, { attributes }: SpanOptions = {}) => {
    spans.push(JSON.stringify([name, attributes]))
    const keep = (...given: unknown[]) => {
      spans.push(JSON.stringify(given))
      return span
    }
    const span: Span = {
      spanContext: () => ({ traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 }),
      setAttribute: keep,
      setAttributes: keep,
      addEvent: keep,
      addLink: keep,
      addLinks: keep,
      setStatus: keep,
      updateName: keep,
      end: () => {},
      isRecording: () => true,
      recordException: (error) => void keep(error instanceof Error ? error.message : error),
    }
    return span
  }
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan, startActiveSpan: () => undefined as never }) })
  const fake = createFake({
    latencyMs: 0,
    script() {
      if (model === 'answers') return { text: WORDY, latencyMs: 0 }
      if (model === 'babbles') return { text: CANARY_WORDS.join(' '), latencyMs: 0 }
      const message = CANARY_WORDS.join()
      if (model === 'throws') throw new Error(message)
      return { failure: { ...failureOf('AUTH_ERROR', { status: 401 }), message, details: { message, status: 401 } } }
    },
  })
  stage = await openHttpStage({ catalogue: catalogueOf({ fake }) })
  await stage.db.sql("insert into engine.workspaces (name) values ('second') on conflict do nothing")
  await generate(stage.engine, operator, { workspace: 1, patients: 6, seed: 7 })
  planted = await plant(stage.db, stage.engine)
  for (const name of MEMBERS) stage.person(name, 'member')
  for (const name of ['canary', 'patient-2-1']) stage.person(name, 'member', 7)
  stage.person('elsewhere', 'admin', 2)
  const [row] = await stage.db.sql<{ organisation: string; clinician: string }>(
    "select organisation_id as organisation, clinician_id as clinician from diagnosis.people where subject = 'clinician-1-1'",
  )
  home = row ?? home
  await stage.work()
  ;({ diagnosis, run } = await ask('c-1', 'completed'))
}, 60_000)
afterAll(async () => {
  trace.disable()
  context.disable()
  await stage?.close()
})

async function ask(correlationId: string, wanted: string) {
  const body = { assessmentId: planted.assessment, correlationId }
  const { id } = (await stage.ask('/api/diagnosis-runs', { as: 'clinician-1-1', body })).body as { id: string }
  const [row] = await until(
    async () => {
      await stage.db.sql('update engine.tasks set due_at = clock_timestamp() where due_at > clock_timestamp()')
      return stage.db.sql<{ status: string; run: number }>(
        'select status, engine_run_id::int as run from diagnosis.diagnosis_runs where id = $1',
        [id],
      )
    },
    ([seen]) => seen?.status === 'completed' || seen?.status === 'failed',
  )
  expect(row?.status).toBe(wanted)
  return { diagnosis: id, run: row?.run ?? 0 }
}

/** All that a door said; of a stream that stays open, what came at once. */
async function said(as: Somebody, path: string, body?: unknown): Promise<string> {
  const leave = new AbortController()
  const response = await stage.raw(path, { as, signal: leave.signal, ...(body === undefined ? {} : { body }) })
  if (response.status >= 500) throw new Error(`${path} as ${as}: ${response.status} ${await response.text()}`)
  if (!(response.headers.get('content-type') ?? '').includes('event-stream')) return response.text()
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.includes('\ndata: ')) break
  }
  leave.abort()
  return text
}

interface Door {
  readonly name: string
  readonly path: () => string
  readonly body?: () => unknown
  /** Stands in what those are told who may see it, and in what nobody else is told. */
  readonly mark: () => string
  readonly shown: readonly Somebody[]
}

const query = (text: string) => () => ({ query: text.replaceAll('RUN', String(run)) })
const DOORS: readonly Door[] = [
  { name: 'the list', path: () => '/api/diagnosis-runs', mark: () => diagnosis, shown: [...RECORD, 'admin'] },
  {
    name: 'the run',
    path: () => `/api/diagnosis-runs/${diagnosis}`,
    mark: () => diagnosis,
    shown: [...RECORD, 'admin'],
  },
  { name: 'its result', path: () => `/api/diagnosis-runs/${diagnosis}`, mark: () => '"summary"', shown: RECORD },
  { name: 'its pack', path: () => `/api/diagnosis-runs/${diagnosis}`, mark: () => '"context_pack"', shown: STAFF },
  {
    name: 'its audit',
    path: () => `/api/diagnosis-runs/${diagnosis}/audit`,
    mark: () => '"created"',
    shown: [...STAFF, 'admin'],
  },
  { name: 'the export', path: () => '/api/diagnosis-runs/export', mark: () => diagnosis, shown: RECORD },
  { name: 'the export of packs', path: () => '/api/diagnosis-runs/export', mark: () => planted.patient, shown: STAFF },
  {
    name: 'organisations',
    path: () => '/api/diagnosis/organisations',
    mark: () => home.organisation,
    shown: [...RECORD, 'clinician-1-2', 'admin'],
  },
  { name: 'clinicians', path: () => '/api/diagnosis/clinicians', mark: () => home.clinician, shown: STAFF },
  { name: 'patients', path: () => '/api/diagnosis/patients', mark: () => planted.patient, shown: RECORD },
  { name: 'assessments', path: () => '/api/diagnosis/assessments', mark: () => planted.assessment, shown: RECORD },
  {
    name: 'a patient’s assessments',
    path: () => `/api/diagnosis/assessments?patient=${planted.patient}`,
    mark: () => planted.assessment,
    shown: RECORD,
  },
  {
    name: 'people',
    path: () => `/api/diagnosis/organisations/${home.organisation}/people`,
    mark: () => '"canary"',
    shown: ['admin-1'],
  },
  {
    name: 'appointments',
    path: () => `/api/diagnosis/organisations/${home.organisation}/appointments`,
    mark: () => planted.patient,
    shown: ['admin-1'],
  },
  // The engine's rows hold ids, states and counts: they are the workspace's.
  { name: 'the engine’s run', path: () => `/api/runs/${run}`, mark: () => `"id":${run}`, shown: WORKSPACE },
  { name: 'the engine’s list', path: () => '/api/runs?kind=diagnosis', mark: () => `"id":${run}`, shown: WORKSPACE },
  { name: 'its feed', path: () => `/api/runs/${run}/logs?stream=true`, mark: () => 'data: ', shown: WORKSPACE },
  { name: 'its log', path: () => `/api/runs/${run}/logs`, mark: () => '"items":[{', shown: WORKSPACE },
  { name: 'its task', path: () => `/api/runs/${run}/tasks/1`, mark: () => 'diagnosis.examine', shown: WORKSPACE },
  // The read model of the probe has no diagnosis runs, and neither have its exports.
  {
    name: 'GraphQL',
    path: () => '/graphql',
    body: query('{ run(id: "RUN") { id status } }'),
    mark: () => `"${run}"`,
    shown: [],
  },
  {
    name: 'GraphQL’s list',
    path: () => '/graphql',
    body: query('{ runs { id } }'),
    mark: () => `"id":"${run}"`,
    shown: [],
  },
  { name: 'the probe’s export', path: () => `/api/export/runs/${run}/jsonl`, mark: () => diagnosis, shown: [] },
  { name: 'metrics', path: () => '/metrics', mark: () => diagnosis, shown: [] },
]

test.each(DOORS.map((door) => [door.name, door] as const))(
  '%s is shown to whom it is for, and to nobody else',
  async (_, door) => {
    const { path, body, mark, shown } = door
    const wrong: string[] = []
    for (const as of EVERYBODY) {
      const text = await said(as, path(), body?.())
      if (text.includes(mark()) !== shown.includes(as)) wrong.push(`${as}: ${text.slice(0, 200)}`)
    }
    expect(wrong).toEqual([])
  },
)

const HOLES: readonly [door: string, to: Somebody, hole: string][] = [
  [
    'the run',
    'clinician-1-2',
    'alter policy read_own on diagnosis.diagnosis_runs using (organisation_id = any ((select diagnosis.known())::uuid[]))',
  ],
  ['its audit', 'clinician-2-1', 'alter policy read_own on diagnosis.audit using (true)'],
  ['clinicians', 'clinician-1-2', 'alter policy read_own on diagnosis.clinicians using (true)'],
  [
    'a patient’s assessments',
    'clinician-1-2',
    'alter policy read_own on diagnosis.assessments using (organisation_id = any ((select diagnosis.known())::uuid[]))',
  ],
  ...(['the list', 'its pack', 'the export', 'patients', 'assessments'] as const).map(
    (door): (typeof HOLES)[number] => [
      door,
      'clinician-1-2',
      `create or replace function diagnosis.treated() returns uuid[] language sql stable security definer
        set search_path = diagnosis, access, pg_temp as $$ select array(select a.patient_id from assignments a) $$`,
    ],
  ),
]

describe('a hole is seen through the door of', () => {
  test.each(HOLES)('%s', async (name, to, hole) => {
    const [, table = ''] = /alter policy \w+ on (\S+)/.exec(hole) ?? []
    const [before] = await stage.db.sql<{ mend: string }>(
      table === ''
        ? "select pg_get_functiondef('diagnosis.treated'::regproc) as mend"
        : `select format('alter policy read_own on %s using (%s)', '${table}', qual) as mend from pg_policies
            where schemaname || '.' || tablename = '${table}' and policyname = 'read_own'`,
    )
    const door = DOORS.find((one) => one.name === name)
    if (door === undefined || before === undefined) throw new Error(`there is no door or wall for ${name}`)
    expect(door.shown).not.toContain(to)
    await stage.db.sql(hole)
    try {
      expect(await said(to, door.path())).toContain(door.mark())
    } finally {
      await stage.db.sql(before.mend)
    }
    expect(await said(to, door.path())).not.toContain(door.mark())
  })
})

/** Every address that is read, with the ids of this run. */
async function addresses(): Promise<string[]> {
  const { body } = await stage.ask('/api/openapi.json', { as: null })
  return Object.entries(body.paths as Record<string, Record<string, unknown>>).flatMap(([path, methods]) => {
    if (!('get' in methods)) return []
    const id = path.includes('organisations') ? home.organisation : path.includes('diagnosis') ? diagnosis : String(run)
    return [path.replace('{id}', id).replaceAll(/\{\w+\}/g, '1')]
  })
}

/** Where words of the patient came out though they should not. */
async function escaped(): Promise<string[]> {
  const found: string[] = []
  const look = (where: string, text: string) => {
    const word = foundIn(text, CANARY_WORDS)
    if (word !== undefined) found.push(`${where}: ${word}`)
  }
  const all = await addresses()
  expect(all.length).toBeGreaterThan(50)
  for (const path of all) {
    const own = path === `/api/diagnosis-runs/${diagnosis}` || path === '/api/diagnosis-runs/export'
    const askers = (['clinician-1-1', 'canary', 'clinician-1-2', 'admin'] as const).filter(
      // A patient's list is that of his results.
      (as) => !(own && RECORD.includes(as)) && !(as === 'canary' && path === '/api/diagnosis-runs'),
    )
    const texts = await Promise.all(askers.map((as) => said(as, path)))
    for (const [n, text] of texts.entries()) look(`${path} as ${askers[n]}`, text)
  }
  for (const path of [`/api/diagnosis-runs/${diagnosis}/process`, `/api/diagnosis-runs/${diagnosis}/retry`]) {
    for (const as of ['clinician-1-1', 'admin'] as const)
      look(`POST ${path} as ${as}`, (await stage.ask(path, { as, method: 'POST' })).text)
  }
  look('the log', stage.logged.join('\n'))
  look('traces', spans.join('\n'))
  look('the database', await everywhereElse(stage.db))
  return found
}

test.each([
  ['answers with them', 'answers', 'completed'],
  ['says them instead of a result', 'babbles', 'failed'],
  ['says them in a failure', 'fails', 'failed'],
  ['throws them', 'throws', 'failed'],
] as const)(
  'a model that %s: no other door, log or trace has them',
  async (_, does, status) => {
    model = does
    ;({ diagnosis, run } = await ask(`canary-${does}`, status))
    expect(spans.length).toBeGreaterThan(0)
    expect(await escaped()).toEqual([])
  },
  60_000,
)

test('they were there to be found, and one that gets out is found, wherever it comes out', async () => {
  model = 'answers'
  ;({ diagnosis, run } = await ask('canary-out', 'completed'))
  expect(foundIn(await said('canary', `/api/diagnosis-runs/${diagnosis}`), CANARY_WORDS)).toBeDefined()
  const logged = stage.logged.length
  const traced = spans.length
  await stage.db.sql(
    `update engine.events set kind = 'log', data = '{"level": "info", "message": "a green parrot"}' where run_id = ${run} and n = 1`,
  )
  stage.logged.push('{"msg":"Wilhelmine"}')
  spans.push('["Kanarienvogel"]')
  const found = (await escaped()).map((line) => line.slice(0, line.indexOf(': ')))
  stage.logged.splice(logged)
  spans.splice(traced)
  await stage.db.sql(`update engine.events set data = '{}' where run_id = ${run} and n = 1`)
  expect(found).toEqual(
    expect.arrayContaining([`/api/runs/${run}/logs as clinician-1-1`, 'the log', 'traces', 'the database']),
  )
}, 60_000)
