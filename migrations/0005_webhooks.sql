create table webhook (
  webhook_id bigint generated always as identity primary key,
  url text not null constraint webhook_url_length check (length(url) between 1 and 2000),
  -- Not hashed: it signs each message. Unique: a form that is sent twice adds one endpoint.
  secret text not null constraint webhook_secret_unique unique,
  -- Empty: all.
  event_types text[] not null default '{}',
  per_second real not null default 10 constraint webhook_per_second_range check (per_second > 0 and per_second <= 1000),
  -- The next free slot, over all workers. The statement that takes a slot moves it.
  next_at timestamptz not null default now(),
  -- When the next snoozed delivery is due. They are as far apart as the rate allows.
  line_at timestamptz not null default now(),
  -- Failures in a row, over all workers. After three, the receiver counts as down.
  failures int not null default 0,
  -- Nothing is sent until then: the receiver is down, or has asked us to wait.
  pause_until timestamptz,
  last_error text,
  created_at timestamptz not null default now()
  -- Each delivery updates the row in place.
) with (fillfactor = 50);

-- Membership, not a flag: the receiver responded with 410 (Gone), or an operator disabled it.
create table webhook_disabled (
  webhook_id bigint primary key constraint webhook_disabled_webhook references webhook on delete cascade,
  reason text not null,
  disabled_at timestamptz not null default now()
);

-- Finds the pending deliveries of one receiver, to snooze them when it is down. Tasks of other types pay nothing.
create index task_webhook on task ((params ->> 'webhook_id'), run_at, task_id) where task_type = 'POST_WEBHOOK';
