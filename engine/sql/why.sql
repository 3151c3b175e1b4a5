-- Why is this not running?  The same predicates as the claim's, asked of a lane.

-- The limit that lets nothing more of this lane begin: its bound before its own.
create function engine.shut_by(l engine.lanes) returns engine.limits
language sql stable set search_path = engine, pg_temp as $$
  select x from limits x cross join lateral room(x, clock(), x.id = l.bound_id) m
   where x.id in (l.limit_id, l.bound_id) and x.id <> 0 and binds(x) and m.why is not null
   order by x.id = l.bound_id desc limit 1
$$;

-- Null: the next claim of this worker that reaches the lane takes from it.  Or the
-- reason why not.  Without a worker: what stands in everybody's way.
create function engine.blocked(l engine.lanes, w engine.workers default null)
returns text language plpgsql stable set search_path = engine, pg_temp as $$
declare why text; x limits;
begin
  if not has_ready(l.id, l.first) then return 'nothing_ready'; end if;
  if l.stop is not null then return l.stop; end if;
  if w.id is not null then
    if w.gone_at is not null then return 'worker_gone'; end if;
    if not l.kind = any(w.kinds) then return 'other_kind'; end if;
    if w.workspace_id <> l.workspace_id then return 'other_workspace'; end if;
  end if;
  x := shut_by(l);
  if x.id is not null then return (room(x, clock(), x.id = l.bound_id)).why; end if;
  if not affordable(l) then return 'budget'; end if;
  return null;
end $$;

-- A row for each lane of the run in which something waits: how much, and why.
-- `reason` is one of nothing_ready (all of it is due later), paused,
-- awaiting_approval, budget, stopped, throttled, concurrency, requests, tokens,
-- no_worker, or `turn`: it may begin as soon as those ahead have.  Ahead are those
-- that came before; where a worker is in its round is known to its session alone.
create function engine.why(in_run bigint)
returns table (kind text, key text, ready bigint, due bigint, due_at timestamptz, running bigint, reason text,
               held_by text, opens_at timestamptz, stopped text, ahead bigint, workers bigint)
language plpgsql stable security definer set search_path = engine, pg_temp as $$
#variable_conflict use_column
declare r runs; l lanes; x limits; served bigint;
begin
  select * into r from runs where id = in_run and workspace_id = any((select access.workspaces())::bigint[]);
  if not found then raise exception 'there is no such run' using errcode = 'MR003'; end if;
  for l in select * from lanes a where a.run_id = in_run and (a.last > 0 or r.deciding) order by a.id loop
    select count(*) filter (where t.state = 'ready' and t.due_at is null), count(*) filter (where t.due_at is not null),
           min(t.due_at), count(*) filter (where t.state = 'running')
      into ready, due, due_at, running from tasks t where t.lane_id = l.id and t.state in ('ready', 'running');
    continue when ready = 0 and due = 0;
    kind := l.kind; key := l.key; reason := blocked(l); held_by := null; opens_at := null; stopped := null; ahead := null;
    select count(*) into served from workers w
     where w.gone_at is null and w.lease_until > clock() and l.kind = any(w.kinds)
       and (w.workspace_id is null or w.workspace_id = l.workspace_id);
    workers := served;
    if reason in ('paused', 'awaiting_approval') then
      select e.data ->> 'by' into held_by from events e where e.run_id = in_run and e.kind = 'run.held' order by e.n desc limit 1;
    elsif reason in ('stopped', 'throttled', 'concurrency', 'requests', 'tokens') then
      x := shut_by(l);
      -- Where it has opened meanwhile there is nothing more to say of it.
      key := coalesce(x.key, key);
      stopped := x.stop;
      opens_at := (room(x, clock(), x.id = l.bound_id)).again_at;
    end if;
    if served = 0 and (reason is null or reason in ('nothing_ready', 'throttled', 'concurrency', 'requests', 'tokens')) then
      reason := 'no_worker';
    elsif reason is null then
      reason := 'turn';
      select count(*) into ahead from lanes o cross join lateral (
        select 1 from tasks t where t.lane_id = o.id and t.state = 'ready' and t.due_at is null limit 10000) t
       where not o.idle and o.stop is null and o.id <> l.id
         and (o.priority > l.priority or (o.priority = l.priority and o.id < l.id));
    end if;
    return next;
  end loop;
end $$;

-- Which budgets do not cover one more task of this run that waits: whose they are,
-- `run` or `workspace`, and of what, `tokens` or `money`.
create function engine.short(in_run bigint) returns table (whose text, what text)
language sql stable security definer set search_path = engine, pg_temp as $$
  select distinct q.whose, q.what
    from lanes l
    cross join lateral (values ('run', l.run_id), ('workspace', null)) as o(whose, run)
    cross join lateral purse(l.workspace_id, o.run) p
    cross join lateral (values (o.whose, 'tokens', affords(p.tokens, l.tokens)),
                               (o.whose, 'money', affords(p.micros, l.micros))) as q(whose, what, covered)
   where l.run_id = in_run and l.workspace_id = any((select access.workspaces())::bigint[])
     and l.metered and has_ready(l.id, l.first) and not q.covered
   order by 1, 2
$$;
