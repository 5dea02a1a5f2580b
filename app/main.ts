import { webEnv } from "./env.ts";
import { startWeb } from "./web.ts";

startWeb(webEnv());
