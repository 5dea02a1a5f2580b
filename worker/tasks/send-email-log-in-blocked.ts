import type { Sql } from "../../app/db/connect.ts";
import { siteName } from "../../app/env.ts";
import { aboutUser, letterHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** Tells the owner that too many wrong passwords were entered, and how to get in all the same. User 0 is nobody: no mail. */
export function sendEmailLogInBlocked(sql: Sql, mailer: Mailer): Handler {
  return letterHandler(mailer, {
    view: "log-in-blocked",
    subject: `Too many wrong passwords for your account at ${siteName}`,
    params: aboutUser,
    async letter({ usr_id }) {
      const [user] = await sql<{ to: string }[]>`select email as to from usr where usr_id = ${usr_id}`;
      return user && { ...user, path: "/password/forgot" };
    },
  });
}
