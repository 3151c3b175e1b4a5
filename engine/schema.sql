-- What a migrated database looks like.  For reading; nothing applies it.
-- Written by `node engine/test/schema-picture.ts --write`, compared by schema.test.ts.

-- roles

role millrace_api login noinherit;
role millrace_owner nologin inherit;
role millrace_worker login noinherit;

-- types

type engine.hold_reason as enum ('paused', 'awaiting_approval');
type engine.run_state as enum ('queued', 'running', 'succeeded', 'failed', 'cancelled');
type engine.task_state as enum ('ready', 'running', 'succeeded', 'failed', 'cancelled');

-- sequences

sequence engine.artifacts_id_seq as bigint;
sequence engine.blobs_id_seq as bigint;
sequence engine.budgets_id_seq as bigint;
sequence engine.lanes_id_seq as bigint;
sequence engine.limits_id_seq as integer;
sequence engine.runs_id_seq as bigint;
sequence engine.workers_id_seq as integer;
sequence engine.workspaces_id_seq as bigint;

-- tables

table engine.archive (
  run_id bigint not null,
  workspace_id bigint not null,
  kind text not null,
  state engine.run_state not null,
  round integer not null,
  total integer not null,
  succeeded integer not null,
  failed integer not null,
  cancelled integer not null,
  events bigint not null,
  created_at timestamp with time zone not null,
  finished_at timestamp with time zone not null,
  pruned_at timestamp with time zone not null,
  constraint archive_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES engine.workspaces(id),
  constraint archive_pkey PRIMARY KEY (run_id)
) row security forced owner millrace_owner;
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.artifacts (
  id bigint not null identity,
  workspace_id bigint not null,
  run_id bigint not null,
  n integer not null,
  attempt integer not null,
  name text not null,
  media_type text not null,
  blob_id bigint not null,
  at timestamp with time zone not null,
  constraint artifacts_media_type_check CHECK ((length(media_type) <= 255)),
  constraint artifacts_name_check CHECK (((name <> ''::text) AND (length(name) <= 255))),
  constraint artifacts_workspace_id_blob_id_fkey FOREIGN KEY (workspace_id, blob_id) REFERENCES engine.blobs(workspace_id, id),
  constraint artifacts_workspace_id_run_id_fkey FOREIGN KEY (workspace_id, run_id) REFERENCES engine.runs(workspace_id, id),
  constraint artifacts_pkey PRIMARY KEY (id),
  constraint artifacts_run_id_n_name_key UNIQUE (run_id, n, name)
) row security forced owner millrace_owner;
CREATE INDEX artifacts_of_blob ON engine.artifacts USING btree (blob_id);
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.attempts (
  run_id bigint not null,
  n integer not null,
  attempt integer not null,
  workspace_id bigint not null,
  worker integer,
  outcome text not null,
  failure jsonb,
  ended_at timestamp with time zone not null,
  constraint attempts_outcome_check CHECK ((outcome = ANY (ARRAY['failed'::text, 'again'::text, 'later'::text, 'throttled'::text, 'stopped'::text, 'released'::text, 'expired'::text, 'cancelled'::text]))),
  constraint attempts_pkey PRIMARY KEY (run_id, n, attempt)
) row security forced owner millrace_owner;
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.blobs (
  id bigint not null identity,
  workspace_id bigint not null,
  digest bytea,
  size bigint,
  begun_at timestamp with time zone not null,
  constraint a_whole_blob_has_digest_and_size CHECK (((digest IS NULL) = (size IS NULL))),
  constraint blobs_size_check CHECK (((size >= 0) AND (size <= 67108864))),
  constraint blobs_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES engine.workspaces(id),
  constraint blobs_pkey PRIMARY KEY (id),
  constraint blobs_workspace_id_digest_key UNIQUE (workspace_id, digest),
  constraint blobs_workspace_id_id_key UNIQUE (workspace_id, id)
) row security forced owner millrace_owner;
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using (((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])) AND (EXISTS ( SELECT
   FROM engine.artifacts a
  WHERE (a.blob_id = blobs.id)))));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.budgets (
  id bigint not null identity,
  workspace_id bigint not null,
  run_id bigint,
  tokens bigint,
  micros bigint,
  used_tokens bigint not null default 0,
  used_micros bigint not null default 0,
  constraint budgets_micros_check CHECK ((micros >= 0)),
  constraint budgets_tokens_check CHECK ((tokens >= 0)),
  constraint budgets_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES engine.workspaces(id),
  constraint budgets_workspace_id_run_id_fkey FOREIGN KEY (workspace_id, run_id) REFERENCES engine.runs(workspace_id, id) ON DELETE CASCADE,
  constraint budgets_pkey PRIMARY KEY (id),
  constraint budgets_workspace_id_run_id_key UNIQUE NULLS NOT DISTINCT (workspace_id, run_id)
) with (fillfactor=50) row security forced owner millrace_owner;
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.chunks (
  blob_id bigint not null,
  i integer not null,
  workspace_id bigint not null,
  bytes bytea not null storage external,
  constraint chunks_bytes_check CHECK ((octet_length(bytes) <= 1048576)),
  constraint chunks_i_check CHECK ((i >= 0)),
  constraint chunks_workspace_id_blob_id_fkey FOREIGN KEY (workspace_id, blob_id) REFERENCES engine.blobs(workspace_id, id) ON DELETE CASCADE,
  constraint chunks_pkey PRIMARY KEY (blob_id, i)
) row security forced owner millrace_owner;
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using (((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])) AND (EXISTS ( SELECT
   FROM engine.artifacts a
  WHERE (a.blob_id = chunks.blob_id)))));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.events (
  run_id bigint not null,
  n bigint not null,
  workspace_id bigint not null,
  at timestamp with time zone not null,
  kind text not null,
  task integer,
  data jsonb not null default '{}'::jsonb,
  constraint events_pkey PRIMARY KEY (run_id, n)
) row security forced owner millrace_owner;
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.inputs (
  run_id bigint not null,
  n integer not null,
  workspace_id bigint not null,
  input jsonb not null storage external,
  constraint inputs_pkey PRIMARY KEY (run_id, n)
) row security forced owner millrace_owner;
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.lanes (
  id bigint not null identity,
  run_id bigint not null,
  workspace_id bigint not null,
  kind text not null,
  key text not null default ''::text,
  priority smallint not null,
  last integer not null,
  idle boolean not null default false,
  stop text,
  limit_id integer not null default 0,
  requests integer not null default 1,
  tokens bigint not null default 0,
  micros bigint not null default 0,
  metered boolean not null default false,
  first integer not null default 0,
  bound text not null default ''::text,
  bound_id integer not null default 0,
  constraint lanes_pkey PRIMARY KEY (id),
  constraint lanes_run_id_kind_key_key UNIQUE (run_id, kind, key)
) with (fillfactor=70, autovacuum_vacuum_scale_factor=0.01, autovacuum_vacuum_cost_delay=0) row security forced owner millrace_owner;
CREATE INDEX lanes_metered ON engine.lanes USING btree (id) WHERE (metered AND (NOT idle) AND (stop IS NULL));
CREATE INDEX lanes_of_bound ON engine.lanes USING btree (bound_id) WHERE ((bound_id <> 0) AND (NOT idle));
CREATE INDEX lanes_of_limit ON engine.lanes USING btree (limit_id) WHERE ((limit_id <> 0) AND (NOT idle));
CREATE INDEX lanes_open ON engine.lanes USING btree (priority, id, kind, workspace_id, limit_id) WHERE ((NOT idle) AND (stop IS NULL));
CREATE INDEX lanes_over_budget ON engine.lanes USING btree (id) WHERE (stop = 'budget'::text);
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.ledger (
  run_id bigint not null,
  n integer not null,
  name text not null,
  attempt integer not null,
  entry text not null,
  workspace_id bigint not null,
  request_hash bytea not null,
  receipt jsonb storage external,
  at timestamp with time zone not null,
  tokens bigint not null default 0,
  micros bigint not null default 0,
  constraint a_receipt_says_what_came CHECK (((receipt IS NOT NULL) = (entry = 'receipt'::text))),
  constraint ledger_entry_check CHECK ((entry = ANY (ARRAY['intent'::text, 'receipt'::text]))),
  constraint ledger_pkey PRIMARY KEY (run_id, n, name, attempt, entry)
) row security forced owner millrace_owner;
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.limits (
  id integer not null identity,
  key text not null,
  concurrency integer,
  requests_per_minute double precision,
  tokens_per_minute double precision,
  requests_at timestamp with time zone not null default '1970-01-01 00:00:00+00'::timestamp with time zone,
  tokens_at timestamp with time zone not null default '1970-01-01 00:00:00+00'::timestamp with time zone,
  pace double precision not null default 1,
  paced_at timestamp with time zone not null default '1970-01-01 00:00:00+00'::timestamp with time zone,
  until timestamp with time zone,
  stop text,
  stopped_at timestamp with time zone,
  constraint a_stopped_limit_says_since_when CHECK (((stop IS NULL) = (stopped_at IS NULL))),
  constraint limits_concurrency_check CHECK ((concurrency >= 0)),
  constraint limits_key_check CHECK ((key <> ''::text)),
  constraint limits_pace_check CHECK (((pace > (0)::double precision) AND (pace <= (1)::double precision))),
  constraint limits_requests_per_minute_check CHECK ((requests_per_minute > (0)::double precision)),
  constraint limits_stop_check CHECK ((stop ~ '^[A-Z][A-Z0-9_]{0,63}$'::text)),
  constraint limits_tokens_per_minute_check CHECK ((tokens_per_minute > (0)::double precision)),
  constraint limits_pkey PRIMARY KEY (id),
  constraint limits_key_key UNIQUE (key)
) with (fillfactor=50) row security forced owner millrace_owner;
CREATE INDEX limits_that_bind ON engine.limits USING btree (id) WHERE ((concurrency IS NOT NULL) OR (requests_per_minute IS NOT NULL) OR (tokens_per_minute IS NOT NULL) OR (until IS NOT NULL) OR (stop IS NOT NULL));
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using (( SELECT access.operates() AS operates));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.migrations (
  name text not null,
  hash text not null,
  applied_at timestamp with time zone not null default now(),
  constraint migrations_pkey PRIMARY KEY (name)
) owner millrace_owner;
grant select to millrace_api;
grant select to millrace_worker;

table engine.outputs (
  run_id bigint not null,
  n integer not null,
  workspace_id bigint not null,
  output jsonb not null storage external,
  constraint outputs_pkey PRIMARY KEY (run_id, n)
) row security forced owner millrace_owner;
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.reservations (
  run_id bigint not null,
  n integer not null,
  workspace_id bigint not null,
  limit_id integer not null,
  tokens bigint not null,
  micros bigint not null,
  used_tokens bigint not null default 0,
  used_micros bigint not null default 0,
  bound_id integer not null default 0,
  constraint reservations_pkey PRIMARY KEY (run_id, n)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0.01, autovacuum_vacuum_cost_delay=0) row security forced owner millrace_owner;
CREATE INDEX reservations_of_bound ON engine.reservations USING btree (bound_id) WHERE (bound_id <> 0);
CREATE INDEX reservations_of_limit ON engine.reservations USING btree (limit_id);
CREATE INDEX reservations_of_workspace ON engine.reservations USING btree (workspace_id);
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.run_bodies (
  run_id bigint not null,
  workspace_id bigint not null,
  input jsonb not null storage external,
  output jsonb storage external,
  failure jsonb,
  constraint run_bodies_workspace_id_run_id_fkey FOREIGN KEY (workspace_id, run_id) REFERENCES engine.runs(workspace_id, id) ON DELETE CASCADE,
  constraint run_bodies_pkey PRIMARY KEY (run_id)
) row security forced owner millrace_owner;
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.run_keys (
  workspace_id bigint not null,
  kind text not null,
  key text not null,
  hash bytea not null,
  run_id bigint not null,
  constraint run_keys_pkey PRIMARY KEY (workspace_id, kind, key)
) row security forced owner millrace_owner;
CREATE INDEX run_keys_of_run ON engine.run_keys USING btree (run_id);
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.runs (
  id bigint not null identity,
  workspace_id bigint not null,
  kind text not null,
  state engine.run_state not null default 'queued'::engine.run_state,
  priority smallint not null default 5,
  round integer not null default 1,
  has_next boolean not null,
  decisions integer not null default 0,
  deciding boolean not null default false,
  held engine.hold_reason,
  cancel_asked_at timestamp with time zone,
  cancelling boolean not null default false,
  total integer not null,
  open integer not null,
  succeeded integer not null default 0,
  failed integer not null default 0,
  cancelled integer not null default 0,
  last_event bigint not null default 0,
  parent_id bigint,
  created_at timestamp with time zone not null,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  constraint a_live_run_has_something_to_do CHECK ((((open > 0) = (state = ANY (ARRAY['queued'::engine.run_state, 'running'::engine.run_state]))) AND ((open > 0) = (finished_at IS NULL)))),
  constraint every_task_is_counted_once CHECK ((((total + (deciding)::integer) = (((open + succeeded) + failed) + cancelled)) AND (LEAST(total, open, succeeded, failed, cancelled) >= 0))),
  constraint runs_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES engine.workspaces(id),
  constraint runs_workspace_id_parent_id_fkey FOREIGN KEY (workspace_id, parent_id) REFERENCES engine.runs(workspace_id, id) ON DELETE SET NULL (parent_id),
  constraint runs_pkey PRIMARY KEY (id),
  constraint runs_workspace_id_id_key UNIQUE (workspace_id, id)
) with (fillfactor=70, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_cost_delay=0) row security forced owner millrace_owner;
CREATE INDEX runs_cancelling ON engine.runs USING btree (id) WHERE cancelling;
CREATE INDEX runs_of_parent ON engine.runs USING btree (parent_id) WHERE (parent_id IS NOT NULL);
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.server_up (
  at timestamp with time zone not null
) owner millrace_owner;
grant select to millrace_api;
grant select to millrace_worker;

table engine.tasks (
  run_id bigint not null,
  n integer not null,
  workspace_id bigint not null,
  lane_id bigint not null,
  state engine.task_state not null default 'ready'::engine.task_state,
  attempt integer not null default 0,
  tries smallint not null default 0,
  crashes smallint not null default 0,
  worker integer,
  due_at timestamp with time zone,
  constraint a_running_task_has_its_worker_and_only_a_ready_one_waits CHECK ((((worker IS NOT NULL) = (state = 'running'::engine.task_state)) AND ((due_at IS NULL) OR (state = 'ready'::engine.task_state)) AND (n <> 0))),
  constraint tasks_pkey PRIMARY KEY (run_id, n)
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0.01, autovacuum_vacuum_cost_delay=0) row security forced owner millrace_owner;
CREATE INDEX tasks_due ON engine.tasks USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX tasks_of_worker ON engine.tasks USING btree (worker) WHERE (worker IS NOT NULL);
CREATE INDEX tasks_ready ON engine.tasks USING btree (lane_id, n) WHERE ((state = 'ready'::engine.task_state) AND (due_at IS NULL));
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.workers (
  id integer not null identity,
  workspace_id bigint,
  name text not null,
  kinds text[] not null,
  slots integer not null,
  registered_at timestamp with time zone not null,
  seen_at timestamp with time zone not null,
  lease_until timestamp with time zone not null,
  missed_at timestamp with time zone,
  gone_at timestamp with time zone,
  gone_why text,
  emptied boolean not null default false,
  closed bigint not null default 0,
  failed bigint not null default 0,
  constraint a_gone_worker_says_why CHECK (((gone_at IS NULL) = (gone_why IS NULL))),
  constraint workers_check CHECK (((failed >= 0) AND (failed <= closed))),
  constraint workers_closed_check CHECK ((closed >= 0)),
  constraint workers_gone_why_check CHECK ((gone_why = ANY (ARRAY['left'::text, 'session'::text, 'lease'::text]))),
  constraint workers_slots_check CHECK (((slots >= 1) AND (slots <= 10000))),
  constraint workers_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES engine.workspaces(id),
  constraint workers_pkey PRIMARY KEY (id)
) with (fillfactor=70) row security forced owner millrace_owner;
CREATE INDEX workers_alive ON engine.workers USING btree (id) WHERE (gone_at IS NULL);
CREATE INDEX workers_fallen ON engine.workers USING btree (id) WHERE ((gone_at IS NOT NULL) AND (NOT emptied));
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((((workspace_id IS NULL) AND (( SELECT access.workspaces() AS workspaces) <> '{}'::bigint[])) OR (workspace_id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[]))));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

table engine.workspaces (
  id bigint not null identity,
  name text not null,
  created_at timestamp with time zone not null default now(),
  constraint workspaces_name_check CHECK ((name ~ '^[a-z0-9][a-z0-9-]{0,62}$'::text)),
  constraint workspaces_pkey PRIMARY KEY (id),
  constraint workspaces_name_key UNIQUE (name)
) row security forced owner millrace_owner;
policy read_all for select to millrace_worker using (true);
policy read_own for select to millrace_api using ((id = ANY (( SELECT access.workspaces() AS workspaces)::bigint[])));
policy verbs for all to millrace_owner using (true) with check (true);
grant select to millrace_api;
grant select to millrace_worker;

-- functions

function access.claims() returns jsonb language sql stable owner millrace_owner for millrace_api, millrace_worker;
function access.may(bigint,text) returns boolean language sql stable owner millrace_owner for millrace_api, millrace_worker;
function access.must(bigint,text) returns void language plpgsql stable owner millrace_owner for millrace_api, millrace_worker;
function access.must_operate() returns void language plpgsql stable owner millrace_owner for millrace_api, millrace_worker;
function access.operates() returns boolean language sql stable owner millrace_owner for millrace_api, millrace_worker;
function access.protect(regclass,text[],text) returns void language plpgsql volatile owner millrace_owner for nobody;
function access.subject() returns text language sql stable owner millrace_owner for millrace_api, millrace_worker;
function access.workspaces() returns bigint[] language sql stable owner millrace_owner for millrace_api, millrace_worker;
function engine.activity(bigint) returns record language sql stable owner millrace_owner for millrace_api, millrace_worker;
function engine.add_chunk(bigint,integer,bytea) returns void language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.affordable(engine.lanes) returns boolean language sql stable owner millrace_owner for nobody;
function engine.affords(bigint,bigint) returns boolean language sql immutable owner millrace_owner for nobody;
function engine.ahead(bigint,bigint,bigint) returns TABLE(part integer, low bigint, high bigint) language sql immutable owner millrace_owner for nobody;
function engine.asks(integer,integer,integer,boolean,timestamp with time zone) returns boolean language sql immutable owner millrace_owner for nobody;
function engine.attach(bigint[],integer[],integer[],text[],text[],bigint[]) returns void language sql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.begin_blob(bigint) returns bigint language sql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.binds(engine.limits) returns boolean language sql immutable owner millrace_owner for nobody;
function engine.blocked(engine.lanes,engine.workers) returns text language plpgsql stable set search_path=engine, pg_temp owner millrace_owner for nobody;
function engine.budget(bigint,bigint,bigint,bigint) returns engine.budgets language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.burst() returns double precision language sql immutable owner millrace_owner for nobody;
function engine.cancel(bigint,text) returns engine.runs language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.change(bigint,text) returns engine.runs language plpgsql volatile owner millrace_owner for nobody;
function engine.claim(integer,integer) returns TABLE(run_id bigint, n integer, attempt integer, tries smallint, crashes smallint, workspace_id bigint, kind text, input jsonb) language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp, set lock_timeout=100ms owner millrace_owner for millrace_worker;
function engine.claim_one(integer) returns record language plpgsql volatile set lock_timeout=100ms owner millrace_owner for nobody;
function engine.clock() returns timestamp with time zone language sql volatile parallel safe owner millrace_owner for millrace_api, millrace_worker;
function engine.close(bigint[],integer[],integer[],text[],jsonb[],double precision[]) returns TABLE(run_id bigint, kept integer, last_event bigint, state engine.run_state, more boolean) language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.coming_back() returns text[] language sql immutable owner millrace_owner for nobody;
function engine.commonest_failure(bigint) returns jsonb language sql stable set search_path=engine, pg_temp owner millrace_owner for millrace_api, millrace_worker;
function engine.decides(text) returns boolean language sql immutable owner millrace_owner for nobody;
function engine.emit(bigint[],integer[],integer[],text[],jsonb[]) returns TABLE(run_id bigint, last_event bigint) language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.end_blob(bigint,bytea,bigint) returns bigint language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.end_ready(bigint[],integer[]) returns void language plpgsql volatile owner millrace_owner for nobody;
function engine.endings() returns text[] language sql immutable owner millrace_owner for nobody;
function engine.events_after(bigint,bigint,integer) returns TABLE(n bigint, at timestamp with time zone, kind text, task integer, data jsonb) language sql stable owner millrace_owner for millrace_api, millrace_worker;
function engine.expire() returns TABLE(gone integer, work boolean, busy boolean, alive integer, missing boolean, due_in double precision) language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.expire_now(bigint) returns TABLE(gone integer, again boolean) language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.extend(integer,text[],bigint,bigint) returns bigint[] language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.fence(bigint[],integer[],integer[]) returns TABLE(run_id bigint, n integer) language sql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.forget_workers(bigint) returns integer language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.has_budget(bigint,bigint) returns boolean language sql stable owner millrace_owner for nobody;
function engine.has_ready(bigint,integer) returns boolean language sql stable owner millrace_owner for nobody;
function engine.hold(bigint,text) returns engine.runs language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.is_far(integer,integer) returns boolean language sql immutable owner millrace_owner for nobody;
function engine.lease() returns interval language sql immutable owner millrace_owner for millrace_api, millrace_worker;
function engine.leave(integer) returns void language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.leave_limits(bigint[],integer[],text[],jsonb[],double precision[],timestamp with time zone) returns void language plpgsql volatile owner millrace_owner for nobody;
function engine.lift_limits(timestamp with time zone) returns integer language plpgsql volatile owner millrace_owner for nobody;
function engine.lift_stop(text) returns engine.limits language plpgsql volatile set search_path=engine, pg_temp owner millrace_owner for nobody;
function engine.limit_key(text,integer,double precision,double precision) returns engine.limits language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.limited() returns boolean language sql volatile owner millrace_owner for nobody;
function engine.liveness() returns integer language sql immutable owner millrace_owner for millrace_api, millrace_worker;
function engine.lock_lanes_and_run(bigint) returns engine.runs language plpgsql volatile owner millrace_owner for nobody;
function engine.lock_run(bigint) returns engine.runs language plpgsql volatile owner millrace_owner for nobody;
function engine.may_sweep(bigint) returns void language plpgsql stable owner millrace_owner for nobody;
function engine.more(bigint,json) returns void language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.move_first(bigint[],integer[]) returns void language plpgsql volatile owner millrace_owner for nobody;
function engine.note(bigint[],integer[],integer[],text[],text[],bytea[],jsonb[],bigint[],bigint[]) returns void language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.opens_in(integer) returns double precision language sql volatile owner millrace_owner for nobody;
function engine.pace(engine.limits,timestamp with time zone) returns double precision language sql immutable owner millrace_owner for nobody;
function engine.prefer(bigint,smallint) returns engine.runs language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.prepare(bigint[],integer[],integer[],text[],jsonb[],double precision[]) returns record language plpgsql volatile owner millrace_owner for nobody;
function engine.progress(engine.runs) returns jsonb language sql stable owner millrace_owner for millrace_api, millrace_worker;
function engine.promote() returns integer language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.prune(timestamp with time zone,bigint,text,integer) returns integer language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api, millrace_worker;
function engine.purse(bigint,bigint) returns record language sql stable set search_path=engine, pg_temp owner millrace_owner for nobody;
function engine.put_decision(bigint,bigint,text,smallint,integer) returns void language plpgsql volatile owner millrace_owner for nobody;
function engine.put_hold(bigint,text) returns engine.runs language plpgsql volatile set search_path=engine, pg_temp owner millrace_owner for nobody;
function engine.put_limit(text,integer,double precision,double precision) returns engine.limits language plpgsql volatile set search_path=engine, pg_temp owner millrace_owner for nobody;
function engine.put_run(bigint,text,jsonb,json,boolean,smallint,text,bigint,text,bytea,bigint,bigint) returns TABLE(run_id bigint, created boolean) language plpgsql volatile set search_path=engine, pg_temp owner millrace_owner for nobody;
function engine.put_stop(text) returns engine.limits language plpgsql volatile set search_path=engine, pg_temp owner millrace_owner for nobody;
function engine.put_tasks(bigint,bigint,smallint,text,integer,json) returns void language plpgsql volatile owner millrace_owner for nobody;
function engine.reach() returns integer language sql immutable owner millrace_owner for nobody;
function engine.register(text,text[],bigint,integer) returns integer language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.release(bigint) returns engine.runs language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.release_key(text) returns engine.limits language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.relock(integer) returns boolean language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.reopen(bigint,boolean) returns engine.runs language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.rescue() returns integer language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.rescue_now(bigint) returns integer language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.reserve(bigint[],integer[],integer[],timestamp with time zone) returns void language plpgsql volatile owner millrace_owner for nobody;
function engine.rest(text[]) returns void language plpgsql volatile owner millrace_owner for nobody;
function engine.room(engine.limits,timestamp with time zone,boolean) returns record language plpgsql stable set search_path=engine, pg_temp owner millrace_owner for nobody;
function engine.seat(smallint) returns record language plpgsql stable owner millrace_owner for nobody;
function engine.seat_name(text) returns text language sql immutable owner millrace_owner for nobody;
function engine.settle(bigint[],integer[],integer[],text[],jsonb[],double precision[]) returns TABLE(run_id bigint, kept integer, last_event bigint, state engine.run_state, more boolean) language plpgsql volatile owner millrace_owner for nobody;
function engine.settle_one(bigint,integer,integer,jsonb) returns record language plpgsql volatile owner millrace_owner for nobody;
function engine.short(bigint) returns TABLE(whose text, what text) language sql stable SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.shut_by(engine.lanes) returns engine.limits language sql stable set search_path=engine, pg_temp owner millrace_owner for nobody;
function engine.sit(smallint,bigint,bigint) returns void language plpgsql volatile owner millrace_owner for nobody;
function engine.sit_after(bigint[],smallint,bigint,bigint,bigint) returns void language plpgsql volatile owner millrace_owner for nobody;
function engine.start(bigint,text,jsonb,json,boolean,smallint,text,bigint,text,bytea,bigint,bigint) returns TABLE(run_id bigint, created boolean) language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.starting() returns integer language sql immutable owner millrace_owner for nobody;
function engine.status(engine.runs) returns text language sql stable owner millrace_owner for millrace_api, millrace_worker;
function engine.stop_key(text) returns engine.limits language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.take(integer,text[],bigint,smallint,bigint,bigint,integer,integer,timestamp with time zone,tid[]) returns TABLE(run_id bigint, n integer, attempt integer, tries smallint, crashes smallint, workspace_id bigint, kind text, input jsonb, lane_id bigint, is_last boolean, is_far boolean) language plpgsql volatile owner millrace_owner for nobody;
function engine.take_within(integer,text[],bigint,integer,timestamp with time zone) returns TABLE(run_id bigint, n integer, attempt integer, tries smallint, crashes smallint, workspace_id bigint, kind text, input jsonb, lane_id bigint, is_last boolean, is_far boolean) language plpgsql volatile owner millrace_owner for nobody;
function engine.turn(integer,integer,bigint[],integer[],integer[],text[],jsonb[],double precision[]) returns record language plpgsql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
function engine.use(bigint[],integer[],bigint[],bigint[]) returns void language plpgsql volatile owner millrace_owner for nobody;
function engine.wake_lanes(bigint[],integer[]) returns void language plpgsql volatile owner millrace_owner for nobody;
function engine.why(bigint) returns TABLE(kind text, key text, ready bigint, due bigint, due_at timestamp with time zone, running bigint, reason text, held_by text, opens_at timestamp with time zone, stopped text, ahead bigint, workers bigint) language plpgsql stable SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_api;
function engine.withdraw() returns void language sql volatile SECURITY DEFINER set search_path=engine, pg_temp owner millrace_owner for millrace_worker;
