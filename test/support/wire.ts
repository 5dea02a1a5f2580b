import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { cleanUp } from "./clean-up.ts";
import { portOf } from "./web.ts";

export type Wire = {
  url: string;
  /** Milliseconds by which each piece comes late, from now on. */
  slow(milliseconds: number): void;
  /** Of the next piece on each line half arrives; then the line ends, or, silent, nothing more comes on it and nobody is told. */
  halve(end: "cut" | "silent"): void;
  /** Ends all lines. */
  cut(): void;
  /** Nothing more comes through the lines that are open, in either direction, and nobody is told. */
  silence(): void;
};

type Line = { state: "open" | "silent"; half?: "cut" | "silent" | undefined; end(): void };

/** The network between the processes and the server of a URL. What it does to the lines that are open, new ones are spared. */
export async function layWire(url: string): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const lines = new Set<Line>();
  let latency = 0;

  async function carry(line: Line, from: Socket, to: Socket): Promise<void> {
    for await (const piece of from as AsyncIterable<Buffer>) {
      if (latency > 0) await delay(latency);
      if (line.state === "silent") continue;
      to.write(line.half ? piece.subarray(0, piece.length / 2) : piece);
      if (line.half === "cut") line.end();
      if (line.half) line.state = "silent";
    }
  }

  const server = createServer((client) => {
    const far = connect(Number(port), hostname);
    const end = () => {
      lines.delete(line);
      client.destroy();
      far.destroy();
    };
    const line: Line = { state: "open", end };
    lines.add(line);
    for (const socket of [client, far]) socket.on("error", () => {}).once("close", end);
    carry(line, client, far).catch(end);
    carry(line, far, client).catch(end);
  }).listen(0, "127.0.0.1");
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
    silence: () => lines.forEach((line) => (line.state = "silent")),
  };
}
