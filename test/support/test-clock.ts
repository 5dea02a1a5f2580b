import { connect, type Sql } from "../../app/db/connect.ts";
import { cleanUp } from "./clean-up.ts";

/** A connection on which `now()` returns what the test writes to `clock.reading`, until the test ends. */
export async function connectWithClock({ sql, url }: { sql: Sql; url: string }): Promise<Sql> {
  await sql`create schema clock`;
  await sql`create table clock.reading (at timestamptz)`;
  await sql`insert into clock.reading values (now())`;
  await sql`create function clock.now() returns timestamptz stable language sql as 'select at from clock.reading'`;
  cleanUp(() => sql`drop schema clock cascade`);
  const connection = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test clock");
  cleanUp(() => connection.end());
  await connection`set search_path = clock, pg_catalog, public`;
  return connection;
}
