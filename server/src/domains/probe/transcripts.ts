/** Transcripts of a run: found, opened, the one before and the one after; and scenario × model at a glance. */
import { Refusal, type Tx } from '@millrace/engine'
import type { Turn } from './ask.ts'
import type { Scenario } from './definition/expand.ts'

export interface TranscriptSeen {
  /** The number of its task in the run. */
  readonly n: number
  readonly scenario: number
  readonly scenarioKey: string
  /** `provider:model[@version]` as it was asked for. */
  readonly model: string
  readonly modelVersion: string | null
  readonly sample: number
  /** A code of the scale, or `refusal`, `other`, `unparsed`; null without a scale. */
  readonly decision: string | null
  readonly decisionLabel: string | null
  readonly overridden: boolean
  readonly turnCount: number
  readonly wordCount: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** US dollars; null where no price was known. */
  readonly costUsd: number | null
  readonly durationMs: number
  readonly createdAt: Date
}

export interface TranscriptFilter {
  readonly model?: string
  readonly scenario?: number
  readonly scenarioKey?: string
  readonly decision?: string
  /** In prompts and answers. */
  readonly search?: string
  readonly after: number
  readonly limit: number
}

export const SEEN = `
  select t.task as n, t.scenario, s.key as "scenarioKey",
         t.provider || ':' || t.model || coalesce('@' || t.version_asked, '') as model, t.model_version as "modelVersion", t.sample,
         case when d.outcome = 'decision' then d.code else d.outcome end as decision, d.label as "decisionLabel", d.overridden,
         t.turn_count as "turnCount", t.word_count as "wordCount", t.input_tokens as "inputTokens", t.output_tokens as "outputTokens",
         t.cost_usd::float8 as "costUsd", t.duration_ms as "durationMs", t.created_at as "createdAt"`
/** A transcript, `t`; its decision is `d`, as it was overridden.  Looked up by key, whatever the statistics say. */
export const JOINED = `
    from probe.transcripts t
    cross join lateral (
      select s.key, s.dimensions from probe.scenarios s where s.run_id = t.run_id and s.n = t.scenario offset 0) s
    cross join lateral probe.said(t.run_id, t.task, t.outcome, t.decision_code, t.decision_label) d`
const READ = `case when t.outcome is not null then json_build_object(
         'outcome', t.outcome, 'code', t.decision_code, 'label', t.decision_label, 'by', t.decided_by) end as read`
const FROM = `${JOINED} where t.run_id = $1`
const WANTED = `
     and ($2::text is null or t.provider || ':' || t.model || coalesce('@' || t.version_asked, '') = $2)
     and ($3::integer is null or t.scenario = $3)
     and ($4::text is null or case when d.outcome = 'decision' then d.code else d.outcome end = $4)
     and ($5::text is null or exists (select 1 from jsonb_array_elements(t.turns) u
           where strpos(lower(u ->> 'answer'), lower($5)) > 0 or strpos(lower(u ->> 'prompt'), lower($5)) > 0))
     and ($6::text is null or s.key = $6)`

const wanted = (run: number, { model, scenario, decision, search, scenarioKey }: Partial<TranscriptFilter>) => [
  run,
  model ?? null,
  scenario ?? null,
  decision ?? null,
  search ?? null,
  scenarioKey ?? null,
]

export async function transcriptsOf(tx: Tx, run: number, filter: TranscriptFilter): Promise<TranscriptSeen[]> {
  const { rows } = await tx.query(`${SEEN} ${FROM} ${WANTED} and t.task > $7 order by t.task limit $8`, [
    ...wanted(run, filter),
    filter.after,
    filter.limit,
  ])
  return rows as unknown as TranscriptSeen[]
}

export interface TranscriptOpened extends TranscriptSeen {
  readonly dimensions: Scenario['dimensions']
  readonly turns: readonly Turn[]
  /** What was read out of the first answer, and how; a person may have decided otherwise. Null without a scale. */
  readonly read: {
    readonly outcome: string
    readonly code: string | null
    readonly label: string | null
    readonly by: string | null
  } | null
  readonly overrides: readonly {
    /** Null: taken back. */
    readonly outcome: string | null
    readonly code: string | null
    readonly label: string | null
    readonly by: string
    readonly at: Date
  }[]
  /** Under the same filter. */
  readonly previous: number | null
  readonly next: number | null
}

/** @throws Refusal NO_SUCH_TRANSCRIPT */
export async function transcriptOf(
  tx: Tx,
  run: number,
  n: number,
  filter: Partial<TranscriptFilter>,
): Promise<TranscriptOpened> {
  const { rows } = await tx.query(`${SEEN}, s.dimensions, t.turns, ${READ} ${FROM} and t.task = $2`, [run, n])
  const seen = rows[0] as unknown as Omit<TranscriptOpened, 'overrides' | 'previous' | 'next'> | undefined
  if (seen === undefined) throw noSuchTranscript(run, n)
  const overrides = await tx.query(
    'select outcome, code, label, by, at from probe.overrides where run_id = $1 and task = $2 order by id desc limit 100',
    [run, n],
  )
  const beside = await tx.query<{ previous: number | null; next: number | null }>(
    `select (select t.task ${FROM} ${WANTED} and t.task < $7 order by t.task desc limit 1) as previous,
            (select t.task ${FROM} ${WANTED} and t.task > $7 order by t.task limit 1) as next`,
    [...wanted(run, filter), n],
  )
  return {
    ...seen,
    overrides: overrides.rows as unknown as TranscriptOpened['overrides'],
    previous: beside.rows[0]?.previous ?? null,
    next: beside.rows[0]?.next ?? null,
  }
}

export interface MatrixRow {
  readonly scenario: number
  readonly key: string
  readonly dimensions: Scenario['dimensions']
  /** By model as it was asked for. */
  readonly cells: Readonly<Record<string, MatrixCell>>
}

export interface MatrixCell {
  readonly answered: number
  readonly failed: number
  readonly open: number
  /** Decisions by code or outcome, and how often. */
  readonly decisions: Readonly<Record<string, number>>
  /** Its transcripts' numbers, at most ten. */
  readonly transcripts: readonly number[]
}

/**
 * Scenarios after a number, each with a cell a model.  The plan asks sample by
 * sample, scenario by scenario, model by model, so a slot's task is reckoned, and
 * a page costs what is on it.
 */
export async function matrixOf(
  tx: Tx,
  run: number,
  { after, limit }: { after: number; limit: number },
): Promise<MatrixRow[]> {
  const { rows } = await tx.query(
    `with place as (
       select s.n, s.key, s.dimensions, row_number() over (order by s.n) - 1 as place from probe.scenarios s where s.run_id = $1
     ), page as materialized (
       select p.* from place p where p.n > $2 order by p.n limit $3
     ), cell as (
       select g.n as scenario, r.models[m] as model, k.n, k.state, case when d.outcome = 'decision' then d.code else d.outcome end as said
         from probe.runs r cross join page g cross join generate_series(1, r.samples) x cross join generate_series(1, cardinality(r.models)) m
         cross join lateral (
           select k.run_id, k.n, k.state from engine.tasks k
            where k.run_id = r.run_id and k.n = ((x - 1) * r.scenarios + g.place) * cardinality(r.models) + m offset 0) k
         left join lateral (
           select d.outcome, d.code from probe.transcripts t
            cross join lateral probe.said(t.run_id, t.task, t.outcome, t.decision_code, t.decision_label) d
            where t.run_id = k.run_id and t.task = k.n offset 0) d on true
        where r.run_id = $1
     ), summed as (
       select c.scenario, c.model, count(*) filter (where c.state = 'succeeded') as answered,
              count(*) filter (where c.state = 'failed') as failed, count(*) filter (where c.state in ('ready', 'running')) as open,
              (array_agg(c.n order by c.n) filter (where c.state = 'succeeded'))[1:10] as transcripts
         from cell c group by c.scenario, c.model
     ), said as (
       select q.scenario, q.model, jsonb_object_agg(q.said, q.amount) as decisions from (
         select c.scenario, c.model, c.said, count(*) as amount from cell c where c.said is not null group by 1, 2, 3) q
        group by 1, 2
     ), cells as (
       select m.scenario, json_object_agg(m.model, json_build_object('answered', m.answered, 'failed', m.failed, 'open', m.open,
                'decisions', coalesce(d.decisions, '{}'), 'transcripts', coalesce(m.transcripts, '{}')) order by m.model) as cells
         from summed m left join said d on d.scenario = m.scenario and d.model = m.model group by m.scenario
     )
     select g.n as scenario, g.key, g.dimensions, coalesce(c.cells, '{}') as cells
       from page g left join cells c on c.scenario = g.n order by g.n`,
    [run, after, limit],
  )
  return rows as unknown as MatrixRow[]
}

export interface ScenarioSeen {
  readonly n: number
  readonly key: string
  readonly dimensions: Scenario['dimensions']
  readonly prompt: string
}

/** The scenarios as the run asks them. */
export async function scenariosOf(
  tx: Tx,
  run: number,
  { after, limit }: { after: number; limit: number },
): Promise<ScenarioSeen[]> {
  const { rows } = await tx.query(
    'select n, key, dimensions, prompt from probe.scenarios where run_id = $1 and n > $2 order by n limit $3',
    [run, after, limit],
  )
  return rows as unknown as ScenarioSeen[]
}

function noSuchTranscript(run: number, n: number): Refusal {
  return new Refusal('NO_SUCH_TRANSCRIPT', `Run ${run} has no transcript ${n}.`)
}
