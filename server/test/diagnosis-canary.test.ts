/** Planted words of a patient are where they belong (the record, the pack, the result) and nowhere else, whatever fails. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startWorker, type Worker } from '@millrace/engine'
import { get, list } from '../src/domains/diagnosis/runs.ts'
import { failureOf } from '../src/providers/failures.ts'
import { install, type Installation } from '../testing/cli.ts'
import { CANARY, OPERATOR, openPractice, REPLY, type Practice } from '../testing/diagnosis.ts'

let practice: Practice
let worker: Worker
let place: Installation
/** What the worker's program would have written to its log. */
const log: string[] = []
beforeAll(async () => {
  practice = await openPractice(4)
  place = await install(practice.db, { DIAGNOSIS_MODEL: 'fake:a' })
  const report = (error: unknown) =>
    log.push(error instanceof Error ? `${error.stack}\n${JSON.stringify(error)}` : String(error))
  worker = await startWorker({ settings: practice.db.worker, kinds: [practice.kind], report })
})
afterAll(async () => {
  await place?.remove()
  await worker?.drain(0)
  await practice?.close()
})
const said = [
  CANARY.name,
  'Wilhelmine',
  'Kanarienvogel',
  CANARY.email,
  CANARY.phone,
  CANARY.birth_date,
  CANARY.address,
  CANARY.words,
  'parrot',
]

/** Where a patient's words may stand, by table; `*` is all of it. */
const BELONGS: Readonly<Record<string, readonly string[]>> = {
  'diagnosis.identities': ['*'],
  'diagnosis.answers': ['*'],
  'diagnosis.anamnesis_notes': ['*'],
  'diagnosis.diagnosis_runs': ['context_pack', 'diagnosis_result'],
  'diagnosis.patient_results': ['summary', 'next_steps', 'red_flags'],
}

/** Every column of every table of every room but those, as text, and what PostgreSQL's statistics keep. */
async function everywhereElse(): Promise<string> {
  const columns = await practice.db.sql<{ table: string; column: string }>(
    `select a.attrelid::regclass::text as table, quote_ident(a.attname) as column
       from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relkind in ('r', 'm') and a.attnum > 0 and not a.attisdropped
        and c.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')`,
  )
  const texts: string[] = []
  for (const { table, column } of columns) {
    const allowed = BELONGS[table] ?? []
    if (allowed.includes('*') || allowed.includes(column)) continue
    const rows = await practice.db.sql<{ text: string | null }>(`select (${column})::text as text from ${table}`)
    texts.push(...rows.map(({ text }) => `${table}.${column}: ${text ?? ''}`))
  }
  return texts.join('\n')
}

function expectNone(where: string, text: string) {
  for (const one of said) {
    const at = text.indexOf(one)
    if (at >= 0) throw new Error(`${where} holds a patient's words: …${text.slice(Math.max(0, at - 200), at + 40)}…`)
  }
}

let changed: string[] = []
beforeEach(() => void (changed = []))
afterEach(async () => {
  for (const text of changed.toReversed()) await practice.db.sql(text)
})
const breakWith = async (how: string, mend: string) => {
  await practice.db.sql(how)
  changed.push(mend)
}

const wordy = JSON.stringify({ ...REPLY, diagnosis: { ...REPLY.diagnosis, summary: said.join('; ') } })
const CASES: readonly [what: string, code: string | undefined, () => Promise<void> | void][] = [
  ['the model says them in its result', undefined, () => practice.script(() => ({ text: wordy }))],
  [
    'the model says them instead of a result',
    'VALIDATION_ERROR',
    () => practice.script(() => ({ text: said.join(' ') })),
  ],
  [
    'the model uses them as names of fields and as values that are not allowed',
    'VALIDATION_ERROR',
    () =>
      practice.script(() => ({
        text: JSON.stringify({
          ...REPLY,
          confidence: 9,
          diagnosis: { ...REPLY.diagnosis, summary: '', next_steps: [] },
        }),
      })),
  ],
  [
    'the provider says them in its failure',
    'LLM_ERROR',
    () =>
      practice.script(() => ({
        failure: {
          ...failureOf('AUTH_ERROR', { status: 401 }),
          message: said.join(),
          details: { said: said.join(), status: 401 },
        },
      })),
  ],
  [
    'the provider throws them',
    'MAX_ATTEMPTS_REACHED',
    () =>
      practice.script(() => {
        throw Object.assign(new Error(said.join()), { retryAfter: 0 })
      }),
  ],
  [
    'the database refuses the pack and says what was in it',
    'MAX_ATTEMPTS_REACHED',
    () =>
      breakWith(
        'alter table diagnosis.diagnosis_runs add constraint boom check (context_pack is null) not valid',
        'alter table diagnosis.diagnosis_runs drop constraint boom',
      ),
  ],
  [
    'the database refuses the result and says what was in it',
    'PERSISTENCE_ERROR',
    async () => {
      practice.script(() => ({ text: wordy }))
      await breakWith(
        "alter table diagnosis.patient_results add constraint boom check (summary !~ 'parrot') not valid",
        'alter table diagnosis.patient_results drop constraint boom',
      )
    },
  ],
  [
    'an answer is no number',
    'CONTEXT_FETCH_ERROR',
    () =>
      breakWith(
        `update diagnosis.answers set value = '"${CANARY.words}"' where question_id = 'stress_q1' and patient_id = '${practice.planted.patient}'`,
        `update diagnosis.answers set value = '2' where question_id = 'stress_q1' and patient_id = '${practice.planted.patient}'`,
      ),
  ],
  [
    'the record cannot be read as what it is',
    'CONTEXT_FETCH_ERROR',
    () =>
      breakWith(
        `create or replace function diagnosis.age_of(p uuid) returns integer language sql as $$ select w.value::text::integer from diagnosis.answers w where w.patient_id = p and w.question_id = 'stress_note' $$;
         create or replace function diagnosis.boom() returns trigger language plpgsql as $$ begin perform diagnosis.age_of(new.patient_id); return new; end $$;
         create trigger boom before insert on diagnosis.run_attempts for each row execute function diagnosis.boom()`,
        'drop trigger boom on diagnosis.run_attempts; drop function diagnosis.boom(); drop function diagnosis.age_of(uuid)',
      ),
  ],
]

test.each(CASES)(
  'when %s',
  async (_, code, arrange) => {
    practice.script(() => ({ text: JSON.stringify(REPLY) }))
    await arrange()
    const { id } = await practice.ask(practice.planted.assessment)
    const run = await practice.ended(id)
    expect([run.status, run.errors.at(-1)?.code]).toEqual(
      code === undefined ? ['completed', undefined] : ['failed', code],
    )
    expectNone('the database', await everywhereElse())
    expectNone('the log', log.join('\n'))
    const overview = [await list(practice.engine, OPERATOR), await get(practice.engine, OPERATOR, id)]
    expectNone('the operator’s view', JSON.stringify(overview))
    for await (const event of practice.engine.follow(OPERATOR, run['engine_run_id'] as number))
      expectNone('the feed', JSON.stringify(event))
  },
  60_000,
)

test('the words were there to be found', async () => {
  const [found] = await practice.db.sql<{ pack: string; result: string }>(
    `select string_agg(context_pack::text, '') as pack, string_agg(diagnosis_result::text, '') as result from diagnosis.diagnosis_runs`,
  )
  expect(found?.pack).toContain(CANARY.words)
  expect(found?.result).toContain(CANARY.name)
  expect(() => expectNone('x', `about ${CANARY.phone}`)).toThrow()
})

test('the command line says ids and codes of all of this', async () => {
  const [{ id } = { id: '' }] = await practice.db.sql<{ id: string }>(
    "select id from diagnosis.diagnosis_runs where status = 'completed'",
  )
  for (const args of [
    ['list', '--as', 'admin-1', '--json'],
    ['show', id, '--as', 'clinician-1-1', '--json'],
    ['show', id, '--as', 'canary'],
  ]) {
    const ran = await place.run(['diagnosis', ...args, '--verbose'])
    expect([args, ran.code]).toEqual([args, 0])
    expect(ran.stdout).toContain(id)
    expectNone(args.join(' '), ran.stdout + ran.stderr)
  }
}, 60_000)
