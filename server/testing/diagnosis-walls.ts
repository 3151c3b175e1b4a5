/**
 * Everybody × every table and function of the diagnosis room, asked of the catalogue
 * and tried on rows that somebody else sees.  Says what is wrong, one line each; the
 * tests and the guardrails both ask.
 */
import pg from 'pg'
import type { Settings } from '@millrace/engine'
import { tries } from '../../engine/test/access-stage.ts'
import { OPERATOR, type Practice } from './diagnosis.ts'

/** Who treats the planted patient and who is he, and who has merely to do with his organisation. */
const STAFF = ['clinician-1-1', 'admin-1']
const OWN = [...STAFF, 'canary']
const HOUSE = [...OWN, 'clinician-1-2', 'patient-1-1']
const STRANGERS = ['admin-2', 'clinician-2-1', 'patient-2-1', 'canary-of-no-house']

/** Who sees the rows about the planted patient.  A table that stands nowhere here is told. */
const SEEN: Readonly<Record<string, readonly string[]>> = {
  organisations: HOUSE,
  clinicians: STAFF,
  patients: OWN,
  identities: OWN,
  assignments: STAFF,
  people: ['admin-1'],
  funnels: HOUSE,
  funnel_versions: HOUSE,
  questions: HOUSE,
  assessments: OWN,
  answers: OWN,
  scores: OWN,
  anamnesis_notes: STAFF,
  diagnosis_runs: STAFF,
  run_attempts: STAFF,
  replies: [],
  patient_results: OWN,
  audit: STAFF,
  appointments: ['admin-1'],
}

const FOR_API = [
  'as_uuid',
  'claim',
  'clinician',
  'patient',
  'administered',
  'treated',
  'treated_or_self',
  'known',
  'record',
  'note',
  'claims_of',
  'workspaces_of',
  'overview',
  'trail',
  'bring',
  'is_empty',
  'appoint',
  'dismiss',
  'staff',
  'houses',
]
const FOR_WORKER = ['begin', 'keep_pack', 'note_paths', 'put_reply', 'reply', 'complete']
const FOR_OPERATOR = ['overview', 'trail', 'bring', 'houses']

interface Comer {
  readonly name: string
  readonly client: pg.Client
  readonly claims: unknown
}

export interface Walls {
  /** What is wrong; nothing when all stands.  `table` looks at one alone. */
  examine(table?: string): Promise<string[]>
  readonly api: pg.Client
  readonly worker: pg.Client
  close(): Promise<void>
}

/** The practice must have a completed run of the planted patient. */
export async function openWalls(practice: Practice, run: string): Promise<Walls> {
  const { db, planted } = practice
  const api = await connect(db.api)
  const worker = await connect(db.worker)
  const claimed = await Promise.all(
    [...HOUSE, ...STRANGERS].map(async (name) => ({ name, client: api, claims: await practice.as(name) })),
  )
  const admin = claimed.find(({ name }) => name === 'admin-1')?.claims
  const comers: Comer[] = [
    ...claimed,
    { name: 'the operator', client: api, claims: OPERATOR },
    { name: 'a member of the workspace', client: api, claims: { sub: 'm', workspaces: { 1: 'admin' } } },
    { name: 'the api’s login by itself', client: api, claims: undefined },
    {
      name: 'a claim of another shape',
      client: api,
      claims: { diagnosis: { organisations: ['x'], clinician: [], patient: { a: 1 } } },
    },
    { name: 'claims that are text', client: api, claims: 'admin' },
    {
      name: 'one who calls himself admin',
      client: api,
      claims: { sub: 'x', role: 'admin', diagnosis: { role: 'admin', organisations: 'admin' } },
    },
    { name: 'the worker’s login', client: worker, claims: undefined },
    { name: 'the worker’s login with claims', client: worker, claims: admin },
  ]
  // Of a run that is over there is none left, and the wall before them must be tried.
  await db.sql(
    `insert into diagnosis.replies (run_id, workspace_id, organisation_id, patient_id, reply)
     select id, workspace_id, organisation_id, patient_id, '{}' from diagnosis.diagnosis_runs where id = $1`,
    [run],
  )
  const [home] = await db.sql<{ organisation: string; clinician: string }>(
    "select organisation_id as organisation, clinician_id as clinician from diagnosis.people where subject = 'clinician-1-1'",
  )

  /** The rows of a table that are about the planted patient, or about his house. */
  function mine(table: string, columns: readonly string[]): string {
    if (table === 'organisations') return `id = '${home?.organisation}'`
    if (table === 'clinicians') return `id = '${home?.clinician}'`
    if (table === 'patients') return `id = '${planted.patient}'`
    return columns.includes('patient_id')
      ? `patient_id = '${planted.patient}'`
      : `organisation_id = '${home?.organisation}'`
  }

  async function tables() {
    return db.sql<{ name: string; columns: string[]; walled: boolean; tenant: boolean }>(
      `select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as walled,
              array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and a.attidentity = '' order by a.attnum) as columns
         from pg_class c where c.relnamespace = 'diagnosis'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1`,
    )
  }

  async function rowsOf(table: string, columns: readonly string[]): Promise<string[]> {
    const wrong: string[] = []
    const where = mine(table, columns)
    const [there] = await db.sql<{ amount: number }>(`select count(*) as amount from diagnosis.${table} where ${where}`)
    if (Number(there?.amount) === 0) return [`${table} has no row that could be hidden: nothing is proved`]
    const wanted = SEEN[table] ?? []
    for (const { name, client, claims } of comers) {
      const seen = await tries(client, claims, `select 1 from diagnosis.${table} where ${where} limit 1`)
      if (seen.rows.length > 0 !== wanted.includes(name))
        wrong.push(`${name} ${seen.rows.length > 0 ? 'sees' : 'does not see'} ${table}`)
      // Whoever sees nothing of this house sees nothing without asking for it, either.
      if (wanted.length > 0 && ![...HOUSE, ...STRANGERS].includes(name)) {
        const any = await tries(client, claims, `select 1 from diagnosis.${table} limit 1`)
        if (any.rows.length > 0) wrong.push(`${name} sees rows of ${table}`)
      }
      for (const text of [
        `insert into diagnosis.${table} (${columns.join(', ')}) select ${columns.join(', ')} from diagnosis.${table} limit 0`,
        `update diagnosis.${table} set ${columns[0]} = ${columns[0]} where ${where}`,
        `delete from diagnosis.${table} where ${where}`,
        `truncate diagnosis.${table} cascade`,
      ]) {
        const { state } = await tries(client, claims, text)
        if (state !== '42501') wrong.push(`${name} may: ${text} (${state ?? 'done'})`)
      }
    }
    return wrong
  }

  async function functions(): Promise<string[]> {
    const wrong: string[] = []
    const found = await db.sql<{
      name: string
      call: string
      definer: boolean
      config: string[] | null
      everybody: boolean
      api: boolean
      worker: boolean
    }>(
      `select p.proname as name, p.prosecdef as definer, p.proconfig as config,
              format('select %s(%s)', p.oid::regproc, (select string_agg(format('null::%s', format_type(t, null)), ', ' order by o)
                from unnest(p.proargtypes) with ordinality a(t, o))) as call,
              has_function_privilege('millrace_api', p.oid, 'execute') as api,
              has_function_privilege('millrace_worker', p.oid, 'execute') as worker,
              exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0) as everybody
         from pg_proc p where p.pronamespace = 'diagnosis'::regnamespace order by 1`,
    )
    for (const name of [...FOR_API, ...FOR_WORKER])
      if (!found.some((one) => one.name === name)) wrong.push(`there is no function ${name}`)
    for (const one of found) {
      if (one.everybody || one.api !== FOR_API.includes(one.name) || one.worker !== FOR_WORKER.includes(one.name))
        wrong.push(`${one.name} may be called by the wrong ones`)
      if (one.definer && one.config?.some((setting) => /^search_path=.*pg_temp$/.test(setting)) !== true)
        wrong.push(`${one.name} does not pin its search path`)
      for (const { name, client, claims } of comers) {
        if (client === api ? one.api : one.worker) continue
        // A trigger's function is refused as one, before anybody's rights are looked at.
        const { state } = await tries(client, claims, one.call)
        if (state !== '42501' && !(one.name === 'follow' && state === '0A000'))
          wrong.push(`${name} may call ${one.name} (${state ?? 'done'})`)
      }
    }
    return [...wrong, ...(await doors())]
  }

  async function lines(): Promise<number> {
    const [row] = await db.sql<{ amount: string }>('select count(*) as amount from diagnosis.audit')
    return Number(row?.amount)
  }

  /** What the functions that may be called do for whom. */
  async function doors(): Promise<string[]> {
    const wrong: string[] = []
    for (const { name, client, claims } of comers) {
      if (client === worker) {
        for (const call of [
          'select diagnosis.begin(1, 1, 1)',
          "select diagnosis.keep_pack(1, 1, 1, '{}', 'x')",
          "select diagnosis.note_paths(1, 1, 1, '{}')",
          "select diagnosis.complete(1, 1, 1, '{}')",
        ]) {
          const { state } = await tries(client, claims, call)
          if (state !== 'MR002') wrong.push(`${name}: ${call} without holding the task (${state ?? 'done'})`)
        }
        const { rows } = await tries(
          client,
          claims,
          'select diagnosis.reply(id) as reply from generate_series(1, 50) id',
        )
        if (rows.some(({ reply }) => reply !== null))
          wrong.push(`${name} reads the replies of a run that nobody performs`)
        continue
      }
      for (const call of FOR_OPERATOR.map((one) =>
        one === 'bring'
          ? "select diagnosis.bring(1, 'patients', '[]')"
          : one === 'trail'
            ? `select diagnosis.trail('${run}')`
            : `select diagnosis.${one}()`,
      )) {
        const { state } = await tries(client, claims, call)
        if ((state === undefined) !== (name === 'the operator')) wrong.push(`${name}: ${call} (${state ?? 'done'})`)
      }
      // Who is who is said by those who administer the house, and by nobody for another one.
      for (const call of [
        `select diagnosis.appoint('${home?.organisation}', 'intruder', 'admin')`,
        `select diagnosis.dismiss('${home?.organisation}', 'canary', 'patient')`,
        `select diagnosis.staff('${home?.organisation}')`,
      ]) {
        const { state } = await tries(client, claims, call)
        if ((state === undefined) !== ['admin-1', 'the operator'].includes(name))
          wrong.push(`${name}: ${call} (${state ?? 'done'})`)
      }
      const record = await tries(
        client,
        claims,
        `select diagnosis.record(gen_random_uuid(), 1, '${planted.assessment}', 'x')`,
      )
      const wanted = STAFF.includes(name) ? 'MR004' : 'MR003'
      if (record.state !== wanted) wrong.push(`${name} records a run of an assessment (${record.state ?? 'done'})`)
      const before = await lines()
      await client.query('begin')
      await client.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify(claims ?? {})])
      await client.query("select diagnosis.note(array[$1::uuid], 'viewed')", [run])
      await client.query('commit')
      const noted = (await lines()) - before
      const may = [...OWN, 'the operator'].includes(name)
      if (noted !== (may ? 1 : 0)) wrong.push(`${name} left ${noted} lines in the audit of a run`)
    }
    return wrong
  }

  async function catalogue(): Promise<string[]> {
    const wrong = (await tables()).flatMap(({ name, walled, columns }) => [
      ...(walled ? [] : [`${name} has no forced row-level security`]),
      ...(columns.includes('workspace_id') && (columns.includes('organisation_id') || name === 'organisations')
        ? []
        : [`${name} does not say whose its rows are`]),
      ...(name in SEEN ? [] : [`nobody said who sees ${name}`]),
    ])
    const open = await db.sql<{ line: string }>(
      `select format('policy %s of %s lets everybody pass', policyname, tablename) as line from pg_policies
        where schemaname = 'diagnosis' and (roles && '{public,millrace_worker}'
           or (roles = '{millrace_api}' and (cmd <> 'SELECT' or coalesce(qual, 'true') = 'true')))`,
    )
    const bare = await db.sql<{ line: string }>(
      `select format('policy %s of %s asks its function once a row', policyname, tablename) as line from pg_policies
        where schemaname = 'diagnosis' and roles = '{millrace_api}' and qual ~ '(?<!SELECT )diagnosis\\.[a-z_]+\\(\\)'`,
    )
    return [...wrong, ...open.map(({ line }) => line), ...bare.map(({ line }) => line), ...(await unchanging())]
  }

  /** Not even the owner of the verbs changes or takes away a line of the audit. */
  async function unchanging(): Promise<string[]> {
    const owner = await connect(db.owner)
    try {
      const wrong: string[] = []
      for (const text of ['audit', 'appointments'].flatMap((table) => [
        `update diagnosis.${table} set by = 'x'`,
        `delete from diagnosis.${table}`,
      ])) {
        await owner.query('begin; set local role millrace_owner')
        const { rowCount } = await owner.query(text)
        await owner.query('rollback')
        if (rowCount !== 0) wrong.push(`the owner may: ${text}`)
      }
      return wrong
    } finally {
      await owner.end()
    }
  }

  return {
    api,
    worker,
    async examine(table) {
      const wrong = await catalogue()
      for (const { name, columns } of await tables()) {
        if (table === undefined || table === name) wrong.push(...(await rowsOf(name, columns)))
      }
      if (table === undefined || table === 'functions') wrong.push(...(await functions()))
      return wrong
    },
    async close() {
      await Promise.all([api.end(), worker.end()])
    },
  }
}

async function connect(settings: Settings): Promise<pg.Client> {
  const client = new pg.Client(settings)
  client.on('error', () => {})
  await client.connect()
  return client
}
