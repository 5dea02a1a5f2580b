import { onTestFinished } from "vitest";
import { createMailer } from "../../worker/mail/mailer.ts";
import type { Task } from "../../worker/engine/task.ts";
import { errorText, failureOf } from "../../worker/engine/errors.ts";
import type { Answer, ScriptedSmtp, Stage } from "./smtp-dialogue.ts";

/** The task of a welcome mail, in its first attempt. */
export const mailTask: Task = {
  task_id: "7",
  task_type: "SEND_EMAIL_WELCOME",
  params: {},
  priority: 0,
  attempt: 1,
  crashes: 0,
  worker_id: "",
  run_at: "",
  due_since: 0,
  born: "1795168799.123456",
  claimed_at: new Date("2026-11-20T10:00:00Z"),
};

/** As below, with a user name and a password. */
export const mailToScripted = ({ url }: ScriptedSmtp) => mailTo(url.replace("//", "//ada%40login.example:secret@"));

/** A mailer that waits at most half a second for a response. */
export const mailTo = (url: string, connections = 1) =>
  mailWithWorkerTimeouts(`${url}${url.includes("?") ? "&" : "?"}socketTimeout=500&greetingTimeout=500`, connections);

/** As above, with the worker's time-outs. */
export function mailWithWorkerTimeouts(url: string, connections = 1) {
  const mailer = createMailer({
    ORIGIN: "https://signup.example.com",
    SMTP_URL: url,
    MAIL_FROM: "hello@example.com",
    WORKER_CONCURRENCY: connections,
  });
  onTestFinished(() => mailer.close());
  return (attempt: Partial<Task> = {}, signal = new AbortController().signal, to = "o'brien@people.example") =>
    mailer
      .send({ task: { ...mailTask, ...attempt }, signal }, { view: "already-registered", subject: "Welcome", to })
      .then(
        () => ({ outcome: "sent", error: "" }),
        (thrown: unknown) => ({ outcome: failureOf(thrown).kind, error: errorText(thrown) }),
      );
}

/** A script: one response at one stage. */
export const at = (stage: Stage, answer: Answer) => (dialogue: { stage: Stage }) =>
  dialogue.stage === stage ? answer : undefined;
