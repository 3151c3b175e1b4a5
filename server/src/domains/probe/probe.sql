-- The probe's current text: who sees its tables, and its verbs.

select access.protect('probe.runs', in_api_right => 'run.start');
select access.protect('probe.scenarios', in_api_right => 'run.start');
select access.protect('probe.transcripts', array['insert']);
select access.protect('probe.overrides');
select access.protect('probe.definitions');
select access.protect('probe.definition_versions');
select access.protect('probe.accesses');

-- A person decides.  The code must be one of the run's scale, or an outcome; none takes
-- back what was decided before: then it counts as it was read.
create function probe.override(in_run bigint, in_task integer, in_code text)
returns probe.overrides language plpgsql security definer set search_path = probe, engine, access, pg_temp as $$
declare t probe.transcripts; scale jsonb; found_label text; o probe.overrides;
begin
  select * into t from probe.transcripts
   where run_id = in_run and task = in_task and workspace_id = any((select access.workspaces())::bigint[]);
  if not found then raise exception 'there is no such transcript' using errcode = 'MR003'; end if;
  perform access.must(t.workspace_id, 'decision.override');
  if in_code is null or in_code in ('refusal', 'other', 'unparsed') then
    insert into probe.overrides (run_id, task, workspace_id, outcome, by)
    values (in_run, in_task, t.workspace_id, in_code, coalesce(access.subject(), 'unknown')) returning * into o;
    return o;
  end if;
  select b.input #> '{definition,decision,labels}' into scale from engine.run_bodies b where b.run_id = in_run;
  select l ->> 'label' into found_label from jsonb_array_elements(scale) l where l ->> 'code' = in_code;
  if found_label is null then
    raise exception 'not on the scale of this run' using errcode = 'MR005',
      detail = (select string_agg(l ->> 'code', ', ') from jsonb_array_elements(scale) l);
  end if;
  insert into probe.overrides (run_id, task, workspace_id, outcome, code, label, by)
  values (in_run, in_task, t.workspace_id, 'decision', in_code, found_label, coalesce(access.subject(), 'unknown'))
  returning * into o;
  return o;
end $$;

-- The decision that counts: what was read out of an answer, or what a person put in its place last.
create function probe.counting(in_outcome text, in_code text, in_label text, o probe.overrides)
returns table (outcome text, code text, label text, overridden boolean) language sql immutable as $$
  select coalesce(o.outcome, in_outcome), case when o.outcome is null then in_code else o.code end,
         case when o.outcome is null then in_label else o.label end, o.outcome is not null
$$;

-- Of one transcript.
create function probe.said(in_run bigint, in_task integer, in_outcome text, in_code text, in_label text)
returns table (outcome text, code text, label text, overridden boolean) language sql stable as $$
  select c.* from (select 1) one
    left join lateral (select v as o from probe.overrides v where v.run_id = in_run and v.task = in_task
                        order by v.id desc limit 1) q on true
   cross join lateral probe.counting(in_outcome, in_code, in_label, q.o) c
$$;

-- Of all transcripts of a run.
create function probe.decided(in_run bigint)
returns table (task integer, outcome text, code text, label text, overridden boolean) language sql stable as $$
  select t.task, c.* from probe.transcripts t
    left join (select distinct on (v.task) v.task, v as o from probe.overrides v where v.run_id = in_run
                order by v.task, v.id desc) q on q.task = t.task
   cross join lateral probe.counting(t.outcome, t.decision_code, t.decision_label, q.o) c
   where t.run_id = in_run
$$;

----------------------------------------------------------------- definitions

-- Whoever may start runs may write what they ask.  A fork names the version of its
-- parent that it stands on, and which fields are its own.
create function probe.define(in_workspace bigint, in_parent bigint, in_parent_version integer, in_own text[],
                             in_content jsonb, in_hash text)
returns bigint language plpgsql security definer set search_path = probe, engine, access, pg_temp as $$
declare me bigint; now timestamptz := clock(); who text := coalesce(access.subject(), 'unknown');
begin
  perform access.must(in_workspace, 'run.start');
  if in_parent is not null then
    perform 1 from definitions d join definition_versions v on v.definition_id = d.id and v.version = in_parent_version
      where d.id = in_parent and d.workspace_id = in_workspace and d.deleted_at is null;
    if not found then raise exception 'there is no such definition' using errcode = 'MR006'; end if;
  end if;
  insert into definitions (workspace_id, parent_id, version, name, tags, created_at, created_by, updated_at)
  values (in_workspace, in_parent, 1, in_content ->> 'name',
          array(select jsonb_array_elements_text(in_content -> 'tags')), now, who, now)
  returning id into me;
  insert into definition_versions (definition_id, version, workspace_id, content, own, parent_version, hash, created_at, created_by)
  values (me, 1, in_workspace, in_content, in_own, in_parent_version, in_hash, now, who);
  return me;
end $$;

-- One version more, if nobody else was faster.
create function probe.edit(in_definition bigint, in_base integer, in_parent_version integer, in_own text[],
                           in_content jsonb, in_hash text)
returns integer language plpgsql security definer set search_path = probe, engine, access, pg_temp as $$
declare d definitions; now timestamptz := clock();
begin
  select * into d from definitions
   where id = in_definition and deleted_at is null and workspace_id = any((select access.workspaces())::bigint[])
     for no key update;
  if not found then raise exception 'there is no such definition' using errcode = 'MR006'; end if;
  perform access.must(d.workspace_id, 'run.start');
  if d.version <> in_base then
    raise exception 'it has another version now' using errcode = 'MR007', detail = d.version::text;
  end if;
  update definitions set version = d.version + 1, name = in_content ->> 'name', updated_at = now,
                         tags = array(select jsonb_array_elements_text(in_content -> 'tags'))
   where id = d.id;
  insert into definition_versions (definition_id, version, workspace_id, content, own, parent_version, hash, created_at, created_by)
  values (d.id, d.version + 1, d.workspace_id, in_content, in_own, in_parent_version, in_hash, now,
          coalesce(access.subject(), 'unknown'));
  return d.version + 1;
end $$;

-- It is not shown any more; its versions stay for the runs and forks that stand on them.
create function probe.remove(in_definition bigint)
returns void language plpgsql security definer set search_path = probe, engine, access, pg_temp as $$
declare home bigint;
begin
  select d.workspace_id into home from definitions d
   where d.id = in_definition and d.deleted_at is null and d.workspace_id = any((select access.workspaces())::bigint[]);
  if not found then raise exception 'there is no such definition' using errcode = 'MR006'; end if;
  perform access.must(home, 'run.start');
  update definitions set deleted_at = clock() where id = in_definition;
end $$;

-- Looked at by somebody who may see it; at most once a minute each.
create function probe.saw(in_runs bigint[], in_tasks integer[], in_definitions bigint[])
returns void language sql security definer set search_path = probe, engine, access, pg_temp as $$
  insert into probe.accesses as a (workspace_id, run_id, task, definition_id, at)
  select * from (
    select distinct coalesce(r.workspace_id, d.workspace_id) as home, r.id, g.task, d.id, clock()
      from unnest(in_runs, in_tasks, in_definitions) as g(run_id, task, definition_id)
      left join engine.runs r on r.id = g.run_id
      left join probe.definitions d on d.id = g.definition_id) s
   where s.home = any((select access.workspaces())::bigint[])
   order by 1, 2, 3, 4
  on conflict (run_id, task, definition_id) do update set at = excluded.at
   where a.at < excluded.at - interval '1 minute'
$$;

revoke all on all functions in schema probe from public;
grant usage on schema probe to millrace_api, millrace_worker;
grant execute on function probe.override(bigint, integer, text), probe.decided(bigint),
  probe.define(bigint, bigint, integer, text[], jsonb, text),
  probe.edit(bigint, integer, integer, text[], jsonb, text),
  probe.remove(bigint), probe.saw(bigint[], integer[], bigint[]) to millrace_api;
