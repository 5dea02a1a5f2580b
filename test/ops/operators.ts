import type { Sql } from "../../app/db/connect.ts";
import { addUser, openSession } from "../support/accounts.ts";

export const operatorEmail = "olga@example.com";

/** Logs an operator in; returns the cookie. */
export async function logInOperator(sql: Sql, columns: object = {}): Promise<string> {
  const usrId = await addUser(sql, { email: operatorEmail, password: "twelve engines hum" });
  await sql`insert into operator (usr_id) values (${usrId})`;
  return openSession(sql, usrId, columns);
}

/** Moves the pending tasks of a type to the dead ones. */
export async function moveToDead(sql: Sql, taskType: string, reason = "no luck"): Promise<void> {
  await sql`
    with gone as (delete from task where task_type = ${taskType} returning *)
    insert into task_dead (task_id, task_type, params, priority, attempt, unique_key, reason, created_at)
    select task_id, task_type, params, priority, 5, unique_key, ${reason}, created_at
    from gone
  `;
}
