import type { TransactionSql } from "postgres";
import type { Sql } from "../../app/db/connect.ts";
import { hold, waiting, type ChaosWorker } from "./chaos.ts";
import type { ScriptedSmtp, Stage } from "./smtp-dialogue.ts";
import { until } from "./until.ts";

type Scene = { sql: Sql; smtp: ScriptedSmtp; start: () => ChaosWorker };

export const kill = (worker: ChaosWorker) => worker.end("SIGKILL");

/** Makes claims and finishes wait inside their statement while a kill point holds the lock. */
export async function createGate(sql: Sql): Promise<void> {
  // A claim waits for lock 2, a finish for lock 1.
  await sql`
    create function wait_at_the_gate() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock_shared(case tg_op when 'DELETE' then 1 else 2 end);
      return coalesce(new, old);
    end $$
  `;
  await sql`create trigger gate before update or delete on task for each row execute function wait_at_the_gate()`;
}

/** Each starts a worker and kills it at that moment. */
export function killPoints({ sql, smtp, start }: Scene): Record<string, () => Promise<void>> {
  const whileItWaits = async (take: (tx: TransactionSql) => PromiseLike<unknown>, isRolledBack = false) => {
    const release = await hold(sql, take);
    const worker = start();
    await until("a statement of the worker waits", async () => (await waiting(sql)).length > 0, 30);
    await kill(worker);
    if (isRolledBack) for (const { pid } of await waiting(sql)) await sql`select pg_terminate_backend(${pid}, 5000)`;
    await release();
  };
  const whileUnanswered = async (unanswered: Stage) => {
    const asked = Promise.withResolvers<void>();
    smtp.script = ({ stage }) => {
      if (stage !== unanswered) return undefined;
      asked.resolve();
      return "hang";
    };
    const worker = start();
    await asked.promise;
    await kill(worker);
  };

  return {
    "before the claim": () => whileItWaits((tx) => tx`lock table task in exclusive mode`, true),
    "while its claim commits": () => whileItWaits((tx) => tx`select pg_advisory_xact_lock(2)`),
    "after the claim and before the mail": () => whileItWaits((tx) => tx`lock table usr in access exclusive mode`),
    "during DATA": () => whileUnanswered("DATA"),
    "after the last byte and before the 250": () => whileUnanswered("end"),
    async "after the 250 and before the delete"() {
      const asked = Promise.withResolvers<void>();
      smtp.script = ({ stage }) => {
        // Stopped before it can read the response.
        if (stage === "end") worker.child.kill("SIGSTOP");
        if (stage === "end") asked.resolve();
        return undefined;
      };
      const worker = start();
      await asked.promise;
      await until("the 250 is out", () => smtp.mails.length > 0);
      await kill(worker);
    },
    "during a finish that commits": () => whileItWaits((tx) => tx`select pg_advisory_xact_lock(1)`),
    "during a finish that is rolled back": () => whileItWaits((tx) => tx`select pg_advisory_xact_lock(1)`, true),
  };
}
