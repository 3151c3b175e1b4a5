/** What came of a probe run, for people: per model, and slot by slot. */
import { Refusal, readWhole, sqlState, type Engine, type Principal, type Tx } from '@millrace/engine'

export interface ModelResult {
  /** `provider:model[@version]` as it was asked for. */
  readonly model: string
  readonly answered: number
  readonly failed: number
  readonly cancelled: number
  /** Still to come. */
  readonly open: number
  /** Decisions by code, in the order of the scale; then refusal, other, unparsed. */
  readonly decisions: Readonly<Record<string, number>>
  /** Of the decisions whose codes are numbers; null without one. */
  readonly mean: number | null
  readonly inputTokens: number
  readonly outputTokens: number
  /** US dollars, of the transcripts; null where the price of one is not known, or there is none. */
  readonly costUsd: number | null
  /** Milliseconds, median over the transcripts; null without one. */
  readonly medianMs: number | null
  /** Failure codes and how often each ended a task. */
  readonly failures: Readonly<Record<string, number>>
}

interface Row {
  model: string
  answered: number
  failed: number
  cancelled: number
  open: number
  decisions: Record<string, number> | null
  mean: number | null
  input_tokens: number
  output_tokens: number
  cost_usd: number | null
  median_ms: number | null
  failures: Record<string, number> | null
}

const RESULTS = `
  with slot as (
    select i.input ->> 'model' as model, k.state, t.input_tokens, t.output_tokens, t.cost_usd, t.duration_ms,
           case when d.outcome = 'decision' then d.code else d.outcome end as said, d.outcome, d.code,
           case when k.state = 'failed' then a.failure ->> 'code' end as failure
      from engine.tasks k
      join engine.inputs i on i.run_id = k.run_id and i.n = k.n
      left join probe.transcripts t on t.run_id = k.run_id and t.task = k.n
      left join probe.decided($1) d on d.task = k.n
      left join engine.attempts a on a.run_id = k.run_id and a.n = k.n and a.attempt = k.attempt
     where k.run_id = $1 and k.n > 0
  )
  select s.model,
         count(*) filter (where s.state = 'succeeded') as answered,
         count(*) filter (where s.state = 'failed') as failed,
         count(*) filter (where s.state = 'cancelled') as cancelled,
         count(*) filter (where s.state in ('ready', 'running')) as open,
         avg(s.code::numeric) filter (where s.outcome = 'decision' and s.code ~ '^-?[0-9]{1,9}(\\.[0-9]{1,9})?$')::float8 as mean,
         coalesce(sum(s.input_tokens), 0)::bigint as input_tokens,
         coalesce(sum(s.output_tokens), 0)::bigint as output_tokens,
         case when count(s.cost_usd) = count(s.output_tokens) then sum(s.cost_usd)::float8 end as cost_usd,
         percentile_cont(0.5) within group (order by s.duration_ms) as median_ms,
         (select jsonb_object_agg(q.said, q.amount) from (
            select x.said, count(*) as amount from slot x where x.model = s.model and x.said is not null group by 1) q) as decisions,
         (select jsonb_object_agg(q.failure, q.amount) from (
            select x.failure, count(*) as amount from slot x where x.model = s.model and x.failure is not null group by 1) q) as failures
    from slot s group by s.model order by s.model`

export async function resultsOf(engine: Engine, who: Principal, run: number): Promise<ModelResult[]> {
  return engine.as(who, async (tx) => {
    const scale = await scaleOf(tx, run)
    await readWhole(tx)
    const { rows } = await tx.query<Row & Record<string, unknown>>(RESULTS, [run])
    return rows.map((row) => ({
      model: row.model,
      answered: row.answered,
      failed: row.failed,
      cancelled: row.cancelled,
      open: row.open,
      decisions: inOrder(row.decisions ?? {}, [...scale, 'refusal', 'other', 'unparsed']),
      mean: row.mean,
      inputTokens: row.input_tokens,
      outputTokens: row.output_tokens,
      costUsd: row.cost_usd,
      medianMs: row.median_ms,
      failures: row.failures ?? {},
    }))
  })
}

async function scaleOf(tx: Tx, run: number): Promise<string[]> {
  const { rows } = await tx.query<{ codes: string[] | null }>(
    `select array(select l ->> 'code' from jsonb_array_elements(coalesce(input #> '{definition,decision,labels}', '[]')) l) as codes
       from engine.run_bodies where run_id = $1`,
    [run],
  )
  return rows[0]?.codes ?? []
}

function inOrder(counts: Readonly<Record<string, number>>, order: readonly string[]): Record<string, number> {
  return Object.fromEntries(order.flatMap((name) => (counts[name] === undefined ? [] : [[name, counts[name]]])))
}

/** Decisions that people put in place of those that were read, in order, the newest so many. */
export async function overridesOf(tx: Tx, run: number, most: number) {
  const { rows } = await tx.query<{
    at: Date
    by: string
    task: number
    outcome: string | null
    code: string | null
    label: string | null
  }>('select at, by, task, outcome, code, label from probe.overrides where run_id = $1 order by id desc limit $2', [
    run,
    most,
  ])
  return rows.toReversed()
}

/** A person's decision instead of the one that was read, or null for that one again; recorded with who and when. */
export async function override(
  engine: Engine,
  who: Principal,
  run: number,
  task: number,
  code: string | null,
): Promise<void> {
  try {
    await engine.as(who, (tx) => tx.query('select probe.override($1, $2, $3)', [run, task, code]))
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error
    if (sqlState(cause) === 'MR005') {
      const known =
        typeof cause === 'object' && cause !== null && 'detail' in cause && typeof cause.detail === 'string'
          ? cause.detail
          : ''
      throw new Refusal('NOT_ON_THE_SCALE', `That is not on the scale of run ${run}.`, {
        remedy: `It has: ${known}${known === '' ? '' : ', '}refusal, other, unparsed.`,
        cause: error,
      })
    }
    if (sqlState(cause) === 'MR003' || sqlState(cause) === '22003') {
      throw new Refusal('NO_SUCH_TRANSCRIPT', `Run ${run} has no transcript ${task}.`, {
        remedy: `\`millrace runs export ${run} --format jsonl\` lists them.`,
        cause: error,
      })
    }
    throw error
  }
}
