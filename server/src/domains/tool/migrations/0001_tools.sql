-- Tools: which there are, where each stands in which worker, how their calls ended.
-- They belong to the installation: a worker serves every workspace with the same tools,
-- and what is counted are numbers without a person's words.

create schema tool;

create table tool.tools (
  name         text primary key check (name ~ '^[a-z][a-z0-9_]{0,63}$'),
  version      text not null,
  description  text not null,
  carrier      text not null check (carrier in ('function', 'thread', 'process', 'mcp')),
  input        jsonb not null,
  output       jsonb not null,
  errors       jsonb not null,
  timeout_ms   integer not null check (timeout_ms between 1 and 590000),
  concurrency  integer not null,
  capabilities text[] not null,
  published_at timestamptz not null
);

-- `tool` may be the name of a file that does not load: it has no row above.
create table tool.states (
  tool         text not null,
  worker_id    integer not null references engine.workers on delete cascade,
  state        text not null check (state in ('LOADED', 'INITIALIZED', 'RUNNING', 'FAILED', 'UNAVAILABLE')),
  in_flight    integer not null default 0 check (in_flight >= 0),
  last_outcome text check (last_outcome in ('success', 'error', 'caller_error')),
  reason       text,
  file         text,
  line         integer,
  changed_at   timestamptz not null,
  primary key (tool, worker_id)
) with (fillfactor = 50);

create table tool.metrics (
  tool                   text primary key,
  success_count          bigint not null default 0,
  error_count            bigint not null default 0,
  caller_error_count     bigint not null default 0,
  -- Of the calls that reached the tool.
  timed                  bigint not null default 0,
  total_ms               float8 not null default 0,
  last_execution_time_ms float8,
  avg_execution_time_ms  float8 generated always as (total_ms / nullif(timed, 0)) stored,
  last_used              timestamptz
) with (fillfactor = 50);

-- How many calls took up to 1.1 ^ bucket milliseconds, and longer than the bucket below.
create table tool.latencies (
  tool   text not null,
  bucket smallint not null,
  amount bigint not null,
  primary key (tool, bucket)
) with (fillfactor = 50);

-- What was thrown, for operators alone; gone after a week.
create table tool.traces (
  correlation_id uuid primary key,
  tool           text not null,
  run_id         bigint,
  evidence       text not null,
  at             timestamptz not null
);
create index traces_by_age on tool.traces (at);
