-- What people answer: approvals, questions, what they have read; and who is called.
--
--   approve   a run that waits goes on         retry_held  its gates are looked at again
--   cancel    and one is refused, with reason  answer      a question of a card
--   read_up_to what he has seen               set_webhook …

-- A stage run of this caller, who may do that to it; locked, as the engine locks it.
create function stage.his_run(in_run bigint, in_right text) returns stage.card_runs
language plpgsql set search_path = stage, pg_temp as $$
declare r card_runs;
begin
  select * into r from card_runs where run_id = in_run and workspace_id = any((select access.workspaces())::bigint[]);
  if not found then raise exception 'there is no such run' using errcode = 'MR003'; end if;
  perform access.must(r.workspace_id, in_right);
  perform 1 from engine.lanes l where l.run_id = in_run and not engine.decides(l.kind) order by l.id for no key update;
  perform 1 from engine.runs e where e.id = in_run for no key update;
  select * into r from card_runs where run_id = in_run;
  return r;
end $$;

-- What somebody who decides about a run has before him.
create function stage.seen(r stage.card_runs) returns jsonb
language sql stable set search_path = stage, pg_temp as $$
  select jsonb_strip_nulls(jsonb_build_object('digest', r.digest, 'cardVersion', (select c.version from cards c where c.id = r.card_id),
           'gates', gate_results(r.run_id) -> 'results'))
$$;

-- Lets it begin, or passes its gates; with who, when, and what he saw.  in_digest and
-- in_version: what he says that he saw; another is refused.
create function stage.approve(in_run bigint, in_reason text default null, in_digest text default null, in_version integer default null)
returns void language plpgsql security definer set search_path = stage, pg_temp as $$
declare r card_runs := his_run(in_run, 'run.approve'); saw jsonb;
begin
  if r.awaits is null then
    raise exception 'nothing to approve' using errcode = 'MR004', detail = (select engine.status(e) from engine.runs e where e.id = in_run);
  end if;
  saw := seen(r);
  if in_digest <> r.digest or in_version <> (saw ->> 'cardVersion')::integer then
    perform refuse('CARD_CHANGED', 'What you approve is not what you have seen.', 'Look at it again.');
  end if;
  if r.actor = actor() and (select s.four_eyes from settings s where s.workspace_id = r.workspace_id) then
    perform refuse('FOUR_EYES', 'In this workspace nobody approves what he has started himself.', 'Ask somebody else.');
  end if;
  if r.awaits = 'questions' then
    perform refuse('QUESTIONS_OPEN', 'This run waits for answers.', 'Answer its questions, then retry it.');
  end if;
  if r.awaits = 'review' and coalesce(trim(in_reason), '') = '' then
    perform refuse('REASON_NEEDED', 'To pass gates that failed needs a reason; it is recorded.');
  end if;
  insert into approvals (workspace_id, run_id, card_id, what, decision, task, by, reason, seen, at)
  select r.workspace_id, r.run_id, r.card_id, r.awaits, 'approved',
         case when r.awaits = 'review' then (select max(t.n) from engine.tasks t where t.run_id = in_run and t.state = 'ready' and t.n > 0) end,
         actor(), in_reason, saw, engine.clock();
  perform engine.release(in_run);
end $$;

-- The questions are answered, or something was mended: the gates are looked at again.
create function stage.retry_held(in_run bigint, in_reason text default null) returns void
language plpgsql security definer set search_path = stage, pg_temp as $$
declare r card_runs := his_run(in_run, 'run.approve'); open integer;
begin
  if r.awaits is distinct from 'questions' and r.awaits is distinct from 'review' then
    raise exception 'nothing to retry' using errcode = 'MR004', detail = (select engine.status(e) from engine.runs e where e.id = in_run);
  end if;
  select count(*) into open from questions q where q.run_id = in_run and q.answer is null;
  if open > 0 then
    perform refuse('QUESTIONS_OPEN', format('%s of its questions have no answer.', open), 'Answer them, then retry.');
  end if;
  insert into approvals (workspace_id, run_id, card_id, what, decision, by, reason, seen, at)
  values (r.workspace_id, r.run_id, r.card_id, r.awaits, 'again', actor(), in_reason, seen(r), engine.clock());
  perform engine.release(in_run);
end $$;

-- Ends it; of one that waits for approval this is the refusal.
create function stage.cancel(in_run bigint, in_reason text default null) returns void
language plpgsql security definer set search_path = stage, pg_temp as $$
declare r card_runs; e engine.runs; saw jsonb;
begin
  select * into r from card_runs where run_id = in_run and workspace_id = any((select access.workspaces())::bigint[]);
  if not found then raise exception 'there is no such run' using errcode = 'MR003'; end if;
  saw := seen(r);
  e := engine.cancel(in_run, in_reason);
  if in_reason is not null then update card_runs set end_reason = coalesce(end_reason, in_reason) where run_id = in_run; end if;
  if r.awaits is not null and e.held = 'awaiting_approval' then
    insert into approvals (workspace_id, run_id, card_id, what, decision, by, reason, seen, at)
    values (r.workspace_id, r.run_id, r.card_id, r.awaits, 'rejected', actor(), in_reason, saw, engine.clock());
  end if;
end $$;

create function stage.answer(in_card bigint, in_question bigint, in_answer text) returns stage.questions
language plpgsql security definer set search_path = stage, pg_temp as $$
declare q questions;
begin
  select * into q from questions where id = in_question and card_id = in_card and workspace_id = any((select access.workspaces())::bigint[]);
  if not found then perform refuse('NO_SUCH_QUESTION', 'There is no such question.'); end if;
  perform access.must(q.workspace_id, 'card.change');
  update questions set answer = in_answer, answered_by = actor(), answered_at = engine.clock() where id = in_question returning * into q;
  return q;
end $$;

create function stage.ask(in_card bigint, in_question text) returns stage.questions
language plpgsql security definer set search_path = stage, pg_temp as $$
declare c cards := his_card(in_card, 'card.change'); q questions;
begin
  insert into questions (workspace_id, card_id, stage, question, asked_at)
  values (c.workspace_id, c.id, c.stage, in_question, engine.clock()) returning * into q;
  return q;
end $$;

-- These, or all up to that one; gives how many of his are left.
create function stage.read(in_workspace bigint, in_ids bigint[], in_up_to bigint default null) returns void
language plpgsql security definer set search_path = stage, pg_temp as $$
begin
  if not in_workspace = any((select access.workspaces())::bigint[]) then perform access.must(in_workspace, 'card.change'); end if;
  insert into reads (notification_id, workspace_id, subject, at)
  select n.id, n.workspace_id, access.subject(), engine.clock() from notifications n
   where n.workspace_id = in_workspace and (n.id = any(in_ids) or n.id <= in_up_to)
     and not exists (select from reads d where d.notification_id = n.id and d.subject = access.subject())
  on conflict do nothing;
end $$;

-------------------------------------------------------------------- webhooks

-- The number of the next one: its secret is sealed for it, and opens nowhere else.
create function stage.new_webhook(in_workspace bigint, out id bigint, out installation text)
language plpgsql security definer set search_path = stage, pg_temp as $$
begin
  perform access.must(in_workspace, 'board.change');
  id := nextval(pg_get_serial_sequence('stage.webhooks', 'id'));
  installation := (select i.id::text from vault.installation i);
end $$;

create function stage.put_webhook(
  in_id bigint, in_workspace bigint, in_url text, in_kinds text[], in_secret text, in_nonce bytea, in_sealed bytea)
returns void language plpgsql security definer set search_path = stage, pg_temp as $$
begin
  perform access.must(in_workspace, 'board.change');
  insert into webhooks (id, workspace_id, url, kinds, secret, nonce, sealed, created_by, created_at)
  values (in_id, in_workspace, in_url, in_kinds, in_secret, in_nonce, in_sealed, actor(), engine.clock());
end $$;

create function stage.change_webhook(in_webhook bigint, in_enabled boolean, in_url text default null, in_kinds text[] default null) returns void
language plpgsql security definer set search_path = stage, pg_temp as $$
declare w webhooks := his_webhook(in_webhook);
begin
  update webhooks set enabled = coalesce(in_enabled, w.enabled), url = coalesce(in_url, w.url), kinds = coalesce(in_kinds, w.kinds) where id = w.id;
end $$;

create function stage.remove_webhook(in_webhook bigint) returns void
language plpgsql security definer set search_path = stage, pg_temp as $$
declare w webhooks := his_webhook(in_webhook);
begin
  delete from webhooks where id = w.id;
end $$;

create function stage.his_webhook(in_webhook bigint) returns stage.webhooks
language plpgsql set search_path = stage, pg_temp as $$
declare w webhooks;
begin
  select * into w from webhooks where id = in_webhook and workspace_id = any((select access.workspaces())::bigint[]);
  if not found then perform refuse('NO_SUCH_WEBHOOK', 'There is no such webhook.'); end if;
  perform access.must(w.workspace_id, 'board.change');
  return w;
end $$;

-- For the task that delivers: what is sent where, and what signs it.  None: it was removed or switched off.
create function stage.delivery(in_run bigint)
returns table (url text, secret text, nonce bytea, sealed bytea, installation text, webhook bigint, notification bigint, workspace bigint,
               kind text, card bigint, card_title text, stage text, run bigint, data jsonb, at timestamptz)
language sql stable security definer set search_path = stage, pg_temp as $$
  select w.url, w.secret, w.nonce, w.sealed, i.id::text, w.id, n.id, n.workspace_id, n.kind, n.card_id, c.title, n.stage, n.run_id, n.data, n.at
    from deliveries d join webhooks w on w.id = d.webhook_id and w.enabled
    join notifications n on n.id = d.notification_id join cards c on c.id = n.card_id cross join vault.installation i
   where d.run_id = in_run
$$;

-- Its last answer, also one that was a refusal.
create function stage.delivered(in_run bigint, in_status integer) returns void
language sql security definer set search_path = stage, pg_temp as $$
  update deliveries set status = in_status, delivered_at = case when in_status between 200 and 299 then engine.clock() end where run_id = in_run
$$;

-- Is this run a card's?  One that somebody started by its kind alone is nobody's.
create function stage.is_of_a_card(in_run bigint) returns boolean
language sql stable security definer set search_path = stage, pg_temp as $$
  select exists (select from card_runs k where k.run_id = in_run)
$$;

--------------------------------------------------------------------- the doors

revoke all on all functions in schema stage from public;
grant usage on schema stage to millrace_api, millrace_worker;
grant execute on function
  stage.initialize(bigint), stage.set_settings(bigint, jsonb, integer, text), stage.set_stages(bigint, jsonb),
  stage.add_card(bigint, text, text, text, text, jsonb), stage.change_card(bigint, integer, jsonb, boolean), stage.remove_card(bigint),
  stage.move(bigint, text, integer, text, boolean, bigint), stage.run_now(bigint, text, text),
  stage.approve(bigint, text, text, integer), stage.retry_held(bigint, text), stage.cancel(bigint, text),
  stage.answer(bigint, bigint, text), stage.ask(bigint, text), stage.read(bigint, bigint[], bigint),
  stage.new_webhook(bigint), stage.put_webhook(bigint, bigint, text, text[], text, bytea, bytea),
  stage.change_webhook(bigint, boolean, text, text[]), stage.remove_webhook(bigint), stage.gate_results(bigint), stage.poll_interval()
  to millrace_api;
grant execute on function stage.poll_interval(), stage.delivery(bigint), stage.delivered(bigint, integer), stage.is_of_a_card(bigint)
  to millrace_worker;
