-- The traces' current text: whoever may start a run may say where it came from.

select access.protect('traces.carried', '{}', 'run.start');
grant usage on schema traces to millrace_api, millrace_worker;
