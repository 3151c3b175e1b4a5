/** What went on inside a run, gathered: why tasks failed, how it went over time, and what was said in it. */
import type { Event, Failure, Tx } from '@millrace/engine'

export interface FailureGroup {
  /** As the last of them ended. */
  readonly failure: Failure
  /** The limiter key: for models the provider. */
  readonly key: string
  /** Tasks that ended so. */
  readonly tasks: number
  /** Attempts that ended so and were given again. */
  readonly again: number
  /** The first few of the tasks, by number. */
  readonly examples: readonly number[]
  readonly lastAt: Date
}

/** By cause, the commonest first; a cause that was overcome has no tasks. */
export async function failureGroups(tx: Tx, run: number): Promise<FailureGroup[]> {
  const { rows } = await tx.query(
    `with ended as (
       select a.n, a.failure, a.ended_at, a.outcome, l.key, t.state,
              a.attempt = max(a.attempt) over (partition by a.n) as last
         from engine.attempts a
         join engine.tasks t on t.run_id = a.run_id and t.n = a.n join engine.lanes l on l.id = t.lane_id
        where a.run_id = $1 and a.failure is not null and a.outcome in ('failed', 'again', 'expired')),
     told as (select *, failure ->> 'code' as code, failure ->> 'message' as message from ended)
     select (array_agg(failure order by ended_at desc))[1] as failure, key,
            count(*) filter (where last and state = 'failed')::integer as tasks,
            count(*) filter (where not (last and state = 'failed'))::integer as again,
            coalesce((array_agg(n order by n) filter (where last and state = 'failed'))[1:5], '{}') as examples,
            max(ended_at) as "lastAt"
       from told group by code, message, key order by tasks desc, again desc limit 100`,
    [run],
  )
  return rows as unknown as FailureGroup[]
}

export interface Timeline {
  /** What happened to the run itself. */
  readonly moments: readonly Event[]
  /** How far it was at most so many times. */
  readonly pace: readonly {
    readonly at: Date
    readonly completed: number
    readonly failed: number
    readonly cancelled: number
  }[]
  /** The newest attempts that did not succeed. */
  readonly attempts: readonly {
    readonly task: number
    readonly attempt: number
    readonly worker: number | null
    readonly outcome: string
    readonly failure: Failure | null
    readonly endedAt: Date
  }[]
}

/** What somebody did to the run, or to one of its tasks. */
export interface Deed {
  readonly at: Date
  readonly what: string
  /** Whose subject; null: nobody's, it came by itself. */
  readonly by: string | null
  readonly task: number | null
  readonly data: Readonly<Record<string, unknown>>
}

/** Events that somebody causes; the others follow. */
const DEEDS = ['queued', 'held', 'released', 'preferred', 'cancel_asked', 'reopened'].map((name) => `run.${name}`)

/** What was done to the run itself, in order, the newest so many. */
export async function deedsOf(tx: Tx, run: number, most: number): Promise<Deed[]> {
  const { rows } = await tx.query(
    `select at, kind as what, data ->> 'by' as by, task, data - 'by' as data
       from engine.events where run_id = $1 and kind = any($2) order by n desc limit $3`,
    [run, DEEDS, most],
  )
  return (rows as unknown as Deed[]).toReversed()
}

const POINTS = 120
const MOST = 200

export async function timelineOf(tx: Tx, run: number): Promise<Timeline> {
  const moments = await tx.query(
    `select n, at, kind, task, data from engine.events where run_id = $1 and kind like 'run.%' order by n desc limit ${MOST}`,
    [run],
  )
  const pace = await tx.query(
    `select distinct on (part) at, (data ->> 'succeeded')::integer as completed, (data ->> 'failed')::integer as failed,
            (data ->> 'cancelled')::integer as cancelled
       from (select n, at, data, ntile(${POINTS}) over (order by n) as part
               from engine.events where run_id = $1 and data ? 'succeeded') e
      order by part, n desc`,
    [run],
  )
  const attempts = await tx.query(
    `select n as task, attempt, worker, outcome, failure, ended_at as "endedAt"
       from engine.attempts where run_id = $1 order by ended_at desc limit ${MOST}`,
    [run],
  )
  return {
    moments: (moments.rows as unknown as Event[]).toReversed(),
    pace: pace.rows as unknown as Timeline['pace'],
    attempts: attempts.rows as unknown as Timeline['attempts'],
  }
}

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type Level = (typeof LEVELS)[number]

/** A log line has the level that it was given; of other events the kind says how much they matter. */
const LEVEL = `case
  when e.kind = 'log' then coalesce(array_position(array['debug', 'info', 'warn', 'error'], lower(e.data ->> 'level')), 2)
  when e.kind = 'progress' then 1
  when e.kind = 'run.failed' then 4
  when e.kind in ('run.cancelled', 'run.cancel_asked', 'run.held') or (e.data ->> 'again')::integer > 0 then 3
  else 2 end`

/** The events after a number that matter so much and say such a text. */
export async function eventsLike(
  tx: Tx,
  run: number,
  { after, limit, level = 'debug', search }: { after: number; limit: number; level?: Level; search?: string },
): Promise<Event[]> {
  const { rows } = await tx.query(
    `select e.n, e.at, e.kind, e.task, e.data from engine.events e
      where e.run_id = $1 and e.n > $2 and ${LEVEL} >= $3
        and ($4::text is null or strpos(lower(e.kind || ' ' || coalesce(e.task::text, '') || ' ' || e.data::text), lower($4)) > 0)
      order by e.n limit $5`,
    [run, after, LEVELS.indexOf(level) + 1, search ?? null, limit],
  )
  return rows as unknown as Event[]
}
