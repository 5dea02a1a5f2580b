import { connect } from "node:net";
import { once } from "node:events";
import { createTransport } from "nodemailer";
import { describe, expect, it, onTestFinished } from "vitest";
import { startSmtp, type IncomingMail } from "../../dev/smtp.ts";

const mail = { from: "Site <site@example.com>", to: "ada@example.com", subject: "Hello", text: "Hello, Ada." };

async function start(onMail: (mail: IncomingMail) => Promise<void> | void) {
  const smtp = await startSmtp({ onMail });
  const transport = createTransport({ url: smtp.url, pool: true });
  onTestFinished(async () => {
    transport.close();
    await smtp.stop();
  });
  return { smtp, transport };
}

describe("the local mail server", () => {
  it("keeps the bytes and the envelope of a mail", async () => {
    const mails: IncomingMail[] = [];
    const { transport } = await start((incoming) => void mails.push(incoming));

    await transport.sendMail({ ...mail, bcc: "bob@example.com" });

    expect(mails).toMatchObject([{ from: "site@example.com", to: ["ada@example.com", "bob@example.com"] }]);
    expect(mails[0]?.raw.toString()).toContain("Subject: Hello");
  });

  it("accepts a mail only after it is stored", async () => {
    const kept = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const { transport } = await start(() => {
      arrived.resolve();
      return kept.promise;
    });

    let isTaken = false;
    const sending = transport.sendMail(mail).then(() => (isTaken = true));
    await arrived.promise;
    expect(isTaken).toBe(false);

    kept.resolve();
    await sending;
  });

  it("refuses a mail temporarily when it cannot be stored", async () => {
    const { transport } = await start(() => Promise.reject(new Error("The disk is full.")));

    await expect(transport.sendMail(mail)).rejects.toMatchObject({ responseCode: 450 });
  });

  it("drops a mail whose client disconnects in the middle", async () => {
    const mails: IncomingMail[] = [];
    const { smtp, transport } = await start((incoming) => void mails.push(incoming));

    const socket = connect(Number(new URL(smtp.url).port), "127.0.0.1");
    socket.write("EHLO a\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n");
    socket.setEncoding("utf8");
    for await (const response of socket) if (String(response).includes("354")) break;
    socket.destroy();
    await once(socket, "close").catch(() => {});
    await transport.sendMail(mail);

    expect(mails.map(({ from }) => from)).toEqual(["site@example.com"]);
  });

  it("stops while a client keeps its connection open", async () => {
    const { smtp, transport } = await start(() => {});
    await transport.sendMail(mail);

    await smtp.stop();

    await expect(transport.sendMail(mail)).rejects.toThrow("ECONNREFUSED");
  });
});
