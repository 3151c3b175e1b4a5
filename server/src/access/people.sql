-- People: who asks, and everything that can be done about accounts, keys, links and roles.

------------------------------------------------------------------------- who

-- The account that asks; null for the person at the keyboard and for tokens of others.
create function people.me() returns bigint language sql stable as $$
  select case when access.subject() ~ '^user:[1-9][0-9]{0,17}$' then substr(access.subject(), 6)::bigint end
$$;

create function people.administered() returns bigint[] language sql stable as $$
  select array(select w.key::bigint from jsonb_each_text(coalesce(access.claims() -> 'workspaces', '{}')) w where w.value = 'admin')
$$;

-- Everybody in the workspaces that he administers.
create function people.colleagues() returns bigint[] language sql stable security definer set search_path = people, engine, access, pg_temp as $$
  select array(select distinct m.user_id from memberships m where m.workspace_id = any(administered()))
$$;

-- Claims may be seconds old; who changes rights must have his own at this moment,
-- or a demoted admin would make himself one again.
create function people.operates_now() returns boolean language sql stable security definer set search_path = people, engine, access, pg_temp as $$
  select access.operates() and (me() is null or exists (
    select from users u where u.id = me() and u.operator and u.disabled_at is null))
$$;

create function people.must_operate() returns void language plpgsql stable as $$
begin
  if people.operates_now() is not true then
    raise exception 'not allowed' using errcode = '42501', detail = 'operate';
  end if;
end $$;

create function people.must_administer(in_workspace bigint)
returns void language plpgsql stable security definer set search_path = people, engine, access, pg_temp as $$
begin
  if operates_now() and exists (select from workspaces w where w.id = in_workspace) then return; end if;
  if coalesce(access.claims() -> 'workspaces' ->> in_workspace::text, '') = 'admin' and (me() is null or exists (
    select from memberships m join users u on u.id = m.user_id
     where m.workspace_id = in_workspace and m.user_id = me() and m.role = 'admin' and u.disabled_at is null)) then return; end if;
  raise exception 'not allowed' using errcode = '42501', detail = 'people';
end $$;

create function people.refuse(in_code text) returns void language plpgsql as $$
begin
  raise exception '%', in_code using errcode = 'MR020';
end $$;

create function people.note(in_action text, in_user bigint, in_target text default null, in_workspace bigint default null,
  in_address text default null, in_actor text default null)
returns void language sql security definer set search_path = people, engine, access, pg_temp as $$
  insert into audit (at, workspace_id, actor, action, user_id, target, address)
  values (clock(), in_workspace, coalesce(in_actor, access.subject(), 'anonymous'), in_action, in_user, in_target, in_address)
$$;

----------------------------------------------------------------- what is one's own

create function people.own_terms()
returns table (salt bytea, memory integer, passes integer, lanes integer)
language sql stable security definer set search_path = people, engine, access, pg_temp as $$
  select p.salt, p.memory, p.passes, p.lanes from passwords p where p.user_id = me()
$$;

-- False: the present one was not right.  All other sessions end.
create function people.set_password(in_proof bytea, in_salt bytea, in_memory integer, in_passes integer, in_lanes integer, in_verifier bytea, in_keep bytea)
returns boolean language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare stored bytea; now timestamptz := clock();
begin
  if me() is null or known(me()) is null then raise exception 'not allowed' using errcode = '42501', detail = 'password'; end if;
  if people.try(tried_account('user:' || me()), 10) > 0 then return false; end if;
  select verifier into stored from passwords where user_id = me();
  if stored is not null and stored is distinct from sha256(in_proof) then return false; end if;
  delete from tries where who = tried_account('user:' || me());
  insert into passwords (user_id, salt, memory, passes, lanes, verifier, at)
  values (me(), in_salt, in_memory, in_passes, in_lanes, in_verifier, now)
  on conflict (user_id) do update set salt = excluded.salt, memory = excluded.memory, passes = excluded.passes,
    lanes = excluded.lanes, verifier = excluded.verifier, at = excluded.at;
  update sessions set ended_at = now where user_id = me() and ended_at is null and hash is distinct from in_keep;
  perform note('password_set', me());
  return true;
end $$;

-- Somebody who forgot his: the operator sets one, and every session ends.
create function people.reset_password(in_user bigint, in_salt bytea, in_memory integer, in_passes integer, in_lanes integer, in_verifier bytea)
returns void language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare now timestamptz := clock();
begin
  perform people.must_operate();
  if known(in_user) is null then perform refuse('NO_SUCH_USER'); end if;
  insert into passwords (user_id, salt, memory, passes, lanes, verifier, at)
  values (in_user, in_salt, in_memory, in_passes, in_lanes, in_verifier, now)
  on conflict (user_id) do update set salt = excluded.salt, memory = excluded.memory, passes = excluded.passes,
    lanes = excluded.lanes, verifier = excluded.verifier, at = excluded.at;
  update sessions set ended_at = now where user_id = in_user and ended_at is null;
  perform note('password_set', in_user);
end $$;

create function people.rename(in_name text)
returns void language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
begin
  if me() is null or known(me()) is null then raise exception 'not allowed' using errcode = '42501', detail = 'rename'; end if;
  update users set name = in_name where id = me();
  perform note('user_renamed', me());
end $$;

-- One session, or with null all but the one that is kept; gives how many ended.
create function people.end_sessions(in_session bigint, in_keep bytea)
returns integer language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare amount integer;
begin
  update sessions set ended_at = clock() where user_id = me() and ended_at is null
     and (in_session is null or id = in_session) and (in_session is not null or hash is distinct from in_keep);
  get diagnostics amount = row_count;
  if amount > 0 then perform note('session_ended', me(), in_session::text); end if;
  return amount;
end $$;

create function people.make_key(in_user bigint, in_id text, in_hash bytea, in_name text, in_scopes text[], in_workspace bigint, in_days integer)
returns void language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare now timestamptz := clock();
begin
  if me() is distinct from in_user then perform people.must_operate(); end if;
  if known(in_user) is null then raise exception 'not allowed' using errcode = '42501', detail = 'key'; end if;
  if in_workspace is not null and not known(in_user) -> 'workspaces' ? in_workspace::text then perform refuse('NOT_A_MEMBER'); end if;
  if in_days not between 1 and 730 then perform refuse('TOO_LONG'); end if;
  insert into keys (id, user_id, workspace_id, name, scopes, hash, created_at, expires_at)
  values (in_id, in_user, in_workspace, in_name, in_scopes, in_hash, now, now + make_interval(days => in_days));
  perform note('key_made', in_user, in_id, in_workspace);
end $$;

create function people.revoke_key(in_id text)
returns void language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare k keys;
begin
  update keys set revoked_at = coalesce(revoked_at, clock())
   where id = in_id and (user_id = me() or operates_now()) returning * into k;
  if not found then perform refuse('NO_SUCH_KEY'); end if;
  perform note('key_revoked', k.user_id, k.id, k.workspace_id);
end $$;

----------------------------------------------------------------- the installation's

-- The first start: an admin, and a link with which he signs in.  False: somebody did already.
create function people.first(in_link bytea)
returns boolean language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare u users; now timestamptz := clock();
begin
  perform people.must_operate();
  lock table users in share row exclusive mode;
  if exists (select from sessions) or exists (select from passwords) or (select count(*) from users) > 1 then return false; end if;
  select * into u from users;
  if not found then
    insert into users (email, name, operator, vouched, created_at) values ('admin@localhost', 'admin', true, true, now) returning * into u;
    insert into memberships (workspace_id, user_id, role, since) select w.id, u.id, 'admin', now from workspaces w;
    perform note('user_added', u.id);
  end if;
  if in_link is null then return true; end if;
  -- A link that was shown and not used is no longer wanted.
  update links set expires_at = now where user_id = u.id and used_at is null and expires_at > now;
  perform people.make_link(u.id, in_link, 24);
  return true;
end $$;

create function people.make_link(in_user bigint, in_hash bytea, in_hours integer)
returns void language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare now timestamptz := clock(); made bigint;
begin
  perform people.must_operate();
  if known(in_user) is null then perform refuse('NO_SUCH_USER'); end if;
  insert into links (hash, user_id, made_by, created_at, expires_at)
  values (in_hash, in_user, coalesce(access.subject(), 'anonymous'), now, now + make_interval(hours => in_hours)) returning id into made;
  perform note('link_made', in_user, made::text);
end $$;

-- Vouches for an address.  An account that somebody else invited under it may be
-- anybody's: it is taken back first.
create function people.add_user(in_email text, in_name text, in_operator boolean)
returns bigint language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare u users;
begin
  perform people.must_operate();
  select * into u from users where email = lower(in_email) for update;
  if not found then
    insert into users (email, name, operator, vouched, created_at)
    values (lower(in_email), in_name, in_operator, true, clock()) returning * into u;
    perform note('user_added', u.id);
    return u.id;
  end if;
  if not u.vouched then
    perform end_all(u.id);
    delete from passwords where user_id = u.id;
  end if;
  update users set vouched = true, operator = operator or in_operator where id = u.id;
  perform note('user_added', u.id);
  return u.id;
end $$;

create function people.end_all(in_user bigint)
returns void language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare now timestamptz := clock();
begin
  update sessions set ended_at = now where user_id = in_user and ended_at is null;
  update keys set revoked_at = now where user_id = in_user and revoked_at is null;
  update links set expires_at = now where (user_id = in_user or made_by = 'user:' || in_user) and used_at is null and expires_at > now;
end $$;

create function people.disable(in_user bigint, in_disabled boolean)
returns void language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
begin
  perform people.must_operate();
  lock table users in share row exclusive mode;
  if in_disabled and not exists (select from users where id <> in_user and operator and disabled_at is null)
     and exists (select from users where id = in_user and operator) then perform refuse('LAST_OPERATOR'); end if;
  update users set disabled_at = case when in_disabled then coalesce(disabled_at, clock()) end where id = in_user;
  if not found then perform refuse('NO_SUCH_USER'); end if;
  if in_disabled then perform end_all(in_user); end if;
  perform note(case when in_disabled then 'user_disabled' else 'user_enabled' end, in_user);
end $$;

-- His own, and all for the operator.
create function people.workspaces()
returns table (id bigint, name text) language sql stable security definer set search_path = people, engine, access, pg_temp as $$
  select w.id, w.name from engine.workspaces w where people.operates_now() or w.id = any((select access.workspaces())::bigint[])
$$;

-- What those are called who do something there; who only looks is nobody's business.
create function people.names(in_workspace bigint)
returns table (id bigint, name text) language sql stable security definer set search_path = people, engine, access, pg_temp as $$
  select u.id, coalesce(nullif(u.name, ''), split_part(u.email, '@', 1)) from memberships m join users u on u.id = m.user_id
   where m.workspace_id = in_workspace and m.role in ('admin', 'member')
     and exists (select from people.workspaces() w where w.id = in_workspace)
$$;

create function people.add_workspace(in_name text)
returns bigint language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare made bigint;
begin
  perform people.must_operate();
  insert into workspaces (name) values (in_name) on conflict (name) do nothing returning id into made;
  if made is null then perform refuse('WORKSPACE_EXISTS'); end if;
  if me() is not null then
    insert into memberships (workspace_id, user_id, role, since) values (made, me(), 'admin', clock());
  end if;
  perform note('workspace_added', me(), null, made);
  return made;
end $$;

----------------------------------------------------------------- a workspace's

create function people.invite(in_workspace bigint, in_email text, in_role text, in_hash bytea, in_hours integer)
returns bigint language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare now timestamptz := clock(); made bigint;
begin
  perform must_administer(in_workspace);
  insert into links (hash, workspace_id, email, role, made_by, created_at, expires_at)
  values (in_hash, in_workspace, lower(in_email), in_role, coalesce(access.subject(), 'anonymous'), now, now + make_interval(hours => in_hours))
  returning id into made;
  perform note('invited', null, made::text, in_workspace);
  return made;
end $$;

create function people.withdraw_invitation(in_link bigint)
returns void language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare l links;
begin
  select * into l from links where id = in_link and workspace_id is not null and used_at is null for update;
  if not found or not (operates_now() or l.workspace_id = any(administered())) then perform refuse('NO_SUCH_INVITATION'); end if;
  perform must_administer(l.workspace_id);
  update links set expires_at = least(expires_at, clock()) where id = in_link;
  perform note('invitation_withdrawn', null, in_link::text, l.workspace_id);
end $$;

-- Null: he leaves.  Members are brought in by invitation, or by the operator.
create function people.set_role(in_workspace bigint, in_user bigint, in_role text)
returns void language plpgsql security definer set search_path = people, engine, access, pg_temp as $$
declare present text;
begin
  perform must_administer(in_workspace);
  -- Two admins may not take one another's right at the same moment.
  lock table memberships in share row exclusive mode;
  select role into present from memberships where workspace_id = in_workspace and user_id = in_user;
  if present is null and (in_role is null or not operates_now() or known(in_user) is null) then perform refuse('NO_SUCH_MEMBER'); end if;
  if present = 'admin' and in_role is distinct from 'admin' and not operates_now() and not exists (
    select from memberships m join users u on u.id = m.user_id
     where m.workspace_id = in_workspace and m.user_id <> in_user and m.role = 'admin' and u.disabled_at is null) then
    perform refuse('LAST_ADMIN');
  end if;
  if in_role is null then
    delete from memberships where workspace_id = in_workspace and user_id = in_user;
  else
    insert into memberships (workspace_id, user_id, role, since) values (in_workspace, in_user, in_role, clock())
    on conflict (workspace_id, user_id) do update set role = excluded.role;
  end if;
  -- Nor do his invitations outlive the right to give them.
  if in_role is distinct from 'admin' then
    update links set expires_at = least(expires_at, clock())
     where workspace_id = in_workspace and made_by = 'user:' || in_user and used_at is null;
  end if;
  perform note('role_changed', in_user, coalesce(in_role, 'none'), in_workspace);
end $$;
