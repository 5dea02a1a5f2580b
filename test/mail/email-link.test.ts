import { beforeEach, describe, expect, it } from "vitest";
import { hashToken } from "../../app/token.ts";
import { createMakeLink } from "../../worker/mail/email-link.ts";
import { addUser } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { until } from "../support/until.ts";

const { sql } = await createDatabase();
const makeLink = createMakeLink(sql);
beforeEach(() => empty(sql));

const welcome = (usr_id: string) => makeLink("verify", usr_id);
const addUnverified = (name: string) =>
  addUser(sql, { email: `${name}@example.com`, password: "twelve engines hum" }, false);

describe("links in mails", () => {
  it("are made by one statement for mails that start together, each for its own user", async () => {
    const usrIds = await Promise.all(["ada", "bob", "eve"].map(addUnverified));
    const links = await Promise.all([...usrIds, "999"].map(welcome));

    expect(links.map((link) => link?.to)).toEqual(["ada@example.com", "bob@example.com", "eve@example.com", undefined]);
    const rows = await sql`select usr_id, token_hash from email_token order by usr_id`;
    const hashes = links.slice(0, 3).map((link) => hashToken(link!.data!["token"]!));
    expect(rows).toEqual(
      usrIds
        .map((usr_id, place) => ({ usr_id, token_hash: hashes[place] }))
        .toSorted((a, b) => Number(a.usr_id) - Number(b.usr_id)),
    );
    expect(await sql`select distinct xmin from email_token`).toHaveLength(1);
  });

  it("don't wait for another user who is being deleted, and are not made for that one", async () => {
    const [ada, bob] = [await addUnverified("ada"), await addUnverified("bob")];
    let waiting: ReturnType<typeof welcome> | undefined;
    await sql.begin(async (tx) => {
      await tx`delete from usr where usr_id = ${ada}`;
      waiting = welcome(ada);
      expect(await welcome(bob)).toMatchObject({ to: "bob@example.com" });
      await until("the link of the deleted user waits", async () => {
        const locks = await sql`select from pg_locks where locktype = 'transactionid' and not granted`;
        return locks.length > 0;
      });
    });
    expect(await waiting).toBeUndefined();
  });
});
