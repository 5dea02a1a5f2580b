import { setTimeout as delay } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { chaosWorker, enqueueMails } from "../support/chaos.ts";
import { createDatabase, empty } from "../support/database.ts";
import { isEmpty } from "../support/engine.ts";
import { createGate, kill, killPoints } from "../support/kill-points.ts";
import { scriptSmtp } from "../support/scripted-smtp.ts";
import { createRandom } from "../support/storm/random.ts";
import { until } from "../support/until.ts";

const { sql, url } = await createDatabase();
const smtp = await scriptSmtp();
const limit = 5;

await createGate(sql);
beforeEach(async () => {
  await empty(sql);
  smtp.mails.length = 0;
  smtp.stages.length = 0;
  smtp.script = () => undefined;
});

const start = () => chaosWorker(url, smtp.url, { WORKER_CONCURRENCY: "8" });
const steps = killPoints({ sql, smtp, start });

/** The mails and the dead task of each person. */
async function outcomes() {
  const people = await sql<{ email: string; attempt: number | null; reason: string | null }[]>`
    select email, attempt, reason
    from usr
    left join task_dead on task_dead.params ->> 'usr_id' = usr_id::text
    order by email
  `;
  return people.map(({ email, ...dead }) => {
    const mails = smtp.mails.filter(({ to }) => to === email);
    return { email, ...dead, mails: mails.length, ids: new Set(mails.map(({ id }) => id)).size };
  });
}

/** Every task has ended, no user got more mails than the limit, and all copies have one Message-ID. */
async function expectAllToHaveEnded() {
  smtp.script = () => undefined;
  const last = start();
  // Poison tasks run one after the other, five seconds each: 16 of them at most.
  await until("every task has ended", () => isEmpty(sql), 100);
  await last.end();

  const ended = await outcomes();
  const copies = ended.map(({ mails }) => mails);
  console.log(`mails per task: ${copies.join(" ")}; dead: ${ended.filter(({ reason }) => reason).length}`);
  expect(ended.filter(({ mails }) => mails > limit)).toEqual([]);
  expect(ended.filter(({ ids }) => ids > 1)).toEqual([]);
  expect(ended.filter(({ mails, reason }) => mails === 0 && reason === null)).toEqual([]);

  // Welcome mails are retried while attempts are left; the others are dead after the first unknown outcome.
  const [once, welcome] = [true, false].map((isOnce) => ended.filter(({ email }) => email.includes("once") === isOnce));
  expect(welcome!.filter(({ reason, attempt }) => reason !== null && attempt !== limit)).toEqual([]);
  expect(once!.filter(({ mails }) => mails > 1)).toEqual([]);
  return ended;
}

describe("a worker that is killed", () => {
  it.each(Object.entries(steps))("%s loses no task, and its successors finish every one", async (step, killThere) => {
    await enqueueMails(sql, "SEND_EMAIL_WELCOME", 8);
    await enqueueMails(sql, "SEND_EMAIL_ONCE", 4);
    for (let round = 1; round <= 2; round += 1) await killThere();
    const burnt = await sql`select from task where attempt > 0`;
    expect(burnt.length > 0).toBe(step !== "before the claim");
    const ended = await expectAllToHaveEnded();
    const buried = ended.filter(({ reason }) => reason?.includes("somebody has to look"));
    expect(buried.length > 0).toBe(step !== "before the claim");
  });

  it(`sends at most ${limit} mails of a task when it is killed after the last byte of each`, async () => {
    await enqueueMails(sql, "SEND_EMAIL_WELCOME", 1);
    for (let attempt = 1; attempt <= limit; attempt += 1) await steps["after the last byte and before the 250"]!();

    const [outcome] = await expectAllToHaveEnded();
    expect(outcome).toMatchObject({ mails: limit, ids: 1, attempt: limit });
    expect(outcome?.reason).toBe("The last attempt ended without an outcome.");
    expect(await sql`select from task_error`).toHaveLength(limit);
  });

  it("loses no task at random moments", async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = createRandom(seed);
    await enqueueMails(sql, "SEND_EMAIL_WELCOME", 150);
    await enqueueMails(sql, "SEND_EMAIL_ONCE", 50);
    smtp.script = async () => {
      // A slow server: a kill hits every stage.
      await delay(random.between(0, 30));
      return undefined;
    };

    const end = performance.now() + 12_000;
    let kills = 0;
    const killInTurn = async () => {
      while (performance.now() < end && !(await isEmpty(sql))) {
        const worker = start();
        await worker.joined();
        // How long the worker lives.
        await delay(random.between(0, 1500));
        await kill(worker);
        kills += 1;
      }
    };
    await Promise.all([killInTurn(), killInTurn()]);
    console.log(`killed ${kills} times at random moments, seed ${seed}`);
    expect(await expectAllToHaveEnded()).toHaveLength(200);
  });

  it("has its tasks run again in under 30 s with the production settings", async () => {
    await enqueueMails(sql, "SEND_EMAIL_WELCOME", 4);
    smtp.script = ({ stage }) => (stage === "DATA" ? "hang" : undefined);
    const first = chaosWorker(url, smtp.url, {}, "worker/main.ts");
    await until("the mails are under way", () => smtp.stages.includes("DATA"));
    await kill(first);
    const killed = performance.now();
    smtp.script = () => undefined;

    const second = chaosWorker(url, smtp.url, {}, "worker/main.ts");
    await until("the mails are sent", () => isEmpty(sql), 30);
    const seconds = (performance.now() - killed) / 1000;
    console.log(`run again ${seconds.toFixed(1)} s after the crash`);
    expect(seconds).toBeLessThan(30);
    expect((await outcomes()).map(({ mails }) => mails)).toEqual([1, 1, 1, 1]);
    expect(await second.end()).toBe(0);
  });
});
