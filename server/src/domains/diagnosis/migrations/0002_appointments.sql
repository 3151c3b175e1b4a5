-- Who made whom what in an organisation, and who took it back: ids and closed words,
-- never changed, never taken away.

create table diagnosis.appointments (
  id              bigint generated always as identity primary key,
  workspace_id    bigint not null,
  organisation_id uuid not null,
  action          text not null check (action in ('appointed', 'dismissed')),
  subject         text not null,
  role            text not null check (role in ('admin', 'clinician', 'patient')),
  clinician_id    uuid,
  patient_id      uuid,
  -- The subject who did it.
  by              text not null,
  at              timestamptz not null default clock_timestamp(),
  foreign key (workspace_id, organisation_id) references diagnosis.organisations (workspace_id, id)
);
create index appointments_of_organisation on diagnosis.appointments (organisation_id, id);

-- Pages that begin with a house: its clinicians, its people.
create index clinicians_of_organisation on diagnosis.clinicians (organisation_id, id);
create index people_of_organisation on diagnosis.people (organisation_id, role, subject);
