select access.protect('storm.rows', array['insert']);
grant usage on schema storm to millrace_api, millrace_worker;
