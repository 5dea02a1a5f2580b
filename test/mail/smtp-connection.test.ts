import { describe, expect, it } from "vitest";
import { at, mailToScripted } from "../support/mail-to.ts";
import { scriptSmtp } from "../support/scripted-smtp.ts";
import type { Answer } from "../support/smtp-dialogue.ts";
import { until } from "../support/until.ts";

describe("a pooled connection", () => {
  it("is used again, after a refused mail too", async () => {
    let refusal: Answer = "550 5.1.1 Nobody";
    const server = await scriptSmtp(({ stage }) => (stage === "RCPT" ? refusal : undefined));
    const send = mailToScripted(server);
    expect((await send()).outcome).toBe("permanent");
    refusal = undefined;
    expect((await send()).outcome).toBe("sent");
    expect((await send()).outcome).toBe("sent");
    expect(server.connections).toBe(1);
  });

  it("is replaced when the server has closed it between two mails", async () => {
    const server = await scriptSmtp();
    const send = mailToScripted(server);
    expect((await send()).outcome).toBe("sent");
    server.cut();
    // At once, before the close may have been seen.
    expect((await send()).outcome).toBe("sent");
    expect(server.mails).toHaveLength(2);
  });

  it.each<Answer>(["421 4.7.0 Too many messages on this line", "cut"])(
    "costs no attempt when it is worn out: %s",
    async (response) => {
      const server = await scriptSmtp(({ stage, mails }) => (stage === "MAIL" && mails > 0 ? response : undefined));
      const send = mailToScripted(server);
      for (const task_id of ["1", "2", "3"]) expect((await send({ task_id })).outcome).toBe("sent");
      expect(server.mails.map(({ id }) => id.slice(0, 7))).toEqual(["<task.1", "<task.2", "<task.3"]);
    },
  );

  it("is not used twice for a mail whose last byte has gone out", async () => {
    const server = await scriptSmtp(({ stage, mails }) => (stage === "end" && mails > 0 ? "cut" : undefined));
    const send = mailToScripted(server);
    expect((await send()).outcome).toBe("sent");
    expect((await send()).outcome).toBe("outcome unknown");
    expect(server.mails).toHaveLength(2);
  });

  it("is closed at once when the task is aborted, and the next mail goes out on another", async () => {
    let isSilent = true;
    const server = await scriptSmtp(({ stage }) => (stage === "DATA" && isSilent ? "hang" : undefined));
    const send = mailToScripted(server);
    const abort = new AbortController();
    const first = send({}, abort.signal);
    await until("the server is asked", () => server.stages.includes("DATA"));
    const started = performance.now();
    abort.abort(new Error("The attempt has ended."));
    await first;
    expect(performance.now() - started).toBeLessThan(200);

    isSilent = false;
    expect((await send()).outcome).toBe("sent");
    expect(server.mails).toHaveLength(1);
  });

  it("is not waited for by a mail that is aborted in the queue", async () => {
    const server = await scriptSmtp(at("MAIL", "hang"));
    const send = mailToScripted(server);
    const first = send();
    const abort = new AbortController();
    const second = send({}, abort.signal);
    abort.abort();
    expect((await second).outcome).toBe("retry");
    expect((await first).outcome).toBe("retry");
    expect(server.stages.filter((stage) => stage === "MAIL")).toHaveLength(1);
  });
});
