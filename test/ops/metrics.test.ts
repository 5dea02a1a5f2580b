import request from "supertest";
import { afterAll, describe, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { projectName } from "../../app/env.ts";
import { metricName } from "../../app/ops/database-metrics.ts";
import { createDatabase } from "../support/database.ts";
import { addWorker, enqueue } from "../support/engine.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const token = "a token for the tests";
const site = request(await serveApp(sql, { env: { METRICS_TOKEN: token } }));
const scrape = async () => (await site.get("/metrics").set("Authorization", `Bearer ${token}`).expect(200)).text;

describe("GET /metrics", () => {
  it("is 404 without a token in the environment", async () => {
    const bare = request(await serveApp(sql));
    await bare.get("/metrics").set("Authorization", "Bearer undefined").expect(404);
  });

  it.each(["", "Bearer", "Bearer ", `Bearer ${token}x`, `Basic ${token}`, token])(
    "asks for the token: %j",
    async (given) => {
      await site.get("/metrics").set("Authorization", given).expect(401).expect("WWW-Authenticate", "Bearer");
    },
  );

  it("shows tasks, workers, breakers, attempts and connections", async () => {
    const worker = await addWorker(sql, 5);
    await sql`update worker set event_loop_delay_milliseconds = 250`;
    await enqueue(sql, "MAIL", 2, { run_at: new Date(Date.now() - 30_000) });
    await enqueue(sql, "MAIL", 1, { worker_id: worker });
    await sql`insert into breaker (worker_id, task_type, open_until, error) values (${worker}, 'MAIL', now(), 'down')`;
    await sql`
      insert into attempt_statistics (minute, task_type, is_failure, up_to_seconds, attempts, seconds)
      values
        ('-infinity', 'MAIL', false, 0.05, 3, 0.1), ('-infinity', 'MAIL', false, 7, 2, 12),
        ('-infinity', 'MAIL', false, 'infinity', 1, 400), ('-infinity', 'OTHER', true, 0.01, 1, 0.01)
    `;
    const text = await scrape();
    const line = (start: string) => text.split("\n").find((one) => one.startsWith(metricName(start)));
    const of = (name: string) => Number(line(name)?.split(" ").at(-1));

    expect(of('tasks{task_type="MAIL",state="due"}')).toBe(2);
    expect(of('tasks{task_type="MAIL",state="running"}')).toBe(1);
    expect(of('oldest_due_task_age_seconds{task_type="MAIL"}')).toBeCloseTo(30, -1);
    expect(of("worker_heartbeat_age_seconds{")).toBeCloseTo(5, -1);
    expect(of("worker_event_loop_delay_seconds{")).toBe(0.25);
    expect(of("breaker_open{")).toBe(1);
    expect(of("database_up")).toBe(1);
    // A bucket for each bound that any worker counts by.
    const buckets = text.matchAll(
      /attempt_duration_seconds_bucket\{task_type="MAIL",outcome="done",le="(.+)"\} (\d+)/g,
    );
    expect([...buckets].map(([, le, attempts]) => [le, Number(attempts)])).toEqual([
      ["0.01", 0],
      ["0.05", 3],
      ["7", 5],
      ["+Inf", 6],
    ]);
    expect(of('attempt_duration_seconds_count{task_type="MAIL",outcome="done"}')).toBe(6);
    expect(of('attempt_duration_seconds_sum{task_type="MAIL",outcome="done"}')).toBeCloseTo(412.1);
    expect(line(`connections{application="${projectName} test"`)).toBeDefined();
  });

  it("times requests by the route's pattern, and names no path", async () => {
    await site.get("/verify?token=secret");
    await site.get("/secret-path");
    const text = await scrape();
    expect(text).toMatch(/http_request_duration_seconds_count\{method="GET",route="\/verify",status="\d+"\} 1/);
    expect(text).toMatch(/http_request_duration_seconds_count\{method="GET",route="none",status="404"\} 1/);
    expect(text).not.toContain("secret");
  });

  it("responds over http under an https origin, for scrapers inside the network", async () => {
    const secure = request(await serveApp(sql, { origin: "https://example.com", env: { METRICS_TOKEN: token } }));
    const headers = { Authorization: `Bearer ${token}`, "X-Forwarded-Proto": "http" };
    await secure.get("/metrics").set(headers).expect(200);
  });

  it("still shows the process while the database is away", async () => {
    const away = connect({ DATABASE_URL: "postgres://127.0.0.1:1/", DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test");
    afterAll(() => away.end({ timeout: 0 }));
    const { text } = await request(await serveApp(away, { env: { METRICS_TOKEN: token } }))
      .get("/metrics")
      .set("Authorization", `Bearer ${token}`)
      .expect(200);
    expect(text).toContain(`${metricName("database_up")} 0`);
    expect(text).toContain(metricName("web_process_cpu"));
  });
});
