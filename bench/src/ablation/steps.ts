/**
 * The engine's claim and close taken apart: each step has the elements of those
 * before it and one more, on the engine's own tables.  The last ones are the verbs.
 */

export interface Step {
  readonly name: string
  /** Who calls: one whom no policy concerns, or the worker's login. */
  readonly login: 'owner' | 'worker'
  /** $1 worker, $2 how many. */
  readonly claim: string
  /** $1 runs, $2 numbers, $3 attempts, $4 outputs; without it the claim closes too: `engine.turn`. */
  readonly close?: string
  /** Made before, by the owner. */
  readonly prepare?: string
}

interface Elements {
  readonly fence?: true
  readonly counter?: true
  readonly event?: true
  readonly lanes?: true
  readonly begun?: true
}

const OPEN = `not l.idle and l.stop is null and l.kind = any(array['bench.answer'])`

/** The first of all tasks, or the first of each lane in turn. */
const first = ({ lanes }: Elements) =>
  lanes === undefined
    ? `select t.ctid from engine.tasks t where t.state = 'ready' and t.due_at is null
        order by t.lane_id, t.n limit $2 for no key update skip locked`
    : `select c.tid from engine.lanes l
        cross join lateral (
          select t.ctid as tid from engine.tasks t
           where t.lane_id = l.id and t.state = 'ready' and t.due_at is null
           order by t.lane_id, t.n
           limit (select greatest(1, ceil($2::numeric / greatest(count(*), 1)))
                    from (select 1 from engine.lanes l where ${OPEN} order by l.priority, l.id limit $2) q)
             for no key update skip locked) c
        where ${OPEN} order by l.priority, l.id limit $2`

/** A lane whose last task was taken is idle: no task comes back here. */
const SERVED = `, ended as (
    select k.lane_id from taken k join engine.lanes l on l.id = k.lane_id where k.n = l.last
  ), served as (
    update engine.lanes l set idle = true
     where l.id = any(array(select s.id from engine.lanes s where s.id = any(array(select lane_id from ended))
                               for no key update skip locked)))`

const BEGUN = `, begun as (
    update engine.runs r set state = 'running', started_at = coalesce(r.started_at, engine.clock()),
                             last_event = r.last_event + 1
     where r.id = any(array(
       select q.id from engine.runs q where q.id = any(array(select k.run_id from taken k)) and q.state = 'queued'
          for no key update skip locked))
    returning r.id, r.workspace_id, r.last_event
  ), running as (
    insert into engine.events (run_id, n, workspace_id, at, kind)
    select b.id, b.last_event, b.workspace_id, engine.clock(), 'run.running' from begun b)`

const claimBy = (elements: Elements) => `
  with taken as (
    update engine.tasks t set state = 'running', worker = $1${elements.fence ? ', attempt = t.attempt + 1' : ''}
     where t.ctid = any(array(${first(elements)}))
    returning t.run_id, t.n, t.lane_id, t.attempt
  )${elements.lanes ? SERVED : ''}${elements.begun ? BEGUN : ''}
  select k.run_id, k.n, k.attempt, i.input from taken k join engine.inputs i on i.run_id = k.run_id and i.n = k.n`

const run = ({ event }: Elements) => `, counted as (
    select k.run_id, count(*)::integer as kept from task k group by k.run_id
  ), locked as materialized (
    select r.id from engine.runs r where r.id = any(array(select c.run_id from counted c)) order by r.id for no key update
  ), run as (
    update engine.runs r set
      succeeded = r.succeeded + c.kept, open = r.open - c.kept, ${event ? 'last_event = r.last_event + 1,' : ''}
      started_at = coalesce(r.started_at, engine.clock()),
      state = (case when r.open > c.kept then 'running' else 'succeeded' end)::engine.run_state,
      finished_at = case when r.open > c.kept then null else engine.clock() end
      from counted c
     where r.id = c.run_id and r.id = any(array(select id from locked))
    returning r.*)`

const EVENT = `, event as (
    insert into engine.events (run_id, n, workspace_id, at, kind, data)
    select r.id, r.last_event, r.workspace_id, engine.clock(),
           case when r.open = 0 then 'run.' || r.state else 'tasks.closed' end,
           jsonb_build_object('total', r.total, 'succeeded', r.succeeded, 'failed', r.failed, 'cancelled', r.cancelled)
      from run r)`

const closeBy = (elements: Elements) => `
  with task as (
    update engine.tasks t set state = 'succeeded', worker = null
      from (select * from unnest($1::bigint[], $2::integer[], $3::integer[], $4::jsonb[])
              as u(run_id, n, attempt, body) order by u.run_id, u.n) g
     where t.run_id = g.run_id and t.n = g.n${elements.fence ? " and t.attempt = g.attempt and t.state = 'running'" : ''}
    returning t.run_id, t.n, t.workspace_id, g.body
  ), output as (
    insert into engine.outputs (run_id, n, workspace_id, output) select k.run_id, k.n, k.workspace_id, k.body from task k
  )${elements.counter ? run(elements) : ''}${elements.event ? EVENT : ''}
  select count(*)::integer from task`

const step = (name: string, elements: Elements): Step => ({
  name,
  login: 'owner',
  claim: claimBy(elements),
  close: closeBy(elements),
})

const ALL: Elements = { fence: true, counter: true, event: true, lanes: true, begun: true }

const DEFINER = 'language plpgsql security definer set search_path = engine, pg_temp'
const FUNCTIONS = `
  create schema ablation authorization millrace_owner;
  create function ablation.claim(in_worker integer, in_free integer)
  returns table (run_id bigint, n integer, attempt integer, input jsonb) ${DEFINER} as $body$
  #variable_conflict use_column
  begin return query ${claimBy(ALL)}; end $body$;
  create function ablation.close(in_runs bigint[], in_ns integer[], in_attempts integer[], in_bodies jsonb[])
  returns integer ${DEFINER} as $body$
  #variable_conflict use_column
  declare amount integer;
  begin
    ${closeBy(ALL)} into amount;
    return amount;
  end $body$;
  alter function ablation.claim(integer, integer) owner to millrace_owner;
  alter function ablation.close(bigint[], integer[], integer[], jsonb[]) owner to millrace_owner;
  grant usage on schema ablation to millrace_worker;
  grant execute on all functions in schema ablation to millrace_worker`

export const STEPS: readonly Step[] = [
  step('claim and result', {}),
  step('+ fence', { fence: true }),
  step('+ run counter and end', { fence: true, counter: true }),
  step('+ event', { fence: true, counter: true, event: true }),
  step('+ lanes', { fence: true, counter: true, event: true, lanes: true }),
  step('+ run begun', ALL),
  {
    name: '+ row security, definer',
    login: 'worker',
    prepare: FUNCTIONS,
    claim: 'select * from ablation.claim($1, $2)',
    close: 'select ablation.close($1, $2, $3, $4)',
  },
  {
    name: 'engine.claim, engine.close',
    login: 'worker',
    claim: 'select run_id, n, attempt, input from engine.claim($1, $2)',
    close: `select * from engine.close($1, $2, $3, array_fill('succeeded'::text, array[cardinality($1::bigint[])]), $4,
                                       array_fill(0::float8, array[cardinality($1::bigint[])]))`,
  },
  {
    name: 'engine.turn',
    login: 'worker',
    claim: `select closed, claimed from engine.turn($1, $2, $3, $4, $5,
              array_fill('succeeded'::text, array[cardinality($3::bigint[])]), $6, array_fill(0::float8, array[cardinality($3::bigint[])]))`,
  },
]
