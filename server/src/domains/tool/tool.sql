-- The tools' current text: who sees what of them, and how workers write it down.

-- Everybody who is in a workspace sees the tools; operators alone see what was thrown.
do $$
declare t text;
begin
  foreach t in array array['tools', 'states', 'metrics', 'latencies', 'traces'] loop
    execute format('alter table tool.%I enable row level security', t);
    execute format('alter table tool.%I force row level security', t);
    execute format('revoke all on tool.%I from public, millrace_api, millrace_worker', t);
    execute format('create policy verbs on tool.%I to millrace_owner using (true) with check (true)', t);
    execute format('grant select on tool.%I to millrace_api', t);
    if t = 'traces' then
      execute format('create policy read_own on tool.%I for select to millrace_api using ((select access.operates()))', t);
    else
      execute format('create policy read_own on tool.%I for select to millrace_api using ((select access.workspaces()) <> ''{}'')', t);
    end if;
  end loop;
end $$;

-- A worker says which tools it has, and where each stands; what it had before is forgotten.
create function tool.publish(in_worker integer, in_tools jsonb, in_states jsonb)
returns void language plpgsql security definer set search_path = tool, engine, pg_temp as $$
begin
  insert into tools as t (name, version, description, carrier, input, output, errors, timeout_ms, concurrency, capabilities, published_at)
  select g.name, g.version, g.description, g.carrier, g.input, g.output, g.errors, g."timeoutMs", g.concurrency, g.capabilities, clock()
    from jsonb_to_recordset(in_tools) as g(name text, version text, description text, carrier text, input jsonb, output jsonb,
                                           errors jsonb, "timeoutMs" integer, concurrency integer, capabilities text[])
   order by g.name
  on conflict (name) do update set (version, description, carrier, input, output, errors, timeout_ms, concurrency, capabilities, published_at)
    = (excluded.version, excluded.description, excluded.carrier, excluded.input, excluded.output, excluded.errors,
       excluded.timeout_ms, excluded.concurrency, excluded.capabilities, excluded.published_at);
  delete from states s where s.worker_id = in_worker
     or s.worker_id in (select w.id from workers w where w.gone_at is not null);
  perform stand(in_worker, in_states);
end $$;

create function tool.stand(in_worker integer, in_states jsonb)
returns void language sql security definer set search_path = tool, engine, pg_temp as $$
  insert into tool.states as s (tool, worker_id, state, in_flight, last_outcome, reason, file, line, changed_at)
  select g.tool, in_worker, g.state, g."inFlight", g."lastOutcome", g.reason, g.file, g.line, engine.clock()
    from jsonb_to_recordset(in_states) as g(tool text, state text, "inFlight" integer, "lastOutcome" text, reason text, file text, line integer)
   where exists (select from engine.workers w where w.id = in_worker and w.gone_at is null)
   order by g.tool
  on conflict (tool, worker_id) do update set state = excluded.state, in_flight = excluded.in_flight,
    last_outcome = excluded.last_outcome, reason = excluded.reason, changed_at = excluded.changed_at
$$;

-- One call, counted once.
create function tool.count(in_tool text, in_outcome text, in_ms float8)
returns void language plpgsql security definer set search_path = tool, engine, pg_temp as $$
begin
  insert into metrics as m (tool, success_count, error_count, caller_error_count, timed, total_ms, last_execution_time_ms, last_used)
  values (in_tool, (in_outcome = 'success')::integer, (in_outcome = 'error')::integer, (in_outcome = 'caller_error')::integer,
          (in_ms is not null)::integer, coalesce(in_ms, 0), in_ms, clock())
  on conflict (tool) do update set
    success_count = m.success_count + excluded.success_count,
    error_count = m.error_count + excluded.error_count,
    caller_error_count = m.caller_error_count + excluded.caller_error_count,
    timed = m.timed + excluded.timed,
    total_ms = m.total_ms + excluded.total_ms,
    last_execution_time_ms = coalesce(excluded.last_execution_time_ms, m.last_execution_time_ms),
    last_used = greatest(m.last_used, excluded.last_used);
  if in_ms is not null then
    insert into latencies as l (tool, bucket, amount)
    values (in_tool, ceil(ln(greatest(in_ms, 0.001)) / ln(1.1)), 1)
    on conflict (tool, bucket) do update set amount = l.amount + 1;
  end if;
end $$;

create function tool.keep_trace(in_id uuid, in_tool text, in_run bigint, in_evidence text)
returns void language sql security definer set search_path = tool, engine, pg_temp as $$
  delete from tool.traces t where t.correlation_id in (
    select o.correlation_id from tool.traces o where o.at < engine.clock() - interval '7 days' order by o.at limit 20 for update skip locked);
  insert into tool.traces (correlation_id, tool, run_id, evidence, at)
  values (in_id, in_tool, in_run, left(in_evidence, 8000), engine.clock())
  on conflict (correlation_id) do nothing
$$;

-- Which tools there are, worst first where they stand in workers that are alive.
create function tool.seen(in_name text default null)
returns table (name text, version text, description text, carrier text, input jsonb, output jsonb, errors jsonb,
               timeout_ms integer, concurrency integer, capabilities text[], places jsonb,
               success_count bigint, error_count bigint, caller_error_count bigint,
               last_execution_time_ms float8, avg_execution_time_ms float8, p95_execution_time_ms float8, last_used timestamptz)
language sql stable as $$
  select n.name, t.version, t.description, t.carrier, t.input, t.output, t.errors, t.timeout_ms, t.concurrency, t.capabilities,
         coalesce(p.places, '[]'::jsonb), coalesce(m.success_count, 0), coalesce(m.error_count, 0), coalesce(m.caller_error_count, 0),
         m.last_execution_time_ms, m.avg_execution_time_ms,
         (select min(power(1.1, c.bucket)) from (
            select l.bucket, sum(l.amount) over (order by l.bucket) as reached from tool.latencies l where l.tool = n.name) c
           where c.reached >= 0.95 * m.timed),
         m.last_used
    from (select x.name from tool.tools x union select s.tool from tool.states s) n
    left join tool.tools t using (name)
    left join tool.metrics m on m.tool = n.name
    left join lateral (
      select jsonb_agg(jsonb_build_object('worker', s.worker_id, 'state', s.state, 'inFlight', s.in_flight,
               'lastOutcome', s.last_outcome, 'reason', s.reason, 'file', s.file, 'line', s.line)
               order by array_position(array['UNAVAILABLE', 'FAILED', 'LOADED', 'RUNNING', 'INITIALIZED'], s.state), s.worker_id) as places
        from tool.states s join engine.workers w on w.id = s.worker_id and w.gone_at is null
       where s.tool = n.name) p on true
   where in_name is null or n.name = in_name
   order by n.name
$$;

revoke all on all functions in schema tool from public;
grant usage on schema tool to millrace_api, millrace_worker;
grant execute on function tool.publish(integer, jsonb, jsonb), tool.stand(integer, jsonb),
  tool.count(text, text, float8), tool.keep_trace(uuid, text, bigint, text) to millrace_worker;
grant execute on function tool.seen(text) to millrace_api;
