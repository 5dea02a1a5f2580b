import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { watchQueries } from "../../app/db/queries.ts";
import { addUser, openSession } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";
import { logInOperator } from "./operators.ts";

const { sql } = await createDatabase();
const sent: string[] = [];
const watched = watchQueries(sql, (query) => {
  const { resolve } = query;
  query.resolve = (rows) => {
    sent.push(query.string);
    resolve(rows);
  };
});
const site = request(await serveApp(watched));

beforeEach(async () => {
  await empty(sql);
  sent.length = 0;
});

const about = (table: string) => sent.filter((text) => new RegExp(`from ${table}\\b`).test(text)).length;

describe("the link to the operations page", () => {
  it("is offered to operators alone", async () => {
    const operator = await logInOperator(sql);
    const other = await openSession(sql, await addUser(sql));
    expect((await site.get("/account").set("Cookie", operator)).text).toContain('href="/ops"');
    expect((await site.get("/account").set("Cookie", other)).text).not.toContain('href="/ops"');
  });

  it.each(["/", "/account", "/ops"])("costs one look at the operators on the page %s", async (path) => {
    const cookie = await logInOperator(sql);
    const { text } = await site.get(path).set("Cookie", cookie).expect(200);
    expect(text).toContain('href="/ops"');
    expect(about("operator")).toBe(1);
  });

  it("costs nothing where no page is shown", async () => {
    const cookie = await logInOperator(sql);
    await site.get("/account/data").set("Cookie", cookie).expect(200);
    await site.post("/account/sessions/end-all").set("Cookie", cookie).expect(303);
    expect(about("operator")).toBe(0);
  });
});
