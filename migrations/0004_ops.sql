-- Membership is the right to open the operations page.
create table operator (
  usr_id bigint primary key constraint operator_usr references usr on delete cascade,
  granted_at timestamptz not null default now()
);

-- What operators did to a task, for its page.
create index event_operator_task on event ((data ->> 'task_id')) where event_type = 'OPERATOR_ACTED';
