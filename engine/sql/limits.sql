-- How much at a time, how much a minute, how much in all.
--
-- A limit holds for the lanes of one key, a budget for a run or a workspace.  A lane
-- may stand under a second key, its bound: of that, how many at a time and a stop
-- count, and never a rate or a pause; a pause or stop that its tasks bring is the
-- first one's.
-- `room` says why nothing more may begin under a limit, or how much may;
-- `purse` says what a budget has left.  The claim and `blocked` ask these two.
-- Locks: reservations, budgets, limits, each by id, after all that verbs.sql locks.

-- Seconds of a rate that may be used at once.
create function engine.burst() returns float8 language sql immutable as $$ select 0.6::float8 $$;

-- Which part of its rates a limit uses now.  A refusal takes a fifth of it away,
-- once a second at most, down to a twentieth; it grows back in a minute and a half.
create function engine.pace(x engine.limits, now timestamptz) returns float8 language sql immutable as $$
  select least(1, x.pace + greatest(extract(epoch from now - x.paced_at), 0) / 90)
$$;

-- Does it limit anything at all?
create function engine.binds(x engine.limits) returns boolean language sql immutable as $$
  select x.concurrency is not null or x.requests_per_minute is not null or x.tokens_per_minute is not null
      or x.until is not null or x.stop is not null
$$;

-- Does any limit bind, or any budget ask?  If not, no claim looks at them.
create function engine.limited() returns boolean language sql volatile as $$
  select exists (select 1 from engine.limits x where engine.binds(x))
      or exists (select 1 from engine.lanes l where l.metered and not l.idle and l.stop is null)
$$;

-- Why nothing may begin under this limit, and when to look again; or for how many
-- tasks, and for how many seconds' worth of requests and of tokens, there is room.
-- The last task to begin may use more than its rate has left: the next ones wait
-- the longer.  `bounds`: for what it is the bound of, which no rate and no pause of
-- it concerns.  Where there is one, `slots` are said whatever else is in the way.
create function engine.room(
  x engine.limits, now timestamptz, bounds boolean default false,
  out why text, out again_at timestamptz, out slots integer, out requests float8, out tokens float8)
language plpgsql stable set search_path = engine, pg_temp as $$
declare spare float8;
begin
  if x.stop is not null then why := 'stopped'; return; end if;
  if x.concurrency is not null then
    slots := ceil(x.concurrency * pace(x, now)) - (select count(*) from reservations v where v.limit_id = x.id)
             - (select count(*) from reservations v where v.bound_id = x.id and v.bound_id <> 0);
  end if;
  if x.until > now and not bounds then why := 'throttled'; again_at := x.until; return; end if;
  if slots <= 0 then why := 'concurrency'; again_at := now + interval '50 milliseconds'; return; end if;
  if bounds then return; end if;
  if x.requests_per_minute is not null then
    spare := greatest(burst() - 60 / (x.requests_per_minute * pace(x, now)), 0);
    requests := spare - greatest(extract(epoch from x.requests_at - now), 0);
    if requests < -1e-6 then why := 'requests'; again_at := x.requests_at - make_interval(secs => spare); return; end if;
  end if;
  if x.tokens_per_minute is not null then
    tokens := burst() - greatest(extract(epoch from x.tokens_at - now), 0);
    if tokens < -1e-6 then why := 'tokens'; again_at := x.tokens_at - make_interval(secs => burst()); return; end if;
  end if;
end $$;

-- What the budget of a run, or of a workspace (no run), has left; nulls: as much as you like.
create function engine.purse(in_workspace bigint, in_run bigint, out tokens bigint, out micros bigint)
language sql stable set search_path = engine, pg_temp as $$
  select b.tokens - b.used_tokens - coalesce(v.tokens, 0), b.micros - b.used_micros - coalesce(v.micros, 0)
    from budgets b cross join lateral (
      select sum(greatest(v.tokens - v.used_tokens, 0))::bigint as tokens,
             sum(greatest(v.micros - v.used_micros, 0))::bigint as micros from reservations v
       where v.workspace_id = b.workspace_id and (b.run_id is null or v.run_id = b.run_id)) v
   where b.workspace_id = in_workspace and b.run_id is not distinct from in_run
$$;

-- Does any budget ask the tasks of this run?
create function engine.has_budget(in_workspace bigint, in_run bigint) returns boolean language sql stable as $$
  select exists (select 1 from engine.budgets b where b.workspace_id = in_workspace and (b.run_id = in_run or b.run_id is null))
$$;

-- Has a purse enough for so much?  An empty one has enough for nothing.
create function engine.affords(lefts bigint, amount bigint) returns boolean language sql immutable as $$
  select lefts is null or (lefts > 0 and amount <= lefts)
$$;

create function engine.affordable(l engine.lanes) returns boolean language sql stable as $$
  select not l.metered
      or ((select engine.affords(p.tokens, l.tokens) and engine.affords(p.micros, l.micros) from engine.purse(l.workspace_id, l.run_id) p)
          is not false
          and (select engine.affords(p.tokens, l.tokens) and engine.affords(p.micros, l.micros) from engine.purse(l.workspace_id, null) p)
          is not false)
$$;

----------------------------------------------------------------------- claim

-- As `claim` does, where limits or budgets have a say: strict by priority, turns
-- between lanes, and of each limit and budget no more than it has room for.
create function engine.take_within(in_worker integer, mine text[], home bigint, in_free integer, now timestamptz)
returns table (run_id bigint, n integer, attempt integer, tries smallint, crashes smallint, workspace_id bigint,
               kind text, input jsonb, lane_id bigint, is_last boolean, is_far boolean)
language plpgsql as $$
#variable_conflict use_column
declare
  mine_now integer[]; open integer[]; roofs integer[]; purses bigint[]; tier smallint := 32767; free integer := in_free;
  newest bigint; seat record; served bigint[]; picked tid[]; refused bigint[]; runs_ bigint[]; ns_ integer[]; got integer; shut integer; t record;
begin
  -- Who meets another at a limit passes by and looks again soon: a claim waits for nobody.
  mine_now := array(
    select x.id from limits x where x.id = any(array(
      select y.id from limits y
       where binds(y)
         and ((exists (select 1 from lanes l where l.limit_id = y.id and l.limit_id <> 0 and not l.idle and l.stop is null)
               and (room(y, now)).why is null)
              or (exists (select 1 from lanes l where l.bound_id = y.id and l.bound_id <> 0 and not l.idle and l.stop is null)
                  and (room(y, now, true)).why is null))))
     order by x.id for no key update skip locked);
  loop
    open := 0 || array(select x.id from limits x where not binds(x))
              || array(select x.id from limits x where x.id = any(mine_now) and (room(x, now)).why is null);
    -- What is full for those that it is the first of may be open to those that it bounds.
    roofs := open || array(select x.id from limits x where x.id = any(mine_now) and not x.id = any(open) and (room(x, now, true)).why is null);
    select l.priority, l.id into tier, newest from lanes l
     where not l.idle and l.stop is null and l.limit_id = any(open) and l.bound_id = any(roofs) and l.priority <= tier
       and l.kind = any(mine) and (home is null or l.workspace_id = home)
     order by l.priority desc, l.id desc limit 1;
    exit when not found;
    seat := seat(tier);

    purses := array(
      select b.id from budgets b where b.id = any(array(
        select c.id from lanes l join budgets c on c.workspace_id = l.workspace_id and (c.run_id is null or c.run_id = l.run_id)
         where l.metered and not l.idle and l.stop is null and l.priority = tier and l.limit_id = any(open) and l.bound_id = any(roofs)))
       order by b.id for no key update skip locked);

    with lane as materialized (
      select l.*, row_number() over (order by l.part, l.id) as place, count(*) over () as lanes from (
        select l.*, a.part from ahead(seat.past, seat.until, newest) a cross join lateral (
              select l.id, l.run_id, l.workspace_id, l.limit_id, l.bound_id, l.requests, l.tokens, l.micros, l.first, l.metered
                from lanes l
               where not l.idle and l.stop is null and l.limit_id = any(open) and l.bound_id = any(roofs) and l.priority = tier
                 and l.id > a.low and l.id <= a.high
                 and l.kind = any(mine) and (home is null or l.workspace_id = home)
                 -- A budget that another has in hand is asked the next time.
                 and (not l.metered or not exists (
                   select 1 from budgets b where b.workspace_id = l.workspace_id
                      and (b.run_id is null or b.run_id = l.run_id) and not b.id = any(purses)))
                 and exists (select 1 from tasks k where k.lane_id = l.id and k.state = 'ready' and k.due_at is null
                                and k.n >= l.first)
               order by l.priority, l.id limit free) l
         order by a.part, l.id limit free) l
    ), cap as materialized (
      select x.id, 60 / (x.requests_per_minute * pace(x, now)) as a_request, 60 / (x.tokens_per_minute * pace(x, now)) as a_token, m.slots, m.requests, m.tokens
        from limits x cross join lateral room(x, now) m where x.id = any(mine_now)
    ), wanted as materialized (
      select l.*, c.tid, row_number() over (order by l.place, c.n) as nth
        from lane l cross join lateral (
          select k.ctid as tid, k.n from tasks k
           where k.lane_id = l.id and k.state = 'ready' and k.due_at is null and k.n >= l.first
           order by k.lane_id, k.n limit ceil(free::numeric / l.lanes) for no key update skip locked) c
    ), ranked as (
      -- One key may be the first of one lane and the bound of another: both count.
      select w.tid, k.id, row_number() over (partition by k.id order by w.nth) - 1 as before
        from wanted w cross join lateral (values (w.limit_id), (w.bound_id)) as k(id) where k.id <> 0
    ), full_one as (
      select r.tid from ranked r join cap c on c.id = r.id where r.before >= c.slots
    ), summed as (
      select w.*, sum(w.requests) over of_limit - w.requests as requests_before, sum(w.tokens) over of_limit - w.tokens as tokens_before,
             sum(w.tokens) over of_run as run_tokens, sum(w.micros) over of_run as run_micros,
             sum(w.tokens) over of_space as space_tokens, sum(w.micros) over of_space as space_micros
        from wanted w
      window of_limit as (partition by w.limit_id order by w.nth),
             of_run as (partition by w.run_id, w.metered order by w.nth),
             of_space as (partition by w.workspace_id, w.metered order by w.nth)
    ), fitting as (
      select s.tid, s.nth from summed s
        left join cap c on c.id = s.limit_id
        left join lateral purse(s.workspace_id, s.run_id) r on s.metered
        left join lateral purse(s.workspace_id, null) p on s.metered
       where not exists (select 1 from full_one f where f.tid = s.tid)
         and (c.requests is null or s.requests_before * c.a_request <= c.requests + 1e-6)
         and (c.tokens is null or s.tokens_before * c.a_token <= c.tokens + 1e-6)
         -- What those before it leave, so that a purse they empty has enough for nothing more.
         and affords(r.tokens - s.run_tokens::bigint + s.tokens, s.tokens)
         and affords(r.micros - s.run_micros::bigint + s.micros, s.micros)
         and affords(p.tokens - s.space_tokens::bigint + s.tokens, s.tokens)
         and affords(p.micros - s.space_micros::bigint + s.micros, s.micros)
       order by s.nth limit free
    )
    select coalesce((select array_agg(f.tid order by f.nth) from fitting f), '{}'),
           coalesce((select array_agg(l.id) from lane l where l.metered and not affordable((select o from lanes o where o.id = l.id))), '{}')
      into picked, refused;

    got := 0; runs_ := '{}'; ns_ := '{}'; served := '{}';
    if picked <> '{}' then
      for t in select * from take(in_worker, mine, home, tier, 0, 0, 0, 0, now, picked) loop
        run_id := t.run_id; n := t.n; attempt := t.attempt; tries := t.tries; crashes := t.crashes;
        workspace_id := t.workspace_id; kind := t.kind; input := t.input; lane_id := t.lane_id; is_last := t.is_last; is_far := t.is_far;
        return next;
        runs_ := runs_ || t.run_id; ns_ := ns_ || t.n; served := served || t.lane_id;
        got := got + 1;
      end loop;
      perform sit_after(served, tier, seat.past, seat.until, newest);
      perform reserve(runs_, ns_, mine_now, now);
    end if;
    -- What it cannot afford leaves the way; `lift_limits` looks whether something came back.
    update lanes l set stop = 'budget'
     where l.id = any(array(select o.id from lanes o where o.id = any(refused) for no key update skip locked))
       and l.stop is null and not affordable(l);
    get diagnostics shut = row_count;
    free := free - got;
    exit when free = 0;
    if got = 0 and shut = 0 then
      exit when tier = -32768;
      tier := tier - 1;
    end if;
  end loop;
end $$;

-- These tasks are running now: they count under their limits, and what they may use is set aside.
create function engine.reserve(runs_ bigint[], ns_ integer[], locked integer[], now timestamptz) returns void language plpgsql as $$
begin
  insert into reservations (run_id, n, workspace_id, limit_id, bound_id, tokens, micros)
  select t.run_id, t.n, t.workspace_id, l.limit_id, l.bound_id, l.tokens, l.micros
    from unnest(runs_, ns_) as g(run_id, n)
    join tasks t on t.run_id = g.run_id and t.n = g.n
    join lanes l on l.id = t.lane_id
   where l.metered or l.limit_id = any(locked) or l.bound_id = any(locked);
  update limits x set
    requests_at = greatest(x.requests_at, now) + make_interval(secs => coalesce(u.requests * 60 / (x.requests_per_minute * pace(x, now)), 0)),
    tokens_at = greatest(x.tokens_at, now) + make_interval(secs => coalesce(u.tokens * 60 / (x.tokens_per_minute * pace(x, now)), 0))
    from (select l.limit_id, sum(l.requests) as requests, sum(l.tokens) as tokens
            from unnest(runs_, ns_) as g(run_id, n)
            join tasks t on t.run_id = g.run_id and t.n = g.n
            join lanes l on l.id = t.lane_id group by l.limit_id) u
   where x.id = u.limit_id and x.id = any(locked)
     and (x.requests_per_minute is not null or x.tokens_per_minute is not null);
end $$;

-- Seconds until something that waits for a limit may begin with this worker.  Where
-- there is room now, another has the limit or the budget in hand.
create function engine.opens_in(in_worker integer) returns float8 language sql volatile as $$
  select extract(epoch from min(coalesce(q.again_at, engine.clock() + interval '5 milliseconds')) - engine.clock())::float8
    from (select l.limit_id, l.bound_id from engine.lanes l
           where not l.idle and l.stop is null and (l.limit_id <> 0 or l.bound_id <> 0 or l.metered)
             and l.kind = any((select w.kinds from engine.workers w where w.id = in_worker)::text[])
             and coalesce((select w.workspace_id from engine.workers w where w.id = in_worker), l.workspace_id) = l.workspace_id
           group by l.limit_id, l.bound_id, l.metered
          having l.metered or exists (select 1 from engine.limits x where x.id in (l.limit_id, l.bound_id) and engine.binds(x))) w
    cross join lateral (select max(m.again_at) as again_at, bool_or(m.why = 'stopped') as stopped
                          from engine.limits x cross join lateral engine.room(x, engine.clock(), x.id = w.bound_id) m
                         where x.id in (w.limit_id, w.bound_id) and engine.binds(x)) q
   where q.stopped is not true
$$;

----------------------------------------------------------------------- close

-- These attempts are over: their place is free, and the rate that they set aside
-- and did not use comes back.  And where the other side asked for a pause, or
-- refuses all, that concerns everybody under the key.
create function engine.leave_limits(
  runs_ bigint[], ns_ integer[], outcomes_ text[], bodies_ jsonb[], delays_ float8[], now timestamptz)
returns void language plpgsql as $$
begin
  perform 1 from limits x
   where x.id = any(array(select distinct l.limit_id from unnest(runs_, ns_) as g(run_id, n)
                            join tasks t on t.run_id = g.run_id and t.n = g.n
                            join lanes l on l.id = t.lane_id))
     and (x.tokens_per_minute is not null or outcomes_ && array['throttled', 'stopped'])
   order by x.id for no key update;
  perform 1 from unnest(runs_, ns_) as g(run_id, n) join reservations v on v.run_id = g.run_id and v.n = g.n
    order by v.run_id, v.n for update of v;
  with over as (
    delete from reservations v using unnest(runs_, ns_) as g(run_id, n)
     where v.run_id = g.run_id and v.n = g.n
       and not exists (select 1 from tasks t where t.run_id = v.run_id and t.n = v.n and t.state = 'running')
    returning v.limit_id, v.tokens - v.used_tokens as unused)
  -- What was used beyond that uses up the rate from now on, however long nothing began.
  update limits x set
    tokens_at = case when q.unused < 0 then greatest(x.tokens_at, now) else x.tokens_at end
                - make_interval(secs => q.unused::float8 * 60 / x.tokens_per_minute)
    from (select o.limit_id, sum(o.unused) as unused from over o group by o.limit_id) q
   where x.id = q.limit_id and q.unused <> 0 and x.tokens_per_minute is not null;
  if not outcomes_ && array['throttled', 'stopped'] then return; end if;
  update limits x set
    until = case when q.delay > 0 then greatest(coalesce(x.until, now), now + make_interval(secs => q.delay)) else x.until end,
    -- A burst of refusals is one refusal.
    pace = case when q.delay is not null and x.paced_at < now - interval '1 second' then greatest(0.05, pace(x, now) * 0.8) else x.pace end,
    paced_at = case when q.delay is not null and x.paced_at < now - interval '1 second' then now else x.paced_at end,
    stop = coalesce(x.stop, q.code),
    stopped_at = case when coalesce(x.stop, q.code) is not null then coalesce(x.stopped_at, now) end
    from (select l.limit_id, max(g.delay) filter (where g.outcome = 'throttled') as delay,
                 max(g.body ->> 'code') filter (where g.outcome = 'stopped') as code
            from unnest(runs_, ns_, outcomes_, bodies_, delays_) as g(run_id, n, outcome, body, delay)
            join tasks t on t.run_id = g.run_id and t.n = g.n
            join lanes l on l.id = t.lane_id
           where g.outcome in ('throttled', 'stopped') group by l.limit_id) q
   where x.id = q.limit_id;
end $$;

-- So much was bought, by whomever: it counts against reservation and budgets.
create function engine.use(runs_ bigint[], ns_ integer[], tokens_ bigint[], micros_ bigint[])
returns void language plpgsql as $$
begin
  perform 1 from unnest(runs_, ns_) as g(run_id, n) join reservations v on v.run_id = g.run_id and v.n = g.n
    order by v.run_id, v.n for update of v;
  update reservations v set used_tokens = v.used_tokens + q.tokens, used_micros = v.used_micros + q.micros
    from (select g.run_id, g.n, sum(g.tokens) as tokens, sum(g.micros) as micros
            from unnest(runs_, ns_, tokens_, micros_) as g(run_id, n, tokens, micros)
           group by g.run_id, g.n) q
   where v.run_id = q.run_id and v.n = q.n;
  perform 1 from budgets b where b.id = any(array(
    select c.id from runs r join budgets c on c.workspace_id = r.workspace_id and (c.run_id is null or c.run_id = r.id)
     where r.id = any(runs_))) order by b.id for no key update;
  update budgets b set used_tokens = b.used_tokens + q.tokens, used_micros = b.used_micros + q.micros
    from (select c.id, sum(g.tokens) as tokens, sum(g.micros) as micros
            from unnest(runs_, tokens_, micros_) as g(run_id, tokens, micros)
            join runs r on r.id = g.run_id
            join budgets c on c.workspace_id = r.workspace_id and (c.run_id is null or c.run_id = r.id)
           group by c.id) q
   where b.id = q.id;
end $$;

----------------------------------------------------------------------- sweep

-- A pause that is over is forgotten; a lane whose budget has room again comes back.
-- How many of both: nobody rings for them else.
create function engine.lift_limits(now timestamptz) returns integer language plpgsql as $$
declare lanes_ bigint[]; lifted integer := 0; more integer;
begin
  if exists (select 1 from lanes l where l.stop = 'budget') then
    lanes_ := array(select l.id from lanes l where l.stop = 'budget' and affordable(l) order by l.id for no key update skip locked);
    update lanes l set stop = null where l.id = any(lanes_) and l.stop = 'budget';
    get diagnostics lifted = row_count;
  end if;
  if exists (select 1 from limits x where binds(x) and x.until <= now) then
    update limits x set until = null
     where x.id = any(array(select y.id from limits y where binds(y) and y.until <= now order by y.id for no key update skip locked));
    get diagnostics more = row_count;
    lifted := lifted + more;
  end if;
  return lifted;
end $$;
