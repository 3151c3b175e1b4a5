-- From whose request a run came: its trace goes on where the run is performed.
-- There is a row only where somebody records traces.

create schema traces;

create table traces.carried (
  run_id       bigint primary key,
  workspace_id bigint not null,
  -- As W3C's header `traceparent` says it: numbers, and nothing of what was asked.
  traceparent  text not null check (traceparent ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$'),
  foreign key (workspace_id, run_id) references engine.runs (workspace_id, id) on delete cascade
);
