import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { isPublic, publicAddresses } from "../../worker/webhooks/public-address.ts";
import { createPost } from "../../worker/webhooks/http-post.ts";
import { failureOf } from "../../worker/engine/errors.ts";
import { cleanUp } from "../support/clean-up.ts";
import { startReceiver } from "./receiver.ts";

const notAsked = () => Promise.reject(new Error("DNS was asked."));

describe("a public address", () => {
  it.each([
    "8.8.8.8",
    "168.63.129.15",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "2606:4700::1111",
    "2a00:1450::1",
  ])("may be %s", (address) => expect(isPublic(address)).toBe(true));

  it.each([
    ["loopback", "127.0.0.1 127.255.255.254 ::1"],
    ["this host", "0.0.0.0 0.1.2.3 ::"],
    ["private", "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 fc00::1 fd12:3456::1"],
    ["link-local, the metadata servers of clouds", "169.254.169.254 fe80::1 fd00:ec2::254"],
    ["a provider's own", "100.64.0.1 100.127.255.255 168.63.129.16"],
    [
      "IPv4 in disguise",
      "::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:8.8.8.8 ::127.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: 2001:0:7f00:1::",
    ],
    ["for all, for many, for tests", "255.255.255.255 224.0.0.1 240.0.0.1 198.18.0.1 203.0.113.5 ff02::1 2001:db8::1"],
    ["no address", "localhost 1.2.3 "],
  ])("is not %s", (_, addresses) => {
    for (const address of addresses.split(" ")) expect([address, isPublic(address)]).toEqual([address, false]);
  });
});

describe("the addresses of a host", () => {
  it.each([
    "http://127.1/",
    "http://0x7f.0.0.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://[::1]/",
    "http://[::ffff:10.0.0.1]/",
  ])("are refused when %s names them", async (url) => {
    const refusal = await publicAddresses(new URL(url).hostname, notAsked).catch((error: unknown) => error);
    expect(failureOf(refusal)).toMatchObject({ kind: "permanent" });
  });

  it("are refused when DNS leads to private ones", async () => {
    const resolve = () => Promise.resolve(["10.1.2.3", "::ffff:127.0.0.1", "fe80::1"]);
    const refusal = await publicAddresses("inside.example.com", resolve).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ message: expect.stringContaining("private") as string });
    expect(failureOf(refusal)).toMatchObject({ kind: "retry" });
  });

  it("are only the public ones", async () => {
    const resolve = () => Promise.resolve(["10.1.2.3", "8.8.8.8", "2606:4700::1111"]);
    expect(await publicAddresses("mixed.example.com", resolve)).toEqual([
      { address: "8.8.8.8", family: 4 },
      { address: "2606:4700::1111", family: 6 },
    ]);
  });
});

describe("a post", () => {
  const never = new AbortController().signal;
  const message = { headers: { "webhook-id": "msg_1" }, body: "{}" };

  it("goes to the checked address, under the requested name", async () => {
    const receiver = await startReceiver();
    const url = receiver.url.replace("127.0.0.1", "rebound.example.com");
    const post = createPost(() => Promise.resolve([{ address: "127.0.0.1", family: 4 }]));
    expect(await post(url, message, never)).toMatchObject({ status: 204 });
    expect(receiver.requests[0]?.headers.host).toBe(new URL(url).host);
  });

  it("follows no redirect", async () => {
    const receiver = await startReceiver();
    receiver.answer = (response) => response.writeHead(307, { location: receiver.url }).end();
    const post = createPost(() => Promise.resolve([{ address: "127.0.0.1", family: 4 }]));
    expect(await post(receiver.url, message, never)).toMatchObject({ status: 307 });
    expect(receiver.requests).toHaveLength(1);
  });

  it("closes the connection of an endless response", async () => {
    const receiver = await startReceiver();
    const closed = Promise.withResolvers<void>();
    let bytes = 0;
    receiver.answer = (response) => {
      response.writeHead(200);
      response.once("close", closed.resolve);
      const more = () => {
        while (!response.destroyed && (bytes += 16_384) && response.write(Buffer.alloc(16_384)));
      };
      response.on("drain", more);
      more();
    };
    const post = createPost(() => Promise.resolve([{ address: "127.0.0.1", family: 4 }]));
    expect(await post(receiver.url, message, never)).toMatchObject({ status: 200 });
    await closed.promise;
    // The bytes in the kernel's buffers on both sides count as written, too.
    expect(bytes).toBeLessThan(20 * 1024 * 1024);
  });

  it("fails when the receiver switches the protocol", async () => {
    const server = createServer((socket) => {
      socket.once("data", () =>
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
      );
      socket.on("error", () => {});
    });
    cleanUp(() => void server.close());
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const post = createPost(() => Promise.resolve([{ address: "127.0.0.1", family: 4 }]), 5);
    await expect(post(`http://127.0.0.1:${port}`, message, never)).rejects.toThrow("The receiver responded with 101.");
  });

  it("fails when there is no response or no address in time", async () => {
    const receiver = await startReceiver();
    receiver.answer = () => {};
    const post = createPost(() => Promise.resolve([{ address: "127.0.0.1", family: 4 }]), 0.2);
    await expect(post(receiver.url, message, never)).rejects.toThrow("No response within 0.2 s.");
    const lost = createPost(() => new Promise(() => {}), 0.2);
    await expect(lost(receiver.url, message, never)).rejects.toThrow("No response within 0.2 s.");
  });
});
