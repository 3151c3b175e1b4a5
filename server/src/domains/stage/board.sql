-- The board's walls, its settings and stages, and its cards.
--
--   ensure        a workspace's board is there    set_settings  what automation may do
--   set_stages    named, ordered, added, removed  add_card      and its run, if its stage asks
--   change_card   what people write on it         remove_card   when it is archived
--
-- Locks in this room: the engine's first (tasks, lanes, runs), then cards, each by id,
-- then the rows that hang on a card.

------------------------------------------------------------------- the walls

select access.protect(format('stage.%I', t)::regclass)
  from unnest(array['settings', 'stages', 'cards', 'stage_transition_events', 'card_runs', 'questions', 'approvals',
                    'notifications', 'reads', 'webhooks', 'deliveries']) t;

-- What somebody has read is his own.
alter policy read_own on stage.reads
  using (workspace_id = any ((select access.workspaces())::bigint[]) and subject = (select access.subject()));
-- The sealed secret is for the task that signs.
revoke select on stage.webhooks from millrace_api, millrace_worker;
grant select (id, workspace_id, url, kinds, enabled, created_by, created_at) on stage.webhooks to millrace_api, millrace_worker;
grant select on stage.stage_runs, stage.run_logs, stage.worker_heartbeats to millrace_api, millrace_worker;

-- Told to whoever asked as it stands here: a code, a sentence of ours, and what to do.
create function stage.refuse(in_code text, in_sentence text, in_remedy text default null) returns void
language plpgsql as $$
begin
  raise exception '%', in_code using errcode = 'MR007', detail = in_sentence, hint = coalesce(in_remedy, '');
end $$;

-- Who asks, as transitions say it.
create function stage.actor() returns text language sql stable as $$
  select case when access.subject() like 'user:%' then access.subject() else 'user:' || coalesce(access.subject(), 'unknown') end
$$;

-- Under this key stand all tasks of a workspace's stage runs: how many at a time, and whether any.
create function stage.key(in_workspace bigint) returns text language sql immutable as $$ select 'stage:' || in_workspace $$;

---------------------------------------------------------- settings and stages

create function stage.usual_stages() returns text[] language sql immutable as $$
  select array['inbox', 'discovery', 'prd', 'design', 'prototype', 'validate', 'tickets', 'build', 'alpha', 'beta', 'ga']
$$;

-- Made when it is first used.
create function stage.ensure(in_workspace bigint) returns stage.settings
language plpgsql set search_path = stage, pg_temp as $$
declare s settings;
begin
  select * into s from settings where workspace_id = in_workspace;
  if found then return s; end if;
  if not exists (select from engine.workspaces where id = in_workspace) then
    perform refuse('NO_SUCH_WORKSPACE', 'There is no such workspace.');
  end if;
  insert into settings (workspace_id, changed_by, changed_at) values (in_workspace, actor(), engine.clock()) on conflict do nothing;
  if found then
    insert into stages (workspace_id, key, name, position)
    select in_workspace, u.key, case when u.key in ('prd', 'ga') then upper(u.key) else initcap(u.key) end, u.place
      from unnest(usual_stages()) with ordinality as u(key, place);
  end if;
  -- In a statement of its own: another may have made it meanwhile.
  select * into s from settings where workspace_id = in_workspace;
  perform limit_to(s);
  return s;
end $$;

-- How many at a time, and whether any: the engine's limit says it to every worker.
create function stage.limit_to(s stage.settings) returns void language sql set search_path = stage, pg_temp as $$
  select engine.put_limit(key(s.workspace_id), s.worker_max_concurrency)
$$;

create function stage.open_or_shut(s stage.settings) returns void language plpgsql set search_path = stage, pg_temp as $$
begin
  if s.worker_enabled then perform engine.lift_stop(key(s.workspace_id)); else perform engine.put_stop(key(s.workspace_id)); end if;
end $$;

-- By whoever is in the workspace: to look at it is to use it.
create function stage.initialize(in_workspace bigint) returns stage.settings
language plpgsql security definer set search_path = stage, pg_temp as $$
begin
  if not coalesce(in_workspace = any((select access.workspaces())::bigint[]), false) then perform access.must(in_workspace, 'card.change'); end if;
  return ensure(in_workspace);
end $$;

-- in_changes: the settings to change, by the names of columns; `in_version`: the one that was read; null: whichever.
create function stage.set_settings(in_workspace bigint, in_changes jsonb, in_version integer default null, in_file text default null)
returns stage.settings language plpgsql security definer set search_path = stage, pg_temp as $$
declare s settings; n settings;
begin
  perform access.must(in_workspace, 'board.change');
  perform ensure(in_workspace);
  select * into s from settings where workspace_id = in_workspace for no key update;
  if in_version <> s.version then perform refuse('SETTINGS_CHANGED', 'Somebody else has changed the settings.', 'Read them again.'); end if;
  n := jsonb_populate_record(s, in_changes - '{workspace_id,version,changed_by,changed_at,file_digest}'::text[]);
  if n.automation_stop_stage is not null
     and not exists (select from stages where workspace_id = in_workspace and key = n.automation_stop_stage) then
    perform refuse('NO_SUCH_STAGE', 'The stage at which automation is to stop is not on the board.', 'Name one of its stages by its key.');
  end if;
  if n.automation_mode = 'auto_to_stage' and n.automation_stop_stage is null then
    perform refuse('NO_STOP_STAGE', 'Automation up to a stage needs that stage.', 'Set automationStopStage, or automationMode auto_all.');
  end if;
  update settings set
    ai_execution_mode = n.ai_execution_mode, automation_mode = n.automation_mode, automation_stop_stage = n.automation_stop_stage,
    worker_enabled = n.worker_enabled, worker_max_concurrency = n.worker_max_concurrency,
    worker_poll_interval_ms = n.worker_poll_interval_ms, four_eyes = n.four_eyes,
    version = s.version + 1, changed_by = actor(), changed_at = engine.clock(), file_digest = coalesce(in_file, s.file_digest)
   where workspace_id = in_workspace returning * into n;
  -- What stayed as it was is not said again: an operator may have limited or stopped the key since.
  if n.worker_max_concurrency <> s.worker_max_concurrency then perform limit_to(n); end if;
  if n.worker_enabled <> s.worker_enabled then perform open_or_shut(n); end if;
  return n;
end $$;

-- How often a worker looks for stage runs by itself, in milliseconds: the shortest of all workspaces.
create function stage.poll_interval() returns integer
language sql stable security definer set search_path = stage, pg_temp as $$
  select min(s.worker_poll_interval_ms) from settings s where s.worker_enabled
$$;

-- in_stages: [{"key", "name"}, …] in their order; what is not among them goes, if no card is in it.
create function stage.set_stages(in_workspace bigint, in_stages jsonb) returns setof stage.stages
language plpgsql security definer set search_path = stage, pg_temp as $$
declare s settings; full_one text;
begin
  perform access.must(in_workspace, 'board.change');
  perform ensure(in_workspace);
  -- Two who change the board do so one after the other.
  select * into s from settings where workspace_id = in_workspace for update;
  if jsonb_array_length(in_stages) <> (select count(distinct e ->> 'key') from jsonb_array_elements(in_stages) e) then
    perform refuse('STAGE_TWICE', 'A stage stands there twice.', 'Give every stage a key of its own.');
  end if;
  if s.automation_stop_stage is not null
     and not exists (select from jsonb_array_elements(in_stages) e where e ->> 'key' = s.automation_stop_stage) then
    perform refuse('STAGE_IS_STOP_STAGE', 'Automation stops at a stage that would go.', 'Change automationStopStage first.');
  end if;
  select g.key into full_one from stages g
   where g.workspace_id = in_workspace and not exists (select from jsonb_array_elements(in_stages) e where e ->> 'key' = g.key)
     and exists (select from cards c where c.workspace_id = in_workspace and c.stage = g.key) limit 1;
  if found then
    perform refuse('STAGE_NOT_EMPTY', format('There are cards in the stage %s.', full_one), 'Move them, archived ones too, or remove them.');
  end if;
  delete from stages g where g.workspace_id = in_workspace
     and not exists (select from jsonb_array_elements(in_stages) e where e ->> 'key' = g.key);
  insert into stages as g (workspace_id, key, name, position)
  select in_workspace, e.value ->> 'key', e.value ->> 'name', e.place from jsonb_array_elements(in_stages) with ordinality e(value, place)
  on conflict (workspace_id, key) do update set name = excluded.name, position = excluded.position;
  return query select * from stages where workspace_id = in_workspace order by position;
end $$;

----------------------------------------------------------------------- cards

-- A card of this caller, who may do that to it.
create function stage.his_card(in_card bigint, in_right text) returns stage.cards
language plpgsql set search_path = stage, pg_temp as $$
declare c cards;
begin
  select * into c from cards where id = in_card and workspace_id = any((select access.workspaces())::bigint[]);
  if not found then perform refuse('NO_SUCH_CARD', 'There is no such card.'); end if;
  perform access.must(c.workspace_id, in_right);
  return c;
end $$;

-- After waiting: it may have gone.
create function stage.lock_card(in_card bigint) returns stage.cards language plpgsql set search_path = stage, pg_temp as $$
declare c cards;
begin
  select * into c from cards where id = in_card for no key update;
  if not found then perform refuse('NO_SUCH_CARD', 'There is no such card.'); end if;
  return c;
end $$;

create function stage.must_be(c stage.cards, in_version integer) returns void language plpgsql set search_path = stage, pg_temp as $$
begin
  if in_version <> c.version then
    perform refuse('CARD_CHANGED', 'Somebody else has changed or moved this card.', 'Read it again, and decide again.');
  end if;
end $$;

create function stage.must_have(in_workspace bigint, in_stage text) returns void language plpgsql set search_path = stage, pg_temp as $$
begin
  if not exists (select from stages where workspace_id = in_workspace and key = in_stage) then
    perform refuse('NO_SUCH_STAGE', 'There is no such stage on this board.', 'Name one of its stages by its key.');
  end if;
end $$;

-- Before that card of the column; null: at its end.
create function stage.place(in_workspace bigint, in_stage text, in_before bigint, in_card bigint default null) returns numeric
language plpgsql stable set search_path = stage, pg_temp as $$
declare at numeric; above numeric;
begin
  if in_before is null then
    return (select coalesce(max(position), 0) + 1 from cards where workspace_id = in_workspace and stage = in_stage and id is distinct from in_card);
  end if;
  select position into at from cards where id = in_before and workspace_id = in_workspace and stage = in_stage;
  if not found then perform refuse('NO_SUCH_CARD', 'The card before which it was to stand is not in that stage.'); end if;
  select max(position) into above from cards
   where workspace_id = in_workspace and stage = in_stage and position < at and id is distinct from in_card;
  return (at + coalesce(above, at - 2)) / 2;
end $$;

create function stage.add_card(
  in_workspace bigint, in_title text, in_description text, in_stage text, in_priority text, in_metadata jsonb)
returns table (card_id bigint, run_id bigint) language plpgsql security definer set search_path = stage, pg_temp as $$
declare c cards; t stage_transition_events; to_be text;
begin
  perform access.must(in_workspace, 'card.change');
  perform pg_advisory_xact_lock_shared(engine.starting(), in_workspace::integer);
  perform ensure(in_workspace);
  to_be := coalesce(in_stage, (select key from stages where workspace_id = in_workspace order by position limit 1));
  perform must_have(in_workspace, to_be);
  insert into cards (workspace_id, title, description, stage, priority, metadata, position, entered_at, created_by, created_at, updated_at)
  values (in_workspace, in_title, coalesce(in_description, ''), to_be, coalesce(in_priority, 'medium'), coalesce(in_metadata, '{}'),
          place(in_workspace, to_be, null), engine.clock(), actor(), engine.clock(), engine.clock())
  returning * into c;
  t := arrive(c, null, actor(), null, null, null);
  return query select c.id, t.run_id;
end $$;

-- in_changes: title, description, priority, status, metadata; what is not named stays.
create function stage.change_card(in_card bigint, in_version integer, in_changes jsonb, in_cancel boolean default false)
returns stage.cards language plpgsql security definer set search_path = stage, pg_temp as $$
declare c cards; n cards; ends boolean := in_changes ->> 'status' in ('archived', 'completed');
begin
  c := his_card(in_card, 'card.change');
  if ends then perform stop_run(c, in_cancel); end if;
  c := lock_card(in_card);
  perform must_be(c, in_version);
  if ends and c.active_run is not null then perform refuse('CARD_CHANGED', 'A run of this card has begun meanwhile.', 'Read it again.'); end if;
  n := jsonb_populate_record(c, in_changes - array(select k from jsonb_object_keys(in_changes) k
                                                   where k not in ('title', 'description', 'priority', 'status', 'metadata')));
  update cards set title = n.title, description = n.description, priority = n.priority, status = n.status, metadata = n.metadata,
                   version = c.version + 1, updated_at = engine.clock() where id = c.id returning * into c;
  return c;
end $$;

create function stage.remove_card(in_card bigint) returns void
language plpgsql security definer set search_path = stage, pg_temp as $$
declare c cards;
begin
  c := his_card(in_card, 'card.change');
  c := lock_card(in_card);
  if c.status <> 'archived' then perform refuse('CARD_NOT_ARCHIVED', 'Only an archived card can be removed.', 'Archive it first.'); end if;
  delete from cards where id = c.id;
end $$;
