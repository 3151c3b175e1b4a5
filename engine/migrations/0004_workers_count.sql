-- What a worker's process has closed since it began, and how much of it failed: said with each beat.
alter table engine.workers
  add column closed bigint not null default 0 check (closed >= 0),
  add column failed bigint not null default 0 check (failed between 0 and closed);
