-- The skills' current text: who sees them, and what can happen to them.
--
--   put    content was read: a new skill, a new version, or nothing new
--   gone   a place has no longer what it had
--   trust  somebody thinks this of one content
--   pin    which version is used, whatever comes
--   remove it is shown no more
--
-- Who stands on a skill and must not lose it (a recipe) refuses its removal with a
-- trigger on skills.skills that raises MR032 and names itself in `detail`.

select access.protect(format('skills.%I', t)::regclass)
  from unnest(array['skills', 'versions', 'files', 'trust_acts']) t;

-- What happened stays: not even the verbs change a row of it.
drop policy verbs on skills.trust_acts;
create policy verbs_read on skills.trust_acts for select to millrace_owner using (true);
create policy verbs_add on skills.trust_acts for insert to millrace_owner with check (true);

-- One at a time in a workspace: two that read the same folder must not both add.
create function skills.take(in_workspace bigint)
returns void language plpgsql security definer set search_path = skills, engine, access, pg_temp as $$
begin
  perform access.must(in_workspace, 'skill.write');
  perform pg_advisory_xact_lock(1936419180, (in_workspace % 2147483647)::integer);
end $$;

-- The skill, of somebody who may do this to it; MR030 for everybody who does not see it.
create function skills.mine(in_skill bigint, in_right text)
returns skills.skills language plpgsql security definer set search_path = skills, engine, access, pg_temp as $$
declare s skills;
begin
  select * into s from skills k
   where k.id = in_skill and k.removed_at is null and k.workspace_id = any((select access.workspaces())::bigint[])
     for no key update;
  if not found then raise exception 'there is no such skill' using errcode = 'MR030'; end if;
  perform access.must(s.workspace_id, in_right);
  return s;
end $$;

-- `in_vouched`: it is what Millrace ships, byte for byte.  Nobody else's content
-- begins vetted; what follows something vetted is looked at anew.
create function skills.put(in_workspace bigint, in_source text, in_came_by text, in_key text, in_content jsonb,
                           in_files jsonb, in_remote jsonb, in_level text, in_pin boolean, in_vouched boolean)
returns table (skill bigint, used integer, outcome text)
language plpgsql security definer set search_path = skills, engine, access, pg_temp as $$
declare s skills; was versions; v integer; now timestamptz := clock(); who text := coalesce(access.subject(), 'unknown');
  thought text; is_new boolean;
begin
  perform take(in_workspace);
  select * into s from skills k
   where k.workspace_id = in_workspace and k.came_by = in_came_by and k.key = in_key and k.removed_at is null for no key update;
  is_new := not found;
  if is_new then
    insert into skills (workspace_id, source, came_by, key, version, pinned, remote_metadata, created_at, updated_at, seen_at)
    values (in_workspace, in_source, in_came_by, in_key, 1, coalesce(in_pin, false), in_remote, now, now, now) returning * into s;
  else
    select * into was from versions o where o.skill_id = s.id and o.version = s.version;
  end if;
  select o.version into v from versions o where o.skill_id = s.id and o.digest = in_content ->> 'digest';
  if not found then
    v := coalesce((select max(o.version) from versions o where o.skill_id = s.id), 0) + 1;
    thought := case when in_vouched then 'vetted' when 'experimental' in (was.trust_level, in_level) then 'experimental'
                    else 'community' end;
    insert into versions (skill_id, version, workspace_id, digest, trust_level, form, name, description, label, tags,
                          prompt_template, templates, input_schema, output_schema, about, diagnostics, created_at, created_by)
    select s.id, v, in_workspace, c.digest, thought, c.form, c.name, c.description, c.label, c.tags, c."promptTemplate",
           c.templates, c."inputSchema", c."outputSchema", c.about, c.diagnostics, now, who
      from jsonb_to_record(in_content) as c(digest text, form text, name text, description text, label text, tags text[],
             "promptTemplate" text, templates jsonb, "inputSchema" jsonb, "outputSchema" jsonb, about jsonb, diagnostics jsonb);
    insert into files (skill_id, version, path, workspace_id, size, digest, bytes)
    select s.id, v, f.path, in_workspace, f.size, f.digest, decode(f.bytes, 'base64')
      from jsonb_to_recordset(in_files) as f(path text, size integer, digest text, bytes text);
    if in_vouched or was.trust_level = 'vetted' then
      insert into trust_acts (workspace_id, skill_id, version, digest, before, level, by, at, note)
      values (in_workspace, s.id, v, in_content ->> 'digest', was.trust_level, thought,
              case when in_vouched then 'millrace' else who end, now,
              case when in_vouched then 'Shipped with Millrace.' else 'Its content changed.' end);
    end if;
    if in_came_by = 'import' then perform people.note('skill_imported', null, s.id || ':' || v, in_workspace); end if;
  end if;
  outcome := case when is_new then 'added' when v = s.version then 'unchanged' when s.pinned and in_pin is not false then 'pinned' else 'updated' end;
  used := case when outcome = 'pinned' then s.version else v end;
  skill := s.id;
  update skills k set version = used, seen_at = now, gone_at = null, pinned = coalesce(in_pin, k.pinned),
                      remote_metadata = case when outcome = 'pinned' then k.remote_metadata else coalesce(in_remote, k.remote_metadata) end,
                      updated_at = case when outcome = 'unchanged' and k.gone_at is null then k.updated_at else now end
   where k.id = s.id;
  return next;
end $$;

-- Gives those that went now.
create function skills.gone(in_workspace bigint, in_came_by text, in_there text[])
returns table (skill bigint, key text) language plpgsql security definer set search_path = skills, engine, access, pg_temp as $$
begin
  perform take(in_workspace);
  return query update skills k set gone_at = clock(), updated_at = clock()
    where k.workspace_id = in_workspace and k.came_by = in_came_by and k.removed_at is null and k.gone_at is null
      and not (k.key = any(in_there))
    returning k.id, k.key;
end $$;

-- The content that was looked at, by its digest: other content meanwhile is refused.
create function skills.trust(in_skill bigint, in_version integer, in_digest text, in_level text, in_note text)
returns integer language plpgsql security definer set search_path = skills, engine, access, pg_temp as $$
declare s skills := mine(in_skill, 'skill.vet'); v versions;
begin
  select * into v from versions o where o.skill_id = s.id and o.version = coalesce(in_version, s.version) for no key update;
  if not found then raise exception 'there is no such version' using errcode = 'MR030'; end if;
  if in_digest is not null and in_digest <> v.digest then
    raise exception 'it has other content now' using errcode = 'MR031', detail = v.digest;
  end if;
  update versions o set trust_level = in_level where o.skill_id = s.id and o.version = v.version;
  update skills k set updated_at = clock() where k.id = s.id;
  insert into trust_acts (workspace_id, skill_id, version, digest, before, level, by, at, note)
  values (s.workspace_id, s.id, v.version, v.digest, v.trust_level, in_level, coalesce(access.subject(), 'unknown'), clock(), in_note);
  perform people.note('skill_trusted', null, s.id || ':' || v.version || ' ' || in_level, s.workspace_id);
  return v.version;
end $$;

-- Pinned it stays at its version; let go it has the newest.
create function skills.pin(in_skill bigint, in_pinned boolean)
returns void language plpgsql security definer set search_path = skills, engine, access, pg_temp as $$
declare s skills := mine(in_skill, 'skill.write');
begin
  update skills k set pinned = in_pinned, updated_at = clock(),
    version = case when in_pinned then k.version else (select max(o.version) from versions o where o.skill_id = s.id) end,
    remote_metadata = k.remote_metadata || jsonb_build_object('pinnedVersion', case when in_pinned then
      (select v.digest from versions v where v.skill_id = s.id and v.version = k.version) end)
   where k.id = s.id and k.pinned <> in_pinned;
end $$;

create function skills.remove(in_skill bigint)
returns void language plpgsql security definer set search_path = skills, engine, access, pg_temp as $$
declare s skills := mine(in_skill, 'skill.write');
begin
  update skills k set removed_at = clock() where k.id = s.id;
  perform people.note('skill_removed', null, s.id::text, s.workspace_id);
end $$;

revoke all on all functions in schema skills from public;
grant usage on schema skills to millrace_api, millrace_worker;
grant execute on function skills.take(bigint), skills.put(bigint, text, text, text, jsonb, jsonb, jsonb, text, boolean, boolean),
  skills.gone(bigint, text, text[]), skills.trust(bigint, integer, text, text, text), skills.pin(bigint, boolean),
  skills.remove(bigint) to millrace_api;
