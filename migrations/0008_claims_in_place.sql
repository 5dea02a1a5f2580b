-- Claims in place (HOT): a claim changes only worker_id and attempt, which no index names, and it finds room for the new
-- version of the row on the same page. Running tasks stay in the index, in front of the due ones of their lane.
drop index task_lane;
drop index task_suspect;
drop index task_held;
drop index task_failing;
drop index task_webhook;

-- A lane is all pending tasks of one type and priority.
create index task_lane on task (task_type, priority, run_at, task_id);

alter table task set (fillfactor = 45);

-- Attempts in a row that ended without an outcome (a crash). From two on, the task is poison: it runs isolated.
alter table task rename column unsettled to crashes;

create index task_webhook on task ((params ->> 'webhook_id'), run_at, task_id) where task_type = 'POST_WEBHOOK';

-- A worker whose heartbeat is older than its lease is dead. Its row stays, marked, until all its tasks are reclaimed.
alter table worker add column lease_seconds real not null default 12;
alter table worker add column expired_at timestamptz;

-- The user that a task is about. Anybody may write params: what is no number of a user is left out.
create function task_usr_id(params jsonb) returns bigint
language sql immutable
return case when params ->> 'usr_id' ~ '^[1-9][0-9]{0,17}$' then (params ->> 'usr_id')::bigint end;
