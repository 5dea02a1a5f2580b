import { onTestFinished } from "vitest";
import { errorText } from "../../worker/error-text.ts";
import { createMailer } from "../../worker/mailer.ts";
import type { Task } from "../../worker/task.ts";
import { verdictOf } from "../../worker/verdict.ts";
import type { Answer, ScriptedSmtp, Stage } from "./smtp-dialogue.ts";

const task: Task = {
  task_id: "7",
  task_type: "SEND_EMAIL_WELCOME",
  params: {},
  priority: 0,
  attempt: 1,
  crashes: 0,
  worker_id: "",
  run_at: "",
  due_since: 0,
  born: "1790000000.123456",
  claimed_at: new Date("2026-11-20T10:00:00Z"),
};

/** A mailer with one line to the server, which logs in and waits at most half a second for any answer. */
export function mailTo(server: ScriptedSmtp, url = server.url.replace("//", "//ada%40login.example:secret@")) {
  const mailer = createMailer({
    ORIGIN: "https://signup.example.com",
    SMTP_URL: `${url}?socketTimeout=500&greetingTimeout=500`,
    MAIL_FROM: "hello@example.com",
    WORKER_CONCURRENCY: 1,
  });
  onTestFinished(() => mailer.close());
  return (attempt: Partial<Task> = {}, signal = new AbortController().signal) =>
    mailer
      .send(
        { task: { ...task, ...attempt }, signal },
        { view: "already-registered", subject: "Welcome", to: "o'brien@people.example" },
      )
      .then(
        () => ({ verdict: "sent", error: "" }),
        (thrown: unknown) => ({ verdict: verdictOf(thrown).kind, error: errorText(thrown) }),
      );
}

/** A script: one answer at one stage. */
export const at = (stage: Stage, answer: Answer) => (dialogue: { stage: Stage }) =>
  dialogue.stage === stage ? answer : undefined;
