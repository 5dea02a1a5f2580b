import type { Sql } from "../../app/db/connect.ts";
import { addUser, openSession } from "./accounts.ts";

export const operatorEmail = "olga@example.com";

/** A browser in which an operator is logged in: the cookie that it sends. */
export async function logInOperator(sql: Sql): Promise<string> {
  const usrId = await addUser(sql, { email: operatorEmail, password: "twelve engines hum" });
  await sql`insert into operator (usr_id) values (${usrId})`;
  return openSession(sql, usrId);
}

/** Moves tasks that are owed to where the dead are. */
export async function moveToDead(sql: Sql, taskType: string, reason = "no luck"): Promise<void> {
  await sql`
    with gone as (delete from task where task_type = ${taskType} returning *)
    insert into task_dead (task_id, task_type, params, priority, attempt, unique_key, reason, created_at)
    select task_id, task_type, params, priority, 5, unique_key, ${reason}, created_at
    from gone
  `;
}

/** What operators have done, and who it was. */
export const operatorActions = (sql: Sql) => sql`
  select data, email as who
  from event
  join usr using (usr_id)
  where event_type = 'OPERATOR_ACTED'
  order by event_id
`;
