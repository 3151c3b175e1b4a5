-- The probe's current text: who sees its tables, and its one verb.

select access.protect('probe.runs', in_api_right => 'run.start');
select access.protect('probe.scenarios', in_api_right => 'run.start');
select access.protect('probe.transcripts', array['insert']);
select access.protect('probe.overrides');

-- A person decides.  The code must be one of the run's scale, or an outcome.
create function probe.override(in_run bigint, in_task integer, in_code text)
returns probe.overrides language plpgsql security definer set search_path = probe, engine, access, pg_temp as $$
declare t probe.transcripts; scale jsonb; found_label text; o probe.overrides;
begin
  select * into t from probe.transcripts
   where run_id = in_run and task = in_task and workspace_id = any((select access.workspaces())::bigint[]);
  if not found then raise exception 'there is no such transcript' using errcode = 'MR003'; end if;
  perform access.must(t.workspace_id, 'decision.override');
  if in_code in ('refusal', 'other', 'unparsed') then
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

-- Transcripts with the decision that counts.
create function probe.decided(in_run bigint)
returns table (task integer, outcome text, code text, label text, overridden boolean) language sql stable as $$
  select t.task,
         case when o.id is null then t.outcome else o.outcome end,
         case when o.id is null then t.decision_code else o.code end,
         case when o.id is null then t.decision_label else o.label end,
         o.id is not null
    from probe.transcripts t
    left join lateral (select * from probe.overrides v where v.run_id = t.run_id and v.task = t.task
                        order by v.id desc limit 1) o on true
   where t.run_id = in_run
$$;

revoke all on all functions in schema probe from public;
grant usage on schema probe to millrace_api, millrace_worker;
grant execute on function probe.override(bigint, integer, text), probe.decided(bigint) to millrace_api;
