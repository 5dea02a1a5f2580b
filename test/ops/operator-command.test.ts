import { describe, expect, it } from "vitest";
import { ada, addUser } from "../support/accounts.ts";
import { runCommand } from "../support/command.ts";
import { createDatabase } from "../support/database.ts";

const { sql, url } = await createDatabase();
const operator = (...words: string[]) => runCommand(url, "ops/operator", ...words);
const operators = async () =>
  (await sql<{ usr_id: string }[]>`select usr_id from operator`).map(({ usr_id }) => usr_id);

describe("npm run operator", () => {
  it("grants, lists and revokes the role, and writes an event for each change", async () => {
    const usrId = await addUser(sql);
    expect(await operator("grant", " ADA@example.com")).toMatchObject({ exitCode: 0 });
    expect(await operator("grant", ada.email)).toMatchObject({ exitCode: 0 });
    expect(await operators()).toEqual([usrId]);
    expect(await operator("list")).toMatchObject({ exitCode: 0, output: expect.stringContaining(ada.email) as string });
    expect(JSON.parse((await operator("list", "--json")).output)).toMatchObject([{ email: ada.email }]);

    expect(await operator("revoke", ada.email)).toMatchObject({ exitCode: 0 });
    expect(await operator("revoke", ada.email)).toMatchObject({ exitCode: 1 });
    expect(await operators()).toEqual([]);
    expect(await sql`select usr_id, data from event where event_type = 'OPERATOR_ACTED' order by event_id`).toEqual([
      { usr_id: null, data: { what: "grant", of_usr_id: usrId } },
      { usr_id: null, data: { what: "revoke", of_usr_id: usrId } },
    ]);
  });

  it("does not grant the role to an unverified address", async () => {
    await addUser(sql, { ...ada, email: "bob@example.com" }, false);
    for (const email of ["bob@example.com", "nobody@example.com"])
      expect(await operator("grant", email)).toMatchObject({
        exitCode: 1,
        output: expect.stringContaining(email) as string,
      });
    expect(await operators()).toEqual([]);
  });

  it.each([[[]], [["grant"]], [["list", "ada@example.com"]], [["promote", "ada@example.com"]], [["list", "--all"]]])(
    "exits 2 for %j",
    async (words) => {
      expect(await operator(...words)).toMatchObject({
        exitCode: 2,
        output: expect.stringContaining("npm run operator") as string,
      });
    },
  );

  it("exits 1 when the database is away", async () => {
    expect(await runCommand("postgres://127.0.0.1:1/", "ops/operator", "list")).toMatchObject({
      exitCode: 1,
      output: expect.stringMatching(/ECONNREFUSED/) as string,
    });
  });
});
