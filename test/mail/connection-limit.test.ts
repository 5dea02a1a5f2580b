import { afterEach, describe, expect, it, vi } from "vitest";
import { createConnectionLimit } from "../../worker/mail/connection-limit.ts";
import { mailTo } from "../support/mail-to.ts";
import { prepareMails } from "../support/mails.ts";
import { scriptSmtp } from "../support/scripted-smtp.ts";
import type { Stage } from "../support/smtp-dialogue.ts";
import { isEmpty } from "../support/engine.ts";
import { until } from "../support/until.ts";

const tooMany = "421 4.7.0 mail.example Error: too many connections from 127.0.0.1";

describe("a mail server that allows fewer connections than there are slots", () => {
  it.each<Stage>(["greeting", "EHLO", "MAIL"])(
    "gets all mails at their first attempt, with 421 at %s",
    async (stage) => {
      const server = await scriptSmtp((at) => (at.stage === stage && at.place > 50 ? tooMany : undefined));
      const { sql, enqueueTo, start } = await prepareMails(server, 80);
      await Promise.all(Array.from({ length: 100 }, (_, n) => enqueueTo(`ada${n}`)));
      const engine = await start();

      await until("all tasks are done", () => isEmpty(sql));
      expect(new Set(server.mails.map(({ to }) => to)).size).toBe(100);
      expect(await sql`select error from task_error`).toEqual([]);
      expect(engine.lines.filter(({ level }) => level !== 30)).toEqual([]);
    },
  );

  it("counts as down when it accepts no connection, and not every mail tries one", async () => {
    const server = await scriptSmtp(({ stage }) => (stage === "greeting" ? tooMany : undefined));
    const send = mailTo(server.url, 20);
    const sent = await Promise.all(Array.from({ length: 40 }, () => send()));
    expect(new Set(sent.map(({ outcome }) => outcome))).toEqual(new Set(["service down"]));
    expect(server.connections).toBe(20);

    server.script = () => undefined;
    expect((await send()).outcome).toBe("sent");
  });
});

describe("the limit of connections", () => {
  afterEach(() => void vi.useRealTimers());

  it("sends a refused mail again, even if the last other mail ended before its refusal", async () => {
    const limit = createConnectionLimit(2, () => true);
    const { signal } = new AbortController();
    const refused = Promise.withResolvers<void>();
    let tries = 0;
    const second = limit.send(() => (tries++ === 0 ? refused.promise : Promise.resolve()), signal);
    await limit.send(() => Promise.resolve(), signal);
    refused.reject(new Error(tooMany));
    await second;
    expect(tries).toBe(2);
    limit.close();
  });

  it("rises by one each ten seconds, up to the worker's slots", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const limit = createConnectionLimit(4, () => true);
    let allowed = 2;
    let open = 0;
    const { signal } = new AbortController();

    /** How many of ten mails are under way at once. */
    async function most(): Promise<number> {
      const seen: number[] = [];
      const send = async () => {
        if (open === allowed) throw new Error(tooMany);
        open += 1;
        seen.push(open);
        await new Promise(setImmediate);
        open -= 1;
      };
      await Promise.all(Array.from({ length: 10 }, () => limit.send(send, signal)));
      return Math.max(...seen);
    }

    await most();
    allowed = 10;
    const lowered = await most();
    expect(lowered).toBeLessThanOrEqual(2);
    vi.advanceTimersByTime(10_000);
    expect(await most()).toBe(lowered + 1);
    vi.advanceTimersByTime(60_000);
    expect(await most()).toBe(4);
    limit.close();
  });
});
