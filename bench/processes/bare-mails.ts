import { createTransport } from "nodemailer";
import { workerEnv } from "../../app/env.ts";
import { newToken } from "../../app/token.ts";
import { render } from "../../worker/mail/mailer.ts";

// The best that the mail library can do: the same views, rendered for each mail, and a pool as large as the worker's.

const env = workerEnv();
const count = Number(process.env.COUNT);
const transport = createTransport({
  url: env.SMTP_URL,
  pool: true,
  maxConnections: env.WORKER_CONCURRENCY,
  disableFileAccess: true,
  disableUrlAccess: true,
});
const subject = "Welcome";
let sent = 0;
await Promise.all(Array.from({ length: env.WORKER_CONCURRENCY }, sendOn));

async function sendOn(): Promise<void> {
  while (sent < count) {
    sent += 1;
    const address = `${sent}@people.example`;
    const { token } = newToken();
    const mail = { view: "welcome", subject, to: address, path: `/verify?token=${token}`, data: { token } };
    const [html, text] = await render(mail, env.ORIGIN);
    await transport.sendMail({ from: env.MAIL_FROM, to: { name: "", address }, subject, html, text });
  }
}
