create table usr (
  usr_id bigint generated always as identity primary key,
  email text not null
    constraint usr_email_unique unique
    constraint usr_email_normal check (email = lower(btrim(email)))
    constraint usr_email_length check (length(email) between 3 and 254),
  password_hash text not null,
  -- Raised when the password or the address changes: sessions and mailed links carry the version under which they were
  -- made, and end with it.
  version int not null default 0,
  -- SHA-256 of a cookie: names the browser that signed up. Null once the address is verified.
  browser_hash bytea constraint usr_browser_hash_length check (octet_length(browser_hash) = 32),
  created_at timestamptz not null default now()
);

-- A row is pending work. Done: deleted. Given up: moved to task_dead. There is no status column.
create table task (
  task_id bigint generated always as identity primary key,
  task_type text not null,
  params jsonb not null default '{}',
  -- The lower number runs first.
  priority smallint not null default 0,
  -- No attempt starts before this time.
  run_at timestamptz not null default now(),
  -- At most one pending task per type and key.
  unique_key text,
  -- Claims so far.
  attempt smallint not null default 0,
  -- The worker that runs it.
  worker_id uuid,
  -- Attempts in a row that ended without an outcome. From two on, the task is poison: it runs isolated.
  crashes smallint not null default 0,
  created_at timestamptz not null default now()
) with (
  -- No index names worker_id or attempt. So a claim updates the row in place (HOT), if its page has room for a second
  -- version.
  fillfactor = 45,
  -- Vacuum by number, not by share of the table: 10,000 dead rows in front of a lane cost the same for any backlog.
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_insert_scale_factor = 0,
  autovacuum_vacuum_insert_threshold = 100000,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 20000,
  -- A vacuum that pauses falls behind a fast queue.
  autovacuum_vacuum_cost_delay = 0,
  -- Otherwise vacuum skips the indexes of a big table with few dead pages, and every search for lanes reads the dead
  -- entries: 640 buffers instead of 240 at 10 million rows.
  vacuum_index_cleanup = on
);

-- A lane is all pending tasks of one type and priority. A claim reads only what it takes: other types, other
-- priorities and tasks that are not due are elsewhere in the index. Running tasks stay in it, at the front of their
-- lane.
create index task_lane on task (task_type, priority, run_at, task_id);

create unique index task_unique_key on task (task_type, unique_key) where unique_key is not null;

-- One row per failed attempt.
create table task_error (
  task_id bigint not null,
  attempt smallint not null,
  error text not null,
  failed_at timestamptz not null default now(),
  primary key (task_id, attempt)
);

create index task_error_failed_at on task_error (failed_at);

create table task_dead (
  task_id bigint primary key,
  task_type text not null,
  params jsonb not null,
  priority smallint not null,
  attempt smallint not null,
  unique_key text,
  reason text not null,
  died_at timestamptz not null default now(),
  created_at timestamptz not null
);

create index task_dead_type on task_dead (task_type, died_at);

-- One row per live worker process.
create table worker (
  worker_id uuid primary key,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  host text not null,
  pid int not null,
  -- A worker whose heartbeat is older than its lease is dead. Its row stays, marked, until all its tasks are
  -- reclaimed.
  lease_seconds real not null default 12,
  expired_at timestamptz,
  -- The types that it has handlers for. Null: not reported.
  task_types text[],
  -- The longest delay of its event loop since the last heartbeat.
  event_loop_delay_milliseconds real
);

-- Types that a worker pauses because the service behind them is down.
create table breaker (
  worker_id uuid constraint breaker_worker references worker on delete cascade,
  task_type text,
  opened_at timestamptz not null default now(),
  open_until timestamptz not null,
  error text not null,
  primary key (worker_id, task_type)
);

-- Durations of attempts: how many of a type, in a minute, took at most this many seconds (the upper end of a bucket).
-- The minute -infinity is the total. It is a counter, so it never falls. The other minutes are pruned.
create table attempt_statistics (
  minute timestamptz,
  task_type text,
  is_failure boolean,
  up_to_seconds real,
  attempts bigint not null,
  seconds float8 not null,
  primary key (minute, task_type, is_failure, up_to_seconds)
  -- Updated in place.
) with (fillfactor = 70);

-- The last slot of each recurring task, moved by the statement that enqueues it.
create table schedule (
  name text primary key,
  last_slot timestamptz not null
);

-- The user that a task is about, or null: any program may write params.
create function task_usr_id(params jsonb) returns bigint
language sql immutable
return case when params ->> 'usr_id' ~ '^[1-9][0-9]{0,17}$' then (params ->> 'usr_id')::bigint end;
