import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { defineHandler, type Handler } from "../engine/task.ts";

/** Deletes the secrets that no longer sign. */
export function pruneWebhookSecrets(sql: Sql): Handler {
  return defineHandler({
    params: z.object({}),
    run: () => sql`
      update webhook
      set old_secrets = '{}', old_secrets_expire_at = null
      where old_secrets_expire_at <= now()
    `,
  });
}
