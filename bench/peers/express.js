import bcrypt from "bcrypt";
import express from "express";
import { createTransport } from "nodemailer";
import { Pool } from "pg";
import "../support/messages.ts";

// What most tutorials do: insert the user, send the mail, respond.

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
await pool.query(`
  create table if not exists usr (
    usr_id bigint generated always as identity primary key,
    email text not null unique,
    password_hash text not null,
    created_at timestamptz not null default now()
  )
`);
const transport = createTransport({ url: process.env.SMTP_URL, pool: true, maxConnections: 20 });
const saltRounds = 10;

const app = express();
app.use(express.json());
app.get("/", (request, response) => response.send("ok"));
app.post("/signup", async (request, response) => {
  const { email, password } = request.body;
  const hash = await bcrypt.hash(password, saltRounds);
  await pool.query("insert into usr (email, password_hash) values ($1, $2)", [email, hash]);
  await transport.sendMail({
    from: "bench@example.com",
    to: email,
    subject: "Welcome",
    text: "Welcome to the site.",
    html: "<p>Welcome to the site.</p>",
  });
  response.status(204).end();
});
app.listen(Number(process.env.PORT), "127.0.0.1");
