-- What outlives a task, and what is thrown away.

-------------------------------------------------------------------- artifacts

-- Content is written in chunks before the close that makes it visible; what
-- nobody attached is thrown away by `prune`.
create function engine.begin_blob(in_workspace bigint)
returns bigint language sql security definer set search_path = engine, pg_temp as $$
  insert into blobs (workspace_id, begun_at) values (in_workspace, clock()) returning id
$$;

create function engine.add_chunk(in_blob bigint, in_i integer, in_bytes bytea)
returns void language plpgsql security definer set search_path = engine, pg_temp as $$
begin
  insert into chunks (blob_id, i, workspace_id, bytes)
  select b.id, in_i, b.workspace_id, in_bytes from blobs b where b.id = in_blob and b.digest is null;
  if not found then raise exception 'this blob is not being written' using errcode = 'MR004', detail = 'whole'; end if;
end $$;

-- Whole now: gives the blob that has this content, which may be an older one.
create function engine.end_blob(in_blob bigint, in_digest bytea, in_size bigint)
returns bigint language plpgsql security definer set search_path = engine, pg_temp as $$
declare b blobs; same bigint;
begin
  select * into b from blobs where id = in_blob and digest is null for update;
  if not found then raise exception 'this blob is not being written' using errcode = 'MR004', detail = 'whole'; end if;
  -- Fresh again, so that nobody throws it away before it is attached.
  update blobs set begun_at = clock() where workspace_id = b.workspace_id and digest = in_digest returning id into same;
  if same is not null then
    delete from blobs where id = in_blob;
    return same;
  end if;
  begin
    update blobs set digest = in_digest, size = in_size where id = in_blob;
  exception when unique_violation then
    update blobs set begun_at = clock() where workspace_id = b.workspace_id and digest = in_digest returning id into same;
    delete from blobs where id = in_blob;
    return same;
  end;
  return in_blob;
end $$;

-- In the transaction of the close, after the fence: only what a current attempt made.
create function engine.attach(
  in_runs bigint[], in_ns integer[], in_attempts integer[], in_names text[], in_types text[], in_blobs bigint[])
returns void language sql security definer set search_path = engine, pg_temp as $$
  insert into artifacts (workspace_id, run_id, n, attempt, name, media_type, blob_id, at)
  select t.workspace_id, g.run_id, g.n, g.attempt, g.name, g.type, g.blob, clock()
    from unnest(in_runs, in_ns, in_attempts, in_names, in_types, in_blobs) as g(run_id, n, attempt, name, type, blob)
    join tasks t on t.run_id = g.run_id and t.n = g.n
   where t.attempt = g.attempt and t.state = 'running'
   order by g.run_id, g.n
  on conflict (run_id, n, name) do update set
    attempt = excluded.attempt, media_type = excluded.media_type, blob_id = excluded.blob_id, at = excluded.at
$$;

-------------------------------------------------------------------- retention

-- Throws away runs that ended before then, whole, the oldest first, a few at a
-- time; what is left of each is a line in the archive.  The domains' rows go with
-- the run by their foreign keys.  Gives how many went; none: nothing is left to do.
create function engine.prune(in_before timestamptz, in_workspace bigint default null, in_kind text default null, in_limit integer default 50)
returns integer language plpgsql security definer set search_path = engine, pg_temp as $$
#variable_conflict use_column
declare ids bigint[]; now timestamptz := clock();
begin
  -- The worker's login prunes for everybody; a person with his right.
  if session_user <> 'millrace_worker' then
    if in_workspace is null then perform access.must_operate(); else perform access.must(in_workspace, 'run.prune'); end if;
  end if;
  ids := array(
    select q.id from (
      select r.id, sum(r.total) over (order by r.id) - r.total as tasks_before from runs r
       where r.finished_at < in_before and (in_workspace is null or r.workspace_id = in_workspace) and (in_kind is null or r.kind = in_kind)
         -- Numbers grow with time: after the first run that is younger there is nothing to find.
         and r.id < coalesce((select min(y.id) from runs y where y.created_at >= in_before), 9223372036854775807)
       order by r.id limit in_limit) q
     -- Runs are small or large: what counts is how long their rows stay locked.
     where q.tasks_before < 10000 order by q.id);
  -- Tasks, lanes, runs: a run that is reopened meanwhile stays.
  perform 1 from tasks t where t.run_id = any(ids) order by t.run_id, t.n for update;
  perform 1 from lanes l where l.run_id = any(ids) order by l.id for update;
  ids := array(select r.id from runs r where r.id = any(ids) and r.finished_at < in_before order by r.id for update);
  if ids <> '{}' then
    insert into archive (run_id, workspace_id, kind, state, round, total, succeeded, failed, cancelled, events,
                         created_at, finished_at, pruned_at)
    select r.id, r.workspace_id, r.kind, r.state, r.round, r.total, r.succeeded, r.failed, r.cancelled, r.last_event,
           r.created_at, r.finished_at, now
      from runs r where r.id = any(ids);
    delete from artifacts where run_id = any(ids);
    delete from outputs where run_id = any(ids);
    delete from inputs where run_id = any(ids);
    delete from attempts where run_id = any(ids);
    delete from ledger where run_id = any(ids);
    delete from events where run_id = any(ids);
    delete from reservations where run_id = any(ids);
    delete from run_keys where run_id = any(ids);
    delete from tasks where run_id = any(ids);
    delete from lanes where run_id = any(ids);
    delete from runs where id = any(ids);
  end if;
  delete from blobs b where b.id = any(array(
    select o.id from blobs o where o.begun_at < now - interval '1 day'
       and not exists (select 1 from artifacts a where a.blob_id = o.id) order by o.id limit in_limit for update skip locked));
  return cardinality(ids);
end $$;
