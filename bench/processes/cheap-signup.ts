import { randomUUID } from "node:crypto";
import { createApp } from "../../app/app.ts";
import { connect } from "../../app/db/connect.ts";
import { webEnv } from "../../app/env.ts";
import { createLog } from "../../app/log.ts";
import "../support/parent.ts";

// The web's entry with a hash that costs nothing. Nothing in the environment could bring the app to this: it takes other code.

const env = webEnv();
const app = createApp({
  sql: connect(env, "web"),
  log: createLog(env.LOG_LEVEL, "web"),
  origin: env.ORIGIN,
  trustProxy: env.TRUST_PROXY,
  passwords: {
    hash: () => Promise.resolve(`no hash ${randomUUID()}`),
    verify: () => Promise.resolve(false),
    isOutdated: () => false,
  },
});
app.listen(env.PORT);
