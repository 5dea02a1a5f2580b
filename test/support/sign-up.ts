import type { Agent } from "supertest";
import type { Sql } from "../../app/db/connect.ts";
import { ada, addLink } from "./accounts.ts";

type SignUp = {
  /** The cookie that marks the browser. */
  cookie: string;
  /** The token of the link in the mail. */
  token: string;
  usrId: string;
};

/** Signs up as a browser does. */
export async function signUpBy(site: Agent, sql: Sql, person = ada): Promise<SignUp> {
  const response = await site.post("/signup").type("form").send(person).expect(303);
  const cookie = /signup=[\w-]+/.exec(response.get("Set-Cookie")!.join())![0];
  const [user] = await sql<{ usr_id: string }[]>`select usr_id from usr where email = ${person.email}`;
  return { cookie, token: await addLink(sql, "verify", user!.usr_id), usrId: user!.usr_id };
}

/** The pending mails and their users. */
export const pendingMails = (sql: Sql) => sql<{ task_type: string; email: string }[]>`
  select task.task_type, usr.email
  from task
  left join usr on usr.usr_id::text = task.params ->> 'usr_id'
  order by task_type desc, task_id
`;
