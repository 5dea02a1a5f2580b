import { randomUUID } from "node:crypto";
import { createApp } from "../../app/app.ts";
import { connect } from "../../app/db/connect.ts";
import { webEnv } from "../../app/env.ts";
import { createLog } from "../../app/log.ts";
import { createPasswords } from "../../app/password/password.ts";
import "../support/messages.ts";

// The web process with a hash that costs nothing. No setting of the app can do this.

const env = webEnv();
const app = createApp({
  sql: connect(env, "web"),
  log: createLog(env.LOG_LEVEL, "web"),
  origin: env.ORIGIN,
  trustProxy: env.TRUST_PROXY,
  passwords: {
    ...createPasswords(),
    hash: () => Promise.resolve(`no hash ${randomUUID()}`),
    verify: () => Promise.resolve(false),
    isOutdated: () => false,
  },
});
app.listen(env.PORT);
