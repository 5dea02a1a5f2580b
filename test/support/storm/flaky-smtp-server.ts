import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { z } from "zod";
import { freePort } from "../../../dev/postgres.ts";
import { cleanUp } from "../clean-up.ts";
import { supervise, type Member } from "./member.ts";
import { until } from "../until.ts";

/** Whole mails under one Message-ID: who they were for, how often they came, and whether one was taken. */
export type Letter = { to: Set<string>; copies: number; isTaken: boolean };

export type FlakySmtpServer = {
  url: string;
  /** The mail server, a process of its own. */
  server: Member;
  /** By Message-ID. */
  letters(): Promise<Map<string, Letter>>;
  /** How often each ill answer was given. */
  answers(): Promise<Map<string, number>>;
  /** No ill answer from now on. */
  calm(): void;
};

const mail = z.object({ id: z.string(), to: z.string(), isTaken: z.boolean() });
const entry = z.union([mail, z.object({ ill: z.string() })]);

/** A mail server in a bad mood: the stages of each dialogue meet every ill answer. */
export async function startFlakySmtpServer(seed: number): Promise<FlakySmtpServer> {
  const folder = await mkdtemp(`${tmpdir()}/slim-signup-post-`);
  cleanUp(() => rm(folder, { recursive: true, force: true }));
  const ledger = `${folder}/ledger`;
  const port = String(await freePort());
  const server = supervise("mail server", "test/support/storm/mail-server.ts", {}, [port, String(seed), ledger]);
  await until("the mail server listens", () => server.process.output().includes("listening"));

  async function entries() {
    const lines = (await readFile(ledger, "utf8").catch(() => "")).split("\n").filter(Boolean);
    return lines.map((line) => entry.parse(JSON.parse(line)));
  }

  return {
    // With a name and a password, so that there is one stage more.
    url: `smtp://storm:petrel@127.0.0.1:${port}`,
    server,
    async letters() {
      const letters = new Map<string, Letter>();
      for (const one of await entries()) {
        if ("ill" in one) continue;
        const { to, copies, isTaken } = letters.get(one.id) ?? { to: new Set<string>(), copies: 0, isTaken: false };
        letters.set(one.id, { to: to.add(one.to), copies: copies + 1, isTaken: isTaken || one.isTaken });
      }
      return letters;
    },
    async answers() {
      const ills = (await entries()).flatMap((one) => ("ill" in one ? [one.ill] : [])).toSorted();
      return new Map([...Map.groupBy(ills, (ill) => ill)].map(([ill, all]) => [ill, all.length]));
    },
    calm: () => server.process.child.kill("SIGUSR2"),
  };
}
