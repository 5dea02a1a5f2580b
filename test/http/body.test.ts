import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const url = await serveApp(sql);
const { host, port } = new URL(url);
const gigabyte = 1024 ** 3;
// More than the socket buffers on both sides hold.
const mostSent = 32 * 1024 ** 2;

function open(path: string, headers: string[]): Socket {
  const socket = connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
  cleanUp(() => socket.destroy());
  const lines = [`POST ${path} HTTP/1.1`, `Host: ${host}`, "Content-Type: application/json", ...headers];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  return socket;
}

const refusals = [
  ["413", "/signup", []],
  ["404", "/nowhere", []],
  ["405", "/signup/sent", []],
  ["403", "/signup", ["Sec-Fetch-Site: cross-site"]],
  ["415", "/signup", ["Content-Encoding: gzip"]],
] as const;

describe("a request that is refused before its end", () => {
  it.each(refusals)("is not read further: %s", async (_, path, headers) => {
    const socket = open(path, [...headers, `Content-Length: ${gigabyte}`]).on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const chunk = Buffer.alloc(65_536, " ");
    let sent = 0;
    const send = () => {
      while (sent < mostSent && socket.writable) {
        sent += chunk.length;
        if (!socket.write(chunk)) return void socket.once("drain", send);
      }
      // The server took everything: it would have read on forever.
      socket.destroy();
    };
    send();
    await closed;
    expect(sent).toBeLessThan(mostSent);
  });

  it("gets its response, and its connection closes after the second that the server waits for the rest", async () => {
    const responses = refusals.map(([, path, headers]) =>
      text(open(path, [...headers, `Content-Length: ${gigabyte}`])),
    );
    for (const [place, response] of (await Promise.all(responses)).entries()) {
      expect(response).toMatch(new RegExp(`^HTTP/1\\.1 ${refusals[place]![0]} `));
      expect(response).toContain("\r\nConnection: close\r\n");
    }
  });

  it("is read to its end when little is left: its client gets the response", async () => {
    const body = new URLSearchParams({ email: "a".repeat(200_000) });
    for (let n = 0; n < 5; n += 1) {
      const response = await fetch(`${url}/signup`, { method: "POST", body });
      expect(response.status).toBe(413);
      expect(response.headers.get("connection")).toBe("keep-alive");
      expect(await response.text()).toContain("Send less");
    }
  });

  it("leaves the connection open when it was read to its end", async () => {
    const socket = open("/nowhere", ["Content-Length: 2"]);
    socket.write("{}");
    const [response] = (await once(socket, "data")) as [Buffer];
    expect(response.toString()).toContain("\r\nConnection: keep-alive\r\n");
  });
});
