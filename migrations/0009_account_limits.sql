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
