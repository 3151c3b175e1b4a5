/** How the queue is: what runs and waits now, and what ended lately.  For a person's eyes and a monitor's. */
import type { Tx } from '@millrace/engine'

export interface QueueHealth {
  /** A worker is alive. */
  readonly running: boolean
  /** Tasks that are ready or due later. */
  readonly pending: number
  readonly active: number
  /** Of the pending ones: held, and due later. */
  readonly held: number
  readonly due: number
  readonly completedLastHour: number
  readonly failedLastHour: number
  readonly completedLastDay: number
  readonly failedLastDay: number
  /** Of what ended in the last day; null when nothing did. */
  readonly successRate: number | null
  /** Seconds since the oldest run was asked for that has something ready and nothing running; null without one. */
  readonly oldestWaiting: number | null
  /** Runs that have not ended, by status. */
  readonly runs: Readonly<Record<string, number>>
}

/**
 * Open tasks by the live runs, whose number is small, not by all tasks.  What
 * ended is summed up from the events that counted it, one a flush and run.
 */
const QUEUE = `
  with live as materialized (
    select r.* from engine.runs r where r.finished_at is null and ($1::bigint is null or r.workspace_id = $1)
  ), open as (
    select t.run_id, t.state, t.due_at, l.stop from live r
      join engine.tasks t on t.run_id = r.id and t.state in ('ready', 'running')
      join engine.lanes l on l.id = t.lane_id
  ), told as (
    select e.run_id, e.n, e.at, e.kind = 'run.reopened' as reopened, (e.data ->> 'tasks')::bigint as tasks,
           (e.data ->> 'total')::bigint as total, (e.data ->> 'succeeded')::bigint as succeeded, (e.data ->> 'failed')::bigint as failed
      from engine.runs r join engine.events e on e.run_id = r.id
     where (r.finished_at is null or r.finished_at > engine.clock() - interval '1 day')
       and ($1::bigint is null or r.workspace_id = $1)
       and (e.data ? 'succeeded' or e.kind = 'run.reopened')
  ), counted as (
    -- A further round begins its counts anew, those of what succeeded only if that is done again too.
    select t.run_id, t.n, t.at,
           case when not t.reopened then t.succeeded
                when t.tasks = lag(t.total) over w then 0 else lag(t.succeeded) over w end as succeeded,
           case when t.reopened then 0 else t.failed end as failed
      from told t window w as (partition by t.run_id order by t.n)
  ), ended as (
    select c.at, greatest(0, c.succeeded - coalesce(lag(c.succeeded) over w, 0)) as completed,
           greatest(0, c.failed - coalesce(lag(c.failed) over w, 0)) as failed
      from counted c window w as (partition by c.run_id order by c.n)
  )
  select exists (select 1 from engine.workers w where w.gone_at is null and w.lease_until > engine.clock()) as running,
         (select count(*) from open where state = 'ready') as pending,
         (select count(*) from open where state = 'running') as active,
         (select count(*) from open where state = 'ready' and stop is not null) as held,
         (select count(*) from open where state = 'ready' and due_at is not null) as due,
         coalesce((select sum(completed) from ended where at > engine.clock() - interval '1 hour'), 0)::bigint as "completedLastHour",
         coalesce((select sum(failed) from ended where at > engine.clock() - interval '1 hour'), 0)::bigint as "failedLastHour",
         coalesce((select sum(completed) from ended where at > engine.clock() - interval '1 day'), 0)::bigint as "completedLastDay",
         coalesce((select sum(failed) from ended where at > engine.clock() - interval '1 day'), 0)::bigint as "failedLastDay",
         (select extract(epoch from engine.clock() - min(r.created_at))::float8 from live r
           where r.held is null and exists (select 1 from open o where o.run_id = r.id and o.state = 'ready' and o.due_at is null)
             and not exists (select 1 from open o where o.run_id = r.id and o.state = 'running')) as "oldestWaiting",
         coalesce((select jsonb_object_agg(q.status, q.amount) from (
            select engine.status(r) as status, count(*) as amount from engine.runs r
             where r.finished_at is null and ($1::bigint is null or r.workspace_id = $1) group by 1) q), '{}') as runs`

/** @param workspace of its runs alone */
export async function queueHealth(tx: Tx, workspace?: number): Promise<QueueHealth> {
  const { rows } = await tx.query(QUEUE, [workspace ?? null])
  const row = rows[0] as unknown as Omit<QueueHealth, 'successRate'>
  const ended = row.completedLastDay + row.failedLastDay
  return { ...row, successRate: ended === 0 ? null : row.completedLastDay / ended }
}
