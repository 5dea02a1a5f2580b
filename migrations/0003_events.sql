create type event_position as (xid xid8, event_id bigint);

-- What happened, for any number of consumers. Transactions draw event_id in one order and commit in another: a consumer that
-- remembered event_id alone would skip what commits late. With xid it stops before the oldest transaction that still runs.
create table event (
  event_id bigint generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  event_type text not null,
  -- No foreign key: what happened stays true when the account is gone. For the same reason the data never holds an address.
  usr_id bigint,
  data jsonb not null default '{}',
  -- An infinite time would never be pruned, or at once.
  created_at timestamptz not null default now() constraint event_created_at_finite check (isfinite(created_at)),
  primary key (xid, event_id)
);

create index event_usr on event (usr_id, event_id desc) where usr_id is not null;

-- Finds a day of events without reading the others, and costs almost nothing.
create index event_created_at on event using brin (created_at);

-- How far each consumer has come, moved in the transaction of its own writes.
create table event_consumer (
  name text primary key,
  position event_position not null default row('0', 0)::event_position,
  seen_at timestamptz not null default now()
);
