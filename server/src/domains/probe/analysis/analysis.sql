-- The analysis's current text: what goes in, and who sees what came out.

select access.protect('probe.analysis_results', array['insert']);

-- Every slot of a run with what came of it: a decision that counts, another
-- outcome, `none` where there is no scale, failed, cancelled; null while it is open.
create function probe.slots(in_run bigint)
returns table (task integer, scenario integer, model text, sample integer, outcome text, code text)
language sql stable as $$
  select k.n, (i.input ->> 'scenario')::integer, i.input ->> 'model', (i.input ->> 'sample')::integer,
         case k.state when 'succeeded' then coalesce(d.outcome, 'none')
                      when 'failed' then 'failed' when 'cancelled' then 'cancelled' end,
         d.code
    from engine.tasks k
   -- Looked up by key, one by one: the statistics may be older than the run, and workers' plans know no other way.
   cross join lateral (select i.input from engine.inputs i where i.run_id = k.run_id and i.n = k.n offset 0) i
    left join lateral (
      select d.outcome, d.code from probe.transcripts t
       cross join lateral probe.said(t.run_id, t.task, t.outcome, t.decision_code, t.decision_label) d
       where t.run_id = k.run_id and t.task = k.n offset 0) d on true
   where k.run_id = in_run and k.n > 0
$$;

-- Of everything that goes into an analysis: the same hash is the same analysis.
create function probe.facts_hash(in_run bigint, in_version text) returns text language sql stable as $$
  select encode(sha256(convert_to(concat_ws(E'\n', in_version, p.definition_hash, f.said), 'UTF8')), 'hex')
    from probe.runs p
   cross join (select string_agg(jsonb_build_array(s.task, s.scenario, s.model, s.sample, s.outcome, s.code)::text,
                                 E'\n' order by s.task) as said
                 from probe.slots(in_run) s) f
   where p.run_id = in_run
$$;

revoke all on all functions in schema probe from public;
grant execute on function probe.slots(bigint), probe.facts_hash(bigint, text), probe.decided(bigint),
  probe.said(bigint, integer, text, text, text), probe.counting(text, text, text, probe.overrides)
  to millrace_api, millrace_worker;
