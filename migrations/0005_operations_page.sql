-- What a worker has a handler for, so that the operations page knows which tasks nobody does. Null: of an older release.
alter table worker add column task_types text[];

-- How attempts went: how many of a type, in a minute, took at most so many seconds (the upper end of a bucket). The minute
-- -infinity counts since ever and never falls, as a counter must; the other ones are pruned.
create table attempt_tally (
  minute timestamptz,
  task_type text,
  is_failure boolean,
  up_to_seconds real,
  attempts bigint not null,
  seconds float8 not null,
  primary key (minute, task_type, is_failure, up_to_seconds)
  -- Counted up in place, on the page where the row is.
) with (fillfactor = 70);

-- What operators did to a task, for its page. They act rarely: it costs nobody else anything.
create index event_operator_task on event ((data ->> 'task_id')) where event_type = 'OPERATOR_ACTED';
