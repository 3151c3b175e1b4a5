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

-- What it is doing now: attempts under way, tries that were spent and given again,
-- and how many tasks end a second, by what ended in the last minute.
create function engine.activity(in_run bigint, out in_flight bigint, out retries bigint, out rate float8)
language sql stable as $$
  select (select count(*) from engine.tasks t where t.worker is not null and t.run_id = in_run),
         (select count(*) from engine.attempts a where a.run_id = in_run and a.outcome = 'again'),
         (select case when count(*) > 1 and max(e.at) > min(e.at)
                      then (max(e.ended) - min(e.ended)) / extract(epoch from max(e.at) - min(e.at)) end
            from (select v.at, (v.data ->> 'succeeded')::integer + (v.data ->> 'failed')::integer + (v.data ->> 'cancelled')::integer as ended
                    from (select w.at, w.kind, w.data from engine.events w where w.run_id = in_run order by w.n desc limit 1000) v
                   where v.kind = 'tasks.closed' and v.at > engine.clock() - interval '1 minute') e)::float8
$$;

-- The events of a run after a number, in order, without gaps.
create function engine.events_after(in_run bigint, in_after bigint, in_limit integer)
returns table (n bigint, at timestamptz, kind text, task integer, data jsonb) language sql stable as $$
  select e.n, e.at, e.kind, e.task, e.data from engine.events e
   where e.run_id = in_run and e.n > in_after order by e.n limit in_limit
$$;
