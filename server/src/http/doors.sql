-- The doors' current text: answers that are given once more.

select access.protect('doors.replays');

-- Takes a key for a request.  No row of it yet: `taken`, and the caller does the
-- work.  A row with an answer: that.  A row without: another is at it, or died; after
-- a minute it counts as dead, and the key is taken anew.
create function doors.take_key(in_workspace bigint, in_key text, in_hash bytea,
                               out taken boolean, out same boolean, out status integer, out body text)
language plpgsql security definer set search_path = doors, engine, access, pg_temp as $$
declare r replays; now timestamptz := clock(); who text := coalesce(access.subject(), 'unknown');
begin
  if not in_workspace = any((select access.workspaces())::bigint[]) then
    raise exception 'not allowed' using errcode = '42501';
  end if;
  delete from replays x where (x.workspace_id, x.sub, x.key) in (
    select o.workspace_id, o.sub, o.key from replays o
     where o.workspace_id = in_workspace and o.at < now - interval '1 day' order by o.at limit 20 for update skip locked);
  insert into replays (workspace_id, sub, key, hash, at) values (in_workspace, who, in_key, in_hash, now)
  on conflict do nothing;
  taken := found;
  same := true;
  if taken then return; end if;
  select * into r from replays x where x.workspace_id = in_workspace and x.sub = who and x.key = in_key for update;
  same := r.hash = in_hash;
  status := r.status;
  body := r.body;
  if same and r.status is null and r.at < now - interval '1 minute' then
    update replays x set at = now where x.workspace_id = in_workspace and x.sub = who and x.key = in_key;
    taken := true;
  end if;
end $$;

-- Keeps the answer, or, without one, gives the key back.
create function doors.keep_answer(in_workspace bigint, in_key text, in_status integer, in_body text)
returns void language plpgsql security definer set search_path = doors, engine, access, pg_temp as $$
declare who text := coalesce(access.subject(), 'unknown');
begin
  if in_status is null then
    delete from replays x where x.workspace_id = in_workspace and x.sub = who and x.key = in_key and x.status is null
       and x.workspace_id = any((select access.workspaces())::bigint[]);
  else
    update replays x set status = in_status, body = in_body
     where x.workspace_id = in_workspace and x.sub = who and x.key = in_key and x.status is null
       and x.workspace_id = any((select access.workspaces())::bigint[]);
  end if;
end $$;

-- For the monitor: how much of what there is, over all workspaces, and nothing of it.
create function doors.numbers()
returns table (name text, label text, value float8)
language sql stable security definer set search_path = doors, engine, pg_temp as $$
  select 'runs', s.state::text, (select count(*) from runs r where r.state = s.state)::float8
    from unnest(enum_range(null::run_state)) as s(state)
  union all
  select 'tasks', s.state, (select count(*) from runs r join tasks t on t.run_id = r.id and t.n > 0 and t.state::text = s.state
                             where r.finished_at is null)::float8
    from unnest(array['ready', 'running']) as s(state)
  union all
  select 'tasks', e.state, e.amount from (
    select sum(r.succeeded) as s, sum(r.failed) as f, sum(r.cancelled) as c from runs r) q
   cross join lateral (values ('succeeded', coalesce(q.s, 0)::float8), ('failed', coalesce(q.f, 0)::float8),
                              ('cancelled', coalesce(q.c, 0)::float8)) as e(state, amount)
  union all
  select 'workers', 'alive', count(*)::float8 from workers w where w.gone_at is null and w.lease_until > clock()
$$;

revoke all on all functions in schema doors from public;
grant usage on schema doors to millrace_api, millrace_worker;
grant execute on function doors.take_key(bigint, text, bytea), doors.keep_answer(bigint, text, integer, text),
  doors.numbers() to millrace_api;
