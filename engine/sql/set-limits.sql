-- Limits and budgets by people's word: set, stopped, released.

-- How much may run at a time and begin a minute under this key; null: any amount.
-- What is running now counts from now on.
create function engine.limit_key(in_key text, in_concurrency integer, in_requests float8, in_tokens float8)
returns engine.limits language plpgsql security definer set search_path = engine, pg_temp as $$
begin
  perform access.must_operate();
  return put_limit(in_key, in_concurrency, in_requests, in_tokens);
end $$;

-- For verbs of the rooms that have asked what their caller may.
create function engine.put_limit(in_key text, in_concurrency integer, in_requests float8 default null, in_tokens float8 default null)
returns engine.limits language plpgsql set search_path = engine, pg_temp as $$
declare x limits; unused float8;
begin
  insert into limits (key) values (in_key) on conflict do nothing;
  select * into x from limits where key = in_key;
  -- Tasks first, as everybody; a task that ends meanwhile is not reserved for.
  with busy as materialized (
    select t.run_id, t.n, t.workspace_id, t.lane_id from tasks t
     where t.worker is not null and exists (select 1 from lanes l where l.id = t.lane_id and x.id in (l.limit_id, l.bound_id))
     order by t.run_id, t.n for no key update of t)
  insert into reservations (run_id, n, workspace_id, limit_id, bound_id, tokens, micros)
  select b.run_id, b.n, b.workspace_id, l.limit_id, l.bound_id, l.tokens, l.micros from busy b join lanes l on l.id = b.lane_id
  on conflict do nothing;
  -- So that no more of the rate comes back from them than they set aside.
  select coalesce(sum(greatest(v.tokens - v.used_tokens, 0)), 0)::float8 into unused from reservations v where v.limit_id = x.id;
  update limits l set concurrency = in_concurrency, requests_per_minute = in_requests, tokens_per_minute = in_tokens,
    tokens_at = case when in_tokens is null or in_tokens = l.tokens_per_minute then l.tokens_at
                     else greatest(l.tokens_at, clock()) + make_interval(
                       secs => unused * (60 / in_tokens - coalesce(60 / l.tokens_per_minute, 0))) end
   where l.id = x.id returning * into x;
  return x;
end $$;

-- Nobody begins anything under this key, until `release_key`.
create function engine.stop_key(in_key text)
returns engine.limits language plpgsql security definer set search_path = engine, pg_temp as $$
begin
  perform access.must_operate();
  return put_stop(in_key);
end $$;

create function engine.put_stop(in_key text)
returns engine.limits language plpgsql set search_path = engine, pg_temp as $$
declare x limits;
begin
  insert into limits (key, stop, stopped_at) values (in_key, 'PAUSED', clock())
  on conflict (key) do update set stop = coalesce(limits.stop, 'PAUSED'), stopped_at = coalesce(limits.stopped_at, clock())
  returning * into x;
  return x;
end $$;

create function engine.release_key(in_key text)
returns engine.limits language plpgsql security definer set search_path = engine, pg_temp as $$
begin
  perform access.must_operate();
  return lift_stop(in_key);
end $$;

create function engine.lift_stop(in_key text)
returns engine.limits language plpgsql set search_path = engine, pg_temp as $$
declare x limits;
begin
  update limits set stop = null, stopped_at = null, until = null where key = in_key returning * into x;
  if not found then raise exception 'there is no such limit' using errcode = 'MR003', detail = 'limit'; end if;
  return x;
end $$;

-- What a run, or all runs of a workspace (no run), may use in all; two nulls: as much as they like.
create function engine.budget(in_workspace bigint, in_run bigint, in_tokens bigint, in_micros bigint)
returns engine.budgets language plpgsql security definer set search_path = engine, pg_temp as $$
declare b budgets; before budgets; lanes_ bigint[];
begin
  if in_run is not null then
    in_workspace := (change(in_run, 'run.start')).workspace_id;
  else
    perform access.must(in_workspace, 'budget.change');
    -- Whoever is starting a run is waited for, and who comes next sees the budget.
    perform pg_advisory_xact_lock(starting(), in_workspace::integer);
  end if;
  -- Twice: while we waited for a lane, its run may have decided on others.
  for i in 1..2 loop
    lanes_ := array(
      select l.id from lanes l
       where l.workspace_id = in_workspace and (in_run is null or l.run_id = in_run) and not decides(l.kind)
         and exists (select 1 from runs r where r.id = l.run_id and r.finished_at is null)
       order by l.id for no key update);
  end loop;
  select * into before from budgets where workspace_id = in_workspace and run_id is not distinct from in_run;
  insert into budgets (workspace_id, run_id, tokens, micros, used_tokens, used_micros)
  select in_workspace, in_run, in_tokens, in_micros, coalesce(sum(g.tokens), 0), coalesce(sum(g.micros), 0)
    from ledger g where before.id is null and g.workspace_id = in_workspace and (in_run is null or g.run_id = in_run)
  on conflict (workspace_id, run_id) do update set tokens = excluded.tokens, micros = excluded.micros
  returning * into b;
  -- From now on they are asked; what waited for the old budget asks again.
  update lanes l set metered = true, stop = nullif(l.stop, 'budget')
   where l.id = any(lanes_) and (not l.metered or l.stop = 'budget');
  return b;
end $$;
