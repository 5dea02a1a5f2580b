import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { runWeb } from "../support/web.ts";

describe("the web process", () => {
  it("closes a connection within 10 s when its request does not come or comes byte by byte", async () => {
    const { url: databaseUrl } = await createDatabase();
    const { url } = await runWeb(databaseUrl);
    const header = "POST /signup HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    const requests = ["", header, `${header}Content-Length: 1000\r\n\r\n`];

    const opened = performance.now();
    const seconds = await Promise.all(
      requests.map(async (begin) => {
        const socket = connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {});
        cleanUp(() => socket.destroy());
        socket.resume().write(begin);
        const trickle = setInterval(() => begin && socket.write("x"), 200);
        await new Promise((resolve) => socket.once("close", resolve));
        clearInterval(trickle);
        return (performance.now() - opened) / 1000;
      }),
    );
    expect(Math.max(...seconds)).toBeLessThan(10);
  });
});
