import { describe, expect, it } from "vitest";
import { createReading } from "../../app/ops/show-overview.ts";
import { freePort } from "../../dev/postgres.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { enqueue } from "../support/engine.ts";
import { logInOperator } from "./operators.ts";
import { run } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { serveApp } from "../support/web.ts";

/** Follows the stream in the background; shows what has come, and whether it has ended. */
async function follow(url: string, cookie: string) {
  const response = await fetch(`${url}/ops/events`, { headers: { cookie } });
  const seen = { status: response.status, type: response.headers.get("content-type"), text: "", hasEnded: false };
  const read = async () => {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) seen.text += chunk;
    seen.hasEnded = true;
  };
  void read().catch(() => (seen.hasEnded = true));
  return seen;
}

describe("GET /ops/events", () => {
  it("goes on past the deadline, and sends changes", async () => {
    const { sql } = await createDatabase();
    const deadlineSeconds = 0.2;
    const url = await serveApp(sql, { deadlineSeconds });
    const begun = performance.now();
    const seen = await follow(url, await logInOperator(sql));
    expect(seen).toMatchObject({ status: 200, type: "text/event-stream; charset=utf-8" });
    await until("the first part has come", () => seen.text.includes("No tasks."));

    await enqueue(sql, "COUNT_WORDS");
    await until("the task is in it", () => seen.text.includes("COUNT_WORDS"));
    expect(performance.now() - begun).toBeGreaterThan(deadlineSeconds * 1000);
    expect(seen.hasEnded).toBe(false);
    for (const line of seen.text.split("\n").filter(Boolean)) expect(line).toMatch(/^(retry: 1000|data: ".*")$/);
  });

  it("reads the database once for many viewers", async () => {
    const { sql } = await createDatabase();
    const read = createReading(sql);
    const [one, other] = await Promise.all([read(), read()]);
    expect(other).toBe(one);
    expect(await read()).toBe(one);
    await until("it is read anew", async () => (await read()) !== one);
  });

  it("ends when the database goes away; the browser asks again", async () => {
    const { sql } = await createDatabase();
    const seen = await follow(await serveApp(sql), await logInOperator(sql));
    await until("the first part has come", () => seen.text !== "");
    await sql`alter table task rename to elsewhere`;
    await until("the stream has ended", () => seen.hasEnded);
    expect(seen.text).not.toContain("elsewhere");
  });

  it("responds to HEAD at once", async () => {
    const { sql } = await createDatabase();
    const headers = { cookie: await logInOperator(sql) };
    const response = await fetch(`${await serveApp(sql)}/ops/events`, { method: "HEAD", headers });
    expect(response.status).toBe(200);
  });

  it("does not keep the process when it is to stop", async () => {
    const { sql, url: databaseUrl } = await createDatabase();
    const port = await freePort();
    const web = run("app/main.ts", { DATABASE_URL: databaseUrl, PORT: String(port) });
    cleanUp(() => web.end("SIGKILL"));
    await until("the web process listens", () => web.output().includes("listening"));
    const seen = await follow(`http://127.0.0.1:${port}`, await logInOperator(sql));
    await until("the first part has come", () => seen.text !== "");

    const asked = performance.now();
    expect(await web.end()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(4000);
    expect(seen.hasEnded).toBe(true);
  });
});
