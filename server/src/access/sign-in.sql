-- Signing in, and being known: for who shows a secret.

------------------------------------------------------------------ signing in

-- Counts a try before it is made, so that many at once are as many; gives the
-- seconds to wait when there were too many.
create function people.try(in_who bytea, in_most integer)
returns integer language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare span constant interval := '15 minutes'; now timestamptz := clock(); t tries;
begin
  insert into tries as o (who, amount, since) values (in_who, 1, now)
  on conflict (who) do update set
    amount = case when o.since < now - span then 1 else least(o.amount + 1, in_most + 1) end,
    since = case when o.since < now - span then now else o.since end
  returning * into t;
  if t.amount <= in_most then return 0; end if;
  return greatest(1, ceil(extract(epoch from t.since + span - now)))::integer;
end $$;

create function people.tried_account(in_email text) returns bytea language sql stable
security definer set search_path = people, engine, access, pg_temp as $$
  select sha256('account'::bytea || s.secret || convert_to(lower(in_email), 'UTF8')) from secret s
$$;

create function people.tried_address(in_address text) returns bytea language sql stable
security definer set search_path = people, engine, access, pg_temp as $$
  select sha256('address'::bytea || s.secret || convert_to(in_address, 'UTF8')) from secret s
$$;

-- What a password has to be worked with.  An account that is not there has terms
-- too, always the same, so that nobody learns of it.
create function people.terms(in_email text, in_address text, in_memory integer, in_passes integer, in_lanes integer)
returns table (salt bytea, memory integer, passes integer, lanes integer, wait integer)
language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
#variable_conflict use_column
declare waiting integer;
begin
  delete from tries where since < clock() - interval '1 day';
  -- Who is held back by his address may not lock others' accounts.
  waiting := people.try(tried_address(in_address), 50);
  if waiting = 0 then waiting := people.try(tried_account(in_email), 10); end if;
  if waiting > 0 then
    return query select null::bytea, null::integer, null::integer, null::integer, waiting;
    return;
  end if;
  return query
    select coalesce(p.salt, substr(sha256('salt'::bytea || s.secret || convert_to(lower(in_email), 'UTF8')), 1, 16)),
           coalesce(p.memory, in_memory), coalesce(p.passes, in_passes), coalesce(p.lanes, in_lanes), 0
      from secret s left join users u on u.email = lower(in_email) left join passwords p on p.user_id = u.id;
end $$;

create function people.begin_session(in_user bigint, in_hash bytea, in_old bytea, in_agent text)
returns void language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare now timestamptz := clock();
begin
  -- What the browser held before is worth nothing afterwards.
  update sessions set ended_at = now where hash = in_old and ended_at is null;
  delete from sessions where user_id = in_user and coalesce(ended_at, expires_at) < now - interval '30 days';
  insert into sessions (user_id, hash, agent, created_at, seen_at, expires_at, ends_at)
  values (in_user, in_hash, left(in_agent, 200), now, now, now + interval '7 days', now + interval '30 days');
end $$;

-- True: he is in.  No exception otherwise, so that the try stays counted and noted.
create function people.sign_in(in_email text, in_proof bytea, in_hash bytea, in_old bytea, in_agent text, in_address text)
returns boolean language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare u users; stored bytea;
begin
  select * into u from users where email = lower(in_email);
  select p.verifier into stored from passwords p where p.user_id = u.id;
  if stored is null or u.disabled_at is not null or stored <> sha256(in_proof) then
    perform note('sign_in_failed', u.id, null, null, in_address, 'anonymous');
    return false;
  end if;
  delete from tries where who = tried_account(in_email);
  update tries set amount = amount - 1 where who = tried_address(in_address) and amount > 0;
  perform begin_session(u.id, in_hash, in_old, in_agent);
  perform note('sign_in', u.id, null, null, in_address, 'user:' || u.id);
  return true;
end $$;

-- The same password, worked harder than when it was set.
create function people.renew(in_email text, in_proof bytea, in_salt bytea, in_memory integer, in_passes integer, in_lanes integer, in_verifier bytea)
returns void language sql security definer set search_path = people, engine, access, pg_temp as $$
  update passwords p set salt = in_salt, memory = in_memory, passes = in_passes, lanes = in_lanes, verifier = in_verifier
    from users u where u.id = p.user_id and u.email = lower(in_email) and p.verifier = sha256(in_proof)
$$;

create function people.sign_out(in_hash bytea)
returns void language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare whose bigint; which bigint;
begin
  update sessions set ended_at = clock() where hash = in_hash and ended_at is null returning user_id, id into whose, which;
  if found then perform note('sign_out', whose, which::text, null, null, 'user:' || whose); end if;
end $$;

-- `signed_in`, `joined`, `sign_in_first` (an invitation for somebody who has an
-- account: only he may take it), `gone` (used, expired, or never there).
create function people.use_link(in_link bytea, in_hash bytea, in_old bytea, in_agent text, in_address text)
returns text language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare l links; u users; now timestamptz := clock();
begin
  select * into l from links where hash = in_link for update;
  if not found or l.used_at is not null or l.expires_at <= now then return 'gone'; end if;
  select * into u from users where id = l.user_id or email = l.email;
  if u.disabled_at is not null then return 'gone'; end if;
  if l.user_id is null and u.id is not null and me() is distinct from u.id then return 'sign_in_first'; end if;
  update links set used_at = now where id = l.id;
  if l.user_id is null then
    if u.id is null then
      insert into users (email, name, vouched, created_at) values (l.email, split_part(l.email, '@', 1), false, now) returning * into u;
      perform note('user_added', u.id, null, l.workspace_id, in_address, l.made_by);
    end if;
    insert into memberships (workspace_id, user_id, role, since) values (l.workspace_id, u.id, l.role, now) on conflict do nothing;
    perform note('role_changed', u.id, l.role, l.workspace_id, in_address, l.made_by);
  end if;
  perform note('link_used', u.id, l.id::text, l.workspace_id, in_address, 'user:' || u.id);
  if me() is not distinct from u.id then return 'joined'; end if;
  perform begin_session(u.id, in_hash, in_old, in_agent);
  perform note('sign_in', u.id, null, null, in_address, 'user:' || u.id);
  return 'signed_in';
end $$;

------------------------------------------------------------------- being known

create function people.known(in_user bigint)
returns jsonb language sql stable security definer set search_path = people, engine, access, pg_temp as $$
  select jsonb_build_object('user', u.id, 'operator', u.operator, 'workspaces',
           coalesce((select jsonb_object_agg(m.workspace_id, m.role) from memberships m where m.user_id = u.id), '{}'))
    from users u where u.id = in_user and u.disabled_at is null
$$;

create function people.by_session(in_hash bytea)
returns jsonb language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare s sessions; now timestamptz := clock();
begin
  select * into s from sessions where hash = in_hash and ended_at is null and expires_at > now;
  if not found then return null; end if;
  -- A write a minute, not one a request.
  if s.seen_at < now - interval '1 minute' then
    update sessions set seen_at = now, expires_at = least(ends_at, now + interval '7 days') where id = s.id returning * into s;
  end if;
  return known(s.user_id) || jsonb_build_object('id', s.id, 'expires', extract(epoch from s.expires_at));
end $$;

create function people.by_key(in_id text, in_hash bytea)
returns jsonb language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare k keys; now timestamptz := clock();
begin
  select * into k from keys where id = in_id and hash = in_hash and revoked_at is null and expires_at > now;
  if not found then return null; end if;
  if k.used_at is null or k.used_at < now - interval '1 minute' then
    update keys set used_at = now where id = k.id;
  end if;
  return known(k.user_id) || jsonb_build_object('id', k.id, 'expires', extract(epoch from k.expires_at), 'scopes', k.scopes, 'workspace', k.workspace_id);
end $$;

-- Somebody whom another issuer knows: by an address that the operator vouched
-- for, or by roles that the issuer gives by the names of workspaces.
create function people.by_word(in_email text, in_roles jsonb)
returns jsonb language plpgsql stable security definer set search_path = people, engine, access, pg_temp as $$
declare u users;
begin
  select * into u from users where email = lower(in_email);
  if u.disabled_at is not null then return null; end if;
  if in_roles is null then return case when u.vouched then known(u.id) end; end if;
  return jsonb_build_object('user', null, 'operator', false, 'workspaces', coalesce((
    select jsonb_object_agg(w.id, r.value) from jsonb_each_text(in_roles) r join workspaces w on w.name = r.key
     where r.value in ('admin', 'member', 'viewer')), '{}'));
end $$;

-- Who is meant where nobody has to sign in.
create function people.by_place()
returns jsonb language sql stable security definer set search_path = people, engine, access, pg_temp as $$
  select known(u.id) from users u where u.operator and u.disabled_at is null order by u.id limit 1
$$;
