-- Attempts in a row that ended without an outcome (a crash). From two on, the task runs alone.
alter table task add column unsettled smallint not null default 0;

drop index task_claim;

-- A lane is one type and priority. Types that a worker doesn't know, other priorities, tasks of the future and those in
-- hand are in other lanes, behind the due ones of their lane, or not in the index: a claim reads only what it takes.
create index task_lane on task (task_type, priority, run_at, task_id) where worker_id is null and unsettled < 2;

-- Tasks that crashed their worker twice are few, and must not stand in the way of the others.
create index task_suspect on task (run_at, task_id) where worker_id is null and unsettled >= 2;

-- What is in hand, to find what the dead have left. Not by worker_id: a finish would go through that index, in which each
-- finished task leaves a dead entry under the same key.
create index task_held on task (task_id) where worker_id is not null;

alter table task set (
  -- A claim writes a new version of the row: with room for it on the same page, half as many pages are touched.
  fillfactor = 70,
  -- By number, not by share of the table: 10,000 dead rows in front of a lane cost the same with any backlog behind.
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_insert_scale_factor = 0,
  autovacuum_vacuum_insert_threshold = 100000,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 20000,
  -- A vacuum that naps falls behind a fast queue.
  autovacuum_vacuum_cost_delay = 0
);

-- The last slot of each recurring task, moved by the statement that owes it.
create table schedule (
  name text primary key,
  last_slot timestamptz not null
);
