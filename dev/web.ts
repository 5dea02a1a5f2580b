import { startWeb } from "../app/web.ts";
import { mailbox } from "./mailbox.ts";

const [folder] = process.argv.slice(2);

// The inbox shows all mails to anyone.
if (process.env.NODE_ENV === "production" || !folder) {
  process.stderr.write("dev/web.ts needs the folder of the mails, and does not run in production.\n");
  process.exit(1);
}

startWeb({ isDevelopment: true, moreRoutes: [mailbox(folder)] });
