-- Who reads which rows of people, and who may call what.

------------------------------------------------------------------- the walls

do $$
declare t text;
begin
  foreach t in array array['users', 'passwords', 'memberships', 'sessions', 'keys', 'links', 'tries', 'secret', 'audit'] loop
    execute format('alter table people.%I enable row level security', t);
    execute format('alter table people.%I force row level security', t);
    execute format('revoke all on people.%I from public, millrace_api, millrace_worker', t);
    -- What happened stays: not even the verbs change a row of it.
    if t = 'audit' then
      create policy verbs_read on people.audit for select to millrace_owner using (true);
      create policy verbs_add on people.audit for insert to millrace_owner with check (true);
    else
      execute format('create policy verbs on people.%I to millrace_owner using (true) with check (true)', t);
    end if;
  end loop;
end $$;

-- Columns by name: a digest is in none of them.
grant select (id, email, name, operator, vouched, disabled_at, created_at) on people.users to millrace_api;
grant select on people.memberships, people.audit to millrace_api;
grant select (id, user_id, agent, created_at, seen_at, expires_at, ends_at, ended_at) on people.sessions to millrace_api;
grant select (id, user_id, workspace_id, name, scopes, created_at, expires_at, used_at, revoked_at) on people.keys to millrace_api;
grant select (id, user_id, workspace_id, email, role, made_by, created_at, expires_at, used_at) on people.links to millrace_api;

create policy read_own on people.users for select to millrace_api
  using (id = (select people.me()) or (select access.operates()) or id = any ((select people.colleagues())::bigint[]));
create policy read_own on people.memberships for select to millrace_api
  using (user_id = (select people.me()) or (select access.operates()) or workspace_id = any ((select people.administered())::bigint[]));
create policy read_own on people.sessions for select to millrace_api using (user_id = (select people.me()));
create policy read_own on people.keys for select to millrace_api
  using (user_id = (select people.me()) or (select access.operates()));
create policy read_own on people.links for select to millrace_api
  using ((select access.operates()) or workspace_id = any ((select people.administered())::bigint[]));
create policy read_own on people.audit for select to millrace_api
  using ((select access.operates()) or workspace_id = any ((select people.administered())::bigint[]));

------------------------------------------------------------------- the doors

revoke all on all functions in schema people from public;
grant usage on schema people to millrace_api;
grant execute on function people.me(), people.administered(), people.colleagues() to millrace_api;
-- For who shows a secret.
grant execute on function
  people.terms(text, text, integer, integer, integer), people.sign_in(text, bytea, bytea, bytea, text, text),
  people.renew(text, bytea, bytea, integer, integer, integer, bytea), people.sign_out(bytea),
  people.use_link(bytea, bytea, bytea, text, text), people.by_session(bytea), people.by_key(text, bytea),
  people.by_word(text, jsonb), people.by_place()
  to millrace_api;
-- For who is known; each asks what he may.
grant execute on function
  people.own_terms(), people.rename(text), people.set_password(bytea, bytea, integer, integer, integer, bytea, bytea),
  people.reset_password(bigint, bytea, integer, integer, integer, bytea), people.end_sessions(bigint, bytea), people.make_key(bigint, text, bytea, text, text[], bigint, integer), people.revoke_key(text),
  people.first(bytea), people.make_link(bigint, bytea, integer), people.add_user(text, text, boolean), people.disable(bigint, boolean),
  people.workspaces(), people.names(bigint), people.add_workspace(text), people.invite(bigint, text, text, bytea, integer), people.withdraw_invitation(bigint),
  people.set_role(bigint, bigint, text)
  to millrace_api;
