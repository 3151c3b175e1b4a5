-- How a card comes somewhere, and the run that this asks for.
--
--   move      a person moves a card                arrive    what every arrival leaves behind
--   run_now   a person asks for the stage's run    begin_run the run itself
--   stop_run  the old stage's run ends first       why_not   why none begins
--
-- A person's move and one by automation are one: `put_move`.  The door asks what the
-- person may; the inner verbs are granted to nobody.

-- What the run of a card's stage needs before the card is locked: it is ended, if that is wanted.
create function stage.stop_run(c stage.cards, in_cancel boolean, in_reason text default null) returns void
language plpgsql set search_path = stage, pg_temp as $$
begin
  if c.active_run is null then return; end if;
  if not in_cancel then
    perform refuse('RUN_UNDER_WAY', format('Run %s of this card is under way.', c.active_run),
                   'Wait for its end, or say cancelActiveRun to end it with this.');
  end if;
  if exists (select from engine.runs r where r.id = c.active_run and r.finished_at is null) then
    -- The engine's rows first: its end holds them when it comes to what hangs on the card.
    perform engine.cancel(c.active_run);
    update card_runs set end_reason = coalesce(in_reason, 'its card was taken elsewhere') where run_id = c.active_run;
  end if;
end $$;

create function stage.move(
  in_card bigint, in_to text, in_version integer, in_reason text default null, in_cancel boolean default false, in_before bigint default null)
returns stage.stage_transition_events language plpgsql security definer set search_path = stage, pg_temp as $$
declare seen cards; c cards; t stage_transition_events;
begin
  seen := his_card(in_card, 'card.change');
  -- Whoever sets a budget waits for us, or we for him, before we hold anything.
  perform pg_advisory_xact_lock_shared(engine.starting(), seen.workspace_id::integer);
  perform must_have(seen.workspace_id, in_to);
  if in_to <> seen.stage then perform stop_run(seen, in_cancel); end if;
  c := lock_card(in_card);
  perform must_be(c, in_version);
  if c.status = 'archived' then perform refuse('CARD_ARCHIVED', 'An archived card does not move.', 'Make it active first.'); end if;
  if c.stage <> seen.stage or (in_to <> c.stage and c.active_run is distinct from seen.active_run and c.active_run is not null) then
    perform refuse('CARD_CHANGED', 'This card has moved, or a run of it has begun, meanwhile.', 'Read it again, and decide again.');
  end if;
  if in_to = c.stage then
    update cards set position = place(c.workspace_id, in_to, in_before, c.id), version = c.version + 1, updated_at = engine.clock() where id = c.id;
    return null;
  end if;
  t := put_move(c, in_to, actor(), in_reason, null, null, place(c.workspace_id, in_to, in_before, c.id));
  return t;
end $$;

-- The card is locked.  `in_not` : why nothing is to begin there; null: as settings and recipe say.
create function stage.put_move(
  c stage.cards, in_to text, in_actor text, in_reason text, in_caused_by bigint, in_not text, in_position numeric default null)
returns stage.stage_transition_events language plpgsql set search_path = stage, pg_temp as $$
declare came_from text := c.stage;
begin
  -- Its end may still be on its way; it is not this card's any more.
  update card_runs set ended_at = engine.clock(), awaits = null where run_id = c.active_run and ended_at is null;
  update cards set stage = in_to, version = c.version + 1, position = coalesce(in_position, place(c.workspace_id, in_to, null)),
                   entered_at = engine.clock(), active_run = null, updated_at = engine.clock()
   where id = c.id returning * into c;
  return arrive(c, came_from, in_actor, in_reason, in_caused_by, in_not);
end $$;

-- The card is where it is now: that is written down, and its stage's run begins.
create function stage.arrive(c stage.cards, in_from text, in_actor text, in_reason text, in_caused_by bigint, in_not text)
returns stage.stage_transition_events language plpgsql set search_path = stage, pg_temp as $$
declare t stage_transition_events; snap jsonb := snapshot(c.workspace_id, c.stage); s settings; why text := in_not;
begin
  select * into s from settings where workspace_id = c.workspace_id;
  why := coalesce(why, why_not(s, c, snap),
    case when s.automation_mode = 'manual' then 'manual_mode'
         when past_stop(s, c.stage) then 'past_stop_stage'
         when snap ->> 'level' = 'manual' then 'manual_level' end);
  insert into stage_transition_events (workspace_id, card_id, from_stage, to_stage, actor, reason, not_started, caused_by, at)
  values (c.workspace_id, c.id, in_from, c.stage, in_actor, in_reason, why, in_caused_by, engine.clock()) returning * into t;
  if why is null then
    update stage_transition_events set run_id = (begin_run(c, t.id, in_actor, snap)).run_id where id = t.id returning * into t;
  end if;
  return t;
end $$;

-- Why no run may begin for this card where it is, whoever asks.
create function stage.why_not(s stage.settings, c stage.cards, snap jsonb) returns text language sql immutable as $$
  select case when s.ai_execution_mode = 'off' then 'ai_off'
              when c.status <> 'active' then 'card_not_active'
              when snap is null then 'no_recipe'
              when snap -> 'enabled' = 'false' then 'recipe_disabled' end
$$;

-- Automation goes up to the stop stage, and no further.
create function stage.past_stop(s stage.settings, in_stage text) returns boolean language sql stable as $$
  select s.automation_mode = 'auto_to_stage'
     and (select g.position from stage.stages g where g.workspace_id = s.workspace_id and g.key = in_stage)
       > (select g.position from stage.stages g where g.workspace_id = s.workspace_id and g.key = s.automation_stop_stage)
$$;

-- What a person approves, in a few letters: the steps, the gates, and what follows a failure.
create function stage.digest(snap jsonb) returns text language sql immutable as $$
  select encode(sha256(convert_to(jsonb_build_array(snap -> 'steps', snap -> 'gates', snap -> 'onFailBehavior')::text, 'UTF8')), 'hex')
$$;

-- The run of this card's stage; asked for again while it is there, it is the same one.
-- The card is locked.
create function stage.begin_run(
  c stage.cards, in_transition bigint, in_actor text, snap jsonb, in_key text default null, out run_id bigint, out created boolean)
language plpgsql set search_path = stage, pg_temp as $$
#variable_conflict use_column
declare
  needs text := case when jsonb_array_length(coalesce(snap -> 'untrusted', '[]')) > 0 then 'trust' when snap ->> 'level' = 'human_approval' then 'level' end;
  tasks json := json_build_array(json_build_object('kind', 'stage.begin', 'key', key(c.workspace_id), 'input', '{}'::json));
  input jsonb := (snap - 'enabled') || jsonb_build_object(
    'workspace', c.workspace_id, 'stage', c.stage, 'transition', in_transition, 'actor', in_actor,
    'card', jsonb_build_object('id', c.id, 'title', c.title, 'description', c.description, 'stage', c.stage,
                               'priority', c.priority, 'metadata', c.metadata, 'version', c.version));
begin
  select k.run_id, false into run_id, created from card_runs k
   where k.card_id = c.id and k.stage = c.stage and k.ended_at is null;
  if found then return; end if;
  select p.run_id, p.created into run_id, created
    from engine.put_run(c.workspace_id, 'stage', input, tasks, true,
      (case c.priority when 'urgent' then 9 when 'high' then 7 when 'low' then 3 else 5 end)::smallint,
      case when needs is not null then 'awaiting_approval' end, null, in_key,
      case when in_key is not null then sha256(convert_to(c.id || ' ' || c.stage, 'UTF8')) end) p;
  if created then
    insert into card_runs (run_id, workspace_id, card_id, stage, transition_id, level, actor, digest, needs, awaits, created_at)
    values (run_id, c.workspace_id, c.id, c.stage, in_transition, snap ->> 'level', in_actor, digest(snap), needs,
            case when needs is not null then 'approval' end, engine.clock());
    update cards set active_run = begin_run.run_id where id = c.id;
    if needs is not null then
      perform tell('approval_needed', c, run_id, jsonb_build_object('needs', needs));
    end if;
  end if;
end $$;

-- A person asks for the run of the stage in which the card is, whatever its level.
create function stage.run_now(in_card bigint, in_stage text default null, in_key text default null)
returns table (run_id bigint, created boolean) language plpgsql security definer set search_path = stage, pg_temp as $$
declare c cards; s settings; snap jsonb; why text;
begin
  c := his_card(in_card, 'run.start');
  perform pg_advisory_xact_lock_shared(engine.starting(), c.workspace_id::integer);
  c := lock_card(in_card);
  if in_stage <> c.stage then
    perform refuse('CARD_ELSEWHERE', format('This card is in the stage %s.', c.stage), 'Move it there; a run is for the stage in which its card is.');
  end if;
  select * into s from settings where workspace_id = c.workspace_id;
  snap := snapshot(c.workspace_id, c.stage);
  why := why_not(s, c, snap);
  if why is not null and c.active_run is null then
    perform refuse(upper(why), case why
      when 'ai_off' then 'Nothing is started in this workspace: aiExecutionMode is off.'
      when 'card_not_active' then format('Nothing is started for a card that is %s.', c.status)
      when 'no_recipe' then format('The stage %s has no recipe.', c.stage)
      else format('The recipe of the stage %s is disabled.', c.stage) end);
  end if;
  return query select b.run_id, b.created
    from begin_run(c, (select max(t.id) from stage_transition_events t where t.card_id = c.id), actor(), snap, in_key) b;
end $$;
