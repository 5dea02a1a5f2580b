import { once } from "node:events";
import { connect as dial, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { connect, isUnavailable, type Sql } from "../../app/db/connect.ts";
import { transact } from "../../app/db/transaction.ts";
import { projectName } from "../../app/env.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase, isPooled } from "../support/database.ts";
import { until } from "../support/until.ts";
import { portOf } from "../support/web.ts";

const { sql, url } = await createDatabase();
await sql`create table one (n int)`;

/** The URL of a proxy that resets its first connection after so many bytes from the server. */
async function breakOnceAfter(bytes: number, url: string): Promise<string> {
  const { port } = new URL(url);
  let left = bytes;
  const server = createServer((client) => {
    const far = dial(Number(port), "127.0.0.1");
    const end = () => [client, far].forEach((socket) => socket.destroy());
    for (const socket of [client, far]) socket.on("error", () => {}).once("close", end);
    client.on("data", (piece: Buffer) => far.write(piece));
    far.on("data", (piece: Buffer) => {
      client.write(piece.subarray(0, left));
      left -= piece.length;
      if (left > 0) return;
      client.resetAndDestroy();
      left = Infinity;
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp(() => server.close());
  return url.replace(`:${port}/`, `:${portOf(server)}/`);
}

/** The URL of a proxy that refuses all connections after its first. */
async function acceptOne(url: string): Promise<string> {
  const { port } = new URL(url);
  const server = createServer((client) => {
    server.close();
    const far = dial(Number(port), "127.0.0.1");
    const end = () => [client, far].forEach((socket) => socket.destroy());
    for (const socket of [client, far]) socket.on("error", () => {}).once("close", end);
    client.pipe(far).pipe(client);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return url.replace(`:${port}/`, `:${portOf(server)}/`);
}

/** A proxy that closes each connection at once, until it is open. */
async function startGate(url: string) {
  const { port } = new URL(url);
  let isOpen = false;
  const server = createServer((client) => {
    if (!isOpen) return client.on("error", () => {}).end();
    const far = dial(Number(port), "127.0.0.1");
    const end = () => [client, far].forEach((socket) => socket.destroy());
    for (const socket of [client, far]) socket.on("error", () => {}).once("close", end);
    return client.pipe(far).pipe(client);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp(() => server.close());
  return { url: url.replace(`:${port}/`, `:${portOf(server)}/`), open: () => (isOpen = true) };
}

/** The URL of a server that refuses each connection, as Postgres does while it starts. */
async function startStarting(url: string): Promise<string> {
  const refusal = Buffer.from("E\0\0\0\0SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0");
  refusal.writeInt32BE(refusal.length - 1, 1);
  const server = createServer((client) => {
    client.on("error", () => {}).once("data", () => client.end(refusal));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp(() => server.close());
  return url.replace(/:\d+\//, `:${portOf(server)}/`);
}

describe("a server that cannot be reached", () => {
  it("fails the statement, and not the process", async () => {
    // Linux refuses to connect to the broadcast address at once.
    const DATABASE_URL = url.replace("127.0.0.1", "255.255.255.255");
    const pool = connect({ DATABASE_URL, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "cut off", 20);
    cleanUp(() => pool.end({ timeout: 1 }));
    for (let again = 0; again < 2; again += 1) {
      // In a callback of a timer, Node emits the socket's error before any promise goes on.
      const outcome = Promise.withResolvers<unknown>();
      setTimeout(() => void pool`select`.then(outcome.resolve, outcome.resolve), 1);
      expect(isUnavailable(await outcome.promise)).toBe(true);
    }
  });

  it("sends the statement to the next host when it is starting", async () => {
    const starting = new URL(await startStarting(url)).host;
    const DATABASE_URL = url.replace("@", `@${starting},`);
    const pool = connect({ DATABASE_URL, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "patient", 20);
    cleanUp(() => pool.end({ timeout: 1 }));
    expect(await pool`select 1 as one`).toEqual([{ one: 1 }]);
  });
});

describe("a connection that breaks", () => {
  // An error that postgres.js throws outside a query cannot be caught: it fails this run, as it would end a process.
  const cases = [1, 20, 100, 300, 500, 520, 600, 1000, 5000].flatMap((bytes) => [
    { bytes, hosts: "one host" },
    { bytes, hosts: "two hosts" },
  ]);
  it.each(cases)(
    "fails only its own statement, after $bytes bytes, and $hosts in the URL",
    async ({ bytes, hosts }) => {
      const broken = await breakOnceAfter(bytes, url);
      const settings = {
        DATABASE_URL: hosts === "one host" ? broken : broken.replace(/@(.*)\//, "@$1,$1/"),
        DATABASE_SSL: "off",
        DATABASE_POOL: 1,
      } as const;
      const pool = connect(settings, "broken", 20);
      cleanUp(() => pool.end({ timeout: 1 }));
      const query = () => pool<{ text: string }[]>`select repeat('x', 9000) as text`;
      const outcome: unknown = await query().catch((error: unknown) => error);
      expect(Array.isArray(outcome) || isUnavailable(outcome)).toBe(true);
      expect(await query()).toEqual([{ text: "x".repeat(9000) }]);
    },
  );
});

// Behind pgbouncer, the server keeps the setting when the connection is closed.
describe.skipIf(isPooled)("a connection whose server has become read-only", () => {
  const writes = {
    statement: (pool: Sql) => pool`update one set n = 0`,
    transaction: (pool: Sql) => transact(pool, async (tx) => tx`update one set n = 0`),
  };
  it.each(Object.entries(writes))(
    "is closed when a %s fails, and the next write goes to a new one",
    async (_, write) => {
      const pool = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "demoted", 20);
      cleanUp(() => pool.end({ timeout: 1 }));
      await pool`set default_transaction_read_only = on`;
      await expect(write(pool)).rejects.toMatchObject({ code: "25006" });
      // The one right after it may still meet the connection that closes.
      const isAccepted = () =>
        write(pool).then(
          () => true,
          () => false,
        );
      await until("a write is accepted", isAccepted, 5);
      expect(await pool`show default_transaction_read_only`).toMatchObject([{ default_transaction_read_only: "off" }]);
    },
  );
});

describe("a statement that waits too long", () => {
  it("is canceled in the database, and its connection serves the next one", async () => {
    const pool = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "impatient", 2);
    cleanUp(() => pool.end({ timeout: 1 }));
    const backends = () => sql`
      select pid, wait_event_type
      from pg_stat_activity
      where datname = current_database() and application_name = ${projectName + " impatient"}
    `;
    await pool`select from one where n = any(${[1]})`;
    const before = await backends();
    await sql.begin(async (tx) => {
      await tx`lock table one`;
      await expect(pool`select from one`).rejects.toMatchObject({ code: "57014" });
      expect((await backends()).filter(({ wait_event_type }) => wait_event_type === "Lock")).toEqual([]);
    });
    expect(await pool`select from one`).toHaveLength(0);
    expect((await backends()).map(({ pid }) => pid as number)).toEqual(before.map(({ pid }) => pid as number));
  });

  // Behind pgbouncer, a connection takes one statement at a time.
  it.skipIf(isPooled)("leaves the statements behind it on its connection their own responses", async () => {
    const pool = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "impatient", 2);
    cleanUp(() => pool.end({ timeout: 1 }));
    const echo = (word: string) => pool<{ word: string }[]>`select ${word}::text as word`;
    await echo("prepared");
    await pool`select from one`;
    await sql.begin(async (tx) => {
      await tx`lock table one`;
      const first = pool`select from one`.catch((error: unknown) => error);
      const behind = ["second", "third", "fourth"].map(async (word) => (await echo(word))[0]!.word);
      expect(await first).toMatchObject({ code: "57014" });
      expect(await Promise.all(behind)).toEqual(["second", "third", "fourth"]);
    });
    expect((await echo("fifth"))[0]!.word).toBe("fifth");
  });

  it("fails, and not the process, when its cancel cannot connect", async () => {
    const settings = { DATABASE_URL: await acceptOne(url), DATABASE_SSL: "off", DATABASE_POOL: 1 } as const;
    const pool = connect(settings, "impatient", 3);
    cleanUp(() => pool.end({ timeout: 1 }));
    const failure: unknown = await pool`select pg_sleep(20)`.catch((error: unknown) => error);
    expect(isUnavailable(failure)).toBe(true);
  });

  it("is not sent when it was canceled before its connection opened, which then serves the next one", async () => {
    const gate = await startGate(url);
    const settings = { DATABASE_URL: gate.url, DATABASE_SSL: "off", DATABASE_POOL: 1 } as const;
    const pool = connect(settings, "impatient", 8);
    cleanUp(() => pool.end({ timeout: 1 }));
    await expect(pool`insert into one values (2)`).rejects.toMatchObject({ code: "57014" });
    gate.open();
    const begun = performance.now();
    expect(await pool`select n from one where n = 2`).toEqual([]);
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});
