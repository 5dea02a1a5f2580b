import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import * as env from "../app/env.ts";

const database = { DATABASE_URL: "postgres://one:5432,two:5432/app" };
const mail = { SMTP_URL: "smtps://user:pass@mail.example.com:465", MAIL_FROM: "Ada <ada@example.com>" };

const webEnv = (source: Record<string, string>) => env.webEnv([], source);
const workerEnv = (source: Record<string, string>) => env.workerEnv([], source);

afterEach(() => {
  vi.restoreAllMocks();
});

function complaints(read: () => unknown): string {
  let said = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => Boolean((said += String(text))));
  const exit = vi.spyOn(process, "exit").mockImplementation(() => {
    throw new Error("exit");
  });
  expect(read).toThrow("exit");
  expect(exit).toHaveBeenCalledWith(1);
  return said;
}

describe("the environment", () => {
  it("has the documented defaults", () => {
    expect(webEnv(database)).toEqual({
      ...database,
      DATABASE_SSL: "off",
      DATABASE_POOL: 10,
      LOG_LEVEL: "info",
      PORT: 3000,
      ORIGIN: "http://localhost:3000",
      TRUST_PROXY: 0,
    });
    expect(workerEnv({ ...database, ...mail, PORT: "4000" })).toMatchObject({
      DATABASE_POOL: 6,
      WORKER_CONCURRENCY: 20,
      TZ_MAIL: "UTC",
      ORIGIN: "http://localhost:4000",
    });
  });

  it.each(["mailto:security@example.com", "https://example.com/security"])("accepts SECURITY_CONTACT=%s", (contact) => {
    expect(webEnv({ ...database, SECURITY_CONTACT: contact })).toMatchObject({ SECURITY_CONTACT: contact });
  });

  it.each([
    ["https://api.pwnedpasswords.com", "https://api.pwnedpasswords.com"],
    ["https://hashes.example.com/pwned/", "https://hashes.example.com/pwned"],
    ["http://localhost:8080", "http://localhost:8080"],
    ["http://[::1]:8080/", "http://[::1]:8080"],
  ])("accepts PWNED_PASSWORDS_URL=%s", (given, PWNED_PASSWORDS_URL) => {
    expect(webEnv({ ...database, PWNED_PASSWORDS_URL: given })).toMatchObject({ PWNED_PASSWORDS_URL });
  });

  it("normalizes ORIGIN as browsers do", () => {
    expect(webEnv({ ...database, ORIGIN: "https://EXAMPLE.com:443/" })).toMatchObject({
      ORIGIN: "https://example.com",
    });
  });

  it("treats an empty value as unset", () => {
    expect(webEnv({ ...database, PORT: "", ORIGIN: "" })).toMatchObject({ PORT: 3000 });
  });

  it("is refused with every missing name at once", () => {
    const said = complaints(() => workerEnv({}));
    for (const name of ["DATABASE_URL", "SMTP_URL", "MAIL_FROM"]) expect(said).toContain(`${name} is required`);
  });

  it("takes the names of modules, and lists what is wrong with them beside the core's", () => {
    const modules = [{ env: { RECEIPTS: z.enum(["on", "off"], "must be on or off").default("off") } }, {}];
    expect(env.webEnv(modules, database)).toMatchObject({ RECEIPTS: "off" });
    const said = complaints(() => env.webEnv(modules, { RECEIPTS: "maybe" }));
    for (const line of ["DATABASE_URL is required", "RECEIPTS must be on or off"]) expect(said).toContain(line);
  });

  it.each([
    ["DATABASE_URL", "mysql://localhost"],
    ["DATABASE_URL", "postgres://ada:hush@[bad/app"],
    ["DATABASE_URL", "postgres://ada:p%zz@db/app"],
    ["DATABASE_URL", "postgres://"],
    ["DATABASE_SSL", "yes"],
    ["DATABASE_POOL", "0"],
    ["PORT", "65536"],
    ["ORIGIN", "https://example.com/path"],
    ["ORIGIN", "example.com"],
    ["ORIGIN", "https://ada@example.com"],
    ["TRUST_PROXY", "true"],
    ["LOG_LEVEL", "loud"],
    ["PWNED_PASSWORDS_URL", "api.pwnedpasswords.com"],
    ["PWNED_PASSWORDS_URL", "http://api.pwnedpasswords.com"],
    ["PWNED_PASSWORDS_URL", "http://localhost.example.com"],
    ["PWNED_PASSWORDS_URL", "https://ada:hush@api.pwnedpasswords.com"],
    ["PWNED_PASSWORDS_URL", "https://api.pwnedpasswords.com?mode=ntlm"],
    ["PWNED_PASSWORDS_URL", "file:///etc/passwd"],
    ["SECURITY_CONTACT", "security@example.com"],
    ["SECURITY_CONTACT", "http://example.com/security"],
    ["SECURITY_CONTACT", "https://example.com/security\nContact: mailto:eve@example.com"],
  ])("is refused for %s=%s", (name, value) => {
    const said = complaints(() => webEnv({ ...database, [name]: value }));
    expect(said).toContain(`${name} must`);
  });

  it.each([
    ["TZ_MAIL", "Europe/Atlantis"],
    ["TZ_MAIL", "+02:00"],
  ])("is refused by the worker for %s=%s", (name, value) => {
    const said = complaints(() => workerEnv({ ...database, ...mail, [name]: value }));
    expect(said).toContain(`${name} must`);
  });

  it.each(["Europe/Atlantis", "+02:00", "EST", "IST", "GMT0", "Z", "Etc/GMT+2", "SystemV/PST8PDT", "Europe/"])(
    "is refused by the worker for TZ_MAIL=%s",
    (TZ_MAIL) => {
      expect(complaints(() => workerEnv({ ...database, ...mail, TZ_MAIL }))).toContain("TZ_MAIL must");
    },
  );

  it.each(["UTC", "Europe/Kyiv", "Asia/Calcutta", "America/Argentina/Buenos_Aires"])(
    "accepts TZ_MAIL=%s",
    (TZ_MAIL) => {
      expect(workerEnv({ ...database, ...mail, TZ_MAIL })).toMatchObject({ TZ_MAIL });
    },
  );

  it("never repeats a value, which may hold a password", () => {
    for (const url of ["mysql://ada:hush@db", "postgres://ada:hush@[db/app", "postgres://ada:hush%zz@db/app"]) {
      expect(complaints(() => webEnv({ DATABASE_URL: url }))).not.toContain("hush");
      vi.restoreAllMocks();
    }
  });

  it("needs an origin in production", () => {
    expect(complaints(() => webEnv({ ...database, NODE_ENV: "production" }))).toContain("ORIGIN is required");
  });
});
