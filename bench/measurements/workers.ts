import { projectName } from "../../app/env.ts";
import { atLeast, type Bench, type Report } from "../bench.ts";
import { startChild, type Child } from "../support/child.ts";
import { now, until } from "../support/clock.ts";
import { compete, type Contender } from "../support/compete.ts";
import { createDatabase, vacuum, type Database } from "../support/database.ts";
import { graphileWorker, ownSystem, type System } from "../support/systems.ts";

const slots = 100;
const connections = 4;

/** How the total rate changes with the number of worker processes, beside as many of a peer. */
export async function workers(bench: Bench): Promise<Report> {
  const counts = bench.size([1, 4, 16, 32], [1, 2]);
  const many = bench.size(64, 4);
  const tasks = bench.size(100_000, 10_000);

  await using own = await startFleet(bench, ownSystem(slots), many);
  await using peer = await startFleet(bench, graphileWorker(slots, connections), counts.at(-1)!);
  const contender = ({ system, rateOf }: Fleet, count: number, setting: string): Contender => ({
    name: nameOf(system, count),
    setting,
    run: async () => ({ rate: await rateOf(count, tasks) }),
  });
  const results = await compete(bench, [
    ...counts.flatMap((count) => [
      contender(own, count, `${slots} slots and ${connections} connections each`),
      contender(peer, count, `24 at once, local queue of ${slots} and ${connections} connections each`),
    ]),
    contender(own, many, `${slots} slots and ${connections} connections each`),
  ]);

  const rate = (count: number) => results.median(nameOf(own.system, count), "rate");
  const ratio = (count: number) => results.ratio("rate", nameOf(own.system, count), nameOf(peer.system, count));
  return {
    tables: [results.table({ rate: "tasks/s" })],
    goals: [
      ...counts.map((count) =>
        atLeast(`${projectName} / graphile-worker, processes of each: ${count}`, ratio(count), 1.5),
      ),
      atLeast(`${projectName} × ${many} / the best count`, rate(many) / Math.max(...[...counts, many].map(rate)), 0.7),
    ],
    notes: [
      `${tasks.toLocaleString("en-US")} no-op tasks for all processes together: the count starts when the last process has joined, and ends when a query finds no task left. The processes are reused in each round, with new connections: otherwise we would measure how 64 new processes compile their code.`,
    ],
  };
}

const nameOf = ({ name }: System, count: number) => `${name} × ${count}`;

type Fleet = AsyncDisposable & {
  system: System;
  /** Tasks per second of the first `count` processes. */
  rateOf: (count: number, tasks: number) => Promise<number>;
};

async function startFleet(bench: Bench, system: System, size: number): Promise<Fleet> {
  const base = await createDatabase(bench.postgres, system.database);
  const processes: Child[] = [];
  const started: number[] = [];

  function start(place: number): Promise<unknown> {
    const child = startChild(system.script, { env: system.settings(base.url) });
    child.onMessage("started", ({ count }) => (started[place] = Number(count)));
    processes[place] = child;
    return child.receive("ready");
  }

  const fleet = {
    system,
    rateOf(count: number, tasks: number) {
      started.fill(0);
      return rateOf(base, system, processes.slice(0, count), () => sum(started), tasks);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map((child) => child.end()));
      await base[Symbol.asyncDispose]();
    },
  };
  try {
    // The first one alone: a peer creates its schema.
    await start(0);
    await Promise.all(Array.from({ length: size - 1 }, (_, place) => start(place + 1)));
  } catch (error) {
    await fleet[Symbol.asyncDispose]();
    throw error;
  }
  return fleet;
}

async function rateOf({ sql }: Database, { left }: System, workers: Child[], started: () => number, tasks: number) {
  workers[0]!.send("fill", { count: tasks });
  await workers[0]!.receive("filled");
  await vacuum(sql);

  for (const worker of workers) worker.send("go");
  await Promise.all(workers.map((worker) => worker.receive("joined")));
  const [begin, before] = [now(), started()];
  if (before > tasks / 2) throw new Error(`${before} of ${tasks} tasks had started when the last worker joined.`);
  await until("all have started", () => started() >= tasks);
  await until("all is done", async () => (await sql.unsafe(left)).length === 0, 1);
  const rate = ((tasks - before) / (now() - begin)) * 1000;

  for (const worker of workers) worker.send("stop");
  await Promise.all(workers.map((worker) => worker.receive("stopped")));
  return rate;
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
