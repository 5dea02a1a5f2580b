import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { z } from "zod";
import { freePort } from "../../../dev/postgres.ts";
import { cleanUp } from "../clean-up.ts";
import { run } from "../processes.ts";
import { supervise, type Member } from "./member.ts";
import { until } from "../until.ts";

/** The complete mails with one Message-ID: recipients, copies, and whether one was accepted. */
export type SentMail = { to: Set<string>; copies: number; isAccepted: boolean };

export type FlakySmtpServer = {
  url: string;
  /** The mail server, a process of its own. */
  server: Member;
  /** By Message-ID. */
  mails(): Promise<Map<string, SentMail>>;
  /** How often each failure came. */
  failures(): Promise<Map<string, number>>;
  /** Stops the failures. */
  becomeReliable(): void;
};

const mail = z.object({ id: z.string(), to: z.string(), isAccepted: z.boolean() });
const entry = z.union([mail, z.object({ failure: z.string() })]);

/** An SMTP server in a process of its own that fails at random at every stage of its dialogues. */
export async function startFlakySmtpServer(seed: number): Promise<FlakySmtpServer> {
  const folder = await mkdtemp(`${tmpdir()}/signup-mails-`);
  cleanUp(() => rm(folder, { recursive: true, force: true }));
  const ledger = `${folder}/ledger`;
  const port = String(await freePort());
  const server = supervise("mail server", () =>
    run("test/support/storm/mail-server.ts", {}, [port, String(seed), ledger]),
  );
  await until("the mail server listens", () => server.process.output().includes("listening"));

  async function entries() {
    const lines = (await readFile(ledger, "utf8").catch(() => "")).split("\n").filter(Boolean);
    return lines.map((line) => entry.parse(JSON.parse(line)));
  }

  return {
    // A name and a password add the stage AUTH.
    url: `smtp://storm:petrel@127.0.0.1:${port}`,
    server,
    async mails() {
      const mails = new Map<string, SentMail>();
      for (const one of await entries()) {
        if ("failure" in one) continue;
        const known = mails.get(one.id) ?? { to: new Set<string>(), copies: 0, isAccepted: false };
        const isAccepted = known.isAccepted || one.isAccepted;
        mails.set(one.id, { to: known.to.add(one.to), copies: known.copies + 1, isAccepted });
      }
      return mails;
    },
    async failures() {
      const failures = (await entries()).flatMap((one) => ("failure" in one ? [one.failure] : [])).toSorted();
      return new Map([...Map.groupBy(failures, (name) => name)].map(([name, all]) => [name, all.length]));
    },
    becomeReliable: () => server.process.child.kill("SIGUSR2"),
  };
}
