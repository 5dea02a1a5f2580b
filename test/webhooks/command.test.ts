import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runCommand } from "../support/command.ts";
import { createDatabase } from "../support/database.ts";
import { emptyWebhooks, enqueueMessages } from "./deliver.ts";
import { addWebhook, secret, webhookChanges } from "./receiver.ts";

const { sql, url: databaseUrl } = await createDatabase();
const webhooks = (...words: string[]) => runCommand(databaseUrl, "webhooks", ...words);
const url = "https://receiver.example.com/hooks";
const containing = (text: string) => expect.stringContaining(text) as string;
const secretIn = (output: string) => /whsec_[\w+/]{43}=/.exec(output)?.[0];

beforeEach(() => emptyWebhooks(sql));
afterEach(() => {
  vi.unstubAllEnvs();
});

describe("npm run webhooks", () => {
  it("adds an endpoint, prints its secret once, and writes an event without a user", async () => {
    const { exitCode, output } = await webhooks("add", url, "--events", "SIGNED_UP,MAIL_SENT", "--rate", "0.5");
    expect(exitCode).toBe(0);
    expect(await sql`select url, secret, event_types, per_second from webhook`).toEqual([
      { url, secret: secretIn(output), event_types: ["SIGNED_UP", "MAIL_SENT"], per_second: 0.5 },
    ]);
    expect(await webhookChanges(sql)).toEqual([{ data: { what: "register", webhook_id: "1" }, who: null }]);
    expect(secretIn((await webhooks("list")).output + (await webhooks("list", "--json")).output)).toBeUndefined();

    const added = JSON.parse((await webhooks("add", url, "--json")).output) as object;
    expect(await sql`select webhook_id, secret from webhook where webhook_id = 2`).toEqual([added]);
  });

  it("warns of event types that are not in the feed, and registers them", async () => {
    await sql`insert into event (event_type) values ('SIGNED_UP')`;
    const warning = "The feed has no event of these types yet: MAIL_SEND, SINGED_UP. Check the spelling.\n";
    const added = await webhooks("add", url, "--events", "SINGED_UP SIGNED_UP MAIL_SEND");
    expect(added).toEqual({ exitCode: 0, output: expect.stringMatching(`^${warning}add: endpoint 1`) as string });
    expect(await webhooks("edit", "1", "--rate", "5")).toEqual({ exitCode: 0, output: "edit: endpoint 1.\n" });
    expect(await webhooks("edit", "1", "--events", "SIGNED_UP")).toEqual({
      exitCode: 0,
      output: "edit: endpoint 1.\n",
    });
    expect((await webhooks("edit", "1", "--events", "SINGED_UP")).output).toContain("types yet: SINGED_UP.");
  });

  it("lists each endpoint with its state", async () => {
    const soon = new Date(Date.now() + 60_000);
    const tomorrow = new Date(Date.now() + 86_400_000);
    const rotated = { old_secrets: [secret], old_secrets_expire_at: tomorrow };
    await addWebhook(sql, url, { event_types: ["SIGNED_UP", "MAIL_SENT"], per_second: 0.1, ...rotated });
    await addWebhook(sql, `${url}/down`, {
      failures: 3,
      pause_until: new Date(0),
      last_error: "No response\n in time.",
    });
    const expired = { old_secrets: [secret], old_secrets_expire_at: new Date(0) };
    await addWebhook(sql, `${url}/waiting`, { pause_until: soon, ...expired });
    const disabled = await addWebhook(sql, `${url}/gone`);
    await sql`insert into webhook_disabled (webhook_id, reason) values (${disabled}, 'The receiver responded with 410.')`;
    await addWebhook(sql, `${url}/failed`, { failures: 1, last_error: "The receiver responded with 500." });
    const { output, exitCode } = await webhooks("list");
    expect(exitCode).toBe(0);
    expect(
      output
        .trim()
        .split("\n")
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      ["ID", "URL", "EVENTS", "RATE", "STATE", "FAILURES", "OLD_SECRET_UNTIL", "LAST_ERROR"],
      ["1", url, "SIGNED_UP MAIL_SENT", "0.1", "ok", "0", tomorrow.toISOString(), "-"],
      ["2", `${url}/down`, "all", "10", "down", "3", "-", "No response", "in time."],
      ["3", `${url}/waiting`, "all", "10", "waiting", "0", "-", "-"],
      ["4", `${url}/gone`, "all", "10", "disabled", "0", "-", "The receiver responded with 410."],
      ["5", `${url}/failed`, "all", "10", "ok", "1", "-", "The receiver responded with 500."],
    ]);
    const rows = JSON.parse((await webhooks("list", "--json")).output) as { state: string }[];
    expect(rows.map(({ state }) => state)).toEqual(["ok", "down", "waiting", "disabled", "ok"]);
  });

  it("edits what is given, and nothing twice", async () => {
    await addWebhook(sql, url, { secret, event_types: ["SIGNED_UP"], failures: 5, per_second: 0.1 });
    const change = ["edit", "1", "--url", "https://other.example.com"];
    expect(await webhooks(...change)).toEqual({ exitCode: 0, output: "edit: endpoint 1.\n" });
    expect(await webhooks(...change)).toEqual({ exitCode: 1, output: containing("Nothing changed.") });
    expect(await webhooks("edit", "1", "--events", "")).toMatchObject({ exitCode: 0 });
    expect(await sql`select url, secret, event_types, per_second, failures from webhook`).toEqual([
      {
        url: "https://other.example.com/",
        secret,
        event_types: [],
        per_second: expect.closeTo(0.1) as number,
        failures: 0,
      },
    ]);
  });

  it("rotates the secret, prints the new one once, and says until when the old one signs", async () => {
    await addWebhook(sql, url, { secret });
    const { exitCode, output } = await webhooks("rotate", "1");
    const [webhook] = await sql<{ until: Date }[]>`
      select secret, old_secrets, old_secrets_expire_at as until from webhook
    `;
    expect({ exitCode, ...webhook }).toMatchObject({ exitCode: 0, secret: secretIn(output), old_secrets: [secret] });
    expect(output).toContain(`until ${webhook!.until.toISOString()}`);
    expect(output).not.toContain(secret);
    expect(JSON.parse((await webhooks("rotate", "1", "--json")).output)).toEqual({
      webhook_id: "1",
      secret: expect.not.stringContaining(secretIn(output)!) as string,
      old_secrets_expire_at: expect.any(String) as string,
    });
  });

  it.each([
    ["test", "Nothing changed. A test of endpoint 1 is still pending."],
    ["disable", "Nothing changed. Endpoint 1 is disabled already."],
    ["remove", "Endpoint 1 does not exist."],
  ])("%s acts once", async (verb, sentence) => {
    await addWebhook(sql, url);
    expect(await webhooks(verb, "1")).toEqual({ exitCode: 0, output: `${verb}: endpoint 1.\n` });
    expect(await webhooks(verb, "1", "--json")).toEqual({ exitCode: 1, output: `${sentence}\n` });
    expect(await webhookChanges(sql)).toHaveLength(1);
  });

  it("makes a test due that waits for its next attempt, but not one that runs", async () => {
    await addWebhook(sql, url);
    await webhooks("test", "1");
    await sql`update task set attempt = 3, run_at = now() + interval '6 hours'`;
    expect(await webhooks("test", "1")).toEqual({ exitCode: 0, output: "test: endpoint 1.\n" });
    const tests = () => sql`select attempt, run_at <= now() as is_due from task`;
    expect(await tests()).toEqual([{ attempt: 3, is_due: true }]);

    await sql`update task set run_at = now() + interval '6 hours', worker_id = gen_random_uuid()`;
    expect(await webhooks("test", "1")).toEqual({ exitCode: 1, output: containing("still pending") });
    expect(await tests()).toEqual([{ attempt: 3, is_due: false }]);
  });

  it("sends no test to a disabled endpoint", async () => {
    await addWebhook(sql, url);
    await webhooks("disable", "1");
    expect(await webhooks("test", "1")).toEqual({
      exitCode: 1,
      output: "Endpoint 1 is disabled: enable it first.\n",
    });
    expect(await sql`select from task`).toEqual([]);
    expect(await webhookChanges(sql)).toHaveLength(1);
  });

  it("enables a disabled endpoint, and makes its deliveries due", async () => {
    await enqueueMessages(sql, await addWebhook(sql, url), 2);
    await sql`update task set run_at = now() + interval '1 hour'`;
    await webhooks("disable", "1");
    expect(await webhooks("enable", "1", "--json")).toEqual({ exitCode: 0, output: '{"webhook_id":"1"}\n' });
    expect(await webhooks("enable", "1")).toEqual({
      exitCode: 1,
      output: containing("Endpoint 1 is enabled already."),
    });
    expect(await sql`select from webhook_disabled`).toEqual([]);
    expect(await sql`select from task where run_at <= now() + interval '1 s'`).toHaveLength(2);
  });

  it.each(["edit --rate 5", "rotate", "test", "disable", "enable", "remove"])(
    "exits 1 when there is no such endpoint: %s",
    async (words) => {
      const [verb = "", ...options] = words.split(" ");
      expect(await webhooks(verb, "7", ...options)).toEqual({
        exitCode: 1,
        output: containing("Endpoint 7 does not exist"),
      });
      expect(await webhookChanges(sql)).toEqual([]);
    },
  );

  it.each([
    [["add", "receiver.example.com"], "address of the receiver"],
    [["add", url, "--events", "signed_up"], "Enter event types"],
    [["add", url, "--rate", "0"], "Enter a number"],
    [["edit", "1", "--url", "ftp://example.com"], "address of the receiver"],
    [["edit", "1", "--rate", "many"], "Enter a number"],
  ])("exits 2 with one sentence for %j", async (words, sentence) => {
    await addWebhook(sql, url);
    expect(await webhooks(...words)).toEqual({ exitCode: 2, output: expect.stringMatching(/^[^\n]+\n$/) as string });
    expect((await webhooks(...words)).output).toContain(sentence);
    expect(await webhookChanges(sql)).toEqual([]);
  });

  it("takes plain http only where the site itself uses it", async () => {
    expect(await webhooks("add", "http://127.0.0.1:9")).toMatchObject({ exitCode: 0 });
    vi.stubEnv("ORIGIN", "https://signup.example.com");
    expect(await webhooks("add", "http://127.0.0.1:9")).toMatchObject({ exitCode: 2 });
  });

  it.each([
    [],
    ["add"],
    ["add", url, url],
    ["add", url, "--url", url],
    ["edit", "1"],
    ["edit", "x", "--rate", "5"],
    ["list", "1"],
    ["list", "--rate", "5"],
    ["rotate"],
    ["rotate", "1", "2"],
    ["remove", "1; drop"],
    ["explode", "1"],
    ["list", "--all"],
  ])("exits 2 with the usage for %j", async (...words) => {
    expect(await webhooks(...words)).toEqual({ exitCode: 2, output: containing("npm run webhooks") });
  });

  it("exits 1 when the database is away", async () => {
    expect(await runCommand("postgres://127.0.0.1:1/", "webhooks", "list")).toMatchObject({
      exitCode: 1,
      output: expect.stringMatching(/ECONNREFUSED/) as string,
    });
  });
});
