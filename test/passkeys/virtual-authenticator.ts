import type { Page } from "playwright-core";

type Options = { hasResidentKey?: boolean; isUserVerified?: boolean };

/** Gives the page's browser a device for passkeys. It answers at once, as if the user had touched it. */
export async function addAuthenticator(page: Page, options: Options = {}) {
  const { hasResidentKey = true, isUserVerified = true } = options;
  const client = await page.context().newCDPSession(page);
  await client.send("WebAuthn.enable");
  const { authenticatorId } = await client.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey,
      hasUserVerification: isUserVerified,
      isUserVerified,
      automaticPresenceSimulation: true,
    },
  });

  return {
    /** The user lets it answer, or does not. */
    async setPresent(enabled: boolean) {
      await client.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
    },
    async readPasskeys() {
      const { credentials } = await client.send("WebAuthn.getCredentials", { authenticatorId });
      return credentials;
    },
    /** Loses all that it has. */
    async reset() {
      await client.send("WebAuthn.clearCredentials", { authenticatorId });
    },
  };
}
