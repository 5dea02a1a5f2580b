import PostalMime, { type Email } from "postal-mime";
import { startSmtp } from "../../dev/smtp.ts";
import { cleanUp } from "./clean-up.ts";

export type Received = Email & { recipients: string[] };

/** A real SMTP server that keeps its mails. When `onMail` throws, it refuses the mail for now. */
export async function receiveMails(onMail?: (mail: Received) => void): Promise<{ url: string; mails: Received[] }> {
  const mails: Received[] = [];
  const server = await startSmtp({
    async onMail({ raw, to }) {
      const mail = { ...(await PostalMime.parse(raw)), recipients: to };
      onMail?.(mail);
      mails.push(mail);
    },
  });
  cleanUp(() => server.stop());
  return { url: server.url, mails };
}
