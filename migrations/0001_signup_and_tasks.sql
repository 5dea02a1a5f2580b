create table usr (
  usr_id bigint generated always as identity primary key,
  email text not null
    constraint usr_email_unique unique
    constraint usr_email_normal check (email = lower(btrim(email)))
    constraint usr_email_length check (length(email) between 3 and 254),
  password_hash text not null,
  created_at timestamptz not null default now()
);

-- A row is work that is owed. Done: deleted. Given up: moved to task_dead. Never a status column.
create table task (
  task_id bigint generated always as identity primary key,
  task_type text not null,
  params jsonb not null default '{}',
  priority smallint not null default 0,
  run_at timestamptz not null default now(),
  unique_key text,
  attempt smallint not null default 0,
  worker_id uuid,
  created_at timestamptz not null default now()
);

create unique index task_unique_key on task (task_type, unique_key) where unique_key is not null;

-- In the order of the claim, and free of held rows, so that a poll never walks over work in hand.
create index task_claim on task (priority, run_at, task_id) where worker_id is null;

create table task_error (
  task_id bigint not null,
  attempt smallint not null,
  error text not null,
  failed_at timestamptz not null default now(),
  primary key (task_id, attempt)
);

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

-- One row per live worker process. A task whose worker_id is not here is free to be taken back.
create table worker (
  worker_id uuid primary key,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  host text not null,
  pid int not null
);
