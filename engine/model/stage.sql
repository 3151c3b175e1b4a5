-- The stage on which a model-based sequence is played: one call a verb, which
-- answers what the verb said, or how it refused, and what is seen of the lanes.
drop schema if exists model cascade;
create schema model;

-- Times as whole microseconds after the model's own beginning.
create function model.at(t timestamptz) returns bigint language sql immutable as $$
  select round(extract(epoch from t - '2040-01-01 00:00:00+00') * 1000000)::bigint
$$;
create function model.ahead(t timestamptz) returns bigint language sql stable as $$
  select greatest(model.at(t) - model.at(engine.clock()), 0)
$$;

create table model.seats (worker integer, name text, seat text not null, primary key (worker, name));

-- So that lanes of a few tasks write down how far they have come.
create or replace function engine.reach() returns integer language sql immutable as $$ select 1 $$;

create function model.step(
  at text, verb text, look boolean, w integer, free integer,
  runs bigint[], ns integer[], attempts integer[], outcomes text[], bodies jsonb[], delays float8[], j jsonb)
returns json language plpgsql as $$
declare said json; wrong text; id bigint; blocks json; first bigint;
begin
  perform set_config('millrace.clock', at, false);
  -- Each worker has a connection of its own, with its own seats.
  perform set_config('millrace.' || p, coalesce((select s.seat from model.seats s where s.worker = w and s.name = p), ''), false)
     from unnest('{seat,seat_1,seat_5,seat_9}'::text[]) p;
  if verb = 'start more' then
    -- Not inside of a block that catches: there its rows would be of another transaction.
    select s.run_id into id from engine.start((j ->> 'workspace')::bigint, 'flow', '{}', (j -> 'tasks')::json, (j ->> 'next')::boolean,
      (j ->> 'priority')::smallint, j ->> 'held', (j ->> 'parent')::bigint, null, null,
      (j ->> 'tokens')::bigint, (j ->> 'micros')::bigint) s;
    perform engine.more(id, (j -> 'more')::json);
    said := json_build_array(id, true);
  else begin
    case verb
    when 'claim' then
      select json_agg(json_build_array(c.run_id, c.n, c.attempt, c.tries, c.crashes, c.workspace_id, c.kind, c.input)) into said
        from engine.claim(w, free) c;
    when 'close' then
      select json_agg(json_build_array(c.run_id, c.kept, c.last_event, c.state, c.more)) into said
        from engine.close(runs, ns, attempts, outcomes, bodies, delays) c;
    when 'turn' then
      select json_build_array(t.closed, t.claimed, t.look_again) into said
        from engine.turn(w, free, runs, ns, attempts, outcomes, bodies, delays) t;
    when 'ask' then
      -- What stands in the way of each lane; then the very next claim, and whose turn it should be.
      select json_agg(json_build_array(l.id, engine.blocked(l, v))) into blocks
        from engine.lanes l, engine.workers v where v.id = w;
      select l.id into first from engine.lanes l join engine.workers v on v.id = w
       cross join lateral engine.seat(l.priority) s
       where engine.blocked(l, v) is null
       order by l.priority desc, l.id > s.past and l.id <= s.until desc, l.id <= s.past desc, l.id limit 1;
      select json_build_array(blocks, first, (select t.lane_id from engine.tasks t where t.run_id = c.run_id and t.n = c.n),
             json_build_array(json_build_array(c.run_id, c.n, c.attempt, c.tries, c.crashes, c.workspace_id, c.kind, c.input)))
        into said from engine.claim(w, 1) c;
      said := coalesce(said, json_build_array(blocks, first, null, null));
    when 'start' then
      select json_build_array(s.run_id, s.created) into said
        from engine.start((j ->> 'workspace')::bigint, 'flow', '{}', (j -> 'tasks')::json, (j ->> 'next')::boolean,
          (j ->> 'priority')::smallint, j ->> 'held', (j ->> 'parent')::bigint, j ->> 'key', convert_to(j ->> 'hash', 'utf8'),
          (j ->> 'tokens')::bigint, (j ->> 'micros')::bigint) s;
    when 'more' then perform engine.more((j ->> 'run')::bigint, (j -> 'tasks')::json);
    when 'fence' then
      select json_agg(json_build_array(f.run_id, f.n) order by f.run_id, f.n) into said from engine.fence(runs, ns, attempts) f;
    when 'emit' then
      select json_agg(json_build_array(e.run_id, e.last_event) order by e.run_id) into said
        from engine.emit(runs, ns, attempts, outcomes, bodies) e;
    when 'note' then
      perform engine.note(runs, ns, attempts, outcomes,
        array(select jsonb_array_elements_text(j -> 'entries')), array_fill('\x00'::bytea, array[cardinality(runs)]), bodies,
        array(select x::bigint from jsonb_array_elements_text(j -> 'tokens') x),
        array(select x::bigint from jsonb_array_elements_text(j -> 'micros') x));
    when 'attach' then
      perform engine.attach(runs, ns, attempts, outcomes, array_fill('text/plain'::text, array[cardinality(runs)]),
        array(select b.id from unnest(runs) with ordinality g(run, o) join engine.runs r on r.id = g.run
                join engine.blobs b on b.workspace_id = r.workspace_id and b.digest = convert_to(j ->> 'content', 'utf8') order by g.o));
    when 'blob' then
      id := engine.begin_blob((j ->> 'workspace')::bigint);
      perform engine.add_chunk(id, 0, convert_to(j ->> 'content', 'utf8'));
      perform engine.end_blob(id, convert_to(j ->> 'content', 'utf8'), length(j ->> 'content'));
    when 'extend' then said := to_json(engine.extend(w, (select x.kinds from engine.workers x where x.id = w)));
    when 'register' then
      said := to_json(engine.register('model', array(select jsonb_array_elements_text(j -> 'kinds')), (j ->> 'workspace')::bigint, 200));
    when 'relock' then said := to_json(engine.relock(w));
    when 'leave' then perform engine.leave(w);
    when 'sever' then
      while pg_advisory_unlock(engine.liveness(), w) loop null; end loop;
    when 'expire' then
      select json_build_array(e.gone, e.work, e.busy, e.alive, e.missing) into said from engine.expire() e;
      -- The next look is not a few milliseconds later.
      update engine.workers v set missed_at = v.missed_at - interval '1 second' where v.missed_at is not null;
    when 'rescue' then said := to_json(engine.rescue());
    when 'withdraw' then perform engine.withdraw();
    when 'promote' then said := to_json(engine.promote());
    when 'hold' then select json_build_array(r.state, r.held, r.last_event) into said from engine.hold((j ->> 'run')::bigint, j ->> 'why') r;
    when 'release' then select json_build_array(r.state, r.held, r.last_event) into said from engine.release((j ->> 'run')::bigint) r;
    when 'cancel' then select json_build_array(r.state, r.held, r.last_event) into said from engine.cancel((j ->> 'run')::bigint) r;
    when 'reopen' then
      select json_build_array(r.state, r.held, r.last_event) into said from engine.reopen((j ->> 'run')::bigint, (j ->> 'all')::boolean) r;
    when 'limit' then
      perform engine.limit_key(j ->> 'key', (j ->> 'concurrency')::integer, (j ->> 'requests')::float8, (j ->> 'tokens')::float8);
    when 'stop key' then perform engine.stop_key(j ->> 'key');
    when 'release key' then perform engine.release_key(j ->> 'key');
    when 'budget' then
      perform engine.budget((j ->> 'workspace')::bigint, (j ->> 'run')::bigint, (j ->> 'tokens')::bigint, (j ->> 'micros')::bigint);
    when 'prune' then
      said := to_json(engine.prune((j ->> 'before')::timestamptz, (j ->> 'workspace')::bigint, null, (j ->> 'limit')::integer));
    when 'why' then
      select json_agg(json_build_array(y.kind, y.key, y.ready, y.due, y.running, y.reason)) into said from engine.why((j ->> 'run')::bigint) y;
    end case;
  exception when others then
    wrong := sqlstate || case when sqlstate not like 'MR%' then ' ' || sqlerrm else '' end;
  end; end if;
  insert into model.seats select w, p, current_setting('millrace.' || p)
    from unnest('{seat,seat_1,seat_5,seat_9}'::text[]) p where w is not null
  on conflict (worker, name) do update set seat = excluded.seat;
  return json_build_object('said', said, 'wrong', wrong,
    'lanes', (select json_agg(json_build_array(l.id, l.run_id, l.kind, l.key, l.bound, l.idle, l.stop, l.first) order by l.id) from engine.lanes l),
    'picture', case when look then model.picture() end);
end $$;

-- Everything that the model knows too, in its order.
create function model.picture() returns json language sql as $$
  select json_build_object(
    'runs', (select json_agg(json_build_array(r.id, r.workspace_id, r.priority, r.state, engine.status(r), r.round, r.held,
                      r.cancel_asked_at is not null, r.cancelling, r.total, r.open, r.succeeded, r.failed, r.cancelled, r.deciding,
                      r.decisions, r.last_event, r.parent_id, model.at(r.finished_at), b.output, b.failure) order by r.id)
               from engine.runs r join engine.run_bodies b on b.run_id = r.id),
    'tasks', (select json_agg(json_build_array(t.run_id, t.n, t.lane_id, t.state, t.attempt, t.tries, t.crashes, t.worker,
                      model.at(t.due_at)) order by t.run_id, t.n) from engine.tasks t),
    'inputs', (select json_agg(json_build_array(i.run_id, i.n) order by i.run_id, i.n) from engine.inputs i),
    'events', (select json_agg(json_build_array(e.run_id, e.n, e.kind, e.task, e.data - 'by') order by e.run_id, e.n) from engine.events e
                where e.kind <> 'run.held'),
    'held', (select json_agg(json_build_array(e.run_id, e.n, e.data ->> 'why') order by e.run_id, e.n) from engine.events e where e.kind = 'run.held'),
    'outputs', (select json_agg(json_build_array(o.run_id, o.n, o.output) order by o.run_id, o.n) from engine.outputs o),
    'attempts', (select json_agg(json_build_array(a.run_id, a.n, a.attempt, a.outcome, a.failure) order by a.run_id, a.n, a.attempt)
                   from engine.attempts a),
    'reservations', (select json_agg(json_build_array(v.run_id, v.n, coalesce(x.key, ''), coalesce(b.key, ''), v.tokens, v.micros,
                       v.used_tokens, v.used_micros) order by v.run_id, v.n)
                       from engine.reservations v left join engine.limits x on x.id = v.limit_id left join engine.limits b on b.id = v.bound_id),
    'limits', (select json_agg(json_build_array(x.key, x.concurrency, x.requests_per_minute, x.tokens_per_minute,
                       model.ahead(x.requests_at), model.ahead(x.tokens_at), model.ahead(x.until), x.stop) order by x.key) from engine.limits x),
    'budgets', (select json_agg(json_build_array(b.workspace_id, b.run_id, b.tokens, b.micros, b.used_tokens, b.used_micros)
                        order by b.workspace_id, b.run_id nulls first) from engine.budgets b),
    'workers', (select json_agg(json_build_array(w.id, w.gone_why, w.emptied, w.missed_at is not null, model.at(w.lease_until)) order by w.id)
                  from engine.workers w),
    'ledger', (select json_agg(json_build_array(g.run_id, g.n, g.name, g.attempt, g.entry, g.tokens, g.micros)
                       order by g.run_id, g.n, g.name, g.attempt, g.entry) from engine.ledger g),
    'artifacts', (select json_agg(json_build_array(a.run_id, a.n, a.name, a.attempt, convert_from(b.digest, 'utf8')) order by a.run_id, a.n, a.name)
                    from engine.artifacts a join engine.blobs b on b.id = a.blob_id),
    'blobs', (select json_agg(json_build_array(b.workspace_id, convert_from(b.digest, 'utf8')) order by b.workspace_id, b.digest) from engine.blobs b),
    'keys', (select json_agg(json_build_array(k.workspace_id, k.key, k.run_id) order by k.workspace_id, k.key) from engine.run_keys k),
    'archive', (select json_agg(json_build_array(a.run_id, a.state, a.round, a.total, a.succeeded, a.failed, a.cancelled, a.events) order by a.run_id)
                  from engine.archive a))
$$;

-- An empty world for the next sequence.
create function model.clear() returns void language plpgsql as $$
declare t text;
begin
  perform pg_advisory_unlock_all();
  delete from model.seats;
  perform set_config('session_replication_role', 'replica', true);
  foreach t in array array['artifacts', 'chunks', 'blobs', 'outputs', 'inputs', 'attempts', 'ledger', 'events', 'reservations', 'run_keys',
                           'budgets', 'tasks', 'lanes', 'run_bodies', 'runs', 'workers', 'limits', 'archive'] loop
    execute format('delete from engine.%I', t);
  end loop;
end $$;
