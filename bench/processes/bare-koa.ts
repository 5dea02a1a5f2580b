import { bodyParser } from "@koa/bodyparser";
import { hash } from "@node-rs/argon2";
import Koa from "koa";
import { z } from "zod";
import { connect } from "../../app/db/connect.ts";
import { webEnv } from "../../app/env.ts";
import "../support/messages.ts";

// The best that Koa and postgres.js can do: one insert and, with HASH, the password's hash on Node's own threads.

const env = webEnv();
const sql = connect(env, "bare");
const fields = z.object({ email: z.string(), password: z.string() });
const argon2id = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

const app = new Koa();
app.use(bodyParser());
app.use(async (ctx) => {
  if (ctx.method === "POST") {
    const { email, password } = fields.parse(ctx.request.body);
    const passwordHash = process.env.HASH ? await hash(password, argon2id) : password;
    await sql`insert into usr (email, password_hash) values (${email}, ${passwordHash})`;
  }
  ctx.status = 204;
});
app.listen(env.PORT);
