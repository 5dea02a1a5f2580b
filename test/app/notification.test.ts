import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { createHint } from "../../app/hint.ts";
import { createDatabase, empty } from "../support/database.ts";
import { until } from "../support/until.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = await serveApp(sql);
let heard = 0;
await sql.listen("task", (payload) => {
  if (payload === "") heard += 1;
});
let marks = 0;
await sql.listen("mark", () => (marks += 1));

beforeEach(async () => {
  await empty(sql);
  heard = 0;
});

const signUp = (name: string) =>
  request(site)
    .post("/signup")
    .send({ email: `${name}@example.com`, password: "twelve engines hum" })
    .expect(204);

/** Notifications arrive in the order of their commits: what was sent before this one has been heard. */
async function hearAll(): Promise<void> {
  const before = marks;
  await sql`select pg_notify('mark', '')`;
  await until("the mark is heard", () => marks > before);
}

describe("the notification of workers", () => {
  it("is sent at signup, when the task is committed", async () => {
    let seen = -1;
    const listening = await sql.listen("task", () => {
      void sql`select from task`.then((tasks) => (seen = tasks.length));
    });
    await signUp("ada");
    await until("the listener has looked", () => seen >= 0);
    expect(seen).toBe(1);
    await listening.unlisten();
  });

  it("is not sent for a request that enqueues nothing", async () => {
    await request(site).post("/signup").send({ email: "nobody", password: "twelve engines hum" }).expect(422);
    await request(site).get("/signup").expect(200);
    await hearAll();
    expect(heard).toBe(0);
  });

  it("is sent at most once in 10 ms, however many sign up at once", async () => {
    const start = performance.now();
    await Promise.all(Array.from({ length: 50 }, (_, number) => signUp(`person-${number}`)));
    const milliseconds = performance.now() - start;
    await until("a notification is heard", () => heard > 0);
    await hearAll();
    expect(heard).toBeLessThanOrEqual(milliseconds / 10 + 2);
  });

  it("goes out twice for 50 tasks of the same instant: for the first at once, for the others together", async () => {
    // On a channel of its own, as each database has one.
    const own = await createDatabase();
    let notifications = 0;
    await own.sql.listen("task", () => (notifications += 1));
    let isMarked = false;
    await own.sql.listen("mark", () => (isMarked = true));

    const notifyWorkers = createHint(own.sql);
    for (let task = 0; task < 50; task += 1) notifyWorkers();
    await until("both are heard", () => notifications >= 2);
    await own.sql`select pg_notify('mark', '')`;
    await until("the mark is heard", () => isMarked);
    expect(notifications).toBe(2);
  });
});
