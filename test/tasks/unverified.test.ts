import type { TransactionSql } from "postgres";
import { beforeEach, describe, expect, it } from "vitest";
import { schedule } from "../../worker/schedule.ts";
import { deleteUnverified } from "../../worker/tasks/delete-unverified.ts";
import { remindUnverified } from "../../worker/tasks/remind-unverified.ts";
import type { Attempt } from "../../worker/engine/task.ts";
import { addLink, addUser } from "../support/accounts.ts";
import { connectWithClock } from "../support/test-clock.ts";
import { createDatabase, empty } from "../support/database.ts";
import { perform } from "../support/engine.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => empty(sql));

const person = (name: string) => ({ email: `${name}@example.com`, password: "twelve engines hum" });
const emails = async () =>
  (await sql<{ email: string }[]>`select email from usr order by email`).map(({ email }) => email);

describe("REMIND_UNVERIFIED", () => {
  const remind = () => perform(database, "REMIND_UNVERIFIED", remindUnverified("UTC"));
  const signedUp = (usrId: string, ago: string) =>
    sql`update usr set created_at = now() - ${ago}::interval where usr_id = ${usrId}`;
  const pending = async () =>
    (await sql<{ usr_id: string }[]>`select params ->> 'usr_id' as usr_id from task order by task_id`).map(
      ({ usr_id }) => usr_id,
    );

  it("enqueues one reminder, the day after, for each unverified user", async () => {
    const [today, yesterday, verified] = [
      await addUser(sql, person("today"), false),
      await addUser(sql, person("yesterday"), false),
      await addUser(sql, person("verified")),
    ];
    for (const usrId of [yesterday, verified]) await signedUp(usrId, "48 hours");

    await remind();
    expect(await pending()).toEqual([yesterday]);
    expect(await sql`select usr_id from email_reminded`).toEqual([{ usr_id: yesterday }]);
    await signedUp(today, "48 hours");
    await remind();
    expect(await pending()).toEqual([yesterday, today]);
  });

  it("reminds a mailbox once, however many of its +tags signed up", async () => {
    const tags = [
      await addUser(sql, person("ada+a"), false),
      await addUser(sql, person("ada+b"), false),
      await addUser(sql, person("ada"), false),
    ];
    for (const usrId of tags) await signedUp(usrId, "48 hours");

    await remind();
    expect(await pending()).toEqual([tags[0]]);
    expect((await sql`select usr_id from email_reminded order by usr_id`).map((row) => row.usr_id as string)).toEqual(
      tags,
    );
  });

  it.each([
    ["at nine", "Europe/Berlin", "2026-06-10 09:00", "2026-06-09 23:59", "2026-06-10 00:00"],
    ["in the evening", "Europe/Berlin", "2026-06-10 22:00", "2026-06-09 23:59", "2026-06-10 00:00"],
    ["made up at night", "Europe/Berlin", "2026-06-11 03:00", "2026-06-09 23:59", "2026-06-10 00:00"],
    ["on a day of 23 hours", "Europe/Berlin", "2026-03-29 09:00", "2026-03-28 23:59", "2026-03-29 00:00"],
    ["before nine on a day of 25 hours", "Europe/Berlin", "2026-10-25 08:30", "2026-10-23 23:59", "2026-10-24 00:00"],
    ["where it is tomorrow already", "Pacific/Kiritimati", "2026-06-10 09:00", "2026-06-09 23:59", "2026-06-10 00:00"],
  ])("counts days before that of the last slot, %s", async (_, timeZone, at, before, after) => {
    const connection = await connectWithClock(database);
    await connection`update clock.reading set at = ${at}::timestamp at time zone ${timeZone}`;
    const due = await addUser(sql, person("before"), false);
    await addUser(sql, person("after"), false);
    await sql`
      update usr
      set created_at = case usr_id when ${due} then ${before}::timestamp else ${after}::timestamp end at time zone ${timeZone}
    `;
    await remindUnverified(timeZone).run({
      finish: async (write: (tx: TransactionSql) => Promise<unknown>) => void (await connection.begin(write)),
    } as Attempt<unknown>);
    expect(await pending()).toEqual([due]);
  });

  it("is due at nine in that zone", () => {
    expect(schedule({ TZ_MAIL: "Europe/Berlin" })).toContainEqual(
      expect.objectContaining({ task_type: "REMIND_UNVERIFIED", daily_at: "09:00", time_zone: "Europe/Berlin" }),
    );
  });
});

describe("DELETE_UNVERIFIED", () => {
  const age = (days: number) => sql`update usr set created_at = now() - make_interval(days => ${days})`;
  const remindAll = (ago = "25 hours") => sql`
    insert into email_reminded (usr_id, reminded_at)
    select usr_id, now() - ${ago}::interval
    from usr
    on conflict (usr_id) do update set reminded_at = excluded.reminded_at
  `;
  const clean = () => perform(database, "DELETE_UNVERIFIED", deleteUnverified(sql));

  it("deletes only users who have not verified within 30 days", async () => {
    await addLink(sql, "verify", await addUser(sql, person("late"), false));
    await addUser(sql, person("verified"));
    await age(31);
    await addUser(sql, person("new"), false);
    await remindAll();
    await clean();
    expect(await emails()).toEqual(["new@example.com", "verified@example.com"]);
  });

  it("deletes no user before a day has passed since the reminder", async () => {
    await addUser(sql, person("ada"), false);
    await age(31);
    await clean();
    await remindAll("23 hours");
    await clean();
    expect(await emails()).toEqual(["ada@example.com"]);
    await remindAll();
    await clean();
    expect(await emails()).toEqual([]);
  });

  it("leaves a user who is being verified to the next day", async () => {
    const usrId = await addUser(sql, person("ada"), false);
    await addUser(sql, person("bob"), false);
    await age(31);
    await remindAll();
    await sql.begin(async (tx) => {
      await tx`select from usr where usr_id = ${usrId} for no key update`;
      await clean();
      await tx`insert into email_verified (usr_id) values (${usrId})`;
    });
    expect(await emails()).toEqual(["ada@example.com"]);
  });
});
