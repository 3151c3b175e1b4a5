-- What the end of a stage run does, in the transaction that ends it; and what it does
-- when it is held, released or reopened, whoever does that.
--
--   follow   the engine's run changed             tell     a line for people, and its webhooks
--   ended    the card is free, and goes on        advance  or goes no further, and why
--
-- The engine's rows are locked already: tasks, lanes, run.  Then the card, then what hangs on it.

create function stage.follow() returns trigger
language plpgsql security definer set search_path = stage, pg_temp as $$
declare r card_runs;
begin
  select * into r from card_runs k where k.run_id = new.id;
  if not found then return null; end if;
  if old.finished_at is null and new.finished_at is not null then
    perform ended(new, r);
  elsif old.finished_at is not null and new.finished_at is null then
    perform begins_again(new, r);
  elsif new.finished_at is null and new.held is distinct from old.held then
    if new.held = 'awaiting_approval' then perform waits(new, r);
    elsif old.held = 'awaiting_approval' then perform goes_on(new, r);
    end if;
  end if;
  return null;
end $$;

create trigger stage_follows after update of state, held on engine.runs
  for each row when (new.kind = 'stage' and (new.state is distinct from old.state or new.held is distinct from old.held))
  execute function stage.follow();

-- Once a round: a run ends once.
create function stage.ended(e engine.runs, r stage.card_runs) returns void
language plpgsql set search_path = stage, pg_temp as $$
declare c cards; failure jsonb;
begin
  select * into c from cards where id = r.card_id for no key update;
  -- The card has left its stage, and this run with it.
  update card_runs set ended_at = engine.clock(), awaits = null where run_id = r.run_id and ended_at is null;
  -- What it asked and nobody answered, nobody waits for.
  delete from questions where run_id = r.run_id and answer is null;
  if c.active_run is distinct from r.run_id then return; end if;
  update cards set active_run = null where id = c.id returning * into c;
  if e.state = 'succeeded' then
    if r.level = 'fully_auto' then perform advance(c, r); else perform tell('run_succeeded', c, r.run_id); end if;
  elsif e.state = 'failed' then
    -- As the decision says it: the run's own row is written after this.
    failure := coalesce((select o.output -> 'fail' from engine.outputs o where o.run_id = e.id and o.n = -e.decisions),
                        (select a.failure from engine.attempts a where a.run_id = e.id and a.n = -e.decisions order by a.attempt desc limit 1));
    perform tell('run_failed', c, r.run_id, jsonb_strip_nulls(jsonb_build_object(
      'code', failure -> 'code', 'gates', failure -> 'details' -> 'gates')));
    if failure ->> 'code' = 'GATE_FAILED' and (select b.input ->> 'onFailBehavior' from engine.run_bodies b where b.run_id = e.id) = 'revert' then
      perform revert(c, r, failure);
    end if;
  end if;
end $$;

-- The next stage, through the same door as everybody; or why not.
create function stage.advance(c stage.cards, r stage.card_runs) returns void
language plpgsql set search_path = stage, pg_temp as $$
declare s settings; next text; why text;
begin
  select * into s from settings where workspace_id = c.workspace_id;
  select g.key into next from stages g
   where g.workspace_id = c.workspace_id
     and g.position > (select h.position from stages h where h.workspace_id = c.workspace_id and h.key = c.stage)
   order by g.position limit 1;
  why := case when s.automation_mode = 'manual' then 'manual_mode'
              when c.status <> 'active' then 'card_not_active'
              when next is null then 'last_stage'
              when past_stop(s, next) then 'stop_stage'
              when in_a_loop(c.id, next) then 'loop' end;
  if why is not null then
    perform tell('automation_stopped', c, r.run_id, jsonb_strip_nulls(jsonb_build_object('why', why, 'next', next)));
  else
    perform put_move(c, next, 'automation', null, r.run_id, null);
  end if;
end $$;

-- No more than three times in a minute into one stage, unless a person does it.
create function stage.in_a_loop(in_card bigint, in_stage text) returns boolean
language sql stable set search_path = stage, pg_temp as $$
  select count(*) >= 3 from stage_transition_events t
   where t.card_id = in_card and t.to_stage = in_stage and t.actor = 'automation' and t.at > engine.clock() - interval '60 seconds'
$$;

-- Back to where it came from; nothing begins there: somebody is to look first.
create function stage.revert(c stage.cards, r stage.card_runs, failure jsonb) returns void
language plpgsql set search_path = stage, pg_temp as $$
declare back text;
begin
  select coalesce(
    (select t.from_stage from stage_transition_events t where t.id = r.transition_id and t.to_stage = c.stage
        and exists (select from stages g where g.workspace_id = c.workspace_id and g.key = t.from_stage)),
    (select g.key from stages g where g.workspace_id = c.workspace_id
        and g.position < (select h.position from stages h where h.workspace_id = c.workspace_id and h.key = c.stage)
      order by g.position desc limit 1)) into back;
  if back is null then return; end if;
  perform put_move(c, back, 'automation', 'Gates did not pass: ' || coalesce(failure #>> '{details,gates}', ''), r.run_id, 'reverted');
  perform tell('card_reverted', c, r.run_id, jsonb_build_object('to', back, 'gates', failure -> 'details' -> 'gates'));
end $$;

-- A further round of the same run: only for a card that is still there, and free.
create function stage.begins_again(e engine.runs, r stage.card_runs) returns void
language plpgsql set search_path = stage, pg_temp as $$
declare c cards; s settings; approved boolean;
begin
  select * into c from cards where id = r.card_id for no key update;
  select * into s from settings where workspace_id = c.workspace_id;
  if c.stage <> r.stage then
    perform refuse('CARD_ELSEWHERE', format('The card of this run is in the stage %s now.', c.stage), 'Start the run of that stage, or move the card back.');
  elsif c.active_run is not null then
    perform refuse('RUN_UNDER_WAY', format('Run %s of this card is under way.', c.active_run));
  elsif c.status <> 'active' then
    perform refuse('CARD_NOT_ACTIVE', format('Nothing is started for a card that is %s.', c.status));
  elsif s.ai_execution_mode = 'off' then
    perform refuse('AI_OFF', 'Nothing is started in this workspace: aiExecutionMode is off.');
  end if;
  approved := r.needs is null or exists (select from approvals a where a.run_id = r.run_id and a.what = 'approval' and a.decision = 'approved');
  update card_runs set ended_at = null, end_reason = null, awaits = case when not approved then 'approval' end where run_id = r.run_id;
  update cards set active_run = r.run_id where id = c.id;
  -- What nobody has approved is not started by being retried.
  if not approved then perform engine.put_hold(r.run_id, 'awaiting_approval'); end if;
end $$;

-- Held before it began, or by its gates.
create function stage.waits(e engine.runs, r stage.card_runs) returns void
language plpgsql set search_path = stage, pg_temp as $$
declare c cards; input jsonb; asked integer; held_for text := r.awaits;
begin
  select * into c from cards where id = r.card_id for no key update;
  if r.ended_at is not null then return; end if;
  if held_for is null then
    input := (select b.input from engine.run_bodies b where b.run_id = e.id);
    held_for := case when e.decisions = 0 then 'approval' when input ->> 'onFailBehavior' = 'create_questions' then 'questions' else 'review' end;
    update card_runs set awaits = held_for where run_id = r.run_id;
  end if;
  if held_for = 'questions' then
    insert into questions (workspace_id, card_id, run_id, stage, gate, question, asked_at)
    select c.workspace_id, c.id, r.run_id, r.stage, g.value ->> 'id',
           left(coalesce(nullif(g.value ->> 'message', ''), nullif(d.value ->> 'message', ''), 'The gate “' || coalesce(d.value ->> 'name', g.value ->> 'id') || '” did not pass. What is missing?'), 4000),
           engine.clock()
      from jsonb_array_elements(gate_results(r.run_id) -> 'results') g
      left join jsonb_array_elements(input -> 'gates') d on d.value ->> 'id' = g.value ->> 'id'
     where g.value -> 'required' = 'true' and g.value -> 'passed' is distinct from 'true'
    on conflict (run_id, gate) where answer is null do nothing;
    get diagnostics asked = row_count;
  end if;
  perform tell(case held_for when 'approval' then 'approval_needed' when 'questions' then 'questions_asked' else 'review_needed' end,
               c, r.run_id, jsonb_strip_nulls(jsonb_build_object('needs', case when held_for = 'approval' then r.needs end, 'questions', asked)));
end $$;

-- What the gates said last.
create function stage.gate_results(in_run bigint) returns jsonb
language sql stable set search_path = stage, pg_temp as $$
  select o.output from engine.outputs o
    join engine.tasks t on t.run_id = o.run_id and t.n = o.n
    join engine.lanes l on l.id = t.lane_id
   where o.run_id = in_run and o.n > 0 and l.kind = 'stage.gates' order by o.n desc limit 1
$$;

-- Whoever releases it, by whichever door, has approved it in this transaction.
create function stage.goes_on(e engine.runs, r stage.card_runs) returns void
language plpgsql set search_path = stage, pg_temp as $$
begin
  if not exists (select from approvals a where a.run_id = r.run_id and a.xmin = pg_current_xact_id()::xid and a.decision <> 'rejected') then
    perform refuse('AWAITS_APPROVAL', 'This run waits for a person’s word, and is not simply resumed.', 'Approve it, or answer its questions and retry.');
  end if;
  update card_runs set awaits = null where run_id = r.run_id;
end $$;

------------------------------------------------------------------ being told

-- A line for everybody in the workspace, and a delivery for each webhook that wants it.
create function stage.tell(in_kind text, c stage.cards, in_run bigint, in_data jsonb default '{}') returns void
language plpgsql set search_path = stage, pg_temp as $$
declare line bigint; w record; run bigint;
begin
  insert into notifications (workspace_id, kind, card_id, run_id, stage, data, at)
  values (c.workspace_id, in_kind, c.id, in_run, c.stage, in_data, engine.clock()) returning id into line;
  for w in select h.id from webhooks h
            where h.workspace_id = c.workspace_id and h.enabled and (h.kinds = '{}' or in_kind = any(h.kinds)) order by h.id loop
    run := (select p.run_id from engine.put_run(c.workspace_id, 'webhook', jsonb_build_object('webhook', w.id, 'notification', line),
              json_build_array(json_build_object('kind', 'webhook.deliver', 'input', json_build_object())), false, 3::smallint, null) p);
    insert into deliveries (workspace_id, webhook_id, notification_id, run_id, created_at)
    values (c.workspace_id, w.id, line, run, engine.clock());
  end loop;
end $$;
