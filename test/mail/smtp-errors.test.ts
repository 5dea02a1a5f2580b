import { describe, expect, it } from "vitest";
import { at, mailTo, mailToScripted } from "../support/mail-to.ts";
import { scriptSmtp } from "../support/scripted-smtp.ts";
import type { Answer, Stage } from "../support/smtp-dialogue.ts";

describe("a mail that the server does not take", () => {
  it.each<[Stage, Answer, string]>([
    ["greeting", "421 4.3.2 Closing", "service down"],
    ["greeting", "451 4.3.0 Busy", "service down"],
    ["greeting", "451 Busy", "retry"],
    ["greeting", "554 5.7.1 We do not like you", "service down"],
    ["greeting", "cut", "retry"],
    ["greeting", "hang", "retry"],
    ["EHLO", "421 4.3.2 Closing", "service down"],
    ["EHLO", "550 5.5.1 No", "service down"],
    ["EHLO", "cut", "retry"],
    ["AUTH", "421 4.3.2 Closing", "service down"],
    ["AUTH", "454 4.7.0 Temporary authentication failure", "retry"],
    ["AUTH", "535 5.7.8 ada@login.example: bad credentials", "service down"],
    ["AUTH", "cut", "retry"],
    ["AUTH", "hang", "retry"],
    ["MAIL", "421 4.3.2 Closing", "service down"],
    ["MAIL", "450 4.2.1 Later", "retry"],
    ["MAIL", "452 4.3.1 Insufficient system storage", "service down"],
    ["MAIL", "452 Insufficient system storage", "retry"],
    ["MAIL", "552 5.3.4 Message size exceeds fixed limit", "permanent"],
    ["MAIL", "530 5.7.0 Authentication required", "service down"],
    ["MAIL", "550 5.7.1 hello@example.com may not send", "service down"],
    ["MAIL", "cut", "retry"],
    ["MAIL", "hang", "retry"],
    ["RCPT", "421 4.3.2 Closing", "service down"],
    ["RCPT", "450 4.2.0 <o'brien@people.example>: greylisted", "retry"],
    ["RCPT", "550 5.1.1 <o'brien@people.example>: nobody here", "permanent"],
    ["RCPT", "550 5.2.1 <o'brien@people.example>: disabled", "permanent"],
    ["RCPT", "554 No", "permanent"],
    ["RCPT", "451 4.3.5 <o'brien@people.example>: Server configuration error", "retry"],
    ["RCPT", "450 4.1.8 <hello@example.com>: Sender address rejected: Domain not found", "service down"],
    ["RCPT", "550 5.1.0 <hello@example.com>: Sender address rejected: User unknown", "service down"],
    ["RCPT", "554 5.7.1 <o'brien@people.example>: Relay access denied", "retry"],
    ["RCPT", "454 4.7.1 <o'brien@people.example>: Relay access denied", "retry"],
    ["RCPT", "cut", "retry"],
    ["RCPT", "hang", "retry"],
    ["DATA", "421 4.3.2 Closing", "service down"],
    ["DATA", "451 4.3.0 Later", "retry"],
    ["DATA", "554 5.5.1 No", "permanent"],
    ["DATA", "cut", "retry"],
    ["DATA", "hang", "retry"],
    ["end", "421 4.3.2 Closing", "service down"],
    ["end", "451 4.3.0 o'brien@people.example is over quota", "retry"],
    ["end", "554 5.7.1 Spam", "permanent"],
    ["end", "cut", "outcome unknown"],
    ["end", "hang", "outcome unknown"],
  ])("at %s, after the reply %s: %s", async (stage, response, outcome) => {
    const server = await scriptSmtp(at(stage, response));
    const sent = await mailToScripted(server)();

    expect(sent.outcome).toBe(outcome);
    expect(server.mails).toHaveLength(stage === "end" ? 1 : 0);
    expect(server.stages.at(-1)).toBe(stage);
    // The server's words are kept, people's addresses are not.
    expect(sent.error).toContain(/^\d+ [\d.]+/.exec(response ?? "")?.[0] ?? "");
    expect(sent.error).not.toMatch(/@|o'|brien/);
    expect(sent.error).not.toBe("");
  });

  it("has the setting named when the login fails", async () => {
    const server = await scriptSmtp(at("AUTH", "535 5.7.8 No"));
    expect((await mailToScripted(server)()).error).toContain("SMTP_URL");
  });

  it.each(["127.0.0.1", "localhost", "[::1]"])("opens the breaker when %s refuses the connection", async (host) => {
    const server = await scriptSmtp();
    await server.close();
    const sent = await mailTo(server.url.replace("127.0.0.1", host))();
    expect(sent.outcome).toBe("service down");
    expect(sent.error).toContain("SMTP_URL");
  });

  it("opens the breaker when there is no such host", async () => {
    const sent = await mailTo("smtp://nowhere.invalid")();
    expect(sent.outcome).toBe("service down");
  });
});

describe("one task", () => {
  it("carries one Message-ID and the database's date on every attempt", async () => {
    const server = await scriptSmtp();
    const send = mailToScripted(server);
    for (const attempt of [1, 2, 3]) expect((await send({ attempt })).outcome).toBe("sent");

    expect(new Set(server.mails.map(({ id }) => id))).toEqual(new Set(["<task.7.1795168799123456@example.com>"]));
    expect(new Set(server.mails.map(({ date }) => date))).toEqual(new Set(["Fri, 20 Nov 2026 10:00:00 +0000"]));
  });
});
