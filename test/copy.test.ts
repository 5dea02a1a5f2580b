import { tmpdir } from "node:os";
import { inspect } from "node:util";
import { expect, it } from "vitest";
import { runIn } from "./support/copy.ts";

it("the error of a command has its output and exit code, but no value of a variable", async () => {
  const url = "postgres://ada:swordfish@127.0.0.1/app";
  const script = `console.log("half"); console.error("done"); process.exitCode = 3`;
  const words = [`DATABASE_URL=${url}`, "node", "--eval", script];
  const error = await runIn(tmpdir(), "env", words).catch((error: unknown) => inspect(error));
  expect(error).toMatch(/env DATABASE_URL=… node --eval .*\nhalf\ndone\n.*code: 3/s);
  expect(error).not.toContain("swordfish");
});
