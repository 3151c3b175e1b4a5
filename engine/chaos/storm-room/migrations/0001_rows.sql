-- What the storm's tasks make.  No key over the slot: a second row must be seen, not refused.
create schema storm;

create table storm.rows (
  run_id       bigint not null,
  task         integer not null,
  workspace_id bigint not null,
  attempt      integer not null,
  word         text not null check (word <> 'poison')
);
create index rows_of_run on storm.rows (run_id, task);
