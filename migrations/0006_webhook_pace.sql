-- Where the line for a receiver ends: tasks that can't be delivered at once are put off to a place of their own in it, as far
-- apart as its rate allows. next_at is the gate: it alone decides, and so the rate holds whoever comes late.
alter table webhook
  add column line_at timestamptz not null default now(),
  -- In a row, over all workers. From three on it counts as down.
  add column failures int not null default 0,
  -- Nothing is sent to it until then: it is down, or has asked us to wait.
  add column pause_until timestamptz,
  add column last_error text,
  -- Of a form that is sent twice, the second copy changes nothing.
  add constraint webhook_secret_unique unique (secret);

-- Changed by each delivery, in place: on the page where the row is.
alter table webhook set (fillfactor = 50);

-- A day of events is found without reading all that are kept; it costs next to nothing to keep.
create index event_created_at on event using brin (created_at);

-- What is owed to one receiver, to clear the way for the others when it can't be delivered now. Tasks of other types pay nothing.
create index task_webhook on task ((params ->> 'webhook_id'), run_at, task_id)
where task_type = 'POST_WEBHOOK' and worker_id is null and unsettled < 2;
