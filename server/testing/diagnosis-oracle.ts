/** What must be true of diagnosis runs after a storm, counted in the database and read in the logs. */
import type pg from 'pg'
import { everywhereElse, foundIn } from './diagnosis-words.ts'

export interface Verdict {
  readonly holds: boolean
  readonly says: string
}

interface Storm {
  /** Different questions. */
  readonly questions: number
  /** Different ids that whoever asked was told. */
  readonly asked: number
  /** Attempts that came too late. */
  readonly late: number
  /** By name. */
  readonly logs: readonly (readonly [name: string, text: string])[]
}

type Ask = <R extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<R[]>

/** From the first step to the last: nothing left out, nothing twice. */
const TRAIL = /^created( started( completed| failed retried)| failed retried)*$/

export async function judge(sql: Ask, { questions, asked, late, logs }: Storm): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  const expect = (holds: boolean, says: string) => void verdicts.push({ holds, says })
  const count = async (text: string) => Number((await sql<{ n: string }>(`select count(*) as n ${text}`))[0]?.n)

  const runs = await count('from diagnosis.diagnosis_runs')
  const results = await count(
    "from diagnosis.diagnosis_runs where status = 'completed' and diagnosis_result is not null",
  )
  expect(
    runs === questions && asked === questions && results === questions,
    `${questions} questions, asked twice each, are ${runs} runs with ${results} results`,
  )
  expect(
    (await count(
      `from diagnosis.diagnosis_runs r full join diagnosis.patient_results p on p.run_id = r.id
        where p.summary is distinct from r.diagnosis_result #>> '{diagnosis,summary}' or p.completed_at is distinct from r.completed_at`,
    )) === 0,
    'what a patient reads is what was found, once for each',
  )
  const trails = await sql<{ trail: string }>(
    `select string_agg(action, ' ' order by id) as trail from diagnosis.audit where action not in ('viewed', 'listed') group by run_id`,
  )
  const torn = trails.filter(({ trail }) => !TRAIL.test(trail) || !trail.endsWith('completed'))
  expect(
    trails.length === runs && torn.length === 0,
    `${trails.length} audits go step by step from the question to the result${torn.length === 0 ? '' : `: ${torn[0]?.trail}`}`,
  )
  expect(
    (await count(
      'from (select run_id from engine.events group by run_id having max(n) <> count(*) or min(n) <> 1) gap',
    )) === 0,
    'no run’s events have a gap',
  )
  expect(
    (await count(
      "from engine.tasks t join engine.runs r on r.id = t.run_id where r.kind = 'diagnosis' and t.state in ('ready', 'running')",
    )) === 0,
    'nothing is left to do',
  )
  expect((await count('from diagnosis.replies')) === 0, 'no reply is left')
  expect(
    (await count('from diagnosis.diagnosis_runs where attempts > max_attempts or attempts < 1')) === 0,
    'no round has more attempts than it may',
  )
  expect(
    (await count(
      `from diagnosis.diagnosis_runs r where r.context_pack is null or r.inputs_hash is null or not exists (
         select from diagnosis.run_attempts a where a.run_id = r.id and a.inputs_hash = r.inputs_hash)`,
    )) === 0,
    'every result stands beside the pack that was sent',
  )
  const expired = await count("from engine.attempts where outcome = 'expired'")
  expect(late > 0 && expired > 0, `${expired} attempts were taken back, and ${late} came too late and changed nothing`)

  const words = (await sql<{ word: string }>(WORDS)).map(({ word }) => word)
  expect(words.length > 500, `${words.length} words of patients and of results are looked for`)
  const elsewhere = foundIn(await everywhereElse({ sql }), words)
  expect(elsewhere === undefined, `none stands in another place of the database${elsewhere ?? ''}`)
  for (const [name, text] of logs) {
    const found = foundIn(text, words)
    expect(text.length > 200 && found === undefined, `none stands in ${name} (${text.length} characters)${found ?? ''}`)
  }
  return verdicts
}

/** Who patients are, what they wrote, and the sentences of the results. */
const WORDS = `
  select distinct word from (
    select unnest(array[name, email, phone, address, birth_date::text]) as word from diagnosis.identities
    union all select value #>> '{}' from diagnosis.answers where jsonb_typeof(value) = 'string' and length(value #>> '{}') > 25
    union all select content from diagnosis.anamnesis_notes
    union all select v #>> '{}' from diagnosis.diagnosis_runs r, jsonb_path_query(r.diagnosis_result -> 'diagnosis', 'strict $.**') v
               where jsonb_typeof(v) = 'string' and length(v #>> '{}') > 25) w
   where length(word) > 6`
