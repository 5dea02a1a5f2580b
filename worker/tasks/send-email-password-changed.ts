import type { Sql } from "../../app/db/connect.ts";
import { siteName } from "../../app/env.ts";
import { aboutUser, letterHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** Tells the owner that the password is another one, and what to do if it was not them. */
export function sendEmailPasswordChanged(sql: Sql, mailer: Mailer): Handler {
  return letterHandler(mailer, {
    view: "password-changed",
    subject: `Your password at ${siteName} was changed`,
    params: aboutUser,
    async letter({ usr_id }) {
      const [user] = await sql<{ to: string }[]>`select email as to from usr where usr_id = ${usr_id}`;
      return user && { ...user, path: "/password/forgot" };
    },
  });
}
