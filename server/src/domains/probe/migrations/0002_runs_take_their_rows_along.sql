-- A run that is pruned takes its rows along.

alter table probe.runs
  drop constraint runs_workspace_id_run_id_fkey,
  add constraint runs_workspace_id_run_id_fkey
    foreign key (workspace_id, run_id) references engine.runs (workspace_id, id) on delete cascade;

alter table probe.scenarios
  add constraint scenarios_workspace_id_run_id_fkey
    foreign key (workspace_id, run_id) references probe.runs (workspace_id, run_id) on delete cascade;

alter table probe.transcripts
  drop constraint transcripts_workspace_id_run_id_fkey,
  add constraint transcripts_workspace_id_run_id_fkey
    foreign key (workspace_id, run_id) references probe.runs (workspace_id, run_id) on delete cascade,
  drop constraint transcripts_run_id_scenario_fkey,
  add constraint transcripts_run_id_scenario_fkey
    foreign key (run_id, scenario) references probe.scenarios (run_id, n) on delete cascade;

alter table probe.overrides
  drop constraint overrides_run_id_task_fkey,
  add constraint overrides_run_id_task_fkey
    foreign key (run_id, task) references probe.transcripts (run_id, task) on delete cascade;
