-- Everything that can happen to a run.  Read this first.
--
--   register  a worker says who it is                  leave   and that it goes
--   start     somebody asks for a run                  more    its further tasks, same transaction
--   claim     a worker takes tasks from the lanes      extend  and says that it is alive
--   fence     which of these attempts still count?     close   these attempts ended so
--   turn      close, then claim, in one transaction
--   expire    who is gone?                             rescue  take back what they hold
--   promote   what waited and is due                   withdraw  what is left of the cancelled
--   emit      a fact about a run, from an attempt      note    a receipt for the ledger
--   hold      nobody may claim from this run           release and now again
--   cancel    stop it                                  reopen   what failed once more
--   prefer    before or after other runs
--
-- `put_run` and `put_hold` are start and hold for the verbs of rooms, inside their
-- transactions; they ask for no right, and are granted to nobody.
--
-- Locks are taken child first: tasks by (run, n), lanes by id, runs by id.  A
-- claim waits for none of them: what another holds it passes by.  So a turn,
-- which claims after it has closed, cannot meet another in a circle.  Almost: where
-- the one who holds a row commits while `skip locked` looks at it, PostgreSQL follows
-- the row to its next version and waits for whoever has that (heap_lock_updated_tuple
-- knows nothing of `skip locked`).  So a claim gives up after a moment, and what was
-- closed with it is closed again.
-- An attempt counts while its number is the task's and the task is running.
-- A live run has an open task: the close that ends the last one inserts the
-- run's decision (`next`) or ends the run.
--
-- The shapes are chosen so that a generic plan made on empty tables stays right
-- on full ones: arrays into ctid or key look-ups, no join whose order is free.
-- A run is looked up from behind (`id >= x and id <= x order by id desc limit 1`):
-- beside an old snapshot it has a version for each close, and the living is the last.

-- Volatile, as what it reads is: only so it is inlined and costs nothing.
create function engine.clock() returns timestamptz language sql volatile parallel safe as $$
  select coalesce(nullif(current_setting('millrace.clock', true), '')::timestamptz, clock_timestamp())
$$;

create function engine.lease() returns interval language sql immutable as $$ select interval '15 seconds' $$;

-- A number no other installation in this cluster uses for its advisory locks.
create function engine.liveness() returns integer language sql immutable as $$ select 1298624594 $$;
create function engine.starting() returns integer language sql immutable as $$ select 1298624593 $$;

--------------------------------------------------------------------- workers

-- Called on the worker's own connection, which keeps the session lock while it lives.
create function engine.register(in_name text, in_kinds text[], in_workspace bigint, in_slots integer)
returns integer language plpgsql security definer set search_path = engine, pg_temp as $$
declare me integer; now timestamptz := clock();
begin
  insert into workers (workspace_id, name, kinds, slots, registered_at, seen_at, lease_until)
  values (in_workspace, in_name, in_kinds, in_slots, now, now, now + lease())
  returning id into me;
  perform pg_advisory_lock(liveness(), me);
  return me;
end $$;

-- After a lost connection: take the lock again under the own id, if still wanted.
-- If the server still believes in the session that is gone, its lock is not to be
-- had: that id is given up, and the worker registers anew.
create function engine.relock(in_worker integer)
returns boolean language plpgsql security definer set search_path = engine, pg_temp as $$
begin
  if pg_try_advisory_lock(liveness(), in_worker) then
    update workers set missed_at = null, seen_at = clock(), lease_until = clock() + lease()
     where id = in_worker and gone_at is null;
    return found;
  end if;
  update workers set gone_at = clock(), gone_why = 'session' where id = in_worker and gone_at is null;
  return false;
end $$;

-- One statement for all leases of a worker.  No row: it is fenced.  The array
-- names the runs it works on whose cancellation was asked.
-- The kinds are those that it can perform now: a key may have come or gone.  The
-- numbers are what its process has closed since it began, and what of that failed.
create function engine.extend(in_worker integer, in_kinds text[], in_closed bigint default null, in_failed bigint default null)
returns bigint[] language plpgsql security definer set search_path = engine, pg_temp as $$
begin
  update workers set seen_at = clock(), lease_until = clock() + lease(), kinds = in_kinds,
                     closed = coalesce(in_closed, closed), failed = coalesce(in_failed, failed)
   where id = in_worker and gone_at is null;
  if not found then return null; end if;
  return array(select distinct t.run_id from tasks t
                where t.worker = in_worker
                  and (select r.cancel_asked_at is not null from runs r where r.id = t.run_id));
end $$;

-- Its own word counts also where a sweep took it for dead just before: it had lost its session and has another.
create function engine.leave(in_worker integer)
returns void language plpgsql security definer set search_path = engine, pg_temp as $$
begin
  update workers set gone_at = coalesce(gone_at, clock()), gone_why = 'left'
   where id = in_worker and gone_why is distinct from 'left';
end $$;

----------------------------------------------------------------------- start

-- in_tasks: [{"kind": …, "key": …, "bound": …?, "input": …, "delay": seconds?, "uses": {"requests": …, "tokens": …, "micros": …}?}, …]
-- in_tokens, in_micros: the most that the run may use.
create function engine.start(
  in_workspace bigint, in_kind text, in_input jsonb, in_tasks json, in_has_next boolean,
  in_priority smallint, in_held text, in_parent bigint, in_key text, in_key_hash bytea,
  in_tokens bigint default null, in_micros bigint default null)
returns table (run_id bigint, created boolean)
language plpgsql security definer set search_path = engine, pg_temp as $$
begin
  perform access.must(in_workspace, 'run.start');
  -- Whoever sets a budget for the workspace waits for us, or we for him.
  perform pg_advisory_xact_lock_shared(starting(), in_workspace::integer);
  return query select * from put_run(in_workspace, in_kind, in_input, in_tasks, in_has_next, in_priority, in_held,
                                     in_parent, in_key, in_key_hash, in_tokens, in_micros);
end $$;

-- The run itself, for verbs of the rooms that have asked what their caller may; a run
-- that follows from the end of another is put here too, in the close that ends it.
-- Such a close holds what a setter of budgets may wait for, so it does not wait for him.
create function engine.put_run(
  in_workspace bigint, in_kind text, in_input jsonb, in_tasks json, in_has_next boolean,
  in_priority smallint, in_held text, in_parent bigint default null, in_key text default null, in_key_hash bytea default null,
  in_tokens bigint default null, in_micros bigint default null)
returns table (run_id bigint, created boolean)
language plpgsql set search_path = engine, pg_temp as $$
declare
  run bigint := nextval(pg_get_serial_sequence('engine.runs', 'id')); amount integer := json_array_length(in_tasks);
  earlier run_keys; sure boolean := pg_try_advisory_xact_lock_shared(starting(), in_workspace::integer);
begin
  if amount = 0 and not in_has_next then
    raise exception 'a run must have at least one task' using errcode = 'MR004';
  end if;
  if in_key is not null then
    insert into run_keys (workspace_id, kind, key, hash, run_id) values (in_workspace, in_kind, in_key, in_key_hash, run)
    on conflict do nothing;
    if not found then
      select * into earlier from run_keys k where k.workspace_id = in_workspace and k.kind = in_kind and k.key = in_key;
      if earlier.hash is distinct from in_key_hash then
        raise exception 'this key was used for a run with another input' using errcode = 'MR001';
      end if;
      return query select earlier.run_id, false;
      return;
    end if;
  end if;
  insert into runs (id, workspace_id, kind, priority, has_next, held, total, open, deciding, decisions,
                    last_event, parent_id, created_at)
  values (run, in_workspace, in_kind, in_priority, in_has_next, in_held::hold_reason, amount, greatest(amount, 1),
          amount = 0, (amount = 0)::integer, 1, in_parent, clock());
  insert into run_bodies (run_id, workspace_id, input) values (run, in_workspace, in_input);
  if in_tokens is not null or in_micros is not null then
    insert into budgets (workspace_id, run_id, tokens, micros) values (in_workspace, run, in_tokens, in_micros);
  end if;
  if amount = 0 then
    perform put_decision(run, in_workspace, in_kind, in_priority, 1);
  else
    perform put_tasks(run, in_workspace, in_priority, in_held, 0, in_tasks);
    -- A budget may come at this moment: whoever is asked and has none passes.
    if not sure then update lanes l set metered = true where l.run_id = run and not decides(l.kind); end if;
  end if;
  insert into events (run_id, n, workspace_id, at, kind, data)
  values (run, 1, in_workspace, clock(), 'run.queued',
          jsonb_strip_nulls(jsonb_build_object('kind', in_kind, 'total', amount, 'by', access.subject())));
  -- For the close that this may be part of: there is work that nobody was rung for.
  perform set_config('millrace.begun', 'yes', true);
  return query select run, true;
end $$;

-- Further tasks of a run that this very transaction started.
create function engine.more(in_run bigint, in_tasks json)
returns void language plpgsql security definer set search_path = engine, pg_temp as $$
declare r runs; amount integer := json_array_length(in_tasks);
begin
  update runs set total = total + amount, open = open + amount
   where id = in_run and xmin = pg_current_xact_id()::xid and decisions = 0
  returning * into r;
  if not found then
    raise exception 'tasks are added only in the transaction that starts the run' using errcode = 'MR004';
  end if;
  perform access.must(r.workspace_id, 'run.start');
  perform put_tasks(in_run, r.workspace_id, r.priority, r.held::text, r.total - amount, in_tasks);
  update events set data = jsonb_set(data, '{total}', to_jsonb(r.total)) where run_id = in_run and n = 1;
end $$;

create function engine.put_tasks(
  in_run bigint, in_workspace bigint, in_priority smallint, in_stop text, in_after integer,
  in_tasks json)
returns void language plpgsql as $$
declare is_metered boolean := has_budget(in_workspace, in_run);
begin
  perform 1 from lanes where run_id = in_run and not decides(kind) order by id for no key update;
  with given as (
    select (in_after + ord)::integer as n, t.kind, coalesce(t.key, '') as key, coalesce(nullif(t.bound, t.key), '') as bound,
           coalesce(t.input, '{}') as input,
           case when t.delay > 0 then clock() + make_interval(secs => t.delay) end as due,
           coalesce((t.uses ->> 'requests')::integer, 1) as requests, coalesce((t.uses ->> 'tokens')::bigint, 0) as tokens,
           coalesce((t.uses ->> 'micros')::bigint, 0) as micros
      from rows from (json_to_recordset(in_tasks) as (kind text, key text, bound text, input jsonb, delay float8, uses json))
           with ordinality as t (kind, key, bound, input, delay, uses, ord)
  ), wanted as (
    select g.kind, g.key, max(g.bound) as bound, max(g.n) as last, min(g.n) as first, count(*) filter (where g.due is null) = 0 as idle,
           max(g.requests) as requests, max(g.tokens) as tokens, max(g.micros) as micros
      from given g group by g.kind, g.key
  ), made as (
    -- The first task under a key brings its limit, which limits nothing until somebody says so.
    insert into limits (key)
    select distinct k.key from wanted w cross join lateral (values (w.key), (w.bound)) as k(key)
     where k.key <> '' and not exists (select 1 from limits x where x.key = k.key) order by k.key
    on conflict (key) do update set key = excluded.key returning id, key
  ), lane as (
    insert into lanes (run_id, workspace_id, kind, key, priority, stop, last, idle,
                       limit_id, bound, bound_id, requests, tokens, micros, metered)
    select in_run, in_workspace, w.kind, w.key, in_priority, in_stop, w.last, w.idle,
           coalesce((select x.id from limits x where x.key = w.key), (select m.id from made m where m.key = w.key), 0), w.bound,
           coalesce((select x.id from limits x where x.key = w.bound), (select m.id from made m where m.key = w.bound), 0),
           w.requests, w.tokens, w.micros, is_metered
      from wanted w order by w.first
    on conflict (run_id, kind, key) do update set
      last = excluded.last, idle = lanes.idle and excluded.idle, metered = lanes.metered or excluded.metered,
      requests = greatest(lanes.requests, excluded.requests),
      tokens = greatest(lanes.tokens, excluded.tokens), micros = greatest(lanes.micros, excluded.micros)
    returning id, kind, key
  ), task as (
    insert into tasks (run_id, n, workspace_id, lane_id, due_at)
    select in_run, g.n, in_workspace, l.id, g.due from given g join lane l on l.kind = g.kind and l.key = g.key
     order by g.n
  )
  insert into inputs (run_id, n, workspace_id, input) select in_run, n, in_workspace, input from given order by n;
end $$;

-- A lane of decisions is met after its run, by the close that asks; so nobody may
-- lock it before the run.
create function engine.decides(in_kind text) returns boolean language sql immutable as $$
  select right(in_kind, 5) = '.next'
$$;

-- The run's decision: an ordinary task with a negative number.
create function engine.put_decision(
  in_run bigint, in_workspace bigint, in_kind text, in_priority smallint, in_number integer)
returns void language plpgsql as $$
declare lane bigint;
begin
  insert into lanes (run_id, workspace_id, kind, priority, last, first)
  values (in_run, in_workspace, in_kind || '.next', in_priority, -in_number, -in_number)
  on conflict (run_id, kind, key) do update set last = excluded.last, first = excluded.first, idle = false, stop = null
  returning id into lane;
  insert into tasks (run_id, n, workspace_id, lane_id) values (in_run, -in_number, in_workspace, lane);
  insert into inputs (run_id, n, workspace_id, input) values (in_run, -in_number, in_workspace, '{}');
end $$;

----------------------------------------------------------------------- claim

-- Strict by priority; inside a priority lanes take turns; inside a lane by number.
-- A connection goes round the lanes of a priority in their order, and round again;
-- a lane that comes meanwhile waits for the next round.  So between two turns of a
-- lane each other has at most one, and nobody waits for ever, however many come.
-- Where it sits is kept in the session: no lane is written because it had its turn.
-- `millrace.seat` is the last one, priority and place; those of other priorities
-- wait in settings of their own.
create function engine.seat(in_priority smallint, out past bigint, out until bigint) language plpgsql stable as $$
declare at text := current_setting('millrace.seat', true);
begin
  past := 0; until := 0;
  if at like in_priority || ' %' then null;
  else at := current_setting(engine.seat_name(in_priority::text), true); end if;
  if at <> '' then
    past := split_part(at, ' ', 2); until := split_part(at, ' ', 3);
  end if;
end $$;

create function engine.seat_name(in_priority text) returns text language sql immutable as $$
  select 'millrace.seat_' || translate(in_priority, '-', 'm')
$$;

create function engine.sit(in_priority smallint, past bigint, until bigint) returns void language plpgsql as $$
declare before text := current_setting('millrace.seat', true);
begin
  if before <> '' and before not like in_priority || ' %' then
    perform set_config(engine.seat_name(split_part(before, ' ', 1)), before, false);
  end if;
  perform set_config('millrace.seat', concat_ws(' ', in_priority, past, until), false);
end $$;

-- The lanes that are ahead of somebody who sits there, in three parts: what is left
-- of his round, what is before him in the next one, and what came meanwhile.
create function engine.ahead(past bigint, until bigint, newest bigint)
returns table (part integer, low bigint, high bigint) language sql immutable as $$
  values (0, past, until), (1, 0::bigint, past), (2, until, newest)
$$;

-- These had their turn: on from the last of them.  Who is behind the end of the round
-- has begun the next one.
create function engine.sit_after(
  in_lanes bigint[], in_priority smallint, past bigint, until bigint, newest bigint) returns void language plpgsql as $$
declare last record;
begin
  select g.lane, a.part into last from unnest(in_lanes) as g(lane) join ahead(past, until, newest) a on g.lane > a.low and g.lane <= a.high
   order by a.part desc, g.lane desc limit 1;
  if found then perform sit(in_priority, last.lane, case last.part when 0 then until else newest end); end if;
end $$;

-- A lane gets its share of what is free and the rest if others have less.
create function engine.claim(in_worker integer, in_free integer)
returns table (run_id bigint, n integer, attempt integer, tries smallint, crashes smallint, workspace_id bigint,
               kind text, input jsonb)
language plpgsql security definer set search_path = engine, pg_temp set lock_timeout = '100ms' as $$
#variable_conflict use_column
declare
  mine text[]; home bigint; tier smallint := 32767; newest bigint; seat record; range record; share integer; most integer;
  again boolean; got integer; free integer := in_free; now timestamptz := clock(); t record;
  served bigint[]; ends bigint[] := '{}'; far bigint[] := '{}'; far_ns integer[] := '{}'; within boolean := limited();
begin
  if in_free = 1 and not within then
    t := claim_one(in_worker);
    if t.run_id is null then return; end if;
    return query select t.run_id, t.n, t.attempt, t.tries, t.crashes, t.workspace_id, t.kind, t.input;
    return;
  end if;
  -- The lock makes a claim and the fencing of its worker wait for one another; a
  -- renewed lease does not.
  select w.kinds, w.workspace_id into mine, home from workers w
   where w.id = in_worker and w.gone_at is null for key share;
  if not found then raise exception 'this worker is fenced' using errcode = 'MR002'; end if;

  if within then
    for t in select * from take_within(in_worker, mine, home, in_free, now) loop
      run_id := t.run_id; n := t.n; attempt := t.attempt; tries := t.tries; crashes := t.crashes;
      workspace_id := t.workspace_id; kind := t.kind; input := t.input;
      return next;
      free := free - 1;
      if t.is_last then ends := ends || t.lane_id; end if;
      if t.is_far then far := far || t.lane_id; far_ns := far_ns || t.n; end if;
    end loop;
  end if;
  while free > 0 and not within loop
    select l.priority, l.id into tier, newest from lanes l
     where not l.idle and l.stop is null and l.priority < tier
       and l.kind = any(mine) and (home is null or l.workspace_id = home)
     order by l.priority desc, l.id desc limit 1;
    exit when not found;
    seat := seat(tier);
    served := '{}'; again := false;
    most := 0;
    for range in select * from ahead(seat.past, seat.until, newest) a where a.low < a.high order by a.part loop
      most := most + (select count(*) from (
        select 1 from lanes l where not l.idle and l.stop is null and l.priority = tier and l.id > range.low and l.id <= range.high
           and l.kind = any(mine) and (home is null or l.workspace_id = home)
         order by l.priority, l.id limit free - most) q);
      exit when most = free;
    end loop;
    share := greatest(1, ceil(free::numeric / greatest(most, 1)));
    loop
      most := free;
      for range in select * from ahead(seat.past, seat.until, newest) a where a.low < a.high order by a.part loop
        got := 0;
        for t in select * from take(in_worker, mine, home, tier, range.low, range.high, share, free, now) loop
          run_id := t.run_id; n := t.n; attempt := t.attempt; tries := t.tries; crashes := t.crashes;
          workspace_id := t.workspace_id; kind := t.kind; input := t.input;
          return next;
          got := got + 1;
          if not again then served := served || t.lane_id; end if;
          if t.is_last then ends := ends || t.lane_id; end if;
          if t.is_far then far := far || t.lane_id; far_ns := far_ns || t.n; end if;
        end loop;
        free := free - got;
        exit when free = 0;
      end loop;
      exit when free = 0 or free = most or share >= most;
      share := free; again := true;
    end loop;
    if served <> '{}' then perform sit_after(served, tier, seat.past, seat.until, newest); end if;
  end loop;

  if ends <> '{}' then
    ends := array(select l.id from lanes l where l.id = any(ends) for no key update skip locked);
    -- The scalar keeps it a look-up for each lane; as a join it may read all that is ready.
    update lanes l set idle = true where l.id = any(ends) and (select not exists (
      select 1 from tasks t where t.lane_id = l.id and t.state = 'ready' and t.due_at is null and t.n >= l.first));
  end if;
  if far <> '{}' then perform move_first(far, far_ns); end if;
  if free > 0 then perform rest(mine); end if;
end $$;

-- The first task of the first lane, as `claim` gives it: there is nothing to share
-- out, and what one task needs starts sooner in small statements than in the large one.
create function engine.claim_one(
  in_worker integer, out run_id bigint, out n integer, out attempt integer, out tries smallint, out crashes smallint,
  out workspace_id bigint, out kind text, out input jsonb)
language plpgsql set lock_timeout = '100ms' as $$
#variable_conflict use_column
declare
  mine text[]; home bigint; at text[]; seat record; low bigint; high bigint; until bigint; tier smallint; newest bigint;
  place tid; lane bigint; highest integer; first integer; begins boolean; number bigint; c record;
  now timestamptz := clock();
begin
  select w.kinds, w.workspace_id into mine, home from workers w
   where w.id = in_worker and w.gone_at is null for key share;
  if not found then raise exception 'this worker is fenced' using errcode = 'MR002'; end if;

  -- Mostly the next lane of the round that it is in, and nothing of a higher priority.
  at := string_to_array(current_setting('millrace.seat', true), ' ');
  tier := at[1]; low := at[2]; high := at[3];
  if low < high then
    select c.tid, l.id, l.kind, l.last, l.first into place, lane, kind, highest, first from lanes l
     cross join lateral (
       select t.ctid as tid from tasks t
        where t.lane_id = l.id and t.state = 'ready' and t.due_at is null and t.n >= l.first
        order by t.lane_id, t.n limit 1 for no key update skip locked) c
     where not l.idle and l.stop is null and l.priority = tier and l.id > low and l.id <= high
       and l.kind = any(mine) and (home is null or l.workspace_id = home)
       and (select not exists (select 1 from lanes o where not o.idle and o.stop is null and o.priority > tier
                                  and o.kind = any(mine) and (home is null or o.workspace_id = home)))
     order by l.priority, l.id limit 1;
  end if;
  if place is not null then
    perform set_config('millrace.seat', concat_ws(' ', tier, lane, high), false);
  else
    tier := 32767;
    loop
      select l.priority, l.id into tier, newest from lanes l
       where not l.idle and l.stop is null and l.priority < tier
         and l.kind = any(mine) and (home is null or l.workspace_id = home)
       order by l.priority desc, l.id desc limit 1;
      if not found then
        perform rest(mine);
        return;
      end if;
      seat := seat(tier);
      for part in 0..2 loop
        low := case part when 0 then seat.past when 1 then 0 else seat.until end;
        high := case part when 0 then seat.until when 1 then seat.past else newest end;
        continue when low >= high;
        select c.tid, l.id, l.kind, l.last, l.first into place, lane, kind, highest, first from lanes l
         cross join lateral (
           select t.ctid as tid from tasks t
            where t.lane_id = l.id and t.state = 'ready' and t.due_at is null and t.n >= l.first
            order by t.lane_id, t.n limit 1 for no key update skip locked) c
         where not l.idle and l.stop is null and l.priority = tier and l.id > low and l.id <= high
           and l.kind = any(mine) and (home is null or l.workspace_id = home)
         order by l.priority, l.id limit 1;
        until := case part when 0 then seat.until else newest end;
        exit when found;
      end loop;
      exit when place is not null;
    end loop;
    perform sit(tier, lane, until);
  end if;

  update tasks t set state = 'running', worker = in_worker, attempt = t.attempt + 1
    from inputs i where t.ctid = place and i.run_id = t.run_id and i.n = t.n
  returning t.run_id, t.n, t.attempt, t.tries, t.crashes, t.workspace_id, i.input into c;
  run_id := c.run_id; n := c.n; attempt := c.attempt; tries := c.tries; crashes := c.crashes; workspace_id := c.workspace_id;
  input := c.input;

  select n.ctid, n.state = 'queued' into place, begins from runs n
   where n.id >= c.run_id and n.id <= c.run_id order by n.id desc limit 1;
  if begins then
    -- A run that another holds at this moment is begun by its first close.
    perform 1 from runs r where r.ctid = place and r.state = 'queued' for no key update skip locked;
    if found then
      update runs r set state = 'running', started_at = coalesce(r.started_at, now), last_event = r.last_event + 1
       where r.ctid = place returning r.last_event into number;
      -- What was locked may be a version that came in this moment: then, too, its first close begins it.
      if found then
        insert into events (run_id, n, workspace_id, at, kind) values (c.run_id, number, c.workspace_id, now, 'run.running');
      end if;
    end if;
  end if;

  if c.n = highest then
    perform 1 from lanes l where l.id = lane for no key update skip locked;
    if found then
      update lanes l set idle = true where l.id = lane and (select not exists (
        select 1 from tasks t where t.lane_id = lane and t.state = 'ready' and t.due_at is null and t.n >= l.first));
    end if;
  elsif is_far(c.n, first) then
    perform move_first(array[lane], array[c.n]);
  end if;
end $$;

-- Twice so many numbers after the first that may wait it is time to write down how
-- far the lane has come; so many before what was claimed last may be in the hands of
-- claims that are under way.
create function engine.reach() returns integer language sql immutable as $$ select 256 $$;
create function engine.is_far(n integer, first integer) returns boolean language sql immutable as $$
  select n > 0 and n - first > 2 * engine.reach()
$$;

-- Under the lane's lock and looked at anew, as for `idle`: whoever brings a task
-- back locks the lane after the task, and moves `first` back.
create function engine.move_first(in_lanes bigint[], in_ns integer[]) returns void language plpgsql as $$
declare lanes_ bigint[];
begin
  lanes_ := array(select l.id from lanes l where l.id = any(in_lanes) for no key update skip locked);
  update lanes l set first = q.first
    from (select g.lane, min(g.n) - reach() as first from unnest(in_lanes, in_ns) as g(lane, n) group by g.lane) q
   where l.id = q.lane and l.id = any(lanes_) and l.first < q.first
     and (select not exists (select 1 from tasks t where t.lane_id = l.id and t.state = 'ready' and t.due_at is null
                                and t.n >= l.first and t.n < q.first));
end $$;

-- Everything was walked: lanes that gave nothing leave the way of the next.
create function engine.rest(mine text[]) returns void language plpgsql as $$
declare empty bigint[];
begin
  empty := array(select l.id from lanes l
                  where not l.idle and l.stop is null and l.kind = any(mine) and not has_ready(l.id, l.first)
                  limit 1000 for no key update skip locked);
  if empty <> '{}' then update lanes l set idle = true where l.id = any(empty) and not has_ready(l.id, l.first); end if;
end $$;

-- Asked again after the lane is locked, in a statement of its own: whoever brings
-- a task back locks the lane after the task, and wakes the lane.
create function engine.has_ready(in_lane bigint, in_first integer) returns boolean language sql stable as $$
  select exists (select 1 from engine.tasks t
                  where t.lane_id = in_lane and t.state = 'ready' and t.due_at is null and t.n >= in_first)
$$;

-- Takes up to `free` tasks from a range of the lanes of one priority, up to `share`
-- from each, or else `these`; and begins their runs.
create function engine.take(
  in_worker integer, mine text[], home bigint, tier smallint, low bigint, high bigint, share integer, free integer,
  now timestamptz, these tid[] default null)
returns table (run_id bigint, n integer, attempt integer, tries smallint, crashes smallint, workspace_id bigint,
               kind text, input jsonb, lane_id bigint, is_last boolean, is_far boolean)
language plpgsql as $$
#variable_conflict use_column
begin
  return query
  with taken as (
    update tasks t set state = 'running', worker = in_worker, attempt = t.attempt + 1
     where t.ctid = any(coalesce(these, array(
       select c.tid from lanes l
        cross join lateral (
          select t.ctid as tid from tasks t
           where t.lane_id = l.id and t.state = 'ready' and t.due_at is null and t.n >= l.first
           order by t.lane_id, t.n limit share for no key update skip locked) c
        where not l.idle and l.stop is null and l.priority = tier and l.id > low and l.id <= high
          and l.kind = any(mine) and (home is null or l.workspace_id = home)
        order by l.priority, l.id limit free)))
    returning t.run_id, t.n, t.lane_id, t.attempt, t.tries, t.crashes, t.workspace_id
  ), begun as (
    -- A run that another holds at this moment is begun by its first close.
    update runs r set state = 'running', started_at = coalesce(r.started_at, now), last_event = r.last_event + 1
     where r.ctid = any(array(
       select q.ctid from (select distinct k.run_id from taken k) k
        cross join lateral (
          select n.ctid as place, n.state from runs n where n.id >= k.run_id and n.id <= k.run_id order by n.id desc limit 1) n
         join runs q on q.ctid = n.place
        where n.state = 'queued' for no key update of q skip locked))
    returning r.id, r.workspace_id, r.last_event
  ), event as (
    insert into events (run_id, n, workspace_id, at, kind)
    select b.id, b.last_event, b.workspace_id, now, 'run.running' from begun b
  )
  select k.run_id, k.n, k.attempt, k.tries, k.crashes, k.workspace_id, l.kind, i.input, k.lane_id, k.n = l.last, is_far(k.n, l.first)
    from taken k
    join lanes l on l.id = k.lane_id
    join inputs i on i.run_id = k.run_id and i.n = k.n;
end $$;

----------------------------------------------------------------------- close

-- Which of these attempts still count?  Locks them until the transaction ends.
create function engine.fence(in_runs bigint[], in_ns integer[], in_attempts integer[])
returns table (run_id bigint, n integer)
language sql security definer set search_path = engine, pg_temp as $$
  select t.run_id, t.n
    from unnest(in_runs, in_ns, in_attempts) as g(run_id, n, attempt)
    join tasks t on t.run_id = g.run_id and t.n = g.n
   where t.attempt = g.attempt and t.state = 'running'
   order by t.run_id, t.n for no key update of t
$$;

-- Each attempt ended so: succeeded (body: output), failed (body: failure),
-- again (a try is spent; after `delay` seconds), later (no try is spent),
-- throttled (later, and nobody under its key before then), stopped (later, and
-- nobody under its key until it is released), released, cancelled.  What is not
-- current is left alone.  A row a run.
create function engine.close(
  in_runs bigint[], in_ns integer[], in_attempts integer[], in_outcomes text[], in_bodies jsonb[], in_delays float8[])
returns table (run_id bigint, kept integer, last_event bigint, state engine.run_state, more boolean)
language plpgsql security definer set search_path = engine, pg_temp as $$
begin
  if not in_outcomes <@ endings() then raise exception 'no attempt ends like that' using errcode = 'MR006'; end if;
  return query select * from settle(in_runs, in_ns, in_attempts, in_outcomes, in_bodies, in_delays);
end $$;

-- How an attempt may end by its worker's word; expired and withdrawn are ours to say.
create function engine.endings() returns text[] language sql immutable as $$
  select array['succeeded', 'failed', 'again', 'later', 'throttled', 'stopped', 'released', 'cancelled']
$$;

-- After these the task is ready again.
create function engine.coming_back() returns text[] language sql immutable as $$
  select array['again', 'later', 'throttled', 'stopped', 'released', 'expired']
$$;

-- Must this close ask the run what comes next?
create function engine.asks(open integer, closed integer, decided integer, has_next boolean, cancel_asked_at timestamptz)
returns boolean language sql immutable as $$
  select closed > 0 and open = closed and has_next and decided = 0 and cancel_asked_at is null
$$;

create function engine.settle(
  in_runs bigint[], in_ns integer[], in_attempts integer[], in_outcomes text[], in_bodies jsonb[], in_delays float8[])
returns table (run_id bigint, kept integer, last_event bigint, state engine.run_state, more boolean)
language plpgsql as $$
#variable_conflict use_column
declare
  back constant text[] := coming_back();
  runs_ bigint[] := in_runs; ns_ integer[] := in_ns; attempts_ integer[] := in_attempts;
  outcomes_ text[] := in_outcomes; bodies_ jsonb[] := in_bodies; delays_ float8[] := in_delays;
  plain boolean := in_outcomes <@ array['succeeded'] and not 0 > any(in_ns);
  tallies engine.tally[]; places tid[];
  closed record; decision jsonb; now timestamptz := clock();
begin
  if plain and cardinality(in_runs) = 1 then
    closed := settle_one(in_runs[1], in_ns[1], in_attempts[1], in_bodies[1]);
    if closed.kept is null then return; end if;
    return query select closed.run_id, closed.kept, closed.last_event, closed.state, closed.more;
    return;
  end if;
  if not plain then
    select p.runs_, p.ns_, p.attempts_, p.outcomes_, p.bodies_, p.delays_
      into runs_, ns_, attempts_, outcomes_, bodies_, delays_
      from prepare(in_runs, in_ns, in_attempts, in_outcomes, in_bodies, in_delays) p;
  end if;

  with task as (
      -- In the order of their numbers, so that two closers meet the same task first.
      update tasks t set
        state = (case when g.outcome = any(back) then 'ready' when g.outcome = 'withdrawn' then 'cancelled'
                      else g.outcome end)::task_state,
        worker = null,
        tries = t.tries + (g.outcome in ('again', 'failed'))::integer,
        crashes = t.crashes + (g.outcome = 'expired')::integer,
        due_at = case when g.outcome in ('again', 'later', 'throttled') and g.delay > 0
                      then now + make_interval(secs => g.delay) end
        from (select * from unnest(runs_, ns_, attempts_, outcomes_, bodies_, delays_)
                as u(run_id, n, attempt, outcome, body, delay) order by u.run_id, u.n) g
       where t.run_id = g.run_id and t.n = g.n and t.attempt = g.attempt
         and t.state = case g.outcome when 'withdrawn' then 'ready' else 'running' end::task_state
      -- An attempt that is named twice is one row here.
      returning t.run_id, t.n, t.workspace_id, g.outcome, g.body
    ), output as (
      insert into outputs (run_id, n, workspace_id, output)
      select k.run_id, k.n, k.workspace_id, k.body from task k where k.outcome = 'succeeded' and k.body is not null
    ), counted as (
      select k.run_id, count(*)::integer as kept,
             count(*) filter (where k.n > 0 and k.outcome = 'succeeded')::integer as succeeded,
             count(*) filter (where k.n > 0 and k.outcome = 'failed')::integer as failed,
             count(*) filter (where k.n > 0 and k.outcome in ('cancelled', 'withdrawn'))::integer as cancelled,
             count(*) filter (where k.outcome = 'withdrawn')::integer as withdrawn,
             count(*) filter (where not k.outcome = any(back))::integer as closed,
             count(*) filter (where k.outcome = any(back))::integer as again,
             count(*) filter (where k.n < 0 and not k.outcome = any(back))::integer as decided,
             min(case when k.n > 0 or k.outcome = any(back) then null when k.outcome <> 'succeeded' then 'fail'
                      when k.body ? 'succeed' then 'succeed' when k.body ? 'fail' then 'fail' else 'do' end) as verdict
        from task k group by k.run_id
    )
  select array_agg((c.run_id, c.kept, c.succeeded, c.failed, c.cancelled, c.withdrawn, c.closed, c.again, c.decided, c.verdict)::engine.tally
                   order by c.run_id)
    into tallies from counted c;
  -- In a statement of its own, so that the next one sees what was waited for.
  places := array(
    select p.place from unnest(tallies) c cross join lateral (
      select r.ctid as place from runs r where r.id >= c.run_id and r.id <= c.run_id order by r.id desc limit 1 for no key update) p);

  for closed in
    with run as (
      update runs r set
        succeeded = r.succeeded + c.succeeded, failed = r.failed + c.failed, cancelled = r.cancelled + c.cancelled,
        open = r.open - c.closed + asks(r.open, c.closed, c.decided, r.has_next, r.cancel_asked_at)::integer,
        decisions = r.decisions + asks(r.open, c.closed, c.decided, r.has_next, r.cancel_asked_at)::integer,
        deciding = (r.deciding and c.decided = 0) or asks(r.open, c.closed, c.decided, r.has_next, r.cancel_asked_at),
        last_event = r.last_event + 1,
        started_at = case when c.kept > c.withdrawn then coalesce(r.started_at, now) else r.started_at end,
        state = case
          when r.open > c.closed or asks(r.open, c.closed, c.decided, r.has_next, r.cancel_asked_at) then
            case when c.kept > c.withdrawn then 'running' else r.state end
          when r.cancel_asked_at is not null then 'cancelled'
          when c.verdict = 'succeed' then 'succeeded' when c.verdict = 'fail' then 'failed'
          when r.succeeded + c.succeeded > 0 then 'succeeded' else 'failed' end,
        cancelling = r.cancelling and r.open > c.closed,
        finished_at = case
          when r.open > c.closed or asks(r.open, c.closed, c.decided, r.has_next, r.cancel_asked_at) then null
          else now end
        from unnest(tallies, places)
          as c(run_id, kept, succeeded, failed, cancelled, withdrawn, closed, again, decided, verdict, place)
       where r.ctid = c.place
      returning r.id, r.workspace_id, r.kind, r.state, r.priority, r.decisions, r.last_event, r.total,
                r.succeeded, r.failed, r.cancelled, r.open, c.again, c.verdict, c.kept,
                r.deciding and c.closed > 0 as asks
    ), event as (
      insert into events (run_id, n, workspace_id, at, kind, data)
      select r.id, r.last_event, r.workspace_id, now,
             case when r.open = 0 then 'run.' || r.state else 'tasks.closed' end,
             jsonb_build_object('total', r.total, 'succeeded', r.succeeded, 'failed', r.failed,
                                'cancelled', r.cancelled, 'again', r.again)
        from run r
    )
    select r.* from run r
  loop
    if closed.asks then
      perform put_decision(closed.id, closed.workspace_id, closed.kind, closed.priority, closed.decisions);
    elsif closed.open = 0 and (closed.verdict is not null or closed.state = 'failed') then
      select g.body into decision from unnest(runs_, ns_, bodies_) as g(run_id, n, body)
       where g.run_id = closed.id and g.n < 0;
      update run_bodies b set
        output = case when closed.state = 'succeeded' then decision -> 'succeed' end,
        failure = case when closed.state = 'failed'
                       then coalesce(decision -> 'fail', decision, commonest_failure(closed.id)) end
       where b.run_id = closed.id;
    end if;
    run_id := closed.id; kept := closed.kept; last_event := closed.last_event; state := closed.state;
    more := closed.asks or closed.again > 0 or closed.verdict is not distinct from 'do'
            or current_setting('millrace.begun', true) is not distinct from 'yes';
    return next;
  end loop;

  if (not plain and outcomes_ && array['throttled', 'stopped'])
     or exists (select 1 from reservations v where v.run_id = any(runs_)) then
    perform leave_limits(runs_, ns_, outcomes_, bodies_, delays_, now);
  end if;
end $$;

-- One task that succeeded, as `settle` closes it, in small statements too.
create function engine.settle_one(
  in_run bigint, in_n integer, in_attempt integer, in_body jsonb,
  out run_id bigint, out kept integer, out last_event bigint, out state engine.run_state, out more boolean)
language plpgsql as $$
#variable_conflict use_column
declare home bigint; place tid; goes_on boolean; to_be run_state; r record; now timestamptz := clock();
begin
  update tasks t set state = 'succeeded', worker = null
   where t.run_id = in_run and t.n = in_n and t.attempt = in_attempt and t.state = 'running'
  returning t.workspace_id into home;
  if not found then return; end if;
  if in_body is not null then
    insert into outputs (run_id, n, workspace_id, output) values (in_run, in_n, home, in_body);
  end if;

  -- What is locked stays so: what follows from it is worked out here.
  select r.ctid, r.open > 1, asks(r.open, 1, 0, r.has_next, r.cancel_asked_at),
         case when r.cancel_asked_at is null then 'succeeded' else 'cancelled' end
    into place, goes_on, more, to_be
    from runs r where r.id >= in_run and r.id <= in_run order by r.id desc limit 1 for no key update;
  if goes_on or more then to_be := 'running'; end if;
  update runs r set
    succeeded = r.succeeded + 1, open = r.open - 1 + more::integer, decisions = r.decisions + more::integer,
    deciding = r.deciding or more, last_event = r.last_event + 1, started_at = coalesce(r.started_at, now),
    state = to_be, cancelling = r.cancelling and goes_on, finished_at = case when to_be <> 'running' then now end
   where r.ctid = place
  returning r.kind, r.priority, r.decisions, r.last_event, r.total, r.succeeded, r.failed, r.cancelled into r;
  insert into events (run_id, n, workspace_id, at, kind, data)
  values (in_run, r.last_event, home, now, case when to_be = 'running' then 'tasks.closed' else 'run.' || to_be end,
          jsonb_build_object('total', r.total, 'succeeded', r.succeeded, 'failed', r.failed,
                             'cancelled', r.cancelled, 'again', 0));
  if more then perform put_decision(in_run, home, r.kind, r.priority, r.decisions); end if;
  if exists (select 1 from reservations v where v.run_id = in_run) then
    perform leave_limits(array[in_run], array[in_n], '{succeeded}', array[in_body], '{0}', now);
  end if;
  run_id := in_run; kept := 1; last_event := r.last_event; state := to_be;
end $$;

-- What a close with returned tasks or with a decision needs first: the locks in
-- their order, the tasks that a decision asks for, and the truth about cancelled
-- runs (nothing returns to those).  Gives back only what still counts.
create function engine.prepare(
  in_runs bigint[], in_ns integer[], in_attempts integer[], in_outcomes text[], in_bodies jsonb[], in_delays float8[],
  out runs_ bigint[], out ns_ integer[], out attempts_ integer[], out outcomes_ text[], out bodies_ jsonb[],
  out delays_ float8[])
language plpgsql as $$
#variable_conflict use_column
declare
  back constant text[] := coming_back();
  lanes_ bigint[]; numbers_ integer[]; d record; amount integer; number bigint;
begin
  with kept as (
    select g.*, t.lane_id, g.ord as place
      from unnest(in_runs, in_ns, in_attempts, in_outcomes, in_bodies, in_delays) with ordinality
        as g(run_id, n, attempt, outcome, body, delay, ord)
      join tasks t on t.run_id = g.run_id and t.n = g.n
     where t.attempt = g.attempt and t.state = case g.outcome when 'withdrawn' then 'ready' else 'running' end::task_state
     order by t.run_id, t.n for no key update of t)
  select coalesce(array_agg(k.run_id order by k.place), '{}'), coalesce(array_agg(k.n order by k.place), '{}'),
         coalesce(array_agg(k.attempt order by k.place), '{}'), coalesce(array_agg(k.outcome order by k.place), '{}'),
         coalesce(array_agg(k.body order by k.place), '{}'), coalesce(array_agg(k.delay order by k.place), '{}'),
         array_agg(k.lane_id) filter (where k.outcome = any(back)), array_agg(k.n) filter (where k.outcome = any(back))
    into runs_, ns_, attempts_, outcomes_, bodies_, delays_, lanes_, numbers_
    from (select distinct on (kept.run_id, kept.n) kept.* from kept order by kept.run_id, kept.n, kept.place) k;

  -- All lanes at once: those that get something back, and those of the runs that ask for more.
  lanes_ := lanes_ || array(
    select l.id from lanes l
     where l.run_id = any(array(select g.run_id from unnest(runs_, ns_, outcomes_, bodies_) as g(run_id, n, outcome, body)
                                 where g.n < 0 and g.outcome = 'succeeded' and g.body ? 'do'))
       and not decides(l.kind));
  perform wake_lanes(lanes_, numbers_);

  for d in
    select g.ord, g.run_id, g.body, r.workspace_id, r.priority, r.held, r.total
      from unnest(runs_, ns_, outcomes_, bodies_) with ordinality as g(run_id, n, outcome, body, ord)
      join runs r on r.id = g.run_id
     where g.n < 0 and g.outcome = 'succeeded' and not (g.body ? 'succeed' or g.body ? 'fail')
     order by g.run_id
  loop
    amount := case when jsonb_typeof(d.body -> 'do') = 'array' then jsonb_array_length(d.body -> 'do') else 0 end;
    if amount = 0 then
      bodies_[d.ord] := jsonb_build_object('fail', jsonb_build_object('code', 'NOTHING_TO_DO', 'origin', 'engine',
        'message', 'The run decided to go on and named no task.', 'retryable', false));
    else
      perform put_tasks(d.run_id, d.workspace_id, d.priority, d.held::text, d.total, (d.body -> 'do')::json);
      bodies_[d.ord] := jsonb_strip_nulls(jsonb_build_object('do', amount, 'hold', d.body -> 'hold'));
    end if;
  end loop;

  perform 1 from runs r where r.id = any(runs_) order by r.id for no key update;
  if outcomes_ && array['stopped'] then
    -- What stands under no key cannot be stopped with it.
    select array_agg(case when g.outcome = 'stopped' and l.limit_id = 0 then 'failed' else g.outcome end order by g.ord)
      into outcomes_
      from unnest(runs_, ns_, outcomes_) with ordinality as g(run_id, n, outcome, ord)
      join tasks t on t.run_id = g.run_id and t.n = g.n
      join lanes l on l.id = t.lane_id;
  end if;

  for d in
    select g.ord, g.run_id, g.n, g.outcome, g.body, r.cancel_asked_at is not null as cancel, r.held
      from unnest(runs_, ns_, outcomes_, bodies_) with ordinality as g(run_id, n, outcome, body, ord)
      join runs r on r.id = g.run_id
     where g.outcome = any(back) or jsonb_typeof(g.body -> 'do') = 'number'
  loop
    if d.outcome = any(back) then
      if d.cancel then outcomes_[d.ord] := 'cancelled'; end if;
    else
      amount := (d.body ->> 'do')::integer;
      update runs r set total = r.total + amount, open = r.open + amount where r.id = d.run_id;
      if d.cancel then
        -- Cancelled while it decided: what it asked for ends where it began.
        update tasks t set state = 'cancelled', due_at = null
         where t.run_id = d.run_id and t.state = 'ready' and t.n > 0;
        get diagnostics amount = row_count;
        update runs r set open = r.open - amount, cancelled = r.cancelled + amount where r.id = d.run_id;
      else
        -- It asks to be held before what it asks for; an approval is more than a pause.
        if d.body ->> 'hold' <> coalesce(d.held::text, '') and d.held is distinct from 'awaiting_approval' then
          d.held := (d.body ->> 'hold')::hold_reason;
          update runs r set held = d.held, last_event = r.last_event + 1 where r.id = d.run_id returning r.last_event into number;
          insert into events (run_id, n, workspace_id, at, kind, data)
          select d.run_id, number, r.workspace_id, clock(), 'run.held', jsonb_build_object('why', d.held) from runs r where r.id = d.run_id;
        end if;
        -- Held or released while it decided.
        update lanes l set stop = d.held::text where l.run_id = d.run_id and l.stop is distinct from d.held::text
           and not decides(l.kind);
      end if;
    end if;
  end loop;

  insert into attempts (run_id, n, attempt, workspace_id, worker, outcome, failure, ended_at)
  select g.run_id, g.n, g.attempt, t.workspace_id, t.worker, g.outcome, g.body, clock()
    from unnest(runs_, ns_, attempts_, outcomes_, bodies_) as g(run_id, n, attempt, outcome, body)
    join tasks t on t.run_id = g.run_id and t.n = g.n
   where g.outcome not in ('succeeded', 'withdrawn');
end $$;

create function engine.commonest_failure(in_run bigint)
returns jsonb language sql stable set search_path = engine, pg_temp as $$
  select a.failure from attempts a join tasks t on t.run_id = a.run_id and t.n = a.n and t.attempt = a.attempt
   -- Not those of decisions, which stay failed when the run is reopened.
   where a.run_id = in_run and a.n > 0 and t.state = 'failed' and a.failure is not null
   group by a.failure order by count(*) desc, min(a.n) limit 1
$$;

-- Close what is finished, then claim what is free: one commit, one round trip.
-- `look_again`: seconds until a limit may let something through.
create function engine.turn(
  in_worker integer, in_free integer,
  in_runs bigint[], in_ns integer[], in_attempts integer[], in_outcomes text[], in_bodies jsonb[], in_delays float8[],
  out closed jsonb, out claimed jsonb, out look_again float8)
language plpgsql security definer set search_path = engine, pg_temp as $$
declare ended record; begun record; within boolean;
begin
  if cardinality(in_runs) = 1 and in_outcomes[1] = 'succeeded' and in_ns[1] > 0 then
    ended := settle_one(in_runs[1], in_ns[1], in_attempts[1], in_bodies[1]);
    if ended.kept > 0 then
      closed := jsonb_build_array(jsonb_build_array(ended.run_id, ended.kept, ended.last_event, ended.state, ended.more));
    end if;
  elsif cardinality(in_runs) > 0 then
    if not in_outcomes <@ endings() then raise exception 'no attempt ends like that' using errcode = 'MR006'; end if;
    select jsonb_agg(jsonb_build_array(s.run_id, s.kept, s.last_event, s.state, s.more)) into closed
      from settle(in_runs, in_ns, in_attempts, in_outcomes, in_bodies, in_delays) s;
  end if;
  if in_free > 0 then
    within := limited();
    if in_free = 1 and not within then
      begun := claim_one(in_worker);
      if begun.run_id is not null then
        claimed := jsonb_build_array(jsonb_build_array(
          begun.run_id, begun.n, begun.attempt, begun.tries, begun.crashes, begun.workspace_id, begun.kind, begun.input));
      end if;
    else
      select jsonb_agg(jsonb_build_array(c.run_id, c.n, c.attempt, c.tries, c.crashes, c.workspace_id, c.kind, c.input))
        into claimed from claim(in_worker, in_free) c;
    end if;
    if within and coalesce(jsonb_array_length(claimed), 0) < in_free then
      look_again := opens_in(in_worker);
    end if;
  end if;
end $$;

---------------------------------------------------------------------- expire

-- Who is gone?  A predicate, never a reaction to a death: the lease is past, or
-- the session lock was missing twice; and the server has been up long enough for
-- everybody to come back.  One sweep at a time: who meets another learns only
-- whether anybody is `busy`; and if nobody is, as everybody, in how many seconds the
-- next thing that waits for a time is due.  One worker a call, and it waits for nobody; what
-- that worker held is taken back in another transaction (`rescue`), or the two
-- would meet a turn, which locks tasks first and its worker last.
create function engine.expire()
returns table (gone integer, work boolean, busy boolean, alive integer, missing boolean, due_in float8)
language plpgsql security definer set search_path = engine, pg_temp as $$
#variable_conflict use_column
declare
  now timestamptz := clock(); up interval; present integer[]; dead integer;
begin
  -- From behind: beside an old snapshot what was performed before stands in front.
  busy := (select t.worker from tasks t where t.worker is not null order by t.worker desc limit 1) is not null;
  if not busy then
    due_in := extract(epoch from least((select min(t.due_at) from tasks t where t.due_at is not null),
                                       (select min(x.until) from limits x where binds(x) and x.until > now)) - now);
  end if;
  if not pg_try_advisory_xact_lock(liveness(), 0) then
    return next;
    return;
  end if;
  select clock_timestamp() - greatest(s.at, pg_postmaster_start_time()) into up from server_up s limit 1;
  if not found then
    insert into server_up values (clock_timestamp());
    up := interval '0';
  end if;

  present := array(
    select k.objid::integer from pg_locks k
     where k.locktype = 'advisory' and k.classid = liveness()::oid and k.objsubid = 2 and k.granted
       and k.database = (select d.oid from pg_database d where d.datname = current_database()));
  select w.id into dead from workers w
   where w.gone_at is null and up > interval '3 seconds'
     and (w.lease_until < now
          or (not w.id = any(present) and w.missed_at < clock_timestamp() - interval '15 milliseconds'))
   order by w.id limit 1;
  gone := 0;
  if dead is not null then
    -- Not while the worker has a claim under way: the next sweep looks again.
    update workers w set gone_at = now, gone_why = case when w.lease_until < now then 'lease' else 'session' end
     where w.id = (select d.id from workers d
                    where d.id = dead and d.gone_at is null and (d.lease_until < now or not d.id = any(present))
                      for update skip locked);
    get diagnostics gone = row_count;
  end if;
  update workers w set missed_at = case when w.id = any(present) then null else clock_timestamp() end
   where w.gone_at is null and (w.id = any(present)) = (w.missed_at is not null);
  missing := exists (select 1 from workers w where w.gone_at is null and w.missed_at is not null);
  alive := (select count(*) from workers w where w.gone_at is null);
  work := gone > 0
    or exists (select 1 from workers w where w.gone_at is not null and not w.emptied)
    or exists (select 1 from tasks t where t.due_at is not null and t.due_at <= now)
    or exists (select 1 from runs r where r.cancelling)
    or exists (select 1 from limits x where binds(x) and x.until <= now)
    or exists (select 1 from lanes l where l.stop = 'budget');
  return next;
end $$;

-- What the gone hold becomes ready again.  Three deaths under one task end it.
-- Each of `rescue`, `withdraw` and `promote` is a transaction of its own: each
-- takes its locks in the order of all, and one after the other would not.
create function engine.rescue()
returns integer language plpgsql security definer set search_path = engine, pg_temp as $$
#variable_conflict use_column
declare
  fallen integer[]; runs_ bigint[]; ns_ integer[]; attempts_ integer[]; outcomes_ text[]; bodies_ jsonb[]; taken integer := 0;
begin
  select array_agg(w.id) into fallen from workers w where w.gone_at is not null and not w.emptied;
  if fallen is null then return 0; end if;
  select array_agg(t.run_id), array_agg(t.n), array_agg(t.attempt), array_agg(f.fate),
         array_agg(case when f.fate = 'failed' then jsonb_build_object(
           'code', 'QUARANTINED', 'message', 'Three workers died while they performed this task.', 'retryable', false,
           'origin', 'worker', 'details', jsonb_build_object('crashes', t.crashes + 1)) end)
    into runs_, ns_, attempts_, outcomes_, bodies_
    -- Who is stopped in his save has locked what he saves: that comes back when the
    -- server ends his transaction, and nothing else waits for it.
    from (select * from tasks h where h.worker = any(fallen) order by h.run_id, h.n for no key update skip locked) t
    join workers w on w.id = t.worker
   cross join lateral (select case when w.gone_why = 'left' then 'released'
                                   when t.crashes >= 2 and t.n > 0 then 'failed' else 'expired' end as fate) f;
  if runs_ is not null then
    select coalesce(sum(s.kept), 0) into taken
      from settle(runs_, ns_, attempts_, outcomes_, bodies_, array_fill(0::float8, array[cardinality(runs_)])) s;
  end if;
  -- Nobody can claim for them any more, so this is the last of what they held.
  update workers w set emptied = true
   where w.id = any(fallen) and not exists (select 1 from tasks t where t.worker = w.id);
  return taken;
end $$;

-- What is ready in runs whose end was asked ends: tasks that were on their way back
-- while `cancel` looked.  All in one close: one after the other in a transaction,
-- each would wait for its run with the limits of those before it in hand.
create function engine.withdraw()
returns void language sql security definer set search_path = engine, pg_temp as $$
  select end_ready(array_agg(q.run_id), array_agg(q.n)) from (
    select t.run_id, t.n from runs r join tasks t on t.run_id = r.id
     where r.cancelling and t.state = 'ready' order by t.run_id, t.n for no key update of t skip locked) q
$$;

-- These lanes have, or are about to have, these numbers ready (null: some that are
-- new): called by whoever has already locked the tasks and has not committed them yet.
create function engine.wake_lanes(in_lanes bigint[], in_ns integer[]) returns void language plpgsql as $$
begin
  perform 1 from lanes l where l.id = any(in_lanes) order by l.id for no key update;
  -- A budget that was set meanwhile passed it by.
  update lanes l set idle = false, first = least(l.first, q.n),
                     metered = l.metered or (l.idle and not decides(l.kind) and has_budget(l.workspace_id, l.run_id))
    from (select g.lane, min(g.n) as n from unnest(in_lanes, in_ns) as g(lane, n) group by g.lane) q
   where l.id = q.lane and (l.idle or q.n < l.first);
end $$;

-- What was to wait and has become due joins its lane; what a limit stopped may
-- have room again.
create function engine.promote()
returns integer language plpgsql security definer set search_path = engine, pg_temp as $$
#variable_conflict use_column
declare lanes_ bigint[]; ns_ integer[]; now timestamptz := clock();
begin
  with ripe as (
    update tasks t set due_at = null
     where t.ctid = any(array(select d.ctid from tasks d where d.due_at is not null and d.due_at <= now
                               order by d.due_at limit 10000 for no key update skip locked))
    returning t.lane_id, t.n)
  select array_agg(lane_id), array_agg(n) into lanes_, ns_ from ripe;
  if lanes_ is not null then perform wake_lanes(lanes_, ns_); end if;
  return coalesce(cardinality(lanes_), 0) + lift_limits(now);
end $$;

-------------------------------------------------------------- sweeps by hand

-- Where nobody performs, nobody sweeps: an operator, or an admin of a workspace, may
-- ask for it.  Each is a transaction of its own, as in a worker's sweep.
create function engine.may_sweep(in_workspace bigint) returns void language plpgsql stable as $$
begin
  if not access.operates() then perform access.must(in_workspace, 'worker.sweep'); end if;
end $$;

-- Who is gone?  `again`: somebody's session was not seen, so look once more in a moment.
create function engine.expire_now(in_workspace bigint)
returns table (gone integer, again boolean)
language plpgsql security definer set search_path = engine, pg_temp as $$
begin
  perform may_sweep(in_workspace);
  return query select coalesce(e.gone, 0), coalesce(e.missing, false) or coalesce(e.gone, 0) > 0 from expire() e;
end $$;

-- Tasks of the gone that became ready, or ended, by this.
create function engine.rescue_now(in_workspace bigint)
returns integer language plpgsql security definer set search_path = engine, pg_temp as $$
begin
  perform may_sweep(in_workspace);
  return rescue();
end $$;

-- Rows of workers that went two minutes ago and hold nothing.
create function engine.forget_workers(in_workspace bigint)
returns integer language plpgsql security definer set search_path = engine, pg_temp as $$
declare amount integer;
begin
  perform may_sweep(in_workspace);
  delete from workers w where w.emptied and w.gone_at < clock() - interval '2 minutes'
     and not exists (select 1 from tasks t where t.worker = w.id);
  get diagnostics amount = row_count;
  return amount;
end $$;

-------------------------------------------------------------- events, receipts

-- Facts from attempts (logs, progress), numbered under the run's lock.  What
-- comes from an attempt that no longer counts is dropped.  The runs are locked and
-- no task is: whatever ends an attempt has its run in hand, so a close waits for the
-- line, or the line for the close, which the second statement then sees.
create function engine.emit(
  in_runs bigint[], in_ns integer[], in_attempts integer[], in_kinds text[], in_data jsonb[])
returns table (run_id bigint, last_event bigint)
language plpgsql security definer set search_path = engine, pg_temp as $$
#variable_conflict use_column
declare places tid[];
begin
  places := array(
    select p.place from (select distinct g.id from unnest(in_runs) as g(id) order by g.id) g cross join lateral (
      select r.ctid as place from runs r where r.id >= g.id and r.id <= g.id order by r.id desc limit 1 for no key update) p);
  return query
    with kept as materialized (
      select g.run_id, g.n, g.kind, g.data, g.ord, t.workspace_id
        from unnest(in_runs, in_ns, in_attempts, in_kinds, in_data) with ordinality
          as g(run_id, n, attempt, kind, data, ord)
        join tasks t on t.run_id = g.run_id and t.n = g.n
       where t.attempt = g.attempt and t.state = 'running'
    ), run as (
      update runs r set last_event = r.last_event + c.amount
        from (select k.run_id, count(*) as amount from kept k group by k.run_id) c
       where r.ctid = any(places) and r.id = c.run_id
      returning r.id, r.last_event, c.amount
    ), event as (
      insert into events (run_id, n, workspace_id, at, kind, task, data)
      select k.run_id, r.last_event - r.amount + row_number() over (partition by k.run_id order by k.ord),
             k.workspace_id, clock(), k.kind, k.n, coalesce(k.data, '{}')
        from kept k join run r on r.id = k.run_id)
    select r.id, r.last_event from run r;
end $$;

-- The ledger takes intents and receipts from any attempt, also from one that
-- lost its lease: what was bought is known, and counts against the budget once.
create function engine.note(
  in_runs bigint[], in_ns integer[], in_attempts integer[], in_names text[], in_entries text[], in_hashes bytea[],
  in_receipts jsonb[], in_tokens bigint[], in_micros bigint[])
returns void language plpgsql security definer set search_path = engine, pg_temp as $$
declare bought record;
begin
  with kept as (
    insert into ledger (run_id, n, name, attempt, entry, workspace_id, request_hash, receipt, tokens, micros, at)
    select g.run_id, g.n, g.name, g.attempt, g.entry, t.workspace_id, g.request_hash, g.receipt, g.tokens, g.micros, clock()
      from unnest(in_runs, in_ns, in_attempts, in_names, in_entries, in_hashes, in_receipts, in_tokens, in_micros)
        as g(run_id, n, attempt, name, entry, request_hash, receipt, tokens, micros)
      join tasks t on t.run_id = g.run_id and t.n = g.n
     where g.attempt <= t.attempt
    on conflict do nothing
    returning run_id, n, tokens, micros)
  select array_agg(k.run_id order by k.run_id, k.n) as runs, array_agg(k.n order by k.run_id, k.n) as ns,
         array_agg(k.tokens order by k.run_id, k.n) as tokens, array_agg(k.micros order by k.run_id, k.n) as micros
    into bought from kept k where k.tokens > 0 or k.micros > 0;
  if bought.runs is not null then perform use(bought.runs, bought.ns, bought.tokens, bought.micros); end if;
end $$;

------------------------------------------------- hold, release, cancel, reopen

create function engine.hold(in_run bigint, in_why text default 'paused')
returns engine.runs language plpgsql security definer set search_path = engine, pg_temp as $$
begin
  perform change(in_run, 'run.hold');
  return put_hold(in_run, in_why);
end $$;

-- For verbs of the rooms that have asked what their caller may.
create function engine.put_hold(in_run bigint, in_why text)
returns engine.runs language plpgsql set search_path = engine, pg_temp as $$
declare r runs;
begin
  r := lock_lanes_and_run(in_run);
  if r.finished_at is not null then
    raise exception 'this run has ended' using errcode = 'MR004', detail = r.state::text;
  end if;
  if r.held is not null then return r; end if;
  -- Its decision stays claimable: deciding starts nothing, and what it asks for is held.
  update lanes set stop = in_why where run_id = in_run and not decides(kind);
  update runs set held = in_why::hold_reason, last_event = last_event + 1 where id = in_run returning * into r;
  insert into events (run_id, n, workspace_id, at, kind, data)
  values (in_run, r.last_event, r.workspace_id, clock(), 'run.held',
          jsonb_strip_nulls(jsonb_build_object('why', in_why, 'by', access.subject())));
  return r;
end $$;

create function engine.release(in_run bigint)
returns engine.runs language plpgsql security definer set search_path = engine, pg_temp as $$
declare r runs;
begin
  r := change(in_run, 'run.hold');
  r := lock_lanes_and_run(in_run);
  if r.finished_at is not null then
    raise exception 'this run has ended' using errcode = 'MR004', detail = r.state::text;
  end if;
  if r.held is null then return r; end if;
  update lanes set stop = null where run_id = in_run and not decides(kind);
  update runs set held = null, last_event = last_event + 1 where id = in_run returning * into r;
  insert into events (run_id, n, workspace_id, at, kind, data)
  values (in_run, r.last_event, r.workspace_id, clock(), 'run.released',
          jsonb_strip_nulls(jsonb_build_object('by', access.subject())));
  return r;
end $$;

-- Its tasks come before or after those of other runs; what is running goes on.
create function engine.prefer(in_run bigint, in_priority smallint)
returns engine.runs language plpgsql security definer set search_path = engine, pg_temp as $$
declare r runs;
begin
  r := change(in_run, 'run.hold');
  r := lock_lanes_and_run(in_run);
  if r.finished_at is not null then
    raise exception 'this run has ended' using errcode = 'MR004', detail = r.state::text;
  end if;
  if r.priority = in_priority then return r; end if;
  update lanes set priority = in_priority where run_id = in_run;
  update runs set priority = in_priority, last_event = last_event + 1 where id = in_run returning * into r;
  insert into events (run_id, n, workspace_id, at, kind, data)
  values (in_run, r.last_event, r.workspace_id, clock(), 'run.preferred',
          jsonb_strip_nulls(jsonb_build_object('priority', in_priority, 'by', access.subject())));
  return r;
end $$;

-- What is ready ends at once; what is running is told, and ends in its own close.
-- in_reason: of whoever asks; kept with the asking.
create function engine.cancel(in_run bigint, in_reason text default null)
returns engine.runs language plpgsql security definer set search_path = engine, pg_temp as $$
#variable_conflict use_column
declare r runs; ns_ integer[];
begin
  r := change(in_run, 'run.cancel');
  -- Tasks first, then the run: the order of all.
  ns_ := array(select t.n from tasks t where t.run_id = in_run and t.state = 'ready' order by t.n for no key update);
  r := lock_run(in_run);
  if r.state = 'cancelled' or r.cancel_asked_at is not null then return r; end if;
  if r.finished_at is not null then
    raise exception 'this run has ended' using errcode = 'MR004', detail = r.state::text;
  end if;
  update runs set cancel_asked_at = clock(), cancelling = true, last_event = last_event + 1 where id = in_run returning * into r;
  insert into events (run_id, n, workspace_id, at, kind, data)
  values (in_run, r.last_event, r.workspace_id, clock(), 'run.cancel_asked',
          jsonb_strip_nulls(jsonb_build_object('reason', in_reason, 'by', access.subject())));
  perform end_ready(array_fill(in_run, array[cardinality(ns_)]), ns_);
  select * into r from runs where id = in_run;
  return r;
end $$;

-- Once more, under a new round: what failed or was cancelled becomes ready again,
-- with all its tries; `in_all`, also what succeeded.  If nothing is to be done
-- again, the run is asked for its decision anew.
create function engine.reopen(in_run bigint, in_all boolean default false)
returns engine.runs language plpgsql security definer set search_path = engine, pg_temp as $$
declare r runs; amount integer;
begin
  r := change(in_run, 'run.start');
  perform 1 from tasks where run_id = in_run and n > 0 order by n for no key update;
  perform 1 from lanes where run_id = in_run and not decides(kind) order by id for no key update;
  r := lock_run(in_run);
  if r.finished_at is null then
    raise exception 'this run has not ended' using errcode = 'MR004', detail = status(r);
  end if;
  amount := r.failed + r.cancelled + case when in_all then r.succeeded else 0 end;
  if amount = 0 and not r.has_next then
    raise exception 'nothing in this run can be done again' using errcode = 'MR004', detail = r.state::text;
  end if;
  if in_all then delete from outputs where run_id = in_run and n > 0; end if;
  update tasks set state = 'ready', tries = 0, crashes = 0
   where run_id = in_run and n > 0 and state = any(case when in_all then '{failed,cancelled,succeeded}'
                                                        else '{failed,cancelled}' end::task_state[]);
  update lanes l set stop = null, idle = not has_ready(l.id, 0), first = 0,
                     metered = l.metered or has_budget(l.workspace_id, l.run_id)
   where l.run_id = in_run and not decides(l.kind);
  update runs set state = 'queued', round = round + 1, held = null, cancel_asked_at = null, finished_at = null,
                  failed = 0, cancelled = 0, succeeded = case when in_all then 0 else succeeded end,
                  open = greatest(amount, 1), deciding = amount = 0, decisions = decisions + (amount = 0)::integer,
                  last_event = last_event + 1
   where id = in_run returning * into r;
  update run_bodies set output = null, failure = null where run_id = in_run;
  if amount = 0 then perform put_decision(r.id, r.workspace_id, r.kind, r.priority, r.decisions); end if;
  insert into events (run_id, n, workspace_id, at, kind, data)
  values (in_run, r.last_event, r.workspace_id, clock(), 'run.reopened',
          jsonb_strip_nulls(jsonb_build_object('round', r.round, 'tasks', amount, 'by', access.subject())));
  return r;
end $$;

-- Ends what is ready in runs whose end was asked, all in one close; called by whoever
-- has locked these tasks.  The sweep calls it too: a task that was on its way back
-- while `cancel` looked is found there.
create function engine.end_ready(in_runs bigint[], in_ns integer[])
returns void language plpgsql as $$
declare runs_ bigint[]; ns_ integer[]; attempts_ integer[]; amount integer;
begin
  select array_agg(t.run_id order by g.ord), array_agg(t.n order by g.ord), array_agg(t.attempt order by g.ord), count(*)
    into runs_, ns_, attempts_, amount
    from unnest(in_runs, in_ns) with ordinality as g(run_id, n, ord)
    join tasks t on t.run_id = g.run_id and t.n = g.n where t.state = 'ready';
  if amount > 0 then
    perform settle(runs_, ns_, attempts_, array_fill('withdrawn'::text, array[amount]),
                   array_fill(null::jsonb, array[amount]), array_fill(0::float8, array[amount]));
  end if;
end $$;

-- After waiting: it may have been thrown away.
create function engine.lock_run(in_run bigint) returns engine.runs language plpgsql as $$
declare r runs;
begin
  select * into r from runs where id = in_run for no key update;
  if not found then raise exception 'there is no such run' using errcode = 'MR003'; end if;
  return r;
end $$;

-- The lanes of a run before the run, also those that a decision brought while we
-- waited for it: that run is let go and waited for once more.
create function engine.lock_lanes_and_run(in_run bigint) returns engine.runs language plpgsql as $$
declare lanes_ bigint[]; r runs;
begin
  loop
    begin
      lanes_ := array(select l.id from lanes l where l.run_id = in_run and not decides(l.kind) order by l.id for no key update);
      r := lock_run(in_run);
      if exists (select 1 from lanes l where l.run_id = in_run and not decides(l.kind) and not l.id = any(lanes_)) then
        raise exception using errcode = 'MR100';
      end if;
      return r;
    exception when sqlstate 'MR100' then null;
    end;
  end loop;
end $$;

-- Is there such a run for this caller, and may he do that to it?
create function engine.change(in_run bigint, in_right text)
returns engine.runs language plpgsql as $$
declare r runs;
begin
  select * into r from runs where id = in_run and workspace_id = any((select access.workspaces())::bigint[]);
  if not found then raise exception 'there is no such run' using errcode = 'MR003'; end if;
  perform access.must(r.workspace_id, in_right);
  return r;
end $$;
