-- The lanes that have pending tasks. Each costs one descent of the index `task_lane`, however many tasks it has.
create view lane as
with recursive lane as (
  (select task_type, priority from task order by task_type, priority limit 1)
  union all
  select next.task_type, next.priority
  from lane
  cross join lateral (
    select task_type, priority
    from task
    where (task.task_type, task.priority) > (lane.task_type, lane.priority)
    order by task_type, priority
    limit 1
  ) as next
)
select task_type, priority from lane;
