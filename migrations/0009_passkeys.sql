-- The public key of a credential that a device of the user holds.
create table passkey (
  passkey_id bigint generated always as identity primary key,
  usr_id bigint not null constraint passkey_usr references usr on delete cascade,
  -- The passkey ends when usr.version is raised, unless a session is carried over to the new version (below).
  usr_version int not null,
  -- Base64url, as browsers send it.
  credential_id text not null
    constraint passkey_credential_unique unique
    constraint passkey_credential_length check (length(credential_id) between 1 and 1400),
  public_key bytea not null,
  -- Signatures so far, if the device counts them; else 0.
  counter bigint not null,
  name text not null constraint passkey_name_length check (length(name) between 1 and 60),
  created_at timestamptz not null default now(),
  used_at timestamptz
);

create index passkey_usr on passkey (usr_id);

-- A change in a session carries that session over to the new version, and with it the passkeys. A reset by mail and a
-- reverted address carry no session over, so they end all passkeys: a thief may have added one. A trigger, because the
-- statements of the core do not know this table.
create function carry_passkeys() returns trigger language plpgsql as $$
begin
  update passkey
  set usr_version = new.usr_version
  where usr_id = new.usr_id and usr_version = new.usr_version - 1;
  return null;
end
$$;

create trigger session_carries_passkeys
after update of usr_version on session
for each row when (old.usr_version is distinct from new.usr_version)
execute function carry_passkeys();

-- The passkey that began a session, or was its last proof.
create table passkey_session (
  session_id bigint primary key constraint passkey_session_session references session (session_id) on delete cascade,
  passkey_id bigint not null constraint passkey_session_passkey references passkey on delete cascade
);

create index passkey_session_passkey on passkey_session (passkey_id);

-- What a device signs, once. The statement that uses a challenge deletes it.
create table passkey_challenge (
  challenge_hash bytea primary key constraint passkey_challenge_hash_length check (octet_length(challenge_hash) = 32),
  -- SHA-256 of a cookie: no other browser may use the challenge.
  browser_hash bytea not null constraint passkey_challenge_browser_length check (octet_length(browser_hash) = 32),
  expires_at timestamptz not null default now() + interval '5 minutes'
);
