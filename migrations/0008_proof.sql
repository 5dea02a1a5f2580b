-- When the user last proved who they are in this session: by the log-in, or by the password or a like proof since. A
-- session from before this column has no proof.
alter table session add column proved_at timestamptz not null default 'epoch';
alter table session alter column proved_at set default now();

-- Where the request came from that caused a mail about security. The mail names it. The task's params hold its id
-- alone, because they stay in task_dead.
create table mail_cause (
  mail_cause_id bigint generated always as identity primary key,
  -- User 0 does not exist. No foreign key: its check would take longer for addresses that have an account, and the mail
  -- about a deletion outlives the account.
  usr_id bigint not null,
  browser text not null constraint mail_cause_browser_length check (length(browser) <= 100),
  network text not null constraint mail_cause_network_length check (length(network) <= 100),
  created_at timestamptz not null default now()
);

create index mail_cause_usr on mail_cause (usr_id);

alter table email_token
  drop constraint email_token_purpose,
  add constraint email_token_purpose check (purpose in ('verify', 'reset', 'change', 'revert', 'secure'));

-- Records a cause. Returns the params of the mail's task.
create function mail_params(usr_id bigint, browser text, network text) returns jsonb
language sql
as $$
  insert into mail_cause (usr_id, browser, network)
  values (mail_params.usr_id, mail_params.browser, mail_params.network)
  returning jsonb_build_object('usr_id', usr_id::text, 'mail_cause_id', mail_cause_id::text)
$$;
