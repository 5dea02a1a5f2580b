-- The secrets that rotations have replaced, the latest first. Until they expire, each signs every message beside the new
-- one, so a receiver has a day to take it. They are in the row of the endpoint: a delivery reads both at one moment.
alter table webhook
  add old_secrets text[] not null default '{}',
  add old_secrets_expire_at timestamptz,
  add constraint webhook_old_secrets_expire check ((old_secrets = '{}') = (old_secrets_expire_at is null));
