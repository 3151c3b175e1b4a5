-- A second key of a lane, its bound: how many at a time, and whether any.  The first
-- one is an account's (`limit_id`); the second is for example a workspace's own.
alter table engine.lanes
  add column bound    text    not null default '',
  add column bound_id integer not null default 0;
create index lanes_of_bound on engine.lanes (bound_id) where bound_id <> 0 and not idle;

alter table engine.reservations add column bound_id integer not null default 0;
create index reservations_of_bound on engine.reservations (bound_id) where bound_id <> 0;
