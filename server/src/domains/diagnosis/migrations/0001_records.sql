-- Patients' records and what was made of them.  An organisation belongs to one
-- workspace; every row says both, and whose it is, so that a wall is one look at the row.

create schema diagnosis;

create table diagnosis.organisations (
  id           uuid primary key,
  workspace_id bigint not null references engine.workspaces,
  name         text not null,
  created_at   timestamptz not null default now(),
  unique (workspace_id, id)
);

create table diagnosis.clinicians (
  id              uuid primary key,
  workspace_id    bigint not null,
  organisation_id uuid not null,
  name            text not null,
  created_at      timestamptz not null default now(),
  foreign key (workspace_id, organisation_id) references diagnosis.organisations (workspace_id, id),
  unique (workspace_id, organisation_id, id)
);

create table diagnosis.patients (
  id              uuid primary key,
  workspace_id    bigint not null,
  organisation_id uuid not null,
  sex             text check (sex in ('female', 'male', 'other')),
  created_at      timestamptz not null default now(),
  foreign key (workspace_id, organisation_id) references diagnosis.organisations (workspace_id, id),
  unique (workspace_id, organisation_id, id)
);
create index patients_of_organisation on diagnosis.patients (organisation_id, id);

-- Who a patient is, apart from all that a model is given.
create table diagnosis.identities (
  patient_id      uuid primary key,
  workspace_id    bigint not null,
  organisation_id uuid not null,
  name            text not null,
  email           text,
  phone           text,
  address         text,
  birth_date      date,
  foreign key (workspace_id, organisation_id, patient_id) references diagnosis.patients (workspace_id, organisation_id, id)
);
create index identities_of_organisation on diagnosis.identities (organisation_id, patient_id);

create table diagnosis.assignments (
  clinician_id    uuid not null,
  patient_id      uuid not null,
  workspace_id    bigint not null,
  organisation_id uuid not null,
  since           timestamptz not null default now(),
  ended_at        timestamptz,
  primary key (clinician_id, patient_id),
  foreign key (workspace_id, organisation_id, clinician_id) references diagnosis.clinicians (workspace_id, organisation_id, id),
  foreign key (workspace_id, organisation_id, patient_id) references diagnosis.patients (workspace_id, organisation_id, id)
);
create index assignments_of_organisation on diagnosis.assignments (organisation_id);

-- Which subject of a sign-in is which clinician, patient or administrator.  Read once,
-- when somebody signs in; nobody who signs in can write it.
create table diagnosis.people (
  subject         text not null check (subject <> ''),
  workspace_id    bigint not null,
  organisation_id uuid not null,
  role            text not null check (role in ('admin', 'clinician', 'patient')),
  clinician_id    uuid,
  patient_id      uuid,
  primary key (subject, organisation_id, role),
  foreign key (workspace_id, organisation_id) references diagnosis.organisations (workspace_id, id),
  foreign key (workspace_id, organisation_id, clinician_id) references diagnosis.clinicians (workspace_id, organisation_id, id),
  foreign key (workspace_id, organisation_id, patient_id) references diagnosis.patients (workspace_id, organisation_id, id),
  constraint a_role_says_who_it_is
    check ((clinician_id is not null) = (role = 'clinician') and (patient_id is not null) = (role = 'patient'))
);
create unique index one_clinician_a_subject on diagnosis.people (subject) where role = 'clinician';
create unique index one_patient_a_subject on diagnosis.people (subject) where role = 'patient';

create table diagnosis.funnels (
  id              uuid primary key,
  workspace_id    bigint not null,
  organisation_id uuid not null,
  slug            text not null,
  title           text not null,
  foreign key (workspace_id, organisation_id) references diagnosis.organisations (workspace_id, id),
  unique (organisation_id, slug),
  unique (workspace_id, organisation_id, id)
);

-- A version is asked as it is for ever: what was answered keeps its labels.
create table diagnosis.funnel_versions (
  id              uuid primary key,
  workspace_id    bigint not null,
  organisation_id uuid not null,
  funnel_id       uuid not null,
  version         integer not null check (version > 0),
  foreign key (workspace_id, organisation_id, funnel_id) references diagnosis.funnels (workspace_id, organisation_id, id),
  unique (funnel_id, version),
  unique (workspace_id, organisation_id, id)
);
create index versions_of_organisation on diagnosis.funnel_versions (organisation_id);

create table diagnosis.questions (
  version_id      uuid not null,
  question_id     text not null check (question_id ~ '^[a-z][a-z0-9_]{0,62}$'),
  workspace_id    bigint not null,
  organisation_id uuid not null,
  position        integer not null,
  label           text not null,
  type            text not null check (type in ('scale', 'number', 'choice', 'choices', 'text')),
  required        boolean not null,
  least           numeric,
  most            numeric,
  -- [{"value", "label"}]
  options         jsonb,
  primary key (version_id, question_id),
  foreign key (workspace_id, organisation_id, version_id) references diagnosis.funnel_versions (workspace_id, organisation_id, id),
  constraint a_choice_has_options check ((options is not null) = (type in ('choice', 'choices')))
);
create index questions_of_organisation on diagnosis.questions (organisation_id);

create table diagnosis.assessments (
  id              uuid primary key,
  workspace_id    bigint not null,
  organisation_id uuid not null,
  patient_id      uuid not null,
  version_id      uuid not null,
  status          text not null check (status in ('in_progress', 'completed')),
  created_at      timestamptz not null default now(),
  completed_at    timestamptz,
  foreign key (workspace_id, organisation_id, patient_id) references diagnosis.patients (workspace_id, organisation_id, id),
  foreign key (workspace_id, organisation_id, version_id) references diagnosis.funnel_versions (workspace_id, organisation_id, id),
  unique (workspace_id, organisation_id, patient_id, id),
  constraint a_completed_one_says_when check ((completed_at is not null) = (status = 'completed'))
);
create index assessments_of_patient on diagnosis.assessments (patient_id, created_at desc);
create index assessments_of_organisation on diagnosis.assessments (organisation_id, created_at desc);

create table diagnosis.answers (
  assessment_id   uuid not null,
  question_id     text not null,
  workspace_id    bigint not null,
  organisation_id uuid not null,
  patient_id      uuid not null,
  -- A number, a text, or a list of words: as its question's type says.
  value           jsonb not null,
  primary key (assessment_id, question_id),
  foreign key (workspace_id, organisation_id, patient_id, assessment_id)
    references diagnosis.assessments (workspace_id, organisation_id, patient_id, id)
);
create index answers_of_patient on diagnosis.answers (patient_id, assessment_id);
create index answers_of_organisation on diagnosis.answers (organisation_id, assessment_id);

create table diagnosis.scores (
  assessment_id   uuid not null,
  name            text not null check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  workspace_id    bigint not null,
  organisation_id uuid not null,
  patient_id      uuid not null,
  -- 0 to 100.
  score           double precision not null check (score between 0 and 100),
  level           text not null check (level in ('low', 'moderate', 'high')),
  primary key (assessment_id, name),
  foreign key (workspace_id, organisation_id, patient_id, assessment_id)
    references diagnosis.assessments (workspace_id, organisation_id, patient_id, id)
);
create index scores_of_patient on diagnosis.scores (patient_id, assessment_id);
create index scores_of_organisation on diagnosis.scores (organisation_id, assessment_id);

-- What clinicians wrote down about a patient's history.
create table diagnosis.anamnesis_notes (
  id              uuid primary key,
  workspace_id    bigint not null,
  organisation_id uuid not null,
  patient_id      uuid not null,
  type            text not null check (type in ('medical_history', 'symptoms', 'medications', 'allergies', 'family_history', 'lifestyle')),
  content         text not null,
  created_at      timestamptz not null default now(),
  foreign key (workspace_id, organisation_id, patient_id) references diagnosis.patients (workspace_id, organisation_id, id)
);
create index notes_of_patient on diagnosis.anamnesis_notes (patient_id, created_at desc);
create index notes_of_organisation on diagnosis.anamnesis_notes (organisation_id, created_at desc);

-- A diagnosis run.  Its state follows that of the engine's run, in the same transaction.
create table diagnosis.diagnosis_runs (
  id               uuid primary key,
  workspace_id     bigint not null,
  organisation_id  uuid not null,
  patient_id       uuid not null,
  assessment_id    uuid not null,
  correlation_id   text not null check (correlation_id ~ '^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$'),
  schema_version   text not null default 'v1' check (schema_version = 'v1'),
  status           text not null default 'queued' check (status in ('queued', 'in_progress', 'completed', 'failed')),
  -- What the model was given, and the sha256 of all of it, prompt and settings included.
  context_pack     jsonb,
  inputs_hash      text,
  diagnosis_result jsonb,
  -- [{"code", "message", "at", "attempt", "details"}]
  errors           jsonb not null default '[]',
  -- Of this round.
  attempts         integer not null default 0,
  max_attempts     integer not null default 3 check (max_attempts between 1 and 10),
  round            integer not null default 1,
  -- Null once the engine has thrown its run away.
  engine_run_id    bigint unique,
  created_at       timestamptz not null default now(),
  started_at       timestamptz,
  completed_at     timestamptz,
  foreign key (workspace_id, organisation_id, patient_id, assessment_id)
    references diagnosis.assessments (workspace_id, organisation_id, patient_id, id),
  foreign key (workspace_id, engine_run_id) references engine.runs (workspace_id, id) on delete set null (engine_run_id),
  constraint asked_once unique (organisation_id, assessment_id, correlation_id, schema_version),
  unique (workspace_id, organisation_id, patient_id, id),
  constraint no_attempt_beyond_the_last check (attempts between 0 and max_attempts),
  constraint a_result_and_its_time_are_there_together
    check ((status = 'completed') = (diagnosis_result is not null) and (status = 'completed') = (completed_at is not null)),
  constraint a_failed_one_says_why check (status <> 'failed' or jsonb_array_length(errors) > 0)
);
alter table diagnosis.diagnosis_runs alter column context_pack set storage external;
create index diagnosis_runs_of_patient on diagnosis.diagnosis_runs (patient_id, created_at desc, id);
create index diagnosis_runs_of_organisation on diagnosis.diagnosis_runs (organisation_id, created_at desc, id);
-- No index of all runs by time: the list of a clinician's few patients would be looked for along it.
create index diagnosis_runs_open on diagnosis.diagnosis_runs (created_at desc, id) where status in ('queued', 'in_progress');

create table diagnosis.run_attempts (
  run_id          uuid not null,
  attempt         integer not null,
  workspace_id    bigint not null,
  organisation_id uuid not null,
  patient_id      uuid not null,
  round           integer not null,
  began_at        timestamptz not null default now(),
  inputs_hash     text,
  -- Where the model's reply was not what it must be; names of our own schema.
  paths           text[] not null default '{}',
  primary key (run_id, attempt),
  foreign key (workspace_id, organisation_id, patient_id, run_id)
    references diagnosis.diagnosis_runs (workspace_id, organisation_id, patient_id, id)
);
create index run_attempts_of_patient on diagnosis.run_attempts (patient_id, run_id);
create index run_attempts_of_organisation on diagnosis.run_attempts (organisation_id, run_id);

-- A model's replies while their run is under way: what was paid for is not bought twice.
-- They are gone when the run has ended.
create table diagnosis.replies (
  id              bigint generated always as identity primary key,
  run_id          uuid not null,
  workspace_id    bigint not null,
  organisation_id uuid not null,
  patient_id      uuid not null,
  reply           jsonb not null,
  foreign key (workspace_id, organisation_id, patient_id, run_id)
    references diagnosis.diagnosis_runs (workspace_id, organisation_id, patient_id, id)
);
create index replies_of_run on diagnosis.replies (run_id);

-- What a patient reads: the result without what it was made from.
create table diagnosis.patient_results (
  run_id          uuid primary key,
  workspace_id    bigint not null,
  organisation_id uuid not null,
  patient_id      uuid not null,
  assessment_id   uuid not null,
  summary         text not null,
  next_steps      jsonb not null,
  red_flags       jsonb not null,
  confidence      double precision not null check (confidence between 0 and 1),
  completed_at    timestamptz not null,
  foreign key (workspace_id, organisation_id, patient_id, run_id)
    references diagnosis.diagnosis_runs (workspace_id, organisation_id, patient_id, id)
);
create index results_of_patient on diagnosis.patient_results (patient_id, completed_at desc, run_id);
create index results_of_organisation on diagnosis.patient_results (organisation_id, completed_at desc, run_id);

-- Who did what: ids and closed words, never changed, never taken away.
create table diagnosis.audit (
  id              bigint generated always as identity primary key,
  workspace_id    bigint not null,
  organisation_id uuid not null,
  patient_id      uuid not null,
  run_id          uuid not null,
  assessment_id   uuid not null,
  action          text not null check (action in ('created', 'viewed', 'listed', 'processed', 'retried', 'exported', 'started', 'completed', 'failed')),
  -- The subject who did it, or the word for the program.
  by              text not null,
  at              timestamptz not null default clock_timestamp()
);
create index audit_of_run on diagnosis.audit (run_id, id);
create index audit_of_patient on diagnosis.audit (patient_id, id);
create index audit_of_organisation on diagnosis.audit (organisation_id, id);

-- Few organisations have many rows each, and a planner that knows it reads the whole table
-- for somebody who administers none.  It is told that an organisation has few.
do $$ declare t text; begin
  foreach t in array array['patients', 'identities', 'assessments', 'answers', 'scores', 'anamnesis_notes', 'diagnosis_runs',
                           'run_attempts', 'patient_results', 'audit'] loop
    execute format('alter table diagnosis.%I alter column organisation_id set (n_distinct = -0.05)', t);
  end loop;
end $$;
