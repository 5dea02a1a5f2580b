-- SHA-256 of the cookie of the browser whose signup wrote this row; null for users that came about otherwise.
alter table usr add column browser_hash bytea
  constraint usr_browser_hash_length check (octet_length(browser_hash) = 32);

-- Those who signed up before this release could not verify: their time for it begins now. Null for those who come after.
alter table usr add column unverified_since timestamptz default now();
alter table usr alter column unverified_since drop default;

-- Membership is the state. No cascade on purpose: whoever deletes a user as unverified, in the moment in which it is
-- verified, fails with 23503 instead of losing a verified account.
create table email_verified (
  usr_id bigint primary key constraint email_verified_usr references usr,
  verified_at timestamptz not null default now()
);

create table email_reminded (
  usr_id bigint primary key constraint email_reminded_usr references usr on delete cascade,
  reminded_at timestamptz not null default now()
);

create table session (
  token_hash bytea primary key constraint session_token_hash_length check (octet_length(token_hash) = 32),
  -- Names it on the account page: the hash stays inside.
  session_id bigint generated always as identity constraint session_id_unique unique,
  usr_id bigint not null constraint session_usr references usr on delete cascade,
  -- SHA-256 of the address and the password_hash under which it began; it ends with either. A statement that changes them
  -- deletes the sessions that it sees; one that begins in the same moment it does not see. Null: not bound.
  password_digest bytea,
  browser text not null default '' constraint session_browser_length check (length(browser) <= 200),
  address text not null default '' constraint session_address_length check (length(address) <= 100),
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '30 days'
);

create index session_usr on session (usr_id);

-- Asked for by an owner who was logged in. The address stands here, so that no task's params hold it.
create table email_change (
  email_change_id bigint generated always as identity primary key,
  usr_id bigint not null constraint email_change_usr references usr on delete cascade,
  old_email text not null,
  new_email text not null,
  created_at timestamptz not null default now(),
  confirmed_at timestamptz
);

create index email_change_usr on email_change (usr_id);

-- One row for each link that a mail carries. The token itself stands in the mail alone.
create table email_token (
  token_hash bytea primary key constraint email_token_hash_length check (octet_length(token_hash) = 32),
  purpose text not null constraint email_token_purpose check (purpose in ('verify', 'reset', 'change', 'revert')),
  usr_id bigint not null constraint email_token_usr references usr on delete cascade,
  -- Of no use once the account has another address.
  email text not null,
  email_change_id bigint constraint email_token_change references email_change on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

create index email_token_usr on email_token (usr_id);
create index email_token_change on email_token (email_change_id) where email_change_id is not null;

-- "I did not sign up": no mail of ours until then.
create table mail_stop (
  email text primary key,
  ends_at timestamptz not null
);

-- Hits of one subject (a client network, an address) since its first one; the window ends at a fixed time.
create table throttle (
  action text,
  subject text,
  hits int not null,
  ends_at timestamptz not null,
  primary key (action, subject)
  -- No index on what changes, and room on the page: updates stay within it (HOT).
) with (fillfactor = 70);
