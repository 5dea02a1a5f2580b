import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { isOutside, outsideAddresses } from "../../worker/webhooks/outside-address.ts";
import { createPostOutside } from "../../worker/webhooks/post-outside.ts";
import { failureOf } from "../../worker/engine/errors.ts";
import { cleanUp } from "../support/clean-up.ts";
import { startReceiver } from "../support/webhook-receiver.ts";

const nobody = () => Promise.reject(new Error("Nobody should have asked."));

describe("an address of the outside", () => {
  it.each([
    "8.8.8.8",
    "168.63.129.15",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "2606:4700::1111",
    "2a00:1450::1",
  ])("may be %s", (address) => expect(isOutside(address)).toBe(true));

  it.each([
    ["loopback", "127.0.0.1 127.255.255.254 ::1"],
    ["this host", "0.0.0.0 0.1.2.3 ::"],
    ["private", "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 fc00::1 fd12:3456::1"],
    ["link-local, where clouds tell secrets", "169.254.169.254 fe80::1 fd00:ec2::254"],
    ["a provider's own", "100.64.0.1 100.127.255.255 168.63.129.16"],
    [
      "IPv4 in disguise",
      "::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:8.8.8.8 ::127.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: 2001:0:7f00:1::",
    ],
    ["for all, for many, for tests", "255.255.255.255 224.0.0.1 240.0.0.1 198.18.0.1 203.0.113.5 ff02::1 2001:db8::1"],
    ["no address", "localhost 1.2.3 "],
  ])("is none that is %s", (_, addresses) => {
    for (const address of addresses.split(" ")) expect([address, isOutside(address)]).toEqual([address, false]);
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
  ])("are refused when %s says them itself", async (url) => {
    const refusal = await outsideAddresses(new URL(url).hostname, nobody).catch((error: unknown) => error);
    expect(failureOf(refusal)).toMatchObject({ kind: "permanent" });
  });

  it("are refused when DNS leads to private ones", async () => {
    const resolve = () => Promise.resolve(["10.1.2.3", "::ffff:127.0.0.1", "fe80::1"]);
    const refusal = await outsideAddresses("inside.example.com", resolve).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ message: expect.stringContaining("private") as string });
    expect(failureOf(refusal)).toMatchObject({ kind: "retry" });
  });

  it("are those alone that are outside", async () => {
    const resolve = () => Promise.resolve(["10.1.2.3", "8.8.8.8", "2606:4700::1111"]);
    expect(await outsideAddresses("mixed.example.com", resolve)).toEqual([
      { address: "8.8.8.8", family: 4 },
      { address: "2606:4700::1111", family: 6 },
    ]);
  });
});

describe("a post", () => {
  const never = new AbortController().signal;
  const message = { headers: { "webhook-id": "msg_1" }, body: "{}" };

  it("goes to the address that was checked, by the name that was asked for", async () => {
    const receiver = await startReceiver();
    const url = receiver.url.replace("127.0.0.1", "rebound.example.com");
    const post = createPostOutside(() => Promise.resolve([{ address: "127.0.0.1", family: 4 }]));
    expect(await post(url, message, never)).toMatchObject({ status: 204 });
    expect(receiver.requests[0]?.headers.host).toBe(new URL(url).host);
  });

  it("follows no redirect", async () => {
    const receiver = await startReceiver();
    receiver.answer = (response) => response.writeHead(307, { location: receiver.url }).end();
    const post = createPostOutside(() => Promise.resolve([{ address: "127.0.0.1", family: 4 }]));
    expect(await post(receiver.url, message, never)).toMatchObject({ status: 307 });
    expect(receiver.requests).toHaveLength(1);
  });

  it("reads no more of an endless answer than it must", async () => {
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
    const post = createPostOutside(() => Promise.resolve([{ address: "127.0.0.1", family: 4 }]));
    expect(await post(receiver.url, message, never)).toMatchObject({ status: 200 });
    await closed.promise;
    // What lies in the buffers of the kernel on both sides is written, too.
    expect(bytes).toBeLessThan(20 * 1024 * 1024);
  });

  it("fails when the receiver wants to speak another protocol", async () => {
    const server = createServer((socket) => {
      socket.once("data", () =>
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
      );
      socket.on("error", () => {});
    });
    cleanUp(() => void server.close());
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const post = createPostOutside(() => Promise.resolve([{ address: "127.0.0.1", family: 4 }]), 5);
    await expect(post(`http://127.0.0.1:${port}`, message, never)).rejects.toThrow("The receiver answered 101.");
  });

  it("is given up when there is no answer in time, or no address", async () => {
    const receiver = await startReceiver();
    receiver.answer = () => {};
    const post = createPostOutside(() => Promise.resolve([{ address: "127.0.0.1", family: 4 }]), 0.2);
    await expect(post(receiver.url, message, never)).rejects.toThrow("No answer within 0.2 s.");
    const lost = createPostOutside(() => new Promise(() => {}), 0.2);
    await expect(lost(receiver.url, message, never)).rejects.toThrow("No answer within 0.2 s.");
  });
});
