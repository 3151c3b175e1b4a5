-- A lane keeps its place for life: who claims goes round, and what is claimed
-- from is not written.

drop index engine.lanes_open;
create index lanes_open on engine.lanes (priority, id, kind, workspace_id, limit_id)
  where not idle and stop is null;
alter table engine.lanes drop column turn;
drop sequence engine.turns;

-- Nothing of the lane waits under this number.  So a claim need not look at what
-- was claimed before, which an old snapshot of somebody else keeps in the index.
alter table engine.lanes add column first integer not null default 0;

-- What a close counted of one run.
create type engine.tally as (
  run_id bigint, kept integer, succeeded integer, failed integer, cancelled integer, withdrawn integer,
  closed integer, again integer, decided integer, verdict text);
