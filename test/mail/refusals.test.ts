import { describe, expect, it } from "vitest";
import { mailTo } from "../support/mail-to.ts";
import { prepareMails } from "../support/mails.ts";
import { scriptSmtp } from "../support/scripted-smtp.ts";
import type { Answer, ScriptedSmtp } from "../support/smtp-dialogue.ts";
import { until } from "../support/until.ts";

const isBad = (address: string) => address.startsWith("bad");

/** A server that refuses recipients whose address begins with "bad". */
const refuseBad = (answer: Answer = "554 5.7.1 <host>: Client host rejected: Access denied") =>
  scriptSmtp(({ stage, to }) => (stage === "RCPT" && isBad(to) ? answer : undefined));

/** Sends to these addresses, one after the other, and returns the outcomes. */
function startSending({ url }: ScriptedSmtp, connections = 1) {
  const send = mailTo(url, connections);
  const sendTo = async (address: string, born?: string) =>
    (await send(born ? { born } : {}, undefined, `${address}@people.example`)).outcome;
  return {
    sendTo,
    inTurn: async (...addresses: string[]) => {
      const outcomes: string[] = [];
      for (const address of addresses) outcomes.push(await sendTo(address));
      return outcomes;
    },
  };
}

describe("a refusal at RCPT that may mean the recipient or us", () => {
  it.each<Answer>([
    "554 5.7.1 <host>: Client host rejected: Access denied",
    "454 4.7.1 <ada@people.example>: Relay access denied",
    "451 4.3.0 Temporary lookup failure",
  ])("costs no attempt when mails under way at the same time get it too: %s", async (answer) => {
    const { sendTo } = startSending(await refuseBad(answer), 10);
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, n) => sendTo(`bad${n}`)));
    expect(new Set(outcomes)).toEqual(new Set(["service down"]));
  });

  it("is about us from the third recipient in a row on, until a mail is accepted", async () => {
    const { inTurn } = startSending(await refuseBad());
    expect(await inTurn("bad1", "bad2", "bad3", "bad4")).toEqual(["retry", "retry", "service down", "service down"]);
    expect(await inTurn("good", "bad4", "bad5")).toEqual(["sent", "retry", "retry"]);
  });

  it("lets other recipients try when it comes again", async () => {
    const { inTurn } = startSending(await refuseBad());
    await inTurn("bad1", "bad2", "bad3");
    expect(await inTurn("bad3", "bad1", "good")).toEqual(["snooze", "snooze", "sent"]);
  });

  it("is about the recipient when only one is refused repeatedly", async () => {
    const { inTurn } = startSending(await refuseBad());
    expect(await inTurn("bad", "bad", "bad", "bad")).toEqual(["retry", "retry", "retry", "retry"]);
  });

  it("costs an attempt when the mail is older than three days", async () => {
    const { sendTo } = startSending(await refuseBad());
    for (const address of ["bad1", "bad2", "bad3"]) expect(await sendTo(address, "1794900000.123456")).toBe("retry");
  });

  it("is greylisting when it says so", async () => {
    const { inTurn } = startSending(await refuseBad("451 4.7.1 Greylisting in action, please come back later"));
    expect(await inTurn("bad1", "bad2", "bad3")).toEqual(["retry", "retry", "retry"]);
  });
});

describe("among good recipients", () => {
  it("one that is always refused delays none of 100, and is dead after five starts", async () => {
    const server = await refuseBad();
    const { sql, MAIL, enqueueTo, start } = await prepareMails(server, 10);
    await enqueueTo("bad");
    for (let n = 0; n < 100; n += 1) await enqueueTo(`good${n}`);
    const engine = await start({ ...MAIL, backoffSeconds: () => 0 });

    await until("all mails are sent", () => server.mails.length === 100);
    await until("the one is dead", async () => (await sql`select from task_dead`).length === 1);
    expect(await sql`select params, attempt from task_dead`).toEqual([{ params: { to: "bad" }, attempt: 5 }]);
    expect(await sql`select distinct task_id from task_error`).toHaveLength(1);
    expect(server.stages.filter((stage) => stage === "RCPT")).toHaveLength(105);
    expect(engine.lines.filter(({ msg }) => msg === "the service is down")).toEqual([]);
  });

  it("three that are refused in a row do not keep the others from their mails", async () => {
    const server = await refuseBad();
    const { enqueueTo, start } = await prepareMails(server, 1);
    for (const to of ["bad1", "bad2", "bad3", "good1", "good2", "good3"]) await enqueueTo(to);
    await start();
    await until("the others are sent", () => server.mails.length === 3);
    expect(server.mails.some(({ to }) => isBad(to))).toBe(false);
  });
});
