import { once } from "node:events";
import { SMTPServer } from "smtp-server";
import { describe, expect, it } from "vitest";
import { expired, key, selfSigned } from "../support/certificates.ts";
import { cleanUp } from "../support/clean-up.ts";
import { mailTo } from "../support/mail-to.ts";
import { portOf } from "../support/web.ts";

/** A real mail server with this certificate, which speaks TLS from the start or after STARTTLS; returns its port. */
async function listenWith(cert: string, secure: boolean): Promise<number> {
  const server = new SMTPServer({ secure, key, cert, disabledCommands: ["AUTH"], disableReverseLookup: true });
  server.on("error", () => {});
  const listener = server.listen(0, "127.0.0.1");
  await once(listener, "listening");
  cleanUp(() => new Promise<void>((resolve) => server.close(resolve)));
  return portOf(listener);
}

describe.each([
  ["smtps", true],
  ["smtp", false],
])("a mail server at %s://", (scheme, secure) => {
  const trusting = (cert: string) => `tls.ca=${encodeURIComponent(cert)}`;
  const outcomeFrom = async (cert: string, host: string, ca = "") =>
    mailTo(`${scheme}://${host}:${await listenWith(cert, secure)}?requireTLS=true&${ca}`)();

  it.each<[what: string, code: string, cert: string, host: string, ca?: string]>([
    ["of an unknown authority", "DEPTH_ZERO_SELF_SIGNED_CERT", selfSigned, "localhost"],
    ["that has expired", "CERT_HAS_EXPIRED", expired, "localhost", trusting(expired)],
    ["for another name", "ERR_TLS_CERT_ALTNAME_INVALID", selfSigned, "127.0.0.1", trusting(selfSigned)],
  ])(
    "is down for all mails while its certificate is one %s, and the error names the setting",
    async (_, code, ...at) => {
      const { outcome, error } = await outcomeFrom(...at);
      expect(outcome).toBe("service down");
      expect(error).toContain(code);
      expect(error).toContain("NODE_EXTRA_CA_CERTS");
    },
  );

  it("gets the mail when its certificate is trusted", async () => {
    expect(await outcomeFrom(selfSigned, "localhost", trusting(selfSigned))).toEqual({ outcome: "sent", error: "" });
  });
});

it("is down for all mails when TLS fails for another reason", async () => {
  const port = await listenWith(selfSigned, false);
  const { outcome, error } = await mailTo(`smtps://localhost:${port}`)();
  expect(outcome).toBe("service down");
  expect(error).toContain("SMTP_URL");
});
