-- Membership is the state. No cascade on purpose: a statement that deletes a user as unverified at the moment of its
-- verification fails with 23503.
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
  -- Identifies the session on the account page, which must not show the hash.
  session_id bigint generated always as identity constraint session_id_unique unique,
  usr_id bigint not null constraint session_usr references usr on delete cascade,
  -- The session ends when usr.version is raised. Null: it does not.
  usr_version int,
  browser text not null default '' constraint session_browser_length check (length(browser) <= 200),
  address text not null default '' constraint session_address_length check (length(address) <= 100),
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '30 days'
);

create index session_usr on session (usr_id);

-- A change that a logged-in user has asked for. The address is here, because task params must not hold one.
create table email_change (
  email_change_id bigint generated always as identity primary key,
  usr_id bigint not null constraint email_change_usr references usr on delete cascade,
  old_email text not null,
  new_email text not null,
  created_at timestamptz not null default now(),
  confirmed_at timestamptz
);

create index email_change_usr on email_change (usr_id);

-- One row for each link in a mail. Only the mail has the token itself.
create table email_token (
  token_hash bytea primary key constraint email_token_hash_length check (octet_length(token_hash) = 32),
  purpose text not null constraint email_token_purpose check (purpose in ('verify', 'reset', 'change', 'revert')),
  usr_id bigint not null constraint email_token_usr references usr on delete cascade,
  -- The link ends when usr.version is raised. Null: it does not.
  usr_version int,
  -- The address that the link was mailed to.
  email text not null,
  email_change_id bigint constraint email_token_change references email_change on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

create index email_token_usr on email_token (usr_id);
create index email_token_change on email_token (email_change_id) where email_change_id is not null;

-- Mail servers deliver ann+anything@example.com to ann@example.com. Limits and suppressions count that mailbox:
-- otherwise a stranger could add tags and send it any number of mails.
create function mailbox_of(email text) returns text
language sql immutable strict parallel safe
return regexp_replace(email, '^([^@+]+)\+[^@]*@', '\1@');

-- "I did not sign up": the mailbox gets no mail until this time.
create table email_suppression (
  email text primary key,
  ends_at timestamptz not null
);

-- Hits of one subject (a client network, a mailbox) since its first one. The window ends at a fixed time.
create table rate_limit (
  action text,
  subject text,
  hits int not null,
  ends_at timestamptz not null,
  primary key (action, subject)
  -- Updated in place: no index names the columns that change, and the page has room.
) with (fillfactor = 70);

-- Wrong passwords in a row for one address, over all networks. A successful log-in or a mailed link deletes the row.
-- Addresses without an account are counted too, and pruned.
create table log_in_failure (
  email text primary key,
  failures int not null,
  failed_at timestamptz not null default now()
) with (fillfactor = 70);

-- After too many wrong passwords, only browsers that were logged in before may log in. Their cookie outlives the
-- session.
create table known_browser (
  token_hash bytea constraint known_browser_token_hash_length check (octet_length(token_hash) = 32),
  usr_id bigint constraint known_browser_usr references usr on delete cascade,
  -- The browser becomes unknown when usr.version is raised.
  usr_version int not null,
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  primary key (token_hash, usr_id)
);

create index known_browser_usr on known_browser (usr_id);
