import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import type { MakeLink } from "./email-link.ts";
import type { Letter, Mailer } from "./mailer.ts";
import { defineHandler, equalJitter, type Handler } from "../engine/task.ts";

/** What a type may set for itself, such as `maxAttempts`. */
type Limits = Partial<Omit<Handler, "params" | "run">>;

type Options<Params> = Limits & {
  view: string;
  subject: string;
  params: z.ZodType<Params>;
  /** The recipient and the data. Undefined when the recipient is gone: the task is done. */
  letter: (params: Params) => Promise<Letter | undefined>;
};

export const id = z.union([z.string().regex(/^\d{1,18}$/), z.int().positive()]).transform(String);
export const aboutUser = z.object({ usr_id: id });
const someUser = aboutUser.partial();

/** A handler that sends one mail. */
export function letterHandler<Params>(mailer: Mailer, options: Options<Params>): Handler {
  const { view, subject, params, letter, ...limits } = options;
  return defineHandler({
    params,
    maxAttempts: 5,
    timeoutSeconds: 60,
    backoffSeconds,
    // Twice is better than never, and mail programs show a Message-ID once.
    afterUnknown: "retry",
    ...limits,

    async run(attempt) {
      const found = await letter(attempt.params);
      if (!found) return;
      await mailer.send(attempt, { view, subject, ...found });
      const { task_id, task_type } = attempt.task;
      const { usr_id = found.usr_id } = someUser.parse(attempt.params);
      // The account page shows the subject, so it must not hold an address: events outlive the account.
      attempt.emit({ event_type: "MAIL_SENT", usr_id, data: { task_type, task_id, subject } });
    },
  });
}

type UserMail = Limits & { view: string; subject: string; path?: string };

/** A handler that sends a user a mail that needs no data but the address. User 0 does not exist: no mail. */
export function mailHandler(sql: Sql, mailer: Mailer, { path = "/", ...mail }: UserMail): Handler {
  return letterHandler(mailer, {
    ...mail,
    params: aboutUser,
    async letter({ usr_id }) {
      const [user] = await sql<{ to: string }[]>`
        select email as to
        from usr
        where usr_id = ${usr_id}
      `;
      return user && { ...user, path };
    },
  });
}

const notice = aboutUser.extend({ version: z.int().optional() });

/**
 * A handler that tells an owner what was done to the account, with a link to secure it. No mail once the version of the
 * user has been raised: the owner has secured the account, or another mail has told of the change.
 */
export function noticeHandler(makeLink: MakeLink, mailer: Mailer, { view, subject }: Omit<UserMail, "path">): Handler {
  return letterHandler(mailer, {
    view,
    subject,
    params: notice,
    letter: ({ usr_id, version }) => makeLink("secure", usr_id, version),
  });
}

/**
 * Seconds before the next attempt: 20 s, 5.5 min, 3 h, 46 h, less jitter. Greylisting lasts 300 s from the first
 * attempt or the second; the third comes 315 to 350 s after the first. The last attempt outlasts an outage of a day.
 */
function backoffSeconds(attempt: number): number {
  if (attempt === 1) return equalJitter(20);
  if (attempt === 2) return 305 + 25 * Math.random();
  return equalJitter(attempt === 3 ? 3 * 3600 : 46 * 3600);
}
