create type event_position as (xid xid8, event_id bigint);

-- The feed, for any number of consumers. Transactions draw event_id in one order and commit in another: a consumer
-- that stored only event_id would skip events that commit late. With xid, it stops before the oldest running
-- transaction.
create table event (
  event_id bigint generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  event_type text not null,
  -- No foreign key: an event outlives its account. For the same reason, data never holds an address.
  usr_id bigint,
  data jsonb not null default '{}',
  -- Pruning needs a finite time.
  created_at timestamptz not null default now() constraint event_created_at_finite check (isfinite(created_at)),
  primary key (xid, event_id)
);

create index event_usr on event (usr_id, event_id desc) where usr_id is not null;

-- Finds the events of a day without reading the others. A brin index costs almost nothing.
create index event_created_at on event using brin (created_at);

-- The position of each consumer, which moves in the transaction of the consumer's own writes.
create table event_consumer (
  name text primary key,
  position event_position not null default row('0', 0)::event_position,
  seen_at timestamptz not null default now()
);
