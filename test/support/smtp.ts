import PostalMime, { type Email } from "postal-mime";
import { afterAll } from "vitest";
import { startSmtp } from "../../dev/smtp.ts";

export type Received = Email & { recipients: string[] };

/** A real SMTP server that keeps what it is sent. */
export async function receiveMails(): Promise<{ url: string; mails: Received[] }> {
  const mails: Received[] = [];
  const server = await startSmtp({
    async onMail({ raw, to }) {
      mails.push({ ...(await PostalMime.parse(raw)), recipients: to });
    },
  });
  afterAll(() => server.stop());
  return { url: server.url, mails };
}
