import { describe, expect, it } from "vitest";
import { ada, addOwner } from "../support/accounts.ts";
import { type } from "./command.ts";
import { createDatabase } from "../support/database.ts";

const { sql, url } = await createDatabase();
const operator = (...words: string[]) => type(url, "ops/operator", ...words);
const operators = async () =>
  (await sql<{ usr_id: string }[]>`select usr_id from operator`).map(({ usr_id }) => usr_id);

describe("npm run operator", () => {
  it("grants, lists and revokes, and writes the audit log", async () => {
    const usrId = await addOwner(sql);
    expect(await operator("grant", " ADA@example.com")).toMatchObject({ exit: 0 });
    expect(await operator("grant", ada.email)).toMatchObject({ exit: 0 });
    expect(await operators()).toEqual([usrId]);
    expect(await operator("list")).toMatchObject({ exit: 0, said: expect.stringContaining(ada.email) as string });
    expect(JSON.parse((await operator("list", "--json")).said)).toMatchObject([{ email: ada.email }]);

    expect(await operator("revoke", ada.email)).toMatchObject({ exit: 0 });
    expect(await operator("revoke", ada.email)).toMatchObject({ exit: 1 });
    expect(await operators()).toEqual([]);
    expect(await sql`select usr_id, data from event where event_type = 'OPERATOR_ACTED' order by event_id`).toEqual([
      { usr_id: null, data: { what: "grant", of_usr_id: usrId } },
      { usr_id: null, data: { what: "revoke", of_usr_id: usrId } },
    ]);
  });

  it("grants nothing to an unverified address", async () => {
    await addOwner(sql, { ...ada, email: "bob@example.com" }, false);
    for (const email of ["bob@example.com", "nobody@example.com"])
      expect(await operator("grant", email)).toMatchObject({ exit: 1, said: expect.stringContaining(email) as string });
    expect(await operators()).toEqual([]);
  });

  it.each([[[]], [["grant"]], [["list", "ada@example.com"]], [["promote", "ada@example.com"]], [["list", "--all"]]])(
    "exits 2 for %j",
    async (words) => {
      expect(await operator(...words)).toMatchObject({
        exit: 2,
        said: expect.stringContaining("npm run operator") as string,
      });
    },
  );

  it("exits 1 when the database is away", async () => {
    expect(await type("postgres://127.0.0.1:1/", "ops/operator", "list")).toMatchObject({
      exit: 1,
      said: expect.stringMatching(/ECONNREFUSED/) as string,
    });
  });
});
