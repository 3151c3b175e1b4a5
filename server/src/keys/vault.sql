-- The vault's current text.  No login reads its tables: workers take sealed keys
-- through one function, and the operator sets, lists and removes them through others.

alter table vault.installation enable row level security;
alter table vault.installation force row level security;
create policy verbs on vault.installation to millrace_owner using (true) with check (true);
revoke all on vault.installation from public, millrace_api, millrace_worker;
alter table vault.keys enable row level security;
alter table vault.keys force row level security;
create policy verbs on vault.keys to millrace_owner using (true) with check (true);
revoke all on vault.keys from public, millrace_api, millrace_worker;

-- For those who perform: what only the secret opens.
create function vault.sealed_keys()
returns table (provider text, secret text, nonce bytea, sealed bytea, installation uuid)
language sql stable security definer set search_path = vault, pg_temp as $$
  select k.provider, k.secret, k.nonce, k.sealed, i.id from vault.keys k cross join vault.installation i
$$;

create function vault.installation()
returns uuid language plpgsql stable security definer set search_path = vault, pg_temp as $$
begin
  perform access.must_operate();
  return (select i.id from vault.installation i);
end $$;

-- What the operator may know of them.
create function vault.list_keys()
returns table (provider text, secret text, fingerprint text, set_by text, set_at timestamptz)
language plpgsql stable security definer set search_path = vault, pg_temp as $$
begin
  perform access.must_operate();
  return query select k.provider, k.secret, k.fingerprint, k.set_by, k.set_at from vault.keys k order by k.provider;
end $$;

create function vault.set_key(in_provider text, in_secret text, in_nonce bytea, in_sealed bytea, in_fingerprint text)
returns void language plpgsql security definer set search_path = vault, pg_temp as $$
begin
  perform access.must_operate();
  insert into keys (provider, secret, nonce, sealed, fingerprint, set_by, set_at)
  values (in_provider, in_secret, in_nonce, in_sealed, in_fingerprint, coalesce(access.subject(), 'unknown'), clock_timestamp())
  on conflict (provider) do update set
    secret = excluded.secret, nonce = excluded.nonce, sealed = excluded.sealed, fingerprint = excluded.fingerprint,
    set_by = excluded.set_by, set_at = excluded.set_at;
end $$;

create function vault.remove_key(in_provider text)
returns boolean language plpgsql security definer set search_path = vault, pg_temp as $$
begin
  perform access.must_operate();
  delete from keys k where k.provider = in_provider;
  return found;
end $$;

-- The same key under another secret; not over one that was set meanwhile.
create function vault.reseal_key(in_provider text, in_before bytea, in_secret text, in_nonce bytea, in_sealed bytea)
returns boolean language plpgsql security definer set search_path = vault, pg_temp as $$
begin
  perform access.must_operate();
  update keys k set secret = in_secret, nonce = in_nonce, sealed = in_sealed
   where k.provider = in_provider and k.sealed = in_before;
  return found;
end $$;

revoke all on all functions in schema vault from public;
grant usage on schema vault to millrace_api, millrace_worker;
grant execute on function vault.sealed_keys() to millrace_worker;
grant execute on function vault.installation(), vault.list_keys(), vault.set_key(text, text, bytea, bytea, text),
  vault.remove_key(text), vault.reseal_key(text, bytea, text, bytea, bytea) to millrace_api;
