-- The current text of what stages do with cards: who sees recipes, documents,
-- artifacts, metrics and what gates found, and what can happen to them.
--
--   set_recipe   a recipe was checked and is kept
--   snapshot     what a run of a stage is started with
--   keep_step    a step has ended: its documents, artifacts and metrics, with the close
--   keep_gates   gates were looked at
--   write        a person writes a document
--   import       a file in the workspace folder was changed by somebody

select access.protect(format('stage.%I', t)::regclass)
  from unnest(array['stage_recipes', 'documents', 'document_versions', 'artifacts', 'metrics', 'gate_results']) t;

----------------------------------------------------------------------- recipes

-- `in_base` is the version that was read: 0 for none.
create function stage.set_recipe(in_workspace bigint, in_stage text, in_base integer, in_recipe jsonb, in_pins jsonb)
returns integer language plpgsql security definer set search_path = stage, engine, access, pg_temp as $$
declare r stage_recipes; now timestamptz := clock(); who text := coalesce(access.subject(), 'unknown');
begin
  perform access.must(in_workspace, 'recipe.change');
  perform 1 from stages s where s.workspace_id = in_workspace and s.key = in_stage;
  if not found then perform refuse('NO_SUCH_STAGE', 'There is no such stage on this board.', 'Name one of its stages by its key.'); end if;
  perform pg_advisory_xact_lock(1936548708, hashtext(in_workspace || '/' || in_stage));
  select * into r from stage_recipes x where x.workspace_id = in_workspace and x.stage = in_stage for no key update;
  if coalesce(r.version, 0) <> in_base then
    perform refuse('RECIPE_CHANGED', 'Somebody else has changed this recipe meanwhile.', 'Read it again, and send the change again.');
  end if;
  insert into stage_recipes as x (workspace_id, stage, automation_level, recipe_steps, pins, gates, on_fail_behavior, provider, enabled,
                                  version, created_at, created_by, updated_at, updated_by)
  values (in_workspace, in_stage, in_recipe ->> 'automationLevel', in_recipe -> 'recipeSteps', in_pins, in_recipe -> 'gates',
          in_recipe ->> 'onFailBehavior', in_recipe ->> 'provider', (in_recipe ->> 'enabled')::boolean, 1, now, who, now, who)
  on conflict (workspace_id, stage) do update set
    automation_level = excluded.automation_level, recipe_steps = excluded.recipe_steps, pins = excluded.pins, gates = excluded.gates,
    on_fail_behavior = excluded.on_fail_behavior, provider = excluded.provider, enabled = excluded.enabled,
    version = x.version + 1, updated_at = now, updated_by = who;
  return in_base + 1;
end $$;

-- `in_base`: the version that was read; null: whichever.
create function stage.remove_recipe(in_workspace bigint, in_stage text, in_base integer default null)
returns void language plpgsql security definer set search_path = stage, engine, access, pg_temp as $$
begin
  perform access.must(in_workspace, 'recipe.change');
  if in_base <> (select x.version from stage_recipes x where x.workspace_id = in_workspace and x.stage = in_stage for no key update) then
    perform refuse('RECIPE_CHANGED', 'Somebody else has changed this recipe meanwhile.', 'Read it again, then decide.');
  end if;
  delete from stage_recipes x where x.workspace_id = in_workspace and x.stage = in_stage;
  if not found then perform refuse('NO_SUCH_RECIPE', 'This stage has no recipe.'); end if;
end $$;

-- Null: there is no recipe.  `untrusted`: skills that a person has to look at first: what
-- goes on by itself takes vetted ones alone, and none may have lost since the recipe was kept.
create function stage.snapshot(in_workspace bigint, in_stage text)
returns jsonb language plpgsql stable set search_path = stage, skills, pg_temp as $$
declare r stage_recipes; steps jsonb; untrusted jsonb;
begin
  select * into r from stage_recipes x where x.workspace_id = in_workspace and x.stage = in_stage;
  if not found then return null; end if;
  select coalesce(jsonb_agg(jsonb_build_object(
           'order', s.value -> 'order',
           'skill', jsonb_build_object('id', v.skill_id::text, 'key', k.key, 'name', v.name, 'version', v.version, 'digest', v.digest),
           'params', s.value -> 'params', 'inputsMapping', s.value -> 'inputsMapping', 'outputsMapping', s.value -> 'outputsMapping',
           'timeout', s.value -> 'timeout', 'retryCount', s.value -> 'retryCount',
           'provider', split_part(p.value ->> 'model', ':', 1), 'model', p.value -> 'model') order by s.ordinality), '[]'),
         coalesce(jsonb_agg(v.name order by s.ordinality) filter (where k.removed_at is not null
           or trust_rank(v.trust_level) < case r.automation_level when 'fully_auto' then 2 else trust_rank(p.value ->> 'trust') end), '[]')
    into steps, untrusted
    from jsonb_array_elements(r.recipe_steps) with ordinality s
    join jsonb_array_elements(r.pins) with ordinality p on p.ordinality = s.ordinality
    join versions v on v.skill_id = (s.value ->> 'skillId')::bigint and v.version = (s.value ->> 'skillVersion')::integer
     and v.workspace_id = in_workspace
    join skills k on k.id = v.skill_id;
  return jsonb_build_object('enabled', r.enabled, 'level', r.automation_level, 'steps', steps, 'gates', r.gates,
                            'onFailBehavior', r.on_fail_behavior, 'untrusted', untrusted, 'recipeVersion', r.version);
end $$;

create function stage.trust_rank(in_level text) returns integer language sql immutable as $$
  select case in_level when 'vetted' then 2 when 'community' then 1 else 0 end
$$;

-- A recipe stands on its skills.
create function stage.keep_skill()
returns trigger language plpgsql security definer set search_path = stage, pg_temp as $$
declare stages text;
begin
  select string_agg(x.stage, ', ' order by x.stage) into stages from stage_recipes x
   where x.workspace_id = new.workspace_id
     and exists (select from jsonb_array_elements(x.recipe_steps) s where (s.value ->> 'skillId')::bigint = new.id);
  if stages is not null then
    raise exception 'a recipe stands on it' using errcode = 'MR032', detail = 'the recipe of ' || stages;
  end if;
  return new;
end $$;
create trigger a_recipe_keeps_its_skills before update of removed_at on skills.skills
  for each row when (new.removed_at is not null and old.removed_at is null) execute function stage.keep_skill();

--------------------------------------------------------------------- documents

-- One version more; the head is made if it is not there.  `in_version`: gives it back.
create function stage.put_version(in_workspace bigint, in_card bigint, in_path text, in_content text, in_digest text, in_origin text,
                                  in_stage text, in_run bigint, in_task integer, in_by text)
returns table (document bigint, made integer)
language plpgsql set search_path = stage, engine, pg_temp as $$
declare d documents; now timestamptz := clock();
begin
  insert into documents (workspace_id, card_id, path, version, updated_at)
  values (in_workspace, in_card, in_path, 1, now) on conflict (card_id, lower(path)) do nothing returning * into d;
  if not found then
    update documents x set version = x.version + 1, updated_at = now
     where x.card_id = in_card and lower(x.path) = lower(in_path) returning * into d;
  end if;
  insert into document_versions (document_id, version, workspace_id, content, digest, origin, stage, run_id, task, by, at)
  values (d.id, d.version, in_workspace, in_content, in_digest, in_origin, in_stage, in_run, in_task, in_by, now);
  document := d.id; made := d.version;
  return next;
end $$;

-- `in_base`: the version that was read; 0 for none.  The same text again is no version.
create function stage.write(in_card bigint, in_path text, in_content text, in_digest text, in_base integer)
returns integer language plpgsql security definer set search_path = stage, engine, access, pg_temp as $$
declare c cards := his_card(in_card, 'card.change'); d documents; written integer;
begin
  perform pg_advisory_xact_lock(1936548709, hashtext(in_card || '/' || lower(in_path)));
  select * into d from documents x where x.card_id = c.id and lower(x.path) = lower(in_path) for no key update;
  if coalesce(d.version, 0) <> in_base then
    perform refuse('DOCUMENT_CHANGED', format('This document is at version %s now.', coalesce(d.version, 0)),
                   'Read it again, bring the two together, and send it with that version.');
  end if;
  if exists (select from document_versions v where v.document_id = d.id and v.version = d.version and v.digest = in_digest) then
    return d.version;
  end if;
  select p.made into written from put_version(c.workspace_id, c.id, coalesce(d.path, in_path), in_content, in_digest, 'person',
                                              null, null, null, coalesce(access.subject(), 'unknown')) p;
  return written;
end $$;

create function stage.link_artifact(in_card bigint, in_type text, in_label text, in_uri text)
returns bigint language plpgsql security definer set search_path = stage, engine, access, pg_temp as $$
declare c cards := his_card(in_card, 'card.change'); made bigint;
begin
  insert into artifacts (workspace_id, card_id, type, label, uri, stage, by, at)
  values (c.workspace_id, c.id, in_type, in_label, in_uri, c.stage, coalesce(access.subject(), 'unknown'), clock()) returning id into made;
  return made;
end $$;

create function stage.measure(in_card bigint, in_name text, in_value float8, in_unit text)
returns bigint language plpgsql security definer set search_path = stage, engine, access, pg_temp as $$
declare c cards := his_card(in_card, 'card.change'); made bigint;
begin
  insert into metrics (workspace_id, card_id, name, value, unit, stage, by, at)
  values (c.workspace_id, c.id, in_name, in_value, in_unit, c.stage, coalesce(access.subject(), 'unknown'), clock()) returning id into made;
  return made;
end $$;

------------------------------------------------------------ what a run makes

-- In the transaction that closes the step.  Documents in the order of their names, so that
-- two closers never wait for each other.
create function stage.keep_step(in_run bigint, in_task integer, in_made jsonb)
returns void language plpgsql security definer set search_path = stage, engine, pg_temp as $$
declare c card_runs; d record; put record; now timestamptz := clock(); who text := 'run:' || in_run;
begin
  select * into c from card_runs x where x.run_id = in_run;
  if not found then raise exception 'not the run of a card' using errcode = '22023'; end if;
  for d in select g.* from jsonb_to_recordset(in_made -> 'documents') as g(path text, content text, digest text) order by lower(g.path) loop
    select * into put from put_version(c.workspace_id, c.card_id, d.path, d.content, d.digest, 'run', c.stage, in_run, in_task, who);
    insert into artifacts (workspace_id, card_id, type, label, document_id, document_version, stage, run_id, task, by, at)
    values (c.workspace_id, c.card_id, 'file', d.path, put.document, put.made, c.stage, in_run, in_task, who, now)
    on conflict (run_id, task, type, label) where run_id is not null do update
      set document_version = excluded.document_version, at = excluded.at;
  end loop;
  insert into artifacts (workspace_id, card_id, type, label, uri, meta, stage, run_id, task, by, at)
  select c.workspace_id, c.card_id, g.type, g.label, g.uri, coalesce(g.meta, '{}'), c.stage, in_run, in_task, who, now
    from jsonb_to_recordset(in_made -> 'artifacts') as g(type text, label text, uri text, meta jsonb)
  on conflict (run_id, task, type, label) where run_id is not null do update
    set uri = excluded.uri, meta = excluded.meta, at = excluded.at;
  insert into metrics (workspace_id, card_id, name, value, unit, stage, run_id, task, by, at)
  select c.workspace_id, c.card_id, g.name, g.value, g.unit, c.stage, in_run, in_task, who, now
    from jsonb_to_recordset(in_made -> 'metrics') as g(name text, value float8, unit text);
end $$;

create function stage.keep_gates(in_run bigint, in_task integer, in_results jsonb)
returns void language sql security definer set search_path = stage, engine, pg_temp as $$
  insert into gate_results (workspace_id, card_id, stage, run_id, task, gate, name, type, required, passed, message, evidence, at)
  select c.workspace_id, c.card_id, c.stage, in_run, in_task, g.id, g.name, g.type, g.required, coalesce(g.passed, false), g.message,
         g.evidence, clock()
    from stage.card_runs c,
         jsonb_to_recordset(in_results) as g(id text, name text, type text, required boolean, passed boolean, message text, evidence jsonb)
   where c.run_id = in_run
$$;

------------------------------------------------------------------ the exporter

create function stage.exported(in_document bigint, in_version integer)
returns void language sql security definer set search_path = stage, pg_temp as $$
  update documents set exported_version = in_version where id = in_document
$$;

-- A file that is not as we wrote it: a version of its own, and what the file holds.
create function stage.import(in_document bigint, in_content text, in_digest text, in_by text)
returns integer language plpgsql security definer set search_path = stage, engine, pg_temp as $$
declare d documents; written integer;
begin
  select * into d from documents x where x.id = in_document for no key update;
  if not found then return null; end if;
  select p.made into written from put_version(d.workspace_id, d.card_id, d.path, in_content, in_digest, 'file', null, null, null, in_by) p;
  update documents set exported_version = written where id = d.id;
  return written;
end $$;

--------------------------------------------------------------------- the doors

grant execute on function stage.set_recipe(bigint, text, integer, jsonb, jsonb), stage.remove_recipe(bigint, text, integer),
  stage.write(bigint, text, text, text, integer), stage.link_artifact(bigint, text, text, text),
  stage.measure(bigint, text, float8, text) to millrace_api;
grant execute on function stage.keep_step(bigint, integer, jsonb), stage.keep_gates(bigint, integer, jsonb),
  stage.exported(bigint, integer), stage.import(bigint, text, text, text) to millrace_worker;
