-- Mail servers deliver ann+anything@example.com to ann@example.com. Limits and stops count that mailbox, or whoever adds tags
-- could send it any number of mails.
create function mailbox_of(email text) returns text
language sql immutable strict parallel safe
return regexp_replace(email, '^([^@+]+)\+[^@]*@', '\1@');

-- mail_stop.email is a mailbox from now on.
with tagged as (
  delete from mail_stop
  where email <> mailbox_of(email)
  returning email, ends_at
)
insert into mail_stop (email, ends_at)
select mailbox_of(email), max(ends_at)
from tagged
group by mailbox_of(email)
on conflict (email) do update set ends_at = greatest(mail_stop.ends_at, excluded.ends_at);

-- Wrong passwords in a row for one address, over all networks; a success or a mailed link deletes the row. Addresses without an
-- account are counted, too, and pruned.
create table log_in_failure (
  email text primary key,
  failures int not null,
  failed_at timestamptz not null default now()
) with (fillfactor = 70);

-- Who has had too many of them logs in only from a browser that was logged in to the account before: its cookie outlives the session.
create table known_browser (
  token_hash bytea constraint known_browser_token_hash_length check (octet_length(token_hash) = 32),
  usr_id bigint constraint known_browser_usr references usr on delete cascade,
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  primary key (token_hash, usr_id)
);

create index known_browser_usr on known_browser (usr_id);
