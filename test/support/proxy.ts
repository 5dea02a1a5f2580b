import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { cleanUp } from "./clean-up.ts";
import { portOf } from "./web.ts";

export type Proxy = {
  url: string;
  /** Swallows what the server answers from now on. */
  mute(): void;
  /** Ends all lines; new ones are heard again. */
  cut(): void;
};

/** A line to the server of a URL that can be cut at the worst moment. */
export async function proxyTo(url: string): Promise<Proxy> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let isMute = false;

  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket
        .on("error", () => {})
        .once("close", () => {
          sockets.delete(socket);
          client.destroy();
          server.destroy();
        });
    }
    client.on("data", (chunk: Buffer) => server.write(chunk));
    server.on("data", (chunk: Buffer) => isMute || client.write(chunk));
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");

  const cut = () => {
    isMute = false;
    sockets.forEach((socket) => socket.destroy());
  };
  cleanUp(() => {
    proxy.close();
    cut();
  });
  return { url: url.replace(`:${port}/`, `:${portOf(proxy)}/`), mute: () => (isMute = true), cut };
}
