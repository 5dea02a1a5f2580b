import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { defineHandler, type Handler } from "../engine/task.ts";
import { untilFewer } from "../tasks/until-fewer.ts";

const batch = 1000;

/** Deletes expired challenges, and passkeys that a new version of their user has ended. */
export function prunePasskeys(sql: Sql): Handler {
  return defineHandler({
    params: z.object({}),
    timeoutSeconds: 600,
    concurrency: 1,

    async run({ signal }) {
      // Locked rows are skipped: no request waits, and no deadlock is possible.
      await untilFewer(
        batch,
        signal,
        async () => sql`
          delete from passkey_challenge
          where challenge_hash in (
            select challenge_hash
            from passkey_challenge as past
            where expires_at < now()
            limit ${batch}
            for update skip locked
          )
        `,
      );
      await untilFewer(
        batch,
        signal,
        async () => sql`
          delete from passkey
          where passkey_id in (
            -- Materialized: under the limit, Postgres would look up the user of each row.
            with void as materialized (
              select passkey_id
              from passkey as past
              join usr using (usr_id)
              -- "Less than": one that is carried over at this moment may have a newer version than the user in this
              -- snapshot.
              where usr_version < version
              for update of past skip locked
            )
            select passkey_id from void limit ${batch}
          )
        `,
      );
    },
  });
}
