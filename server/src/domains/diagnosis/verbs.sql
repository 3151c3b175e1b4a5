-- What can happen to a record.
--
--   record    a run was asked for           note       somebody looked, raised, exported
--   begin     a worker begins an attempt    keep_pack  this is what the model is given
--   put_reply this is what it said          note_paths and where that was not a result
--   complete  this is the result            follow     the engine's run changed its state
--   bring     rows of a practice            claims_of  what a subject may, for who lets him in
--   overview  ids and states, for the operator
--
-- Locks: the engine's task first.  A save has the diagnosis run before the engine's,
-- everybody else after it; that is no circle, because nobody but the close of its one
-- task changes the state of a run while that task is held.

------------------------------------------------------------------- the errors

create function diagnosis.error_text(in_code text) returns text language sql immutable as $$
  select case in_code
    when 'RUN_NOT_FOUND' then 'There is no such diagnosis run.'
    when 'INVALID_STATUS' then 'The run is not in a state that allows this.'
    when 'CONTEXT_FETCH_ERROR' then 'The assessment cannot be used: it is not there, not finished or empty.'
    when 'LLM_ERROR' then 'The model could not be asked.'
    when 'VALIDATION_ERROR' then 'The model''s reply is not a result.'
    when 'PERSISTENCE_ERROR' then 'The database did not accept the result.'
    when 'MAX_ATTEMPTS_REACHED' then 'All attempts of this round were used.'
    when 'UNEXPECTED_ERROR' then 'Something failed that nobody foresaw.'
    when 'CANCELLED' then 'The run was cancelled.'
  end
$$;

-- The engine's codes by ours.  What has no place here is unexpected.
create function diagnosis.error_code(in_code text) returns text language sql immutable as $$
  select case
    when diagnosis.error_text(in_code) is not null then in_code
    when in_code = 'TIMEOUT' then 'LLM_ERROR'
    when in_code = 'QUARANTINED' then 'MAX_ATTEMPTS_REACHED'
    else 'UNEXPECTED_ERROR' end
$$;

-- What went wrong so far, as the engine wrote it down when the attempts ended.
create function diagnosis.errors_of(in_run diagnosis.diagnosis_runs) returns jsonb
language sql stable security definer set search_path = diagnosis, engine, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
           'code', e.code, 'message', error_text(e.code), 'at', e.ended_at, 'attempt', e.attempt,
           'details', nullif(e.details, '{}'))) order by e.ended_at, e.attempt), '[]')
    from (select a.attempt, a.ended_at, error_code(coalesce(a.failure ->> 'code', '')) as code,
                 jsonb_strip_nulls(jsonb_build_object(
                   'status', case when jsonb_typeof(a.failure #> '{details,status}') = 'number' then a.failure #> '{details,status}' end,
                   'timeout', case when a.failure ->> 'code' = 'TIMEOUT' then 'true'::jsonb
                                   when a.failure #> '{details,timeout}' = 'true' then 'true'::jsonb end,
                   'gone', case when a.failure #> '{details,gone}' = 'true' then 'true'::jsonb end,
                   'paths', (select to_jsonb(b.paths) from run_attempts b
                              where b.run_id = in_run.id and b.attempt = a.attempt and b.paths <> '{}'))) as details
            from attempts a
           where a.run_id = in_run.engine_run_id and a.n > 0 and a.outcome not in ('released', 'cancelled')
          union all
          -- Those that no attempt has brought.
          select (x ->> 'attempt')::integer, (x ->> 'at')::timestamptz, x ->> 'code', '{}'
            from jsonb_array_elements(in_run.errors) x where x ->> 'code' = 'CANCELLED') e
$$;

------------------------------------------------------------ the engine's side

-- In the transaction that changes the engine's run, whoever does it.
create function diagnosis.follow() returns trigger
language plpgsql security definer set search_path = diagnosis, engine, access, pg_temp as $$
declare r diagnosis_runs;
begin
  select * into r from diagnosis_runs d where d.engine_run_id = new.id for no key update;
  if not found then return null; end if;
  if new.state = 'running' then
    update diagnosis_runs set status = 'in_progress', started_at = coalesce(started_at, new.started_at) where id = r.id;
  elsif new.state = 'queued' then
    if old.state = 'succeeded' then
      raise exception 'a diagnosis that is there is not made again' using errcode = 'MR004', detail = 'completed';
    end if;
    update diagnosis_runs set status = 'queued', round = new.round, attempts = 0, started_at = null where id = r.id;
    perform put_audit(r, 'retried');
    return null;
  elsif new.state in ('failed', 'cancelled') then
    -- What a cancelled attempt still brought is thrown away.
    delete from patient_results where run_id = r.id;
    if new.state = 'cancelled' then
      r.errors := r.errors || jsonb_build_object('code', 'CANCELLED', 'at', new.finished_at,
        'attempt', coalesce((select max(b.attempt) from run_attempts b where b.run_id = r.id), 0));
    end if;
    update diagnosis_runs set status = 'failed', diagnosis_result = null, completed_at = null, errors = errors_of(r)
     where id = r.id;
  end if;
  if new.finished_at is not null then delete from replies where run_id = r.id; end if;
  perform put_audit(r, case new.state when 'running' then 'started' when 'succeeded' then 'completed' else 'failed' end, 'worker');
  return null;
end $$;

create trigger diagnosis_follows after update of state on engine.runs
  for each row when (new.kind = 'diagnosis' and old.state is distinct from new.state)
  execute function diagnosis.follow();

-- Whoever steers the engine's run of a diagnosis, by whichever door, treats the patient,
-- administers the organisation or runs the installation; what awaits its approval is let
-- go by the latter two.  Being a member of the workspace is not enough: two organisations
-- may share one.  Who is who is read from `people`, as other doors bring no claim.  Workers
-- are nobody's subject.
create function diagnosis.must_steer(in_engine_run bigint, in_approves boolean) returns void
language plpgsql security definer set search_path = diagnosis, access, pg_temp as $$
begin
  if access.subject() is null or access.operates() then return; end if;
  perform 1 from diagnosis_runs r
    where r.engine_run_id = in_engine_run
      and not exists (
        select from people p
         where p.subject = access.subject() and p.organisation_id = r.organisation_id
           and (p.role = 'admin'
                or (not in_approves and p.role = 'clinician'
                    and exists (select from assignments a
                                 where a.clinician_id = p.clinician_id and a.patient_id = r.patient_id and a.ended_at is null))));
  if found then raise exception 'not allowed' using errcode = '42501', detail = 'diagnosis'; end if;
end $$;

create function diagnosis.guard_run() returns trigger
language plpgsql security definer set search_path = diagnosis, pg_temp as $$
begin
  perform must_steer(new.id, old.held = 'awaiting_approval' and new.held is null and new.cancel_asked_at is null and new.state = old.state);
  return new;
end $$;

create trigger diagnosis_guards before update of state, held, priority, cancel_asked_at on engine.runs
  for each row when (new.kind = 'diagnosis')
  execute function diagnosis.guard_run();

create function diagnosis.guard_budget() returns trigger
language plpgsql security definer set search_path = diagnosis, pg_temp as $$
begin
  perform must_steer(new.run_id, false);
  return new;
end $$;

create trigger diagnosis_guards before insert or update of tokens, micros on engine.budgets
  for each row when (new.run_id is not null)
  execute function diagnosis.guard_budget();

create function diagnosis.put_audit(in_run diagnosis.diagnosis_runs, in_action text, in_by text default null) returns void
language sql security definer set search_path = diagnosis, access, pg_temp as $$
  insert into audit (workspace_id, organisation_id, patient_id, run_id, assessment_id, action, by)
  values (in_run.workspace_id, in_run.organisation_id, in_run.patient_id, in_run.id, in_run.assessment_id, in_action,
          coalesce(in_by, access.subject(), 'unknown'))
$$;

------------------------------------------------------------- the worker's side

-- The run of a task that this attempt still holds; keeps the fence until the transaction ends.
create function diagnosis.held(in_run bigint, in_task integer, in_attempt integer) returns diagnosis.diagnosis_runs
language plpgsql security definer set search_path = diagnosis, engine, pg_temp as $$
declare r diagnosis_runs;
begin
  perform 1 from tasks t
    where t.run_id = in_run and t.n = in_task and t.attempt = in_attempt and t.state = 'running' for no key update;
  if not found then raise exception 'this attempt counts no more' using errcode = 'MR002'; end if;
  select * into r from diagnosis_runs d where d.engine_run_id = in_run for no key update;
  return r;
end $$;

-- Counts the attempt and gives all that a pack is made of; null: there is no such run;
-- {"exceeded": true}: it was tried often enough.
create function diagnosis.begin(in_run bigint, in_task integer, in_attempt integer) returns jsonb
language plpgsql security definer set search_path = diagnosis, engine, pg_temp as $$
declare r diagnosis_runs;
begin
  r := held(in_run, in_task, in_attempt);
  if r.id is null then return null; end if;
  if not exists (select from run_attempts b where b.run_id = r.id and b.attempt = in_attempt) then
    if r.attempts >= r.max_attempts then return '{"exceeded": true}'; end if;
    insert into run_attempts (run_id, attempt, workspace_id, organisation_id, patient_id, round)
    values (r.id, in_attempt, r.workspace_id, r.organisation_id, r.patient_id, r.round);
    update diagnosis_runs set attempts = attempts + 1, errors = errors_of(r) where id = r.id;
  end if;
  return jsonb_build_object('round', r.round) || material(r.patient_id, r.assessment_id);
end $$;

create function diagnosis.material(in_patient uuid, in_assessment uuid) returns jsonb
language sql stable security definer set search_path = diagnosis, pg_temp as $$
  select jsonb_build_object(
    'assessment', (select jsonb_build_object('id', a.id, 'status', a.status, 'created_at', a.created_at)
                     from assessments a where a.id = in_assessment),
    'funnel', (select jsonb_build_object('funnel', f.slug, 'funnel_id', f.id, 'version', v.version)
                 from assessments a join funnel_versions v on v.id = a.version_id join funnels f on f.id = v.funnel_id
                where a.id = in_assessment),
    'answers', (select coalesce(jsonb_agg(jsonb_build_object('question_id', w.question_id, 'label', q.label, 'type', q.type,
                         'options', q.options, 'value', w.value) order by q.position), '[]')
                  from answers w join assessments a on a.id = w.assessment_id
                  join questions q on q.version_id = a.version_id and q.question_id = w.question_id
                 where w.assessment_id = in_assessment),
    'patient', (select jsonb_build_object('id', p.id, 'created_at', p.created_at, 'sex', p.sex,
                         'age', date_part('year', age(i.birth_date))::integer)
                  from patients p left join identities i on i.patient_id = p.id where p.id = in_patient),
    -- Given so that it can be taken out of what the patient wrote, and for nothing else.
    'identity', (select to_jsonb(i) - '{patient_id,workspace_id,organisation_id}'::text[] from identities i where i.patient_id = in_patient),
    'scores', (select coalesce(jsonb_agg(jsonb_build_object('name', s.name, 'score', s.score, 'level', s.level) order by s.name), '[]')
                 from scores s where s.assessment_id = in_assessment),
    'notes', (select coalesce(jsonb_agg(jsonb_build_object('type', n.type, 'content', n.content, 'created_at', n.created_at) order by n.created_at desc, n.id), '[]')
                from (select * from anamnesis_notes n where n.patient_id = in_patient order by n.created_at desc, n.id limit 30) n),
    'earlier', (select coalesce(jsonb_agg(jsonb_build_object('assessment_id', e.id, 'funnel', e.slug, 'completed_at', e.completed_at,
                         'scores', (select coalesce(jsonb_agg(jsonb_build_object('name', s.name, 'score', s.score, 'level', s.level) order by s.name), '[]')
                                      from scores s where s.assessment_id = e.id)) order by e.completed_at desc, e.id), '[]')
                  from (select a.id, f.slug, a.completed_at from assessments a
                          join funnel_versions v on v.id = a.version_id join funnels f on f.id = v.funnel_id
                         where a.patient_id = in_patient and a.status = 'completed' and a.id <> in_assessment
                         order by a.completed_at desc, a.id limit 5) e))
$$;

create function diagnosis.keep_pack(in_run bigint, in_task integer, in_attempt integer, in_pack jsonb, in_hash text) returns void
language plpgsql security definer set search_path = diagnosis, engine, pg_temp as $$
declare r diagnosis_runs;
begin
  r := held(in_run, in_task, in_attempt);
  update diagnosis_runs set context_pack = in_pack, inputs_hash = in_hash where id = r.id;
  update run_attempts set inputs_hash = in_hash where run_id = r.id and attempt = in_attempt;
end $$;

-- A path names fields of our own schema and places in lists; anything else is not one.
create function diagnosis.note_paths(in_run bigint, in_task integer, in_attempt integer, in_paths text[]) returns void
language plpgsql security definer set search_path = diagnosis, engine, pg_temp as $$
declare r diagnosis_runs;
begin
  r := held(in_run, in_task, in_attempt);
  update run_attempts set paths = array(
      select p from unnest(in_paths[1:20]) p
       where p ~ '^(\$|(diagnosis|confidence|summary|findings|differential|red_flags|next_steps|finding|question_ids|condition|rationale|likelihood|flag|urgency|action|step|priority|\d{1,4})(\.(?!$)|$))+$')
   where run_id = r.id and attempt = in_attempt;
end $$;

-- Also of an attempt that counts no more: it was paid for.
create function diagnosis.put_reply(in_run bigint, in_reply jsonb) returns bigint
language plpgsql security definer set search_path = diagnosis, pg_temp as $$
declare r diagnosis_runs; place bigint;
begin
  select * into r from diagnosis_runs d where d.engine_run_id = in_run and d.status = 'in_progress';
  -- Over already: nobody will ask for it, and nothing of it stays.
  if not found then return 0; end if;
  insert into replies (run_id, workspace_id, organisation_id, patient_id, reply)
  values (r.id, r.workspace_id, r.organisation_id, r.patient_id, in_reply) returning id into place;
  return place;
end $$;

create function diagnosis.reply(in_place bigint) returns jsonb
language sql stable security definer set search_path = diagnosis, engine, pg_temp as $$
  select p.reply from replies p join diagnosis_runs d on d.id = p.run_id
   where p.id = in_place and exists (select from tasks t where t.run_id = d.engine_run_id and t.state = 'running')
$$;

create function diagnosis.complete(in_run bigint, in_task integer, in_attempt integer, in_result jsonb) returns void
language plpgsql security definer set search_path = diagnosis, engine, pg_temp as $$
declare r diagnosis_runs; now timestamptz := clock();
begin
  r := held(in_run, in_task, in_attempt);
  if r.id is null then raise exception 'there is no such diagnosis run' using errcode = 'MR003'; end if;
  update diagnosis_runs set diagnosis_result = in_result, completed_at = now, status = 'completed' where id = r.id;
  insert into patient_results (run_id, workspace_id, organisation_id, patient_id, assessment_id, summary, next_steps, red_flags, confidence, completed_at)
  values (r.id, r.workspace_id, r.organisation_id, r.patient_id, r.assessment_id, in_result #>> '{diagnosis,summary}',
          in_result #> '{diagnosis,next_steps}', in_result #> '{diagnosis,red_flags}', (in_result ->> 'confidence')::float8, now);
end $$;

---------------------------------------------------------------- the api's side

-- The row of a run that this very transaction started.
create function diagnosis.record(in_id uuid, in_engine_run bigint, in_assessment uuid, in_correlation text) returns void
language plpgsql security definer set search_path = diagnosis, engine, access, pg_temp as $$
declare a assessments; e engine.runs; r diagnosis_runs;
begin
  select * into a from assessments x where x.id = in_assessment and treats(x.organisation_id, x.patient_id);
  if not found then raise exception 'there is no such assessment' using errcode = 'MR003'; end if;
  select * into e from engine.runs x
   where x.id = in_engine_run and x.workspace_id = a.workspace_id and x.kind = 'diagnosis' and x.xmin = pg_current_xact_id()::xid;
  if not found then raise exception 'a run is recorded where it is started' using errcode = 'MR004'; end if;
  insert into diagnosis_runs (id, workspace_id, organisation_id, patient_id, assessment_id, correlation_id, engine_run_id)
  values (in_id, a.workspace_id, a.organisation_id, a.patient_id, a.id, in_correlation, e.id) returning * into r;
  perform put_audit(r, 'created');
end $$;

-- Who sees a run says so when he looks.
create function diagnosis.note(in_runs uuid[], in_action text) returns void
language plpgsql security definer set search_path = diagnosis, access, pg_temp as $$
-- Asked once, not once a run.
declare houses uuid[] := administered(); own uuid[] := treated_or_self(); all_of_them boolean := access.operates();
begin
  if in_action not in ('viewed', 'listed', 'exported', 'processed') then
    raise exception 'not an action of a reader' using errcode = '42501';
  end if;
  insert into audit (workspace_id, organisation_id, patient_id, run_id, assessment_id, action, by)
  select r.workspace_id, r.organisation_id, r.patient_id, r.id, r.assessment_id, in_action, coalesce(access.subject(), 'unknown')
    from diagnosis_runs r
   where r.id = any(in_runs) and (all_of_them or r.organisation_id = any(houses) or r.patient_id = any(own));
end $$;

-- For the program that has just verified who somebody is.  It is the claim, not the record.
create function diagnosis.claims_of(in_subject text) returns jsonb
language sql stable security definer set search_path = diagnosis, pg_temp as $$
  select jsonb_strip_nulls(jsonb_build_object(
      'organisations', (select jsonb_object_agg(p.organisation_id, 'admin') from people p where p.subject = in_subject and p.role = 'admin'),
      'clinician', (select p.clinician_id from people p where p.subject = in_subject and p.role = 'clinician'),
      'patient', (select p.patient_id from people p where p.subject = in_subject and p.role = 'patient')))
$$;

create function diagnosis.workspaces_of(in_subject text) returns bigint[]
language sql stable security definer set search_path = diagnosis, pg_temp as $$
  select array(select distinct p.workspace_id from people p where p.subject = in_subject and p.role <> 'patient')
$$;

-- Ids, states and counts, newest first, of runs that the engine has not thrown away: the
-- operator keeps them going and reads none.
create function diagnosis.overview(in_run uuid default null, in_limit integer default 50, in_open boolean default false)
returns table (id uuid, workspace_id bigint, organisation_id uuid, assessment_id uuid, status text, errors jsonb, attempts integer,
               max_attempts integer, round integer, engine_run_id bigint, inputs_hash text, created_at timestamptz,
               started_at timestamptz, completed_at timestamptz)
language plpgsql stable security definer set search_path = diagnosis, access, pg_temp as $$
#variable_conflict use_column
begin
  perform access.must_operate();
  return query
    select r.id, r.workspace_id, r.organisation_id, r.assessment_id, r.status, r.errors, r.attempts, r.max_attempts, r.round,
           r.engine_run_id, r.inputs_hash, r.created_at, r.started_at, r.completed_at
      from diagnosis_runs r
     where r.id = any (case when in_run is not null then array[in_run]
                            when in_open then array(select o.id from diagnosis_runs o where o.status in ('queued', 'in_progress')
                                                     order by o.created_at desc, o.id limit least(in_limit, 500))
                            else array(select n.id from diagnosis_runs n where n.engine_run_id is not null
                                     order by n.engine_run_id desc limit least(in_limit, 500)) end)
     order by r.created_at desc, r.id;
end $$;

create function diagnosis.trail(in_run uuid)
returns table (id bigint, action text, by text, at timestamptz)
language plpgsql stable security definer set search_path = diagnosis, access, pg_temp as $$
#variable_conflict use_column
begin
  perform access.must_operate();
  return query select a.id, a.action, a.by, a.at from audit a where a.run_id = in_run order by a.id;
end $$;

-- Rows of a practice, table by table, in the order in which they stand on one another.
create function diagnosis.bring(in_workspace bigint, in_table text, in_rows json) returns integer
language plpgsql security definer set search_path = diagnosis, access, pg_temp as $$
declare amount integer;
begin
  perform access.must_operate();
  if in_table not in ('organisations', 'clinicians', 'patients', 'identities', 'assignments', 'people', 'funnels', 'funnel_versions',
                      'questions', 'assessments', 'answers', 'scores', 'anamnesis_notes') then
    raise exception 'no table of records' using errcode = '42501';
  end if;
  if exists (select from json_array_elements(in_rows) e where (e ->> 'workspace_id')::bigint is distinct from in_workspace) then
    raise exception 'rows of another workspace' using errcode = '42501';
  end if;
  execute format('insert into diagnosis.%1$I select * from json_populate_recordset(null::diagnosis.%1$I, $1)', in_table) using in_rows;
  get diagnostics amount = row_count;
  return amount;
end $$;

create function diagnosis.is_empty() returns boolean
language sql stable security definer set search_path = diagnosis, pg_temp as $$
  select not exists (select from organisations)
$$;

--------------------------------------------------------------------- the doors

revoke all on all functions in schema diagnosis from public;
grant usage on schema diagnosis to millrace_api, millrace_worker;
grant execute on function
  diagnosis.as_uuid(text), diagnosis.claim(text), diagnosis.clinician(), diagnosis.patient(), diagnosis.administered(),
  diagnosis.treated(), diagnosis.treated_or_self(), diagnosis.known(), diagnosis.record(uuid, bigint, uuid, text),
  diagnosis.note(uuid[], text), diagnosis.claims_of(text), diagnosis.workspaces_of(text), diagnosis.overview(uuid, integer, boolean),
  diagnosis.trail(uuid), diagnosis.bring(bigint, text, json), diagnosis.is_empty()
  to millrace_api;
grant execute on function
  diagnosis.begin(bigint, integer, integer), diagnosis.keep_pack(bigint, integer, integer, jsonb, text),
  diagnosis.note_paths(bigint, integer, integer, text[]), diagnosis.put_reply(bigint, jsonb), diagnosis.reply(bigint),
  diagnosis.complete(bigint, integer, integer, jsonb)
  to millrace_worker;
