import { beforeEach, describe, expect, it } from "vitest";
import { addLink, liveSessions, openSession, race } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { moveToNewEmail } from "../support/email-changes.ts";
import { createDevice } from "./device.ts";
import { ask, post, servePasskeys } from "./site.ts";

const { sql } = await createDatabase();
const { url, openBrowser, addOwner } = await servePasskeys(sql);

beforeEach(() => empty(sql));

type Owner = Awaited<ReturnType<typeof addOwner>>;
type Request = () => PromiseLike<{ status: number; headers: unknown }>;

const password = "another good secret";

/** A log-in by passkey, ready to be sent. */
async function logIn({ device }: Owner, quirks = {}): Promise<Request> {
  const browser = openBrowser();
  const credential = device.sign(await ask(browser, "/login/passkey"), quirks);
  return () => post(browser, "/login/passkey", { credential });
}
async function add({ usrId }: Owner): Promise<Request> {
  const browser = openBrowser(await openSession(sql, usrId));
  const credential = createDevice(url).create(await ask(browser, "/account/passkeys/add"));
  return () => post(browser, "/account/passkeys/add", { name: "More", credential });
}
async function prove({ browser, device }: Owner): Promise<Request> {
  const credential = device.sign(await ask(browser, "/proof/passkey"));
  return () => post(browser, "/proof/passkey", { credential, to: "/account" });
}
const remove = async ({ usrId }: Owner): Promise<Request> => {
  const browser = openBrowser(await openSession(sql, usrId));
  return () => post(browser, "/account/passkeys/1/remove", {});
};
async function reset({ usrId }: Owner): Promise<Request> {
  const token = await addLink(sql, "reset", usrId);
  return () => post(openBrowser(), "/password/reset", { token, password });
}
async function revert({ usrId }: Owner): Promise<Request> {
  const token = await moveToNewEmail(sql, usrId, "thief@example.com");
  await sql`update session set usr_version = usr_version + 1`;
  return () => post(openBrowser(), "/account/email/revert", { token });
}
async function deleteAccount({ usrId }: Owner): Promise<Request> {
  const browser = openBrowser(await openSession(sql, usrId));
  return () => post(browser, "/account/delete", {});
}
async function changePassword({ usrId }: Owner): Promise<Request> {
  const browser = openBrowser(await openSession(sql, usrId));
  return () => post(browser, "/account/password", { new_password: password });
}

const live = () => sql`select name from passkey join usr using (usr_id) where usr_version = version`;
const statuses = (responses: { status: number }[]) => responses.map(({ status }) => status);

/** Sends both, the first one first. */
async function raceThese(first: (owner: Owner) => Promise<Request>, second: (owner: Owner) => Promise<Request>) {
  await empty(sql);
  const owner = await addOwner();
  return statuses(await race(sql, owner.usrId, [await first(owner), await second(owner)]));
}

describe("a log-in by passkey", () => {
  it("fails when the passkey is removed while it waits", async () => {
    expect(await raceThese(remove, logIn)).toEqual([303, 422]);
  });

  it.each([
    ["a reset", reset],
    ["a revert of the address", revert],
  ])("leaves no session behind when it races with %s", async (_, end) => {
    for (const [one, other] of [
      [end, logIn],
      [logIn, end],
    ] as const) {
      await empty(sql);
      const owner = await addOwner();
      const ending = await end(owner);
      const logging = await logIn(owner);
      const requests = one === end ? [ending, logging] : [logging, ending];
      await race(sql, owner.usrId, requests);
      expect({ other, live: await liveSessions(sql), passkeys: await live() }).toEqual({
        other,
        live: [],
        passkeys: [],
      });
    }
  });

  it("neither deadlocks nor fails with a deletion of the account", async () => {
    expect(await raceThese(logIn, deleteAccount)).toEqual([303, 303]);
    await empty(sql);
    expect(await raceThese(deleteAccount, logIn)).toEqual([303, 422]);
  });

  it("and a change of password keep the passkey, whichever comes first", async () => {
    await raceThese(logIn, changePassword);
    expect(await live()).toHaveLength(1);
    await empty(sql);
    await raceThese(changePassword, logIn);
    expect(await live()).toHaveLength(1);
  });

  it("happens once when two race with one counter", async () => {
    const owner = await addOwner();
    const requests = [await logIn(owner, { counter: 5 }), await logIn(owner, { counter: 5 })];
    expect(statuses(await race(sql, owner.usrId, requests))).toEqual([303, 422]);
  });

  it("happens once when one challenge is sent 10 times", async () => {
    const owner = await addOwner();
    const request = await logIn(owner);
    const answers = statuses(await Promise.all(Array.from({ length: 10 }, () => request())));
    expect(answers.toSorted((a, b) => a - b)).toEqual([303, ...Array<number>(9).fill(422)]);
  });
});

describe("a passkey that is being added", () => {
  it.each([
    ["a reset", reset],
    ["a revert of the address", revert],
    ["a deletion", deleteAccount],
  ])("does not survive %s that comes first, nor one that comes after", async (_, end) => {
    for (const isFirst of [true, false]) {
      await empty(sql);
      const owner = await addOwner();
      const ending = await end(owner);
      const adding = await add(owner);
      const answers = await race(sql, owner.usrId, isFirst ? [ending, adding] : [adding, ending]);
      expect(statuses(answers).every((status) => status < 500)).toBe(true);
      expect(await live()).toEqual([]);
    }
  });
});

describe("a request about passkeys", () => {
  it.each([
    ["to add one", add],
    ["to remove one", remove],
  ])("leads to the log-in when a change of password ends its session first: %s", async (_, request) => {
    const owner = await addOwner();
    const [, ended] = await race(sql, owner.usrId, [await changePassword(owner), await request(owner)]);
    expect(ended).toMatchObject({ status: 303, headers: { location: "/login?ended" } });
  });
});

describe("a proof by passkey", () => {
  it("fails when the passkey is removed while it waits", async () => {
    expect(await raceThese(remove, prove)).toEqual([303, 422]);
  });

  it("fails when the account is reset or deleted while it waits", async () => {
    for (const end of [reset, deleteAccount]) {
      await empty(sql);
      const owner = await addOwner();
      const [, proof] = await race(sql, owner.usrId, [await end(owner), await prove(owner)]);
      expect(proof).toMatchObject({ status: 303, headers: { location: "/login?ended" } });
    }
  });
});
