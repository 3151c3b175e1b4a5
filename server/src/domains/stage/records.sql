-- The current text of records: who sees them, and how a step's close keeps them.

select access.protect(format('stage.%I', t)::regclass)
  from unnest(array['hypotheses', 'prototypes', 'tickets', 'jury_evaluations', 'jury_votes']) t;

-- In the transaction that closes the step.  The rows of a kind are replaced as a whole:
-- those of the same task by the new ones, those of other runs are current no more.
-- Whoever closes another run of the same card waits for its row.
create function stage.keep_records(in_run bigint, in_task integer, in_made jsonb)
returns void language plpgsql security definer set search_path = stage, engine, pg_temp as $$
declare c card_runs; now timestamptz := clock(); made record;
begin
  select * into c from card_runs x where x.run_id = in_run;
  if not found then raise exception 'not the run of a card' using errcode = '22023'; end if;
  perform pg_advisory_xact_lock(1936548711, (c.card_id % 2147483647)::integer);

  if in_made ? 'hypotheses' then
    delete from hypotheses x where x.run_id = in_run and x.task = in_task;
    update hypotheses x set current = false where x.card_id = c.card_id and x.run_id is distinct from in_run and x.current;
    insert into hypotheses (workspace_id, card_id, run_id, task, n, title, belief, audience, because, metric, evidence, against, confidence, at)
    select c.workspace_id, c.card_id, in_run, in_task, e.ordinality, g.title, g.belief, g.audience, g.because, g.metric, g.evidence,
           g.against, g.confidence, now
      from jsonb_array_elements(in_made -> 'hypotheses') with ordinality e,
           jsonb_to_record(e.value) as g(title text, belief text, audience text, because text, metric text, evidence text[],
                                         against text, confidence text);
  end if;

  if in_made ? 'prototypes' then
    delete from prototypes x where x.run_id = in_run and x.task = in_task;
    update prototypes x set current = false where x.card_id = c.card_id and x.run_id is distinct from in_run and x.current;
    insert into prototypes (workspace_id, card_id, run_id, task, n, name, question, chosen, components, stories, at)
    select c.workspace_id, c.card_id, in_run, in_task, e.ordinality, g.name, g.question, g.chosen, g.components, g.stories, now
      from jsonb_array_elements(in_made -> 'prototypes') with ordinality e,
           jsonb_to_record(e.value) as g(name text, question text, chosen text, components jsonb, stories jsonb);
  end if;

  if in_made ? 'tickets' then
    delete from tickets x where x.run_id = in_run and x.task = in_task;
    update tickets x set current = false where x.card_id = c.card_id and x.run_id is distinct from in_run and x.current;
    insert into tickets (workspace_id, card_id, run_id, task, n, title, type, description, acceptance, points, priority, depends_on, at)
    select c.workspace_id, c.card_id, in_run, in_task, e.ordinality, g.title, g.type, g.description, g.acceptance, g.points, g.priority,
           coalesce(g.depends_on, '{}'), now
      from jsonb_array_elements(in_made -> 'tickets') with ordinality e,
           jsonb_to_record(e.value) as g(title text, type text, description text, acceptance text[], points integer, priority text,
                                         depends_on integer[]);
  end if;

  if in_made ? 'jury' then
    delete from jury_evaluations x where x.run_id = in_run and x.task = in_task;
    update jury_evaluations x set current = false where x.card_id = c.card_id and x.run_id is distinct from in_run and x.current;
    for made in
      insert into jury_evaluations (workspace_id, card_id, run_id, task, n, score, low, high, method, verdict, personas, concerns,
                                    suggestions, at)
      select c.workspace_id, c.card_id, in_run, in_task, e.ordinality, g.score, g.low, g.high, g.method, g.verdict, g.personas,
             g.concerns, g.suggestions, now
        from jsonb_array_elements(in_made -> 'jury') with ordinality e,
             jsonb_to_record(e.value) as g(score float8, low float8, high float8, method text, verdict text, personas jsonb,
                                           concerns jsonb, suggestions jsonb)
      returning id, n
    loop
      insert into jury_votes (evaluation_id, workspace_id, persona, vote, stance, reason, concern, blocking, suggestion)
      select made.id, c.workspace_id, g.persona, g.vote, g.stance, g.reason, g.concern, g.blocking, g.suggestion
        from jsonb_to_recordset(in_made -> 'jury' -> (made.n - 1) -> 'ballots')
          as g(persona text, vote integer, stance text, reason text, concern text, blocking boolean, suggestion text);
    end loop;
  end if;
end $$;

revoke all on function stage.keep_records(bigint, integer, jsonb) from public;
grant execute on function stage.keep_records(bigint, integer, jsonb) to millrace_worker;
