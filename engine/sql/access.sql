-- Who may do what.  Claims come from `request.jwt.claims`, set for one
-- transaction by the program that verified them; after it the setting reads '',
-- not null.  {"sub": "…", "workspaces": {"<workspace id>": "admin|member|viewer"}, "operator": true?}

create function access.claims() returns jsonb language sql stable as $$
  select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb
$$;

-- The workspaces whose rows this caller may see.  One expression without a query in it:
-- so it is inlined where it stands in a policy, and costs next to nothing there.
-- Claims of another shape are none.
create function access.workspaces() returns bigint[] language sql stable as $$
  select translate(jsonb_path_query_array(coalesce(access.claims() -> 'workspaces', '{}'),
                                          '$.keyvalue().key ? (@ like_regex "^[0-9]{1,18}$")', '{}', true)::text,
                   '[]"', '{}')::bigint[]
$$;

create function access.may(in_workspace bigint, in_right text) returns boolean language sql stable as $$
  select case access.claims() -> 'workspaces' ->> in_workspace::text
    when 'admin' then true
    when 'member' then in_right in ('run.start', 'run.hold', 'run.cancel', 'run.approve', 'decision.override', 'card.change', 'recipe.change',
                                    'skill.write', 'skill.vet')
    else false end
$$;

create function access.must(in_workspace bigint, in_right text) returns void language plpgsql stable as $$
begin
  if access.may(in_workspace, in_right) is not true then
    raise exception 'not allowed' using errcode = '42501', detail = in_right;
  end if;
end $$;

-- The operator of the installation: limits are everybody's.
create function access.operates() returns boolean language sql stable as $$
  select access.claims() -> 'operator' is not distinct from 'true'::jsonb
$$;

create function access.must_operate() returns void language plpgsql stable as $$
begin
  if not access.operates() then
    raise exception 'not allowed' using errcode = '42501', detail = 'operate';
  end if;
end $$;

create function access.subject() returns text language sql stable as $$
  select access.claims() ->> 'sub'
$$;

------------------------------------------------------------------- the walls

-- Puts a table that has a workspace behind its wall: forced policies, reading by
-- workspace for the api, reading for the worker; for the worker the writing that
-- its room needs, for the api adding rows with the right that is named.  The
-- verbs' owner passes; he cannot log in.
create function access.protect(in_table regclass, in_worker text[] default '{}', in_api_right text default null)
returns void language plpgsql as $$
declare verb text;
begin
  execute format('alter table %s enable row level security', in_table);
  execute format('alter table %s force row level security', in_table);
  execute format('revoke all on %s from public, millrace_api, millrace_worker', in_table);
  execute format('create policy verbs on %s to millrace_owner using (true) with check (true)', in_table);
  execute format('create policy read_own on %s for select to millrace_api using (workspace_id = any ((select access.workspaces())::bigint[]))', in_table);
  execute format('create policy read_all on %s for select to millrace_worker using (true)', in_table);
  execute format('grant select on %s to millrace_api, millrace_worker', in_table);
  foreach verb in array in_worker loop
    execute format('grant %s on %s to millrace_worker', verb, in_table);
    execute format(case verb
      when 'insert' then 'create policy worker_insert on %s for insert to millrace_worker with check (true)'
      when 'update' then 'create policy worker_update on %s for update to millrace_worker using (true) with check (true)'
      end, in_table);
  end loop;
  if in_api_right is not null then
    execute format('grant insert on %s to millrace_api', in_table);
    execute format('create policy api_insert on %s for insert to millrace_api with check (access.may(workspace_id, %L))',
                   in_table, in_api_right);
  end if;
end $$;

select access.protect(format('engine.%I', t)::regclass)
  from unnest(array['runs', 'run_keys', 'run_bodies', 'lanes', 'tasks', 'inputs', 'outputs', 'attempts', 'ledger', 'events', 'workers',
                  'budgets', 'reservations', 'blobs', 'chunks', 'artifacts', 'archive']) t;

-- Two tables speak of more than one workspace.
alter policy read_own on engine.workers
  using ((workspace_id is null and (select access.workspaces()) <> '{}')
         or workspace_id = any ((select access.workspaces())::bigint[]));

-- Content is seen through the row that a close wrote, and not before.
alter policy read_own on engine.blobs
  using (workspace_id = any ((select access.workspaces())::bigint[])
         and exists (select from engine.artifacts a where a.blob_id = blobs.id));
alter policy read_own on engine.chunks
  using (workspace_id = any ((select access.workspaces())::bigint[])
         and exists (select from engine.artifacts a where a.blob_id = chunks.blob_id));

alter table engine.workspaces enable row level security;
alter table engine.workspaces force row level security;
create policy verbs on engine.workspaces to millrace_owner using (true) with check (true);
create policy read_own on engine.workspaces for select to millrace_api using (id = any ((select access.workspaces())::bigint[]));
create policy read_all on engine.workspaces for select to millrace_worker using (true);
grant select on engine.workspaces to millrace_api, millrace_worker;

-- Limits belong to the installation.
alter table engine.limits enable row level security;
alter table engine.limits force row level security;
create policy verbs on engine.limits to millrace_owner using (true) with check (true);
create policy read_all on engine.limits for select to millrace_worker using (true);
create policy read_own on engine.limits for select to millrace_api using ((select access.operates()));
grant select on engine.limits to millrace_api, millrace_worker;

grant select on engine.server_up to millrace_api, millrace_worker;

------------------------------------------------------------------- the doors

revoke all on all functions in schema engine, access from public;
grant usage on schema engine, access to millrace_api, millrace_worker;
grant execute on function access.claims(), access.workspaces(), access.may(bigint, text), access.must(bigint, text),
  access.operates(), access.must_operate(), access.subject() to millrace_api, millrace_worker;
grant execute on function engine.clock(), engine.lease(), engine.liveness(), engine.status(engine.runs),
  engine.progress(engine.runs), engine.commonest_failure(bigint), engine.events_after(bigint, bigint, integer), engine.activity(bigint),
  engine.prune(timestamptz, bigint, text, integer) to millrace_api, millrace_worker;

grant execute on function
  engine.start(bigint, text, jsonb, json, boolean, smallint, text, bigint, text, bytea, bigint, bigint),
  engine.more(bigint, json),
  engine.hold(bigint, text), engine.release(bigint), engine.prefer(bigint, smallint), engine.cancel(bigint, text),
  engine.reopen(bigint, boolean), engine.why(bigint), engine.budget(bigint, bigint, bigint, bigint), engine.short(bigint),
  engine.limit_key(text, integer, float8, float8), engine.stop_key(text), engine.release_key(text),
  engine.expire_now(bigint), engine.rescue_now(bigint), engine.forget_workers(bigint)
  to millrace_api;

grant execute on function
  engine.register(text, text[], bigint, integer), engine.relock(integer), engine.extend(integer, text[], bigint, bigint),
  engine.leave(integer), engine.claim(integer, integer),
  engine.fence(bigint[], integer[], integer[]),
  engine.close(bigint[], integer[], integer[], text[], jsonb[], float8[]),
  engine.turn(integer, integer, bigint[], integer[], integer[], text[], jsonb[], float8[]),
  engine.expire(), engine.rescue(), engine.withdraw(), engine.promote(),
  engine.emit(bigint[], integer[], integer[], text[], jsonb[]),
  engine.note(bigint[], integer[], integer[], text[], text[], bytea[], jsonb[], bigint[], bigint[]),
  engine.begin_blob(bigint), engine.add_chunk(bigint, integer, bytea), engine.end_blob(bigint, bytea, bigint),
  engine.attach(bigint[], integer[], integer[], text[], text[], bigint[])
  to millrace_worker;
