/** What belongs to many runs at once, in one statement: for who asks for lists within lists. */
import type { Failure, Tx } from '@millrace/engine'
import type { Turn } from './ask.ts'
import type { Definition } from './definition/definition.ts'
import { JOINED, SEEN, type TranscriptSeen } from './transcripts.ts'

/** How each began: the definition as it was asked. */
export async function snapshotsOf(tx: Tx, runs: readonly number[]): Promise<ReadonlyMap<number, Definition>> {
  const { rows } = await tx.query<{ run: number; definition: Definition }>(
    `select b.run_id as run, b.input -> 'definition' as definition
       from engine.run_bodies b join probe.runs p on p.run_id = b.run_id where b.run_id = any($1)`,
    [runs],
  )
  return new Map(rows.map(({ run, definition }) => [run, definition]))
}

export interface TranscriptOfRun extends TranscriptSeen {
  readonly run: number
}

/** Of each run so many by number; `model` as it was asked for, or its bare name. */
export async function transcriptsOfRuns(
  tx: Tx,
  runs: readonly number[],
  { model, limit, offset }: { model: string | null; limit: number; offset: number },
): Promise<ReadonlyMap<number, TranscriptOfRun[]>> {
  const { rows } = await tx.query(
    `select g.run, x.* from unnest($1::bigint[]) g(run) cross join lateral (
       ${SEEN} ${JOINED}
        where t.run_id = g.run and ($2::text is null or t.model = $2
              or t.provider || ':' || t.model || coalesce('@' || t.version_asked, '') = $2)
        order by t.task limit $3 offset $4) x order by g.run, x.n`,
    [runs, model, limit, offset],
  )
  return Map.groupBy(rows as unknown as TranscriptOfRun[], ({ run }) => run)
}

/** The conversations of transcripts, by `run-task`. */
export async function turnsOfTranscripts(tx: Tx, of: readonly string[]): Promise<ReadonlyMap<string, Turn[]>> {
  const { rows } = await tx.query<{ id: string; turns: Turn[] }>(
    `select w.run || '-' || w.task as id, t.turns
       from unnest($1::bigint[], $2::integer[]) w(run, task) join probe.transcripts t on t.run_id = w.run and t.task = w.task`,
    [of.map((id) => Number(id.split('-')[0])), of.map((id) => Number(id.split('-')[1]))],
  )
  return new Map(rows.map(({ id, turns }) => [id, turns]))
}

export interface EndedTask {
  readonly run: number
  readonly n: number
  readonly state: 'succeeded' | 'failed' | 'cancelled'
  /** The key of the scenario. */
  readonly scenario: string
  readonly model: string
  readonly failure: Failure | null
  readonly at: Date
}

/** Of each run the tasks that ended last, the newest first; those that nobody ever began are not among them. */
export async function lastEnded(
  tx: Tx,
  runs: readonly number[],
  limit: number,
): Promise<ReadonlyMap<number, EndedTask[]>> {
  const { rows } = await tx.query(
    `select g.run, x.n, x.state, s.key as scenario, i.input ->> 'model' as model, x.failure, x.at
       from unnest($1::bigint[]) g(run)
       cross join lateral (
         select q.* from (
           (select t.task as n, 'succeeded' as state, null::jsonb as failure, t.created_at as at
              from probe.transcripts t where t.run_id = g.run order by t.created_at desc, t.task desc limit $2)
           union all
           (select k.n, k.state::text, a.failure, a.ended_at
              from engine.tasks k join engine.attempts a on a.run_id = k.run_id and a.n = k.n and a.attempt = k.attempt
             where k.run_id = g.run and k.n > 0 and k.state in ('failed', 'cancelled')
             order by a.ended_at desc, k.n desc limit $2)) q
         order by q.at desc, q.n desc limit $2) x
       join engine.inputs i on i.run_id = g.run and i.n = x.n
       join probe.scenarios s on s.run_id = g.run and s.n = (i.input ->> 'scenario')::integer
      order by g.run, x.at desc, x.n desc`,
    [runs, limit],
  )
  return Map.groupBy(rows as unknown as EndedTask[], ({ run }) => run)
}
