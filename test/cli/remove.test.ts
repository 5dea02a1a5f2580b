import { describe, expect, it } from "vitest";
import { drops } from "../../cli/modules/drop-statements.ts";
import { belongsTo } from "../../cli/modules/registered.ts";
import { removeModule } from "../../cli/modules/remove-module.ts";

it("takes what is in the module's places, and no file of the owner's that has its name", () => {
  const gone = [
    "app/stars/a.ts",
    "views/mail/stars/a.ejs",
    "app/shop/stars/a.ts",
    "app/assets/stars.css",
    "cli/stars.ts",
  ];
  const more = ["stars.config.ts", "vitest.stars.config.ts", ".github/stars/a.png", "migrations/0001_stars_rank.sql"];
  const kept = ["app/reports/stars.ts", "app/reports/a/stars/a.ts", "test/shop/stars.test.ts", "docs/starshine.md"];
  expect([...gone, ...more, ...kept].filter((path) => belongsTo(path, "stars"))).toEqual([...gone, ...more]);
});

it("refuses a mark without its partner", () => {
  const files = new Map([["README.md", ["<!-- begin stars -->", "Stars", ""].join("\n")]]);
  expect(() => removeModule(files, "stars")).toThrow("README.md has a mark of stars without its partner.");
});

describe("the SQL that npm run remove prints", () => {
  it.each([
    ["create table if not exists star ()"],
    ["create table public.star ()"],
    ["create index concurrently event_star on event (data)"],
    ["create index on event (data)"],
    ["create or replace function mailbox_of(email text) returns text language sql return email"],
    ["alter table usr alter email drop not null"],
    ["alter table usr add column star int, alter email drop not null"],
    ["update usr set email = ''"],
  ])("leaves %s to the reader", (statement) => {
    expect(drops(`${statement};`)).toEqual([`-- Undo this by hand: ${statement}`]);
  });
});
