import { describe, expect, it, onTestFinished } from "vitest";
import { errorText } from "../../worker/error-text.ts";
import { createMailer } from "../../worker/mailer.ts";
import type { Task } from "../../worker/task.ts";
import { verdictOf } from "../../worker/verdict.ts";
import { scriptSmtp } from "../support/scripted-smtp.ts";
import type { Answer, ScriptedSmtp, Stage } from "../support/smtp-dialogue.ts";
import { until } from "../support/until.ts";

const task: Task = {
  task_id: "7",
  task_type: "SEND_EMAIL_WELCOME",
  params: {},
  priority: 0,
  attempt: 1,
  unsettled: 0,
  worker_id: "",
  run_at: "",
  due_since: 0,
  born: "1790000000.123456",
  claimed_at: new Date("2026-11-20T10:00:00Z"),
};

/** A mailer with one line to the server, which logs in and waits at most half a second for any answer. */
function mailTo(server: ScriptedSmtp, url = server.url.replace("//", "//ada%40login.example:secret@")) {
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

const at = (stage: Stage, answer: Answer) => (dialogue: { stage: Stage }) =>
  dialogue.stage === stage ? answer : undefined;

describe("a mail that the server does not take", () => {
  it.each<[Stage, Answer, string]>([
    ["greeting", "421 4.3.2 Closing", "outside down"],
    ["greeting", "451 4.3.0 Busy", "retry"],
    ["greeting", "554 5.7.1 We do not like you", "outside down"],
    ["greeting", "cut", "retry"],
    ["greeting", "hang", "retry"],
    ["EHLO", "421 4.3.2 Closing", "outside down"],
    ["EHLO", "550 5.5.1 No", "outside down"],
    ["EHLO", "cut", "retry"],
    ["AUTH", "421 4.3.2 Closing", "outside down"],
    ["AUTH", "454 4.7.0 Temporary authentication failure", "retry"],
    ["AUTH", "535 5.7.8 ada@login.example: bad credentials", "outside down"],
    ["AUTH", "cut", "retry"],
    ["AUTH", "hang", "retry"],
    ["MAIL", "421 4.3.2 Closing", "outside down"],
    ["MAIL", "450 4.2.1 Later", "retry"],
    ["MAIL", "530 5.7.0 Authentication required", "outside down"],
    ["MAIL", "550 5.7.1 hello@example.com may not send", "outside down"],
    ["MAIL", "cut", "retry"],
    ["MAIL", "hang", "retry"],
    ["RCPT", "421 4.3.2 Closing", "outside down"],
    ["RCPT", "450 4.2.0 <o'brien@people.example>: greylisted", "retry"],
    ["RCPT", "550 5.1.1 <o'brien@people.example>: nobody here", "permanent"],
    ["RCPT", "cut", "retry"],
    ["RCPT", "hang", "retry"],
    ["DATA", "421 4.3.2 Closing", "outside down"],
    ["DATA", "451 4.3.0 Later", "retry"],
    ["DATA", "554 5.5.1 No", "permanent"],
    ["DATA", "cut", "retry"],
    ["DATA", "hang", "retry"],
    ["end", "421 4.3.2 Closing", "outside down"],
    ["end", "451 4.3.0 o'brien@people.example is over quota", "retry"],
    ["end", "554 5.7.1 Spam", "permanent"],
    ["end", "cut", "outcome unknown"],
    ["end", "hang", "outcome unknown"],
  ])("at %s, told %s: %s", async (stage, answer, verdict) => {
    const server = await scriptSmtp(at(stage, answer));
    const sent = await mailTo(server)();

    expect(sent.verdict).toBe(verdict);
    expect(server.mails).toHaveLength(stage === "end" ? 1 : 0);
    expect(server.stages.at(-1)).toBe(stage);
    // The server's words are kept, people's addresses are not.
    expect(sent.error).toContain(/^\d+ [\d.]+/.exec(answer ?? "")?.[0] ?? "");
    expect(sent.error).not.toMatch(/@|o'|brien/);
    expect(sent.error).not.toBe("");
  });

  it("has the setting named when the login fails", async () => {
    const server = await scriptSmtp(at("AUTH", "535 5.7.8 No"));
    expect((await mailTo(server)()).error).toContain("SMTP_URL");
  });

  it.each(["127.0.0.1", "localhost", "[::1]"])("opens the breaker when %s refuses the connection", async (host) => {
    const server = await scriptSmtp();
    await server.close();
    const sent = await mailTo(server, server.url.replace("127.0.0.1", host))();
    expect(sent.verdict).toBe("outside down");
    expect(sent.error).toContain("SMTP_URL");
  });

  it("opens the breaker when there is no such host", async () => {
    const sent = await mailTo(await scriptSmtp(), "smtp://nowhere.invalid")();
    expect(sent.verdict).toBe("outside down");
  });
});

describe("one task", () => {
  it("carries one Message-ID and the database's date on every attempt", async () => {
    const server = await scriptSmtp();
    const send = mailTo(server);
    for (const attempt of [1, 2, 3]) expect((await send({ attempt })).verdict).toBe("sent");

    expect(new Set(server.mails.map(({ id }) => id))).toEqual(new Set(["<task.7.1790000000123456@example.com>"]));
    expect(new Set(server.mails.map(({ date }) => date))).toEqual(new Set(["Fri, 20 Nov 2026 10:00:00 +0000"]));
  });
});

describe("a pooled connection", () => {
  it("is used again, after a refused mail too", async () => {
    let refusal: Answer = "550 5.1.1 Nobody";
    const server = await scriptSmtp(({ stage }) => (stage === "RCPT" ? refusal : undefined));
    const send = mailTo(server);
    expect((await send()).verdict).toBe("permanent");
    refusal = undefined;
    expect((await send()).verdict).toBe("sent");
    expect((await send()).verdict).toBe("sent");
    expect(server.connections).toBe(1);
  });

  it("is replaced when the server has closed it between two mails", async () => {
    const server = await scriptSmtp();
    const send = mailTo(server);
    expect((await send()).verdict).toBe("sent");
    server.cut();
    // At once, before the close may have been seen.
    expect((await send()).verdict).toBe("sent");
    expect(server.mails).toHaveLength(2);
  });

  it.each<Answer>(["421 4.7.0 Too many messages on this line", "cut"])(
    "costs no attempt when it is worn out: %s",
    async (answer) => {
      const server = await scriptSmtp(({ stage, mails }) => (stage === "MAIL" && mails > 0 ? answer : undefined));
      const send = mailTo(server);
      for (const task_id of ["1", "2", "3"]) expect((await send({ task_id })).verdict).toBe("sent");
      expect(server.mails.map(({ id }) => id.slice(0, 7))).toEqual(["<task.1", "<task.2", "<task.3"]);
    },
  );

  it("is not used twice for a mail whose last byte has gone out", async () => {
    const server = await scriptSmtp(({ stage, mails }) => (stage === "end" && mails > 0 ? "cut" : undefined));
    const send = mailTo(server);
    expect((await send()).verdict).toBe("sent");
    expect((await send()).verdict).toBe("outcome unknown");
    expect(server.mails).toHaveLength(2);
  });

  it("is closed at once when the task is aborted, and the next mail goes out on another", async () => {
    let isSilent = true;
    const server = await scriptSmtp(({ stage }) => (stage === "DATA" && isSilent ? "hang" : undefined));
    const send = mailTo(server);
    const abort = new AbortController();
    const first = send({}, abort.signal);
    await until("the server is asked", () => server.stages.includes("DATA"));
    const started = performance.now();
    abort.abort(new Error("The attempt has ended."));
    await first;
    expect(performance.now() - started).toBeLessThan(200);

    isSilent = false;
    expect((await send()).verdict).toBe("sent");
    expect(server.mails).toHaveLength(1);
  });

  it("is not waited for by a mail that is aborted in the queue", async () => {
    const server = await scriptSmtp(at("MAIL", "hang"));
    const send = mailTo(server);
    const first = send();
    const abort = new AbortController();
    const second = send({}, abort.signal);
    abort.abort();
    expect((await second).verdict).toBe("retry");
    expect((await first).verdict).toBe("retry");
    expect(server.stages.filter((stage) => stage === "MAIL")).toHaveLength(1);
  });
});
