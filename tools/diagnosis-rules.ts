/** The rules of diagnosis runs, checked on a live database and the real code, each with something that breaks it. */
import pg from 'pg'
import { workerSettings } from '../engine/src/database.ts'
import { commands } from '../server/src/cli.ts'
import { REQUEST_ERRORS, RUN_ERRORS } from '../server/src/domains/diagnosis/errors.ts'
import { openPractice, OPERATOR, type Practice } from '../server/testing/diagnosis.ts'
import { openWalls, type Walls } from '../server/testing/diagnosis-walls.ts'
import type { Check, Rule } from './rule-book.ts'
import { textOf } from './tree.ts'

export interface DiagnosisWorld {
  readonly practice: Practice
  readonly walls: Walls
  /** A completed run of the planted patient. */
  readonly run: string
  readonly text: (path: string) => string
}

interface Proved extends Check<DiagnosisWorld> {
  /** Breaks it; gives the world that is broken, and what mends it. */
  readonly breaks: (world: DiagnosisWorld) => Promise<{ world: DiagnosisWorld; mend: () => Promise<unknown> }>
}

export const DIAGNOSIS_RULES: readonly Rule[] = [
  { id: 'R-E76-001', says: 'diagnosis_runs table schema verified', scope: 'diagnosis' },
  { id: 'R-E76-002', says: 'RLS policies verified', scope: 'diagnosis' },
  { id: 'R-E76-003', says: 'Unique constraint verified', scope: 'diagnosis' },
  { id: 'R-E76-004', says: 'Status index verified', scope: 'diagnosis' },
  { id: 'R-E76-005', says: 'Literal callsites verified', scope: 'diagnosis' },
  { id: 'R-E76-006', says: 'Error codes verified', scope: 'diagnosis' },
]

const COLUMNS: Readonly<Record<string, string>> = {
  id: 'uuid not null',
  workspace_id: 'bigint not null',
  organisation_id: 'uuid not null',
  assessment_id: 'uuid not null',
  correlation_id: 'text not null',
  schema_version: 'text not null',
  status: 'text not null',
  context_pack: 'jsonb',
  diagnosis_result: 'jsonb',
  errors: 'jsonb not null',
  attempts: 'integer not null',
  max_attempts: 'integer not null',
  created_at: 'timestamp with time zone not null',
  started_at: 'timestamp with time zone',
  completed_at: 'timestamp with time zone',
}

const ROUTES = ['diagnosis', 'diagnosis-people'].map((name) => `server/src/http/routes/${name}.ts`)
const CALLERS = ['diagnosis', 'diagnosis-people'].map((name) => `server/src/cli/${name}.ts`)
/** What both call. */
const DOORS = ['runs', 'appointments', 'directory', 'export'].map((name) => `domains/diagnosis/${name}.ts`)
const COMMANDS = 'server/src/cli/diagnosis-commands.ts'
const GUIDE = 'docs/guides/sensitive-data.md'
const SOURCES = ['runs', 'examine', 'pack', 'appointments', 'export'].map(
  (name) => `server/src/domains/diagnosis/${name}.ts`,
)
const VERBS = 'server/src/domains/diagnosis/verbs.sql'

export const DIAGNOSIS_CHECKS: readonly Proved[] = [
  {
    rule: 'R-E76-001',
    async look({ practice }) {
      const rows = await practice.db.sql<{ name: string; type: string }>(
        `select attname as name, format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end as type
           from pg_attribute where attrelid = to_regclass('diagnosis.diagnosis_runs') and attnum > 0 and not attisdropped`,
      )
      const found = new Map(rows.map(({ name, type }) => [name, type]))
      return Object.entries(COLUMNS).flatMap(([name, type]) =>
        found.get(name) === type ? [] : [`diagnosis_runs.${name} is ${found.get(name) ?? 'not there'}, not ${type}`],
      )
    },
    breaks: bySql(
      'alter table diagnosis.diagnosis_runs alter column correlation_id drop not null',
      'alter table diagnosis.diagnosis_runs alter column correlation_id set not null',
    ),
  },
  {
    rule: 'R-E76-002',
    look: ({ walls }) => walls.examine(),
    async breaks(world) {
      await world.practice.db.sql(
        'alter policy read_own on diagnosis.scores using (organisation_id = any ((select diagnosis.known())::uuid[]))',
      )
      const mend = async () => {
        await world.practice.db.sql("update engine.migrations set hash = '' where name = '(texts)'")
        await world.practice.migrate()
      }
      return { world, mend }
    },
  },
  {
    rule: 'R-E76-003',
    async look({ practice, run }) {
      const wanted = 'UNIQUE (organisation_id, assessment_id, correlation_id, schema_version)'
      const rows = await practice.db.sql<{ line: string }>(
        `select pg_get_constraintdef(oid) as line from pg_constraint
          where conrelid = 'diagnosis.diagnosis_runs'::regclass and contype = 'u' and convalidated and not condeferrable`,
      )
      const wrong = rows.some(({ line }) => line === wanted) ? [] : [`diagnosis_runs has no ${wanted}`]
      const twice = await practice.db
        .sql(
          `insert into diagnosis.diagnosis_runs (id, workspace_id, organisation_id, patient_id, assessment_id, correlation_id)
           select gen_random_uuid(), workspace_id, organisation_id, patient_id, assessment_id, correlation_id from diagnosis.diagnosis_runs where id = $1 returning id`,
          [run],
        )
        .catch((error: unknown) =>
          error instanceof pg.DatabaseError && error.code === '23505' ? [] : Promise.reject(error),
        )
      for (const { id } of twice) await practice.db.sql('delete from diagnosis.diagnosis_runs where id = $1', [id])
      return twice.length === 0 ? wrong : [...wrong, 'the same question was kept twice']
    },
    breaks: bySql(
      'alter table diagnosis.diagnosis_runs drop constraint asked_once',
      'alter table diagnosis.diagnosis_runs add constraint asked_once unique (organisation_id, assessment_id, correlation_id, schema_version)',
    ),
  },
  {
    rule: 'R-E76-004',
    async look(world) {
      const open = await plansOf(world, 'select * from diagnosis.overview(null, 50, true)')
      const claim = await plansOf(
        world,
        'select * from engine.claim(engine.register($$look$$, array[$$diagnosis.examine$$], null, 1), 2)',
      )
      return [
        ...(open.includes('diagnosis_runs_open') ? [] : ['the list of open runs does not use the index on status']),
        ...(claim.includes('lanes_open') ? [] : ['the claim does not use the index of what may be claimed']),
        ...(/Seq Scan on (lanes|tasks|runs|diagnosis_runs)/.test(claim) ? ['the claim reads a whole table'] : []),
      ]
    },
    breaks: bySql(
      'drop index diagnosis.diagnosis_runs_open',
      "create index diagnosis_runs_open on diagnosis.diagnosis_runs (created_at desc, id) where status in ('queued', 'in_progress')",
    ),
  },
  {
    rule: 'R-E76-005',
    look({ text }) {
      const wrong: string[] = []
      const routes = ROUTES.map(text)
      const callers = CALLERS.map(text)
      const served = importedFrom(routes)
      const called = importedFrom(callers)
      const leaves = commands().commands.find((one) => one.name() === 'diagnosis')?.commands ?? []
      const endpoints = routes
        .flatMap((one) => one.split('door.route(').slice(1))
        .map((block) => ({
          url: `${/method: '(\w+)'/.exec(block)?.[1]} ${/url: '([^']+)'/.exec(block)?.[1]}`,
          calls: [...served].filter(([, local]) => new RegExp(`\\b${local}\\(`).test(block)).map(([name]) => name),
        }))
      if (endpoints.length === 0 || leaves.length === 0) wrong.push('no endpoint or no command was found')
      for (const { url, calls } of endpoints) {
        const [name] = calls
        const caller = name === undefined ? undefined : callerOf(callers, called.get(name))
        if (caller === undefined || !new RegExp(`\\.${caller}\\(`).test(text(COMMANDS)))
          wrong.push(`${url} has no caller that a person reaches`)
      }
      for (const name of called.keys()) {
        if (!endpoints.some(({ calls }) => calls.includes(name)))
          wrong.push(`the command line calls ${name}, which no endpoint serves`)
      }
      return wrong
    },
    breaks: byText('server/src/cli/diagnosis.ts', 'retry(app.engine', 'forget(app.engine'),
  },
  {
    rule: 'R-E76-006',
    async look({ practice, text }) {
      const wrong: string[] = []
      const code = SOURCES.map(text).join('\n')
      const documented = new Set(Array.from(text(GUIDE).matchAll(/^\| `([A-Z_]+)` \|/gm), ([, name = '']) => name))
      const thrown = new Set(Array.from(code.matchAll(/\b(?:fail|refuse)\('([A-Z_]+)'/g), ([, name = '']) => name))
      // The database names those that come of the engine's own.
      const named = new Set(
        Array.from(
          text(VERBS).matchAll(/then '([A-Z_]+)'|'code', '([A-Z_]+)'|else '([A-Z_]+)' end/g),
          (match) => match.slice(1).find(Boolean) ?? '',
        ),
      )
      const known = { ...RUN_ERRORS, ...REQUEST_ERRORS }
      for (const name of Object.keys(known)) {
        if (!documented.has(name)) wrong.push(`${name} is not documented`)
        if (!thrown.has(name) && !named.has(name)) wrong.push(`${name} is thrown nowhere`)
      }
      for (const name of documented) if (!Object.hasOwn(known, name)) wrong.push(`${name} is documented, and no code`)
      for (const name of thrown) if (!Object.hasOwn(known, name)) wrong.push(`${name} is thrown, and no code`)
      for (const [name, { message }] of Object.entries(RUN_ERRORS)) {
        const [row] = await practice.db.sql<{ text: string | null }>('select diagnosis.error_text($1) as text', [name])
        if (row?.text !== message) wrong.push(`the database says something else for ${name}`)
      }
      return wrong
    },
    breaks: byText(GUIDE, '| `NO_WORKER` |', '| `NO_WORKERS` |'),
  },
]

/** Names that modules import from the doors, with what they call them. */
function importedFrom(texts: readonly string[]): Map<string, string> {
  const lists = texts.flatMap((text) =>
    DOORS.map((module) => new RegExp(`import \\{([^}]*)\\} from '[^']*${module}'`).exec(text)?.[1] ?? ''),
  )
  return new Map(
    lists
      .flatMap((names) => names.split(','))
      .map((one) => one.trim())
      // Functions alone: types and what is in capitals is called by nobody.
      .filter((one) => /^[a-z]/.test(one) && !one.startsWith('type '))
      .map((one) => one.split(' as '))
      .map(([name = '', local = name]) => [name, local]),
  )
}

/** The exported function in which a name is called. */
function callerOf(texts: readonly string[], local: string | undefined): string | undefined {
  if (local === undefined) return undefined
  for (const block of texts.flatMap((text) => text.split(/^export async function /m).slice(1))) {
    if (new RegExp(`\\b${local}\\(`).test(block)) return /^\w+/.exec(block)?.[0]
  }
  return undefined
}

function bySql(how: string, mend: string): Proved['breaks'] {
  return async (world) => {
    await world.practice.db.sql(how)
    return { world, mend: () => world.practice.db.sql(mend) }
  }
}

function byText(path: string, from: string, to: string): Proved['breaks'] {
  return async (world) => ({
    world: { ...world, text: (one) => (one === path ? world.text(one).replaceAll(from, to) : world.text(one)) },
    mend: async () => {},
  })
}

/** What the statements inside of a function really did. */
async function plansOf({ practice }: DiagnosisWorld, text: string): Promise<string> {
  // As a worker plans, by a login that may look at plans.
  const { options } = workerSettings(practice.db.owner)
  const client = new pg.Client({ ...practice.db.owner, options })
  const seen: string[] = []
  client.on('error', () => {})
  client.on('notice', ({ message }) => seen.push(message ?? ''))
  await client.connect()
  try {
    await client.query(`load 'auto_explain'; set auto_explain.log_nested_statements = on; set auto_explain.log_analyze = on;
      set auto_explain.log_level = notice; set client_min_messages = notice; set auto_explain.log_min_duration = 0`)
    await client.query('begin')
    await client.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify(OPERATOR)])
    await client.query(text)
    await client.query('rollback')
    return seen.join('\n')
  } finally {
    await client.end()
  }
}

/** A practice with one run that is over and one that waits. */
export async function openDiagnosisWorld(): Promise<{ world: DiagnosisWorld; close: () => Promise<void> }> {
  const practice = await openPractice(6)
  const worker = await practice.startWorker()
  const { id: run } = await practice.ask(practice.planted.assessment)
  await practice.ended(run)
  await worker.drain(0)
  await practice.ask(practice.planted.assessment)
  const walls = await openWalls(practice, run)
  return {
    world: { practice, walls, run, text: textOf },
    async close() {
      await walls.close()
      await practice.close()
    },
  }
}
