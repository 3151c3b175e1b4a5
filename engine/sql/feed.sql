-- What readers ask.  These run as the caller: his policies decide what he sees.

-- What a person sees as status: the state, or why nothing may be claimed.
create function engine.status(r engine.runs) returns text language sql stable as $$
  select case when r.finished_at is null and r.held is not null then r.held::text else r.state::text end
$$;

-- How far is it?  Costs the same for ten tasks and a hundred thousand.
create function engine.progress(r engine.runs) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'total', r.total, 'succeeded', r.succeeded, 'failed', r.failed, 'cancelled', r.cancelled,
    'open', r.open - r.deciding::integer,
    'percent', case when r.total = 0 then 100
                    else floor(100.0 * (r.succeeded + r.failed + r.cancelled) / r.total)::integer end)
$$;

-- The events of a run after a number, in order, without gaps.
create function engine.events_after(in_run bigint, in_after bigint, in_limit integer)
returns table (n bigint, at timestamptz, kind text, task integer, data jsonb) language sql stable as $$
  select e.n, e.at, e.kind, e.task, e.data from engine.events e
   where e.run_id = in_run and e.n > in_after order by e.n limit in_limit
$$;
