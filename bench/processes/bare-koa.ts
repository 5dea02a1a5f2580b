import { bodyParser } from "@koa/bodyparser";
import Koa from "koa";
import { z } from "zod";
import { connect } from "../../app/db.ts";
import { webEnv } from "../../app/env.ts";
import "../support/parent.ts";

// What Koa and postgres.js can do at best: one insert, and nothing else.

const env = webEnv();
const sql = connect(env, "bare");
const fields = z.object({ email: z.string(), password: z.string() });

const app = new Koa();
app.use(bodyParser());
app.use(async (ctx) => {
  if (ctx.method === "POST") {
    const { email, password } = fields.parse(ctx.request.body);
    await sql`insert into usr (email, password_hash) values (${email}, ${password})`;
  }
  ctx.status = 204;
});
app.listen(env.PORT);
