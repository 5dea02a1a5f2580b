import { startWeb } from "./web.ts";

startWeb();
