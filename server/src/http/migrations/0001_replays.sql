-- What was answered to a request with an idempotency key, for a day.

create schema doors;

create table doors.replays (
  workspace_id bigint not null references engine.workspaces,
  -- Who asked: a key is his own.
  sub          text not null,
  key          text not null check (length(key) between 1 and 200),
  -- Of the method, the address and the body.
  hash         bytea not null,
  -- Null while the request is under way.
  status       integer,
  body         text,
  at           timestamptz not null,
  primary key (workspace_id, sub, key),
  constraint an_answer_is_whole check ((status is null) = (body is null))
);

create index replays_by_age on doors.replays (workspace_id, at);
