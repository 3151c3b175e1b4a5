/**
 * A run's transcripts as lines of CSV or JSONL, from a cursor in the database:
 * as fast as the reader takes them, and never all at once.
 */
import { Refusal, readWhole, type Engine, type Principal, type Tx } from '@millrace/engine'
import { csvHead, csvRow, jsonlRow, type ExportOptions, type ExportRow } from './csv.ts'
import type { Scenario } from './definition/expand.ts'
import type { Turn } from './ask.ts'

export interface ProbeExport {
  readonly format: 'csv' | 'jsonl'
  readonly columns?: 'contract' | 'all'
  readonly texts?: boolean
}

interface Row {
  scenario: string
  dimensions: Scenario['dimensions']
  asked: string
  provider: string | null
  model: string | null
  model_version: string | null
  sample: number
  code: string | null
  label: string | null
  turns: Turn[] | null
  turn_count: number | null
  word_count: number | null
  duration_ms: number | null
  created_at: Date
  input_tokens: number | null
  output_tokens: number | null
  cost_usd: number | null
  status: string
  error_code: string | null
}

const PAGE = 250

/**
 * Gives each chunk of text to `write` and waits for it.
 * @throws Refusal NO_SUCH_RUN, NOT_A_PROBE; whatever `write` throws ends the export
 */
export async function exportRun(
  engine: Pick<Engine, 'as'>,
  who: Principal,
  run: number,
  how: ProbeExport,
  write: (text: string) => Promise<void>,
): Promise<{ rows: number }> {
  return engine.as(who, async (tx) => {
    const options: ExportOptions = {
      columns: how.columns ?? 'contract',
      texts: how.texts ?? false,
      dimensions: await dimensionsOf(tx, run),
    }
    const every = how.format === 'jsonl' || how.columns === 'all'
    const turns = how.format === 'jsonl' || how.texts === true ? 't.turns' : 'null::jsonb as turns'
    await readWhole(tx)
    // One statement, one snapshot: what ends meanwhile is in the next export.
    await tx.query(
      `declare exported no scroll cursor for
       select s.key as scenario, s.dimensions, i.input ->> 'model' as asked, t.provider, t.model, t.model_version,
              (i.input ->> 'sample')::integer as sample, ${turns}, t.turn_count, t.word_count, t.duration_ms,
              coalesce(t.created_at, a.ended_at, r.created_at) as created_at, t.input_tokens, t.output_tokens,
              t.cost_usd::float8 as cost_usd, k.state::text as status,
              case when k.state = 'failed' then a.failure ->> 'code' end as error_code,
              case when d.outcome = 'decision' then d.code else d.outcome end as code, d.label
         from engine.tasks k
         join engine.runs r on r.id = k.run_id
         join engine.inputs i on i.run_id = k.run_id and i.n = k.n
         join probe.scenarios s on s.run_id = k.run_id and s.n = (i.input ->> 'scenario')::integer
         ${every ? 'left' : ''} join probe.transcripts t on t.run_id = k.run_id and t.task = k.n
         left join probe.decided(${run}) d on d.task = k.n
         left join engine.attempts a on a.run_id = k.run_id and a.n = k.n and a.attempt = k.attempt
        where k.run_id = ${run} and k.n > 0
        order by k.n`,
    )
    if (how.format === 'csv') await write(csvHead(options))
    let rows = 0
    const fetch = () => tx.query<Row & Record<string, unknown>>(`fetch ${PAGE} from exported`)
    for (let page = await fetch(); page.rows.length > 0;) {
      // The database works on the next page while this one is written; should that fail, nobody waits for it.
      const next = fetch()
      next.catch(() => {})
      rows += page.rows.length
      const lines = page.rows.map((row) => {
        const exported = exportRow(run, row)
        return how.format === 'csv' ? csvRow(exported, options) : jsonlRow(exported)
      })
      await write(lines.join(''))
      page = await next
    }
    return { rows }
  })
}

async function dimensionsOf(tx: Tx, run: number): Promise<string[]> {
  if (!Number.isSafeInteger(run)) throw notThere(run)
  const { rows } = await tx.query<{ kind: string; names: string[] | null }>(
    `select r.kind, array(select d ->> 'name' from jsonb_array_elements(coalesce(b.input #> '{definition,dimensions}', '[]')) d) as names
       from engine.runs r join engine.run_bodies b on b.run_id = r.id where r.id = $1`,
    [run],
  )
  const [row] = rows
  if (row === undefined) throw notThere(run)
  if (row.kind !== 'probe')
    throw new Refusal('NOT_A_PROBE', `Run ${run} is a ${row.kind} run; only probe runs have transcripts.`)
  return row.names ?? []
}

function notThere(run: number): Refusal {
  return new Refusal('NO_SUCH_RUN', `There is no run ${run}.`, {
    remedy: '`millrace runs list` shows those you may see.',
  })
}

function exportRow(run: number, row: Row): ExportRow {
  const colon = row.asked.indexOf(':')
  return {
    runId: String(run),
    scenarioId: row.scenario,
    modelId: row.model ?? row.asked.slice(colon + 1),
    modelVersion: row.model_version,
    provider: row.provider ?? row.asked.slice(0, colon),
    sample: row.sample,
    dimensions: row.dimensions,
    decision: row.code,
    decisionLabel: row.label,
    turns: row.turns ?? [],
    turnCount: row.turn_count ?? 0,
    wordCount: row.word_count ?? 0,
    durationMs: row.duration_ms,
    createdAt: row.created_at,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    costUsd: row.cost_usd,
    status: row.status,
    errorCode: row.error_code,
  }
}
