-- The least that keeps a result: a queue, a fence, a row a result.  No runs, no
-- events, no progress, no retries, no rights.  Frozen.

create schema raw;

create table raw.tasks (
  id          bigint generated always as identity primary key,
  state       text not null default 'ready',
  epoch       integer not null default 0,
  lease_until timestamptz,
  input       jsonb not null
);

create index tasks_ready on raw.tasks (id) where state = 'ready';

create table raw.results (
  task_id bigint primary key,
  body    jsonb not null
);

-- As the engine keeps its answers: uncompressed.
alter table raw.results alter column body set storage external;
