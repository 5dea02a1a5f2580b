import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { cleanUp } from "./clean-up.ts";
import { portOf } from "./web.ts";

export type FaultyProxy = {
  url: string;
  /** Milliseconds by which each piece comes late, from now on. */
  slow(milliseconds: number): void;
  /** Of the next piece on each line half arrives; then the line ends, or, silent, nothing more comes on it and nobody is told. */
  halve(end: "cut" | "silent"): void;
  /** Ends all lines. */
  cut(): void;
  /** Nothing more comes through the lines that are open, in either direction, and nobody is told: not even that one side has ended. */
  silence(): void;
};

type Line = { isSilent: boolean; half?: "cut" | "silent" | undefined; end(): void; fallSilent(): void };

/** After so long a server finds out by its own keep-alives that nobody is there; the client never does. */
const lostSeconds = 30;

/** The network between the processes and the server of a URL. What it does to the lines that are open, new ones are spared. */
export async function startFaultyProxy(url: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(url);
  const lines = new Set<Line>();
  let latency = 0;

  async function carry(line: Line, from: Socket, to: Socket): Promise<void> {
    // An end is not answered, as it would be otherwise: a silent line says nothing.
    for await (const piece of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (latency > 0) await delay(latency);
      if (line.isSilent) continue;
      to.write(line.half ? piece.subarray(0, piece.length / 2) : piece);
      if (line.half === "cut") line.end();
      if (line.half === "silent") line.fallSilent();
    }
  }

  function join(client: Socket): void {
    const far = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    const end = () => {
      lines.delete(line);
      client.destroy();
      far.destroy();
    };
    const endAloud = () => line.isSilent || end();
    const line: Line = {
      isSilent: false,
      end,
      fallSilent() {
        if (line.isSilent) return;
        line.isSilent = true;
        setTimeout(() => far.destroy(), lostSeconds * 1000).unref();
      },
    };
    lines.add(line);
    for (const socket of [client, far]) socket.on("error", () => {}).once("close", endAloud);
    carry(line, client, far).then(endAloud, endAloud);
    carry(line, far, client).then(endAloud, endAloud);
  }

  const server = createServer({ allowHalfOpen: true }, join).listen(0, "127.0.0.1");
  await once(server, "listening");

  const cut = () => lines.forEach((line) => line.end());
  cleanUp(() => {
    server.close();
    cut();
  });
  return {
    url: url.replace(`:${port}/`, `:${portOf(server)}/`),
    slow: (milliseconds) => (latency = milliseconds),
    halve: (end) => lines.forEach((line) => (line.half = end)),
    cut,
    silence: () => lines.forEach((line) => line.fallSilent()),
  };
}
