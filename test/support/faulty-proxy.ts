import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { cleanUp } from "./clean-up.ts";
import { portOf } from "./web.ts";

export type FaultyProxy = {
  url: string;
  /** Delays each piece by so many milliseconds from now on. */
  slow(milliseconds: number): void;
  /** Of the next piece on each connection, half arrives. Then the connection closes or goes silent. */
  halve(end: "cut" | "silent"): void;
  /** Drops what the server sends on the open connections. */
  mute(): void;
  /** Closes all connections. */
  cut(): void;
  /** Drops everything on the open connections in both directions, the end of the connection included. */
  silence(): void;
  /** The same, for new connections too, until the returned function closes them all. */
  partition(): () => void;
};

type Connection = {
  isSilent: boolean;
  isMute: boolean;
  half?: "cut" | "silent" | undefined;
  end(): void;
  fallSilent(): void;
};

/** A server's own keep-alives find a dead client after so long; the client finds nothing. */
const lostSeconds = 30;

/** A proxy before the server of a URL that fails as a network does. New connections work again. */
export async function startFaultyProxy(url: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(url);
  const connections = new Set<Connection>();
  let latency = 0;
  let isPartitioned = false;

  function join(client: Socket): void {
    const server = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    const end = () => {
      connections.delete(connection);
      client.destroy();
      server.destroy();
    };
    const endUnlessSilent = () => connection.isSilent || end();
    const connection: Connection = {
      isSilent: false,
      isMute: false,
      end,
      fallSilent() {
        if (connection.isSilent) return;
        connection.isSilent = true;
        setTimeout(() => server.destroy(), lostSeconds * 1000).unref();
      },
    };
    connections.add(connection);
    if (isPartitioned) connection.fallSilent();
    for (const socket of [client, server]) socket.on("error", () => {}).once("close", endUnlessSilent);

    async function carry(from: Socket, to: Socket): Promise<void> {
      // The default would close the socket when the other side closes it: a silent connection stays open.
      for await (const piece of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        if (latency > 0) await delay(latency);
        if (connection.isSilent || (connection.isMute && from === server)) continue;
        to.write(connection.half ? piece.subarray(0, piece.length / 2) : piece);
        if (connection.half === "cut") connection.end();
        if (connection.half === "silent") connection.fallSilent();
      }
    }
    carry(client, server).then(endUnlessSilent, endUnlessSilent);
    carry(server, client).then(endUnlessSilent, endUnlessSilent);
  }

  const listener = createServer({ allowHalfOpen: true }, join).listen(0, "127.0.0.1");
  await once(listener, "listening");

  const cut = () => connections.forEach((connection) => connection.end());
  const silence = () => connections.forEach((connection) => connection.fallSilent());
  cleanUp(() => {
    listener.close();
    cut();
  });
  return {
    url: url.replace(`:${port}/`, `:${portOf(listener)}/`),
    slow: (milliseconds) => (latency = milliseconds),
    halve: (end) => connections.forEach((connection) => (connection.half = end)),
    mute: () => connections.forEach((connection) => (connection.isMute = true)),
    cut,
    silence,
    partition() {
      isPartitioned = true;
      silence();
      return () => {
        isPartitioned = false;
        cut();
      };
    },
  };
}
