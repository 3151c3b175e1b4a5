/** Planted words of a patient are where they belong (the record, the pack, the result) and nowhere else, whatever fails. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startWorker, type Worker } from '@millrace/engine'
import { get, list } from '../src/domains/diagnosis/runs.ts'
import { failureOf } from '../src/providers/failures.ts'
import { install, type Installation } from '../testing/cli.ts'
import { stdioClient } from '../testing/mcp.ts'
import { CANARY, CANARY_WORDS, OPERATOR, openPractice, REPLY, type Practice } from '../testing/diagnosis.ts'
import { everywhereElse, foundIn } from '../testing/diagnosis-words.ts'

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
const said = CANARY_WORDS

function expectNone(where: string, text: string) {
  const found = foundIn(text, said)
  if (found !== undefined) throw new Error(`${where} holds a patient's words: ${found}`)
}

/** What PostgreSQL wrote down, of errors that the cases above provoke inside of it too. */
async function databaseLog(): Promise<string> {
  const [row] = await practice.db.sql<{ folder: string }>("select current_setting('data_directory') as folder")
  return readFile(join(dirname(row?.folder ?? ''), 'postgres.log'), 'utf8')
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
    expectNone('the database', await everywhereElse(practice.db))
    expectNone('the log', log.join('\n'))
    expectNone('PostgreSQL’s log', await databaseLog())
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

test('an agent is told ids and codes of all of this', async () => {
  const agent = await stdioClient(place, { args: ['--no-worker'] })
  const told: string[] = []
  const ask = async (name: string, input: object) => {
    const answer = await agent.call(name, input)
    told.push(JSON.stringify(answer))
    return answer.structuredContent
  }
  const { runs } = await ask('runs_list', { kind: 'diagnosis', limit: 100 })
  expect(runs.length).toBeGreaterThanOrEqual(CASES.length)
  for (const { id: run } of runs) {
    for (const name of ['runs_get', 'runs_watch', 'runs_results', 'runs_why', 'runs_retry']) {
      await ask(name, { run, ...(name === 'runs_watch' ? { seconds: 0 } : {}) })
    }
    await ask('runs_cancel', { run })
  }
  await agent.close()
  expect(told.join()).toContain('"code":"VALIDATION_ERROR"')
  expectNone('MCP', told.join('\n'))
}, 60_000)
