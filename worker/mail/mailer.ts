import { fileURLToPath } from "node:url";
import ejs from "ejs";
import { createTransport } from "nodemailer";
import { siteName, type WorkerEnv } from "../../app/env.ts";
import { equalJitter, type Attempt, type Task } from "../engine/task.ts";
import { OutcomeUnknown, Permanent, ServiceDown, Snooze } from "../engine/errors.ts";
import { createConnectionLimit } from "./connection-limit.ts";
import { createRefusals } from "./refusals.ts";
import { readSmtpError, type SmtpFailure } from "./smtp-errors.ts";

export type Letter = {
  to: string;
  /** The user, if the params name none. */
  usr_id?: string;
  /** Path on our site that the mail's button leads to; default "/". */
  path?: string;
  /** Further locals of the views. */
  data?: Record<string, string>;
};

export type Mail = { view: string; subject: string } & Letter;

export type Mailer = {
  /** Resolves when the server has accepted the mail. All attempts of a task have one Message-ID. */
  send(attempt: Pick<Attempt<unknown>, "task" | "signal">, mail: Mail): Promise<void>;
  close(): void;
};

/** The longest pause of a recipient that was refused together with others: other recipients go first. */
const longestPauseSeconds = 60;
const maxAgeSeconds = 3 * 24 * 3600;

const isTooOld = ({ claimed_at, born }: Task) => claimed_at.getTime() / 1000 - Number(born) > maxAgeSeconds;

type Settings = Pick<WorkerEnv, "ORIGIN" | "SMTP_URL" | "MAIL_FROM" | "WORKER_CONCURRENCY">;

/** Sends mails from `views/mail/` through pooled SMTP connections, one for each running task. */
export function createMailer(env: Settings): Mailer {
  const transport = createTransport({
    url: env.SMTP_URL,
    pool: true,
    maxConnections: env.WORKER_CONCURRENCY,
    // For connections that end before the first byte of a mail: many servers close one after some mails.
    maxRequeues: 2,
    // From DNS to the end of STARTTLS, then for each response. The sum is below the time-out of the task.
    connectionTimeout: 10_000,
    socketTimeout: 30_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  /** Message-IDs of the mails whose last byte was sent. */
  const whole = new Set<string>();
  transport.use("stream", (mail, done) => {
    const id = mail.message.messageId();
    // The mail is composed before the SMTP dialogue. Its end is read only after the server has asked for the data.
    mail.message.processFunc((composed) => composed.once("end", () => whole.add(id)));
    done();
  });

  const connections = createConnectionLimit(
    env.WORKER_CONCURRENCY,
    (error) => readSmtpError(error, false).kind === "no room",
  );
  const refusals = createRefusals();

  /** The error to throw, by which the engine decides what to do with the task. */
  async function errorFor({ kind, message }: SmtpFailure, task: Task, to: string, cause: unknown): Promise<unknown> {
    if (kind === "service down" || kind === "no room") return new ServiceDown(message, cause);
    if (kind === "permanent") return new Permanent(message, cause);
    if (kind === "outcome unknown") return new OutcomeUnknown(message, cause);
    if (kind === "retry") return new Error(message, { cause });

    const refused = await refusals.judge(to, connections.count > 0);
    // A recipient that is always refused must use up its attempts after some days.
    if (refused === "recipient" || isTooOld(task)) return cause;
    if (refused === "us")
      return new ServiceDown(`The mail server refuses one recipient after the other. ${message}`, cause);
    return new Snooze(equalJitter(longestPauseSeconds), `The mail server still refuses this recipient. ${message}`);
  }

  return {
    async send({ task, signal }, mail) {
      const [html, text] = await render(mail, env.ORIGIN);
      const id = messageId(task, env.MAIL_FROM);
      const message = {
        from: env.MAIL_FROM,
        // An object: a string would be parsed, and could name several recipients.
        to: { name: "", address: mail.to },
        subject: mail.subject,
        messageId: id,
        // The worker's own clock may be wrong.
        date: task.claimed_at,
        headers: { "Auto-Submitted": "auto-generated" },
        html,
        text,
        signal,
      };
      try {
        await connections.send(() => transport.sendMail(message), signal);
        refusals.accepted();
      } catch (error) {
        throw await errorFor(readSmtpError(error, whole.has(id)), task, mail.to, error);
      } finally {
        whole.delete(id);
      }
    },
    close() {
      connections.close();
      transport.close();
    },
  };
}

/** The HTML and the text of a mail. */
export function render(mail: Mail, origin: string): Promise<[html: string, text: string]> {
  const { view, subject, to, path = "/" } = mail;
  const data = { siteName, origin, subject, email: to, link: origin + path, ...mail.data };
  const file = (kind: string) => fileURLToPath(new URL(`../../views/mail/${view}.${kind}.ejs`, import.meta.url));
  return Promise.all([
    ejs.renderFile(file("html"), data, { cache: true }),
    ejs.renderFile(file("text"), data, { cache: true }),
  ]);
}

/** From the task's id and its time of creation: a recreated database begins with the same ids. */
function messageId({ task_id, born }: Task, from: string): string {
  const domain = /@([^@>]+)>?$/.exec(from)?.[1] ?? "localhost";
  return `<task.${task_id}.${born.replace(".", "")}@${domain}>`;
}
