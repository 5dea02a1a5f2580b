import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { chaosWorker, enqueueTasks } from "../support/chaos.ts";
import { createDatabase } from "../support/database.ts";
import { isEmpty } from "../support/engine.ts";

const tasks = 1_000_000;

it("keeps a worker's memory flat, below 150 MB, over a million tasks", async () => {
  const { sql, url } = await createDatabase();
  await enqueueTasks(sql, "NO_OP", {}, tasks);
  const worker = chaosWorker(url, "smtp://127.0.0.1:1", { WORKER_CONCURRENCY: "500", LOG_LEVEL: "warn" });

  const samples: number[] = [];
  const started = performance.now();
  while (!(await isEmpty(sql))) {
    const status = await readFile(`/proc/${worker.pid}/status`, "utf8");
    samples.push(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    // The time between two samples.
    await delay(200);
  }
  const seconds = (performance.now() - started) / 1000;
  expect(await worker.end()).toBe(0);

  const quarter = (n: number) => median(samples.slice((samples.length * (n - 1)) / 4, (samples.length * n) / 4));
  const quarters = [1, 2, 3, 4].map(quarter);
  console.log(
    `${tasks} tasks in ${seconds.toFixed(1)} s (${Math.round(tasks / seconds)}/s), RSS by quarter in MB: ` +
      `${quarters.map(Math.round).join(" ")}, most ${Math.round(Math.max(...samples))}`,
  );
  expect(quarters[3]!).toBeLessThan(150);
  expect(quarters[3]!).toBeLessThan(quarters[1]! * 1.1);
});

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
