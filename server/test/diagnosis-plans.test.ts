/**
 * What looking costs: each reading of records, by each who reads, begins at an index of
 * what is his, asks for his rights once, and touches a bounded number of pages.  In
 * `npm run test:long` over half a million assessments.
 */
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DIRECTORY } from '../src/domains/diagnosis/directory.ts'
import { EXPORT } from '../src/domains/diagnosis/export.ts'
import { IN_ORDER } from '../src/domains/diagnosis/people.ts'
import { PATIENT_STATEMENTS, STATEMENTS } from '../src/domains/diagnosis/runs.ts'
import { openPractice, type Practice } from '../testing/diagnosis.ts'
import { ASSESSMENTS_EACH, fillPractice } from '../testing/diagnosis-many.ts'
import { openWalls, type Walls } from '../testing/diagnosis-walls.ts'

const PATIENTS = Number(process.env['MILLRACE_TEST_PATIENTS'] ?? 4_000)
const LARGE = [
  'patients',
  'assessments',
  'answers',
  'scores',
  'diagnosis_runs',
  'run_attempts',
  'patient_results',
  'audit',
]

let practice: Practice
let walls: Walls
/** Of the planted patient, and of nobody's. */
const ids = { run: '', patient: '', assessment: '', houses: '' }
beforeAll(
  async () => {
    practice = await openPractice()
    const worker = await practice.startWorker()
    const { id } = await practice.ask(practice.planted.assessment)
    await practice.ended(id)
    await worker.drain(0)
    await fillPractice(practice.db, PATIENTS)
    walls = await openWalls(practice, id)
    const [row] = await practice.db.sql<{ houses: string }>(
      "select array_agg(organisation_id)::text as houses from diagnosis.people where subject = 'admin-1'",
    )
    Object.assign(ids, practice.planted, { run: id, houses: row?.houses })
  },
  300_000 + PATIENTS * 6,
)
afterAll(async () => {
  await walls?.close()
  await practice?.close()
})

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Subplan Name'?: string
  readonly 'Parent Relationship'?: string
  readonly Filter?: string
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
  readonly Plans?: readonly Plan[]
}

async function planOf(api: pg.Client, claims: { diagnosis?: { organisations?: object } }, text: string): Promise<Plan> {
  await api.query('begin')
  await api.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify(claims)])
  try {
    // As the doors do for administrators.
    if (claims.diagnosis?.organisations !== undefined) await api.query(IN_ORDER)
    // A second time, when the catalogue is read.
    await api.query(text)
    const { rows } = await api.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `explain (analyze, buffers, timing off, format json) ${text}`,
    )
    const plan = rows[0]?.['QUERY PLAN'][0].Plan
    if (plan === undefined) throw new Error('no plan')
    return plan
  } finally {
    await api.query('rollback')
  }
}

const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)]

/** What is wrong with a plan: whole tables read, rights asked once a row, rows read in vain, more pages than it may. */
function wrongWith(plan: Plan, pages: number): string[] {
  return [
    ...nodes(plan).flatMap((node) => [
      ...(node['Node Type'] === 'Seq Scan' && LARGE.includes(node['Relation Name'] ?? '')
        ? [`reads all of ${node['Relation Name']}`]
        : []),
      // `InitPlan` is asked once; a filter with another plan in it, or a function by name, once a row.
      ...(/SubPlan|(?<!InitPlan[^)]*)diagnosis\.(administered|treated|treated_or_self|known|treats)\(/.test(
        node.Filter ?? '',
      )
        ? [`asks once a row: ${node.Filter}`]
        : []),
      ...((node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0) > 500
        ? [`${node['Node Type']} of ${node['Relation Name']} reads ${node['Rows Removed by Filter']} rows in vain`]
        : []),
    ]),
    ...(plan['Shared Hit Blocks'] + plan['Shared Read Blocks'] > pages
      ? [`touches ${plan['Shared Hit Blocks'] + plan['Shared Read Blocks']} pages of ${pages}`]
      : []),
  ]
}

const filled = (text: string, ...values: readonly string[]) =>
  values.reduce((said, value, n) => said.replaceAll(`$${n + 1}`, value), text)
const NOBODYS = "'00000000-0000-4000-8000-000000000000'"
const LAST = "'infinity'"
/** Of who administers none. */
const none = () => "'{}'"
const house = () => `'${ids.houses}'`

/** Pages of a page of fifty: an index is three or four deep, and rows lie apart. */
const FEW = 60
const PAGE = 900
const READS: readonly [who: string, what: string, text: () => string, pages: number][] = [
  ...['clinician-1-1', 'admin-1', 'canary', 'patient-2-1', 'clinician-2-1', 'nobody'].flatMap(
    (who): (typeof READS)[number][] => [
      [who, 'a run', () => filled(STATEMENTS.one, `'${ids.run}'`), FEW],
      [who, 'a run that is not there', () => filled(STATEMENTS.one, NOBODYS), FEW],
      [who, 'its audit', () => filled(STATEMENTS.audit, `'${ids.run}'`), FEW],
      [who, 'its result', () => filled(PATIENT_STATEMENTS.one, `'${ids.run}'`), FEW],
      [
        who,
        'a patient’s assessments',
        () => filled(DIRECTORY.ofPatient, LAST, '50', `'${ids.patient}'`, NOBODYS),
        PAGE,
      ],
      [who, 'results of his own', () => filled(PATIENT_STATEMENTS.list, LAST, '50', NOBODYS), PAGE],
    ],
  ),
  ...['clinician-1-1', 'canary', 'patient-2-1', 'nobody'].flatMap((who): (typeof READS)[number][] => [
    [who, 'runs', () => filled(STATEMENTS.treated, LAST, '50', NOBODYS), 2 * PAGE],
    [who, 'patients', () => filled(DIRECTORY.patients, NOBODYS, '50', none()), 2 * PAGE],
    [who, 'assessments', () => filled(DIRECTORY.assessments, LAST, '50', none(), NOBODYS), 2 * PAGE],
    [who, 'a page of the export', () => filled(EXPORT.runs, LAST, NOBODYS, '100', none()), 2 * PAGE],
  ]),
  ['admin-1', 'runs of the house', () => filled(STATEMENTS.administered, LAST, '50', NOBODYS, house()), PAGE],
  ['admin-1', 'patients of the house', () => filled(DIRECTORY.patients, NOBODYS, '50', house()), 2 * PAGE],
  ['admin-1', 'assessments of the house', () => filled(DIRECTORY.assessments, LAST, '50', house(), NOBODYS), PAGE],
  ['admin-1', 'a page of the export', () => filled(EXPORT.runs, LAST, NOBODYS, '100', house()), 2 * PAGE],
  ['clinician-1-1', 'the answers of his patients', () => 'select count(*) from diagnosis.answers', 6 * PAGE],
  ['canary', 'her own answers', () => 'select count(*) from diagnosis.answers', FEW],
]

test.each(READS)(
  '%s reads %s by an index, for few pages, and is asked for rights once',
  async (who, _, text, pages) => {
    const plan = await planOf(walls.api, await practice.as(who), text())
    expect(wrongWith(plan, pages)).toEqual([])
  },
)

test('a list is noted in the audit by asking for rights once', async () => {
  const { api } = walls
  await api.query('begin')
  await api.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify(await practice.as('admin-1'))])
  const { rows } = await api.query<{ id: string }>(filled(STATEMENTS.administered, LAST, '500', NOBODYS, house()))
  const noted = async () =>
    (
      await api.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
        `explain (analyze, buffers, timing off, format json) select diagnosis.note('{${rows.map(({ id }) => id).join()}}', 'listed')`,
      )
    ).rows[0]?.['QUERY PLAN'][0].Plan
  await noted()
  const plan = await noted()
  await api.query('rollback')
  expect(rows).toHaveLength(500)
  // A run is found, and its line goes into a table and four indexes.
  expect((plan?.['Shared Hit Blocks'] ?? 0) / rows.length).toBeLessThan(40)
})

test('so many there were', async () => {
  const [row] = await practice.db.sql<{ n: string }>('select count(*) as n from diagnosis.assessments')
  expect(Number(row?.n)).toBeGreaterThanOrEqual(PATIENTS * ASSESSMENTS_EACH)
})

test.each([
  [
    'a policy that looks at a parent for every row',
    `alter policy read_own on diagnosis.answers using (exists (select from diagnosis.assessments a where a.id = assessment_id and a.patient_id = any (diagnosis.treated())))`,
    'select count(*) from diagnosis.answers',
  ],
  ['an index that is gone', 'drop index diagnosis.answers_of_patient', 'select count(*) from diagnosis.answers'],
])(
  '%s is seen',
  async (_, hole, text) => {
    const [mend] = await practice.db.sql<{ policy: string; index: string }>(
      `select format('alter policy read_own on diagnosis.answers using (%s)', qual) as policy, pg_get_indexdef('diagnosis.answers_of_patient'::regclass) as index
       from pg_policies where schemaname = 'diagnosis' and tablename = 'answers' and policyname = 'read_own'`,
    )
    await practice.db.sql(hole)
    try {
      expect(wrongWith(await planOf(walls.api, await practice.as('clinician-1-1'), text), 6 * PAGE)).not.toEqual([])
    } finally {
      await practice.db.sql((hole.startsWith('drop') ? mend?.index : mend?.policy) ?? '')
    }
  },
  300_000,
)
