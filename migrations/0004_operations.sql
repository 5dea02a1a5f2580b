create type event_position as (xid xid8, event_id bigint);

-- What happened, for any number of readers. Numbers are drawn before the commit, and transactions commit in any order: a
-- reader that remembered a number alone would skip what commits late. With the transaction beside it, it can stop in front
-- of the oldest one that still runs.
create table event (
  event_id bigint generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  event_type text not null,
  -- No foreign key: what happened stays true when the account is gone. For the same reason no address is ever in the data.
  usr_id bigint,
  data jsonb not null default '{}',
  -- What happened at no time would never be forgotten, or at once.
  created_at timestamptz not null default now() constraint event_created_at_finite check (isfinite(created_at)),
  primary key (xid, event_id)
);

create index event_usr on event (usr_id, event_id desc) where usr_id is not null;

-- How far each reader has come; moved in the transaction of its own writes.
create table event_consumer (
  name text primary key,
  position event_position not null default row('0', 0)::event_position,
  seen_at timestamptz not null default now()
);

-- Membership is the right to run the app.
create table operator (
  usr_id bigint primary key constraint operator_usr references usr on delete cascade,
  granted_at timestamptz not null default now()
);

create table webhook (
  webhook_id bigint generated always as identity primary key,
  url text not null constraint webhook_url_length check (length(url) between 1 and 2000),
  -- Readable, because it signs; it stands nowhere else.
  secret text not null,
  -- Empty: all.
  event_types text[] not null default '{}',
  per_second real not null default 10 constraint webhook_per_second_range check (per_second > 0 and per_second <= 1000),
  -- The next free slot, over all workers; moved by the statement that takes it.
  next_at timestamptz not null default now(),
  created_at timestamptz not null default now()
);

-- Membership, not a flag: who said "gone", or whom an operator has stopped.
create table webhook_disabled (
  webhook_id bigint primary key constraint webhook_disabled_webhook references webhook on delete cascade,
  reason text not null,
  disabled_at timestamptz not null default now()
);

-- How long a turn of its event loop takes at worst, told with the heartbeat.
alter table worker add column turn_milliseconds real;

-- Types that a worker leaves alone for a while, because their outside is down; told when it opens and closes one.
create table breaker (
  worker_id uuid constraint breaker_worker references worker on delete cascade,
  task_type text,
  opened_at timestamptz not null default now(),
  open_until timestamptz not null,
  error text not null,
  primary key (worker_id, task_type)
);

-- Only what has failed is in it: the way of a task that succeeds at once does not touch it.
create index task_failing on task (task_type, run_at) where attempt > 0 and worker_id is null;

create index task_error_failed_at on task_error (failed_at);

create index task_dead_type on task_dead (task_type, died_at);
