import { cleanUp } from "./clean-up.ts";
import { listenToMails, type ScriptedSmtp } from "./smtp-dialogue.ts";

/** A real SMTP server that responds as its script decides. It closes after the test. */
export async function scriptSmtp(script: ScriptedSmtp["script"] = () => undefined): Promise<ScriptedSmtp> {
  const smtp = await listenToMails(script);
  cleanUp(() => smtp.close());
  return smtp;
}
