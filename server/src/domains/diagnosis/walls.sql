-- Who sees which row.  The claim {"diagnosis": {"organisations": {"<id>": "admin"},
-- "clinician": "<id>", "patient": "<id>"}} is made by the program that knows who
-- asks, from `people`; a claim that has another shape opens nothing.

create function diagnosis.as_uuid(in_text text) returns uuid language sql immutable as $$
  select case when in_text ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then in_text::uuid end
$$;

create function diagnosis.claim(in_name text) returns jsonb language sql stable as $$
  select case when jsonb_typeof(access.claims() -> 'diagnosis') = 'object' then access.claims() -> 'diagnosis' -> in_name end
$$;

create function diagnosis.clinician() returns uuid language sql stable as $$
  select case when jsonb_typeof(diagnosis.claim('clinician')) = 'string' then diagnosis.as_uuid(diagnosis.claim('clinician') #>> '{}') end
$$;

create function diagnosis.patient() returns uuid language sql stable as $$
  select case when jsonb_typeof(diagnosis.claim('patient')) = 'string' then diagnosis.as_uuid(diagnosis.claim('patient') #>> '{}') end
$$;

-- The organisations that this caller administers.
create function diagnosis.administered() returns uuid[] language sql stable as $$
  select array(
    select diagnosis.as_uuid(o.key)
      from jsonb_each(case when jsonb_typeof(diagnosis.claim('organisations')) = 'object'
                           then diagnosis.claim('organisations') else '{}' end) o
     where o.value = '"admin"' and diagnosis.as_uuid(o.key) is not null)
$$;

-- The patients whom this caller treats now.
create function diagnosis.treated() returns uuid[]
language sql stable security definer set search_path = diagnosis, access, pg_temp as $$
  select array(select a.patient_id from assignments a where a.clinician_id = clinician() and a.ended_at is null)
$$;

create function diagnosis.treated_or_self() returns uuid[]
language sql stable security definer set search_path = diagnosis, access, pg_temp as $$
  select treated() || array(select p.id from patients p where p.id = patient())
$$;

-- The organisations that this caller has to do with.
create function diagnosis.known() returns uuid[]
language sql stable security definer set search_path = diagnosis, access, pg_temp as $$
  select administered() || array(select c.organisation_id from clinicians c where c.id = clinician())
                        || array(select p.organisation_id from patients p where p.id = patient())
$$;

-- May this caller work with this patient's record?
create function diagnosis.treats(in_organisation uuid, in_patient uuid) returns boolean language sql stable as $$
  select in_organisation = any (diagnosis.administered()) or in_patient = any (diagnosis.treated())
$$;

-- The worker's login reads no record by itself: it is handed one, for the task that it holds.
create function diagnosis.wall(in_table regclass, in_sees text) returns void language plpgsql as $$
begin
  perform access.protect(in_table);
  execute format('drop policy read_all on %s', in_table);
  execute format('revoke all on %s from millrace_worker', in_table);
  execute format('alter policy read_own on %s using (%s)', in_table, in_sees);
end $$;

do $$
declare
  administers constant text := 'organisation_id = any ((select diagnosis.administered())::uuid[])';
  treats constant text := administers || ' or patient_id = any ((select diagnosis.treated())::uuid[])';
  is_or_treats constant text := administers || ' or patient_id = any ((select diagnosis.treated_or_self())::uuid[])';
  knows constant text := 'organisation_id = any ((select diagnosis.known())::uuid[])';
begin
  perform diagnosis.wall('diagnosis.organisations', 'id = any ((select diagnosis.known())::uuid[])');
  perform diagnosis.wall('diagnosis.clinicians', administers || ' or id = (select diagnosis.clinician())');
  perform diagnosis.wall('diagnosis.assignments', administers || ' or clinician_id = (select diagnosis.clinician())');
  perform diagnosis.wall('diagnosis.people', administers);
  perform diagnosis.wall('diagnosis.patients', administers || ' or id = any ((select diagnosis.treated_or_self())::uuid[])');
  perform diagnosis.wall('diagnosis.identities', is_or_treats);
  perform diagnosis.wall('diagnosis.funnels', knows);
  perform diagnosis.wall('diagnosis.funnel_versions', knows);
  perform diagnosis.wall('diagnosis.questions', knows);
  perform diagnosis.wall('diagnosis.assessments', is_or_treats);
  perform diagnosis.wall('diagnosis.answers', is_or_treats);
  perform diagnosis.wall('diagnosis.scores', is_or_treats);
  perform diagnosis.wall('diagnosis.anamnesis_notes', treats);
  perform diagnosis.wall('diagnosis.diagnosis_runs', treats);
  perform diagnosis.wall('diagnosis.run_attempts', treats);
  perform diagnosis.wall('diagnosis.replies', 'false');
  perform diagnosis.wall('diagnosis.patient_results', is_or_treats);
  perform diagnosis.wall('diagnosis.audit', treats);
end $$;

-- Append-only, also for the verbs: their owner has no policy to change or delete by.
drop policy verbs on diagnosis.audit;
create policy append on diagnosis.audit for insert to millrace_owner with check (true);
create policy look on diagnosis.audit for select to millrace_owner using (true);
