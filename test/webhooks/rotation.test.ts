import { Webhook } from "standardwebhooks";
import { beforeEach, describe, expect, it } from "vitest";
import { rotate } from "../../app/webhooks/actions.ts";
import { newSecret } from "../../app/webhooks/webhook-fields.ts";
import { webhooks } from "../../worker/webhooks/module.ts";
import { pruneWebhookSecrets } from "../../worker/webhooks/prune-webhook-secrets.ts";
import { createDatabase } from "../support/database.ts";
import { isEmpty, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { emptyWebhooks, enqueueMessages, startDelivery } from "./deliver.ts";
import { addWebhook, secret, startReceiver, webhookChanges, type Request } from "./receiver.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => emptyWebhooks(sql));

const newest = newSecret();

/** Whether a receiver that knows this secret accepts the request, by the library that receivers use. */
function isAccepted(key: string, { body, headers }: Request): boolean {
  try {
    new Webhook(key).verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}

/** Which of the secrets sign the next message to a new endpoint, once it is prepared. */
async function signers(secrets: string[], prepare: (webhookId: string) => PromiseLike<unknown>): Promise<string[]> {
  const receiver = await startReceiver();
  const webhookId = await addWebhook(sql, receiver.url, { secret });
  await prepare(webhookId);
  await enqueueMessages(sql, webhookId);
  await startDelivery(database);
  await until("it is delivered", () => isEmpty(sql));
  return secrets.filter((one) => isAccepted(one, receiver.requests[0]!));
}

describe("the rotation of a secret", () => {
  it("has messages signed by both the new and the old one for a day", async () => {
    const signed = await signers([newest, secret, newSecret()], async (webhookId) => {
      const [rotated] = await rotate(sql, webhookId, newest, null);
      expect(Math.abs(rotated!.old_secrets_expire_at.getTime() - Date.now() - 24 * 3600_000)).toBeLessThan(60_000);
    });
    expect(signed).toEqual([newest, secret]);
    expect(await webhookChanges(sql)).toEqual([{ data: { what: "rotate", webhook_id: "1" }, who: null }]);
  });

  it("leaves only the new one after that day, before anything has erased the old one", async () => {
    const signed = await signers([newest, secret], async (webhookId) => {
      await rotate(sql, webhookId, newest, null);
      await sql`update webhook set old_secrets_expire_at = now()`;
    });
    expect(signed).toEqual([newest]);
  });

  it("keeps the secret that the receiver knows when the button is pressed twice", async () => {
    const lost = newSecret();
    const signed = await signers([newest, lost, secret], async (webhookId) => {
      await rotate(sql, webhookId, lost, null);
      await rotate(sql, webhookId, newest, null);
    });
    expect(signed).toEqual([newest, lost, secret]);
  });

  it("keeps the latest four old ones, and none that has expired", async () => {
    const webhookId = await addWebhook(sql, "https://receiver.example.com", { secret });
    const secrets = Array.from({ length: 6 }, newSecret);
    for (const one of secrets) await rotate(sql, webhookId, one, null);
    const stored = () => sql`select secret, old_secrets from webhook`;
    expect(await stored()).toEqual([{ secret: secrets[5], old_secrets: [4, 3, 2, 1].map((n) => secrets[n]) }]);

    await sql`update webhook set old_secrets_expire_at = now()`;
    await rotate(sql, webhookId, newest, null);
    expect(await stored()).toEqual([{ secret: newest, old_secrets: [secrets[5]] }]);
  });

  it("loses no secret when rotations race", async () => {
    const webhookId = await addWebhook(sql, "https://receiver.example.com", { secret });
    const secrets = Array.from({ length: 4 }, newSecret);
    await Promise.all(secrets.map((one) => rotate(sql, webhookId, one, null)));
    const [webhook] = await sql<{ secret: string; old_secrets: string[] }[]>`select secret, old_secrets from webhook`;
    expect(new Set([webhook!.secret, ...webhook!.old_secrets])).toEqual(new Set([secret, ...secrets]));
  });
});

describe("PRUNE_WEBHOOK_SECRETS", () => {
  it("recurs every hour", () => {
    expect(webhooks.schedule!({})).toMatchObject([{ task_type: "PRUNE_WEBHOOK_SECRETS", every_minutes: 60 }]);
  });

  it("erases the old secrets that have expired, and no other", async () => {
    const [expired, valid] = [
      await addWebhook(sql, "https://one.example.com"),
      await addWebhook(sql, "https://two.example.com"),
    ];
    for (const webhookId of [expired, valid]) await rotate(sql, webhookId, newSecret(), null);
    await sql`update webhook set old_secrets_expire_at = now() where webhook_id = ${expired}`;
    await sql`insert into task (task_type) values ('PRUNE_WEBHOOK_SECRETS')`;
    await runEngine(database, { PRUNE_WEBHOOK_SECRETS: pruneWebhookSecrets(sql) });
    await until("it is done", () => isEmpty(sql));
    expect(
      await sql`
        select webhook_id, cardinality(old_secrets) as old, old_secrets_expire_at is null as is_erased
        from webhook
        order by webhook_id
      `,
    ).toEqual([
      { webhook_id: expired, old: 0, is_erased: true },
      { webhook_id: valid, old: 1, is_erased: false },
    ]);
  });
});
