import { connect } from "../../app/db/connect.ts";
import { consume } from "../../worker/events/consume.ts";

/** A process that hangs between a consumer's writes and the update of its position. */
const sql = connect({ DATABASE_URL: process.env.DATABASE_URL!, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test");
await consume(sql, {
  name: "reader",
  async consume(tx, events) {
    await tx`insert into note ${tx(events.map(({ event_type }) => ({ event_type })))}`;
    process.stdout.write("written");
    await new Promise(() => {});
  },
});
