-- Who is who: an organisation's administrator says it, or whoever runs the installation.
--
--   appoint    this subject is that clinician, that patient or an administrator
--   dismiss    no more
--   staff      who is appointed now          houses  which organisations there are, for the operator
--
-- Both say so in `appointments`, in the same transaction.

do $$ begin
  perform diagnosis.wall('diagnosis.appointments', 'organisation_id = any ((select diagnosis.administered())::uuid[])');
end $$;

-- Append-only, also for the verbs: their owner has no policy to change or delete by.
drop policy verbs on diagnosis.appointments;
create policy append on diagnosis.appointments for insert to millrace_owner with check (true);
create policy look on diagnosis.appointments for select to millrace_owner using (true);

-- A claim may be seconds old; who says who is who must be an administrator at this
-- moment, or one who was dismissed would appoint himself again.
create function diagnosis.must_administer(in_organisation uuid) returns diagnosis.organisations
language plpgsql security definer set search_path = diagnosis, access, pg_temp as $$
declare o organisations;
begin
  -- One change of an organisation's people at a time: two administrators do not dismiss each other.
  select * into o from organisations x where x.id = in_organisation and (access.operates() or x.id = any (administered())) for update;
  if not found or not (access.operates() or exists (
       select from people p where p.subject = access.subject() and p.organisation_id = o.id and p.role = 'admin')) then
    raise exception 'not allowed' using errcode = '42501', detail = 'people';
  end if;
  return o;
end $$;

-- `done`, `there` (it was so before) or the code of what is wrong.
create function diagnosis.appoint(in_organisation uuid, in_subject text, in_role text, in_person uuid default null) returns text
language plpgsql security definer set search_path = diagnosis, access, pg_temp as $$
declare o organisations := must_administer(in_organisation); c uuid; p uuid;
begin
  if in_role = 'clinician' then
    select x.id into c from clinicians x where x.id = in_person and x.organisation_id = o.id;
  elsif in_role = 'patient' then
    select x.id into p from patients x where x.id = in_person and x.organisation_id = o.id;
  end if;
  if coalesce(c, p) is distinct from in_person or (in_role <> 'admin' and in_person is null) then return 'PERSON_NOT_FOUND'; end if;
  insert into people (subject, workspace_id, organisation_id, role, clinician_id, patient_id)
  values (in_subject, o.workspace_id, o.id, in_role, c, p) on conflict do nothing;
  if not found then
    return case when exists (select from people x where x.subject = in_subject and x.organisation_id = o.id and x.role = in_role
                                and x.clinician_id is not distinct from c and x.patient_id is not distinct from p)
                then 'there' else 'SUBJECT_TAKEN' end;
  end if;
  perform put_appointment(o, 'appointed', in_subject, in_role, c, p);
  return 'done';
end $$;

-- `done` or the code of what is wrong.  An organisation keeps an administrator, unless the operator says otherwise.
create function diagnosis.dismiss(in_organisation uuid, in_subject text, in_role text) returns text
language plpgsql security definer set search_path = diagnosis, access, pg_temp as $$
declare o organisations := must_administer(in_organisation); gone people;
begin
  if in_role = 'admin' and not access.operates() and not exists (
       select from people x where x.organisation_id = o.id and x.role = 'admin' and x.subject <> in_subject) then
    return 'LAST_ADMINISTRATOR';
  end if;
  delete from people x where x.subject = in_subject and x.organisation_id = o.id and x.role = in_role returning * into gone;
  if not found then return 'PERSON_NOT_FOUND'; end if;
  perform put_appointment(o, 'dismissed', gone.subject, gone.role, gone.clinician_id, gone.patient_id);
  return 'done';
end $$;

create function diagnosis.put_appointment(in_organisation diagnosis.organisations, in_action text, in_subject text, in_role text,
                                          in_clinician uuid, in_patient uuid) returns void
language sql security definer set search_path = diagnosis, access, pg_temp as $$
  insert into appointments (workspace_id, organisation_id, action, subject, role, clinician_id, patient_id, by)
  values (in_organisation.workspace_id, in_organisation.id, in_action, in_subject, in_role, in_clinician, in_patient,
          coalesce(access.subject(), 'unknown'))
$$;

create function diagnosis.staff(in_organisation uuid)
returns table (subject text, role text, clinician_id uuid, patient_id uuid)
language plpgsql security definer set search_path = diagnosis, access, pg_temp as $$
#variable_conflict use_column
declare o organisations := must_administer(in_organisation);
begin
  return query select p.subject, p.role, p.clinician_id, p.patient_id from people p
                where p.organisation_id = o.id order by p.role, p.subject limit 10000;
end $$;

create function diagnosis.houses() returns table (id uuid, workspace_id bigint, name text)
language plpgsql stable security definer set search_path = diagnosis, access, pg_temp as $$
#variable_conflict use_column
begin
  perform access.must_operate();
  return query select o.id, o.workspace_id, o.name from organisations o order by o.name, o.id;
end $$;

revoke all on function diagnosis.must_administer(uuid), diagnosis.appoint(uuid, text, text, uuid), diagnosis.dismiss(uuid, text, text),
  diagnosis.put_appointment(diagnosis.organisations, text, text, text, uuid, uuid), diagnosis.staff(uuid), diagnosis.houses() from public;
grant execute on function diagnosis.appoint(uuid, text, text, uuid), diagnosis.dismiss(uuid, text, text), diagnosis.staff(uuid),
  diagnosis.houses() to millrace_api;
