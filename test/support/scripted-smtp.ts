import { cleanUp } from "./clean-up.ts";
import { listenToMails, type ScriptedSmtp } from "./smtp-dialogue.ts";

/** A real SMTP server that says at each stage what its script tells it to, closed after the test. */
export async function scriptSmtp(script: ScriptedSmtp["script"] = () => undefined): Promise<ScriptedSmtp> {
  const smtp = await listenToMails(script);
  cleanUp(() => smtp.close());
  return smtp;
}
