import * as fc from "fast-check";

const corePaths = [
  ..."/ /signup /signup/sent /signup/refuse /signup/refused /verify /verify/resend /login /logout".split(" "),
  ..."/password/forgot /password/forgot/sent /password/reset /account /account/data /account/sessions/end".split(" "),
  ..."/account/sessions/end-all /account/password /account/email /account/email/confirm /account/email/revert".split(
    " ",
  ),
  ..."/account/delete /account/secure /account/secured /proof /healthz /readyz /assets/x/style.css /favicon.ico /nowhere".split(
    " ",
  ),
  ..."/.well-known/change-password /.well-known/security.txt".split(" "),
];

/**
 * Usual values with an odd one here and there: a request that is odd in one place gets past the first checks.
 * @public Tests of modules use it.
 */
export const mostly = <Value>(usual: fc.Arbitrary<Value>, odd: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: odd });
const long = "x".repeat(10_000);
const nasty = fc.constantFrom("\0", "\ud800", "%00", "%ff", "%", "\r\n", "é", "__proto__", "[]", "' or 1=1 --", long);
/** @public Tests of modules use it. */
export const bytes = fc.oneof(nasty, fc.string({ unit: "binary", maxLength: 60 }));
/** As deep as the size of a body allows. */
const nested = fc
  .integer({ min: 1, max: 7_900 })
  .map((levels) => `{"email":${"[".repeat(levels)}${"]".repeat(levels)}}`);
const network = fc.ipV4();

const header = fc.oneof<fc.Arbitrary<[string, string]>[]>(
  fc.tuple(fc.constant("Accept"), fc.constantFrom("text/html", "application/json", "*/*", "image/png")),
  fc.tuple(fc.constant("Sec-Fetch-Site"), mostly(fc.constant("same-origin"), fc.constant("cross-site"))),
  mostly<[string, string]>(
    fc.tuple(fc.constantFrom("User-Agent", "X-Forwarded-For", "If-None-Match", "Accept-Encoding"), bytes),
    fc.tuple(fc.constantFrom("Origin", "Host", "Content-Encoding", "Transfer-Encoding", "Expect"), bytes),
  ),
);

export type OddRequest = {
  method: string;
  path: string;
  query: string;
  cookie: string;
  headers: [string, string][];
  body: [type: string, text: string];
  /** Or it ends before all that it has announced is sent. */
  isWhole: boolean;
};

/** Requests to these paths, right in most places: `right` are valid values by the name of the field. */
export function oddRequests(
  right: Record<string, string[]>,
  {
    cookies,
    authorization,
    paths = fc.constantFrom(...corePaths),
  }: { cookies: string[]; authorization?: string; paths?: fc.Arbitrary<string> },
): fc.Arbitrary<OddRequest> {
  const names = Object.keys(right);
  const fitting = fc.record(
    Object.fromEntries(names.map((name) => [name, mostly(fc.constantFrom(...right[name]!), bytes)])),
  );
  const name = mostly(fc.constantFrom(...names), bytes);
  const pairs = mostly<[string, string][]>(
    fitting.map((fields) => Object.entries(fields)),
    fc.array(fc.tuple(name, fc.oneof(fc.constantFrom(...Object.values(right).flat(), ""), bytes)), { maxLength: 5 }),
  );
  const form = pairs.map((fields) => fields.map((pair) => pair.map(encode).join("=")).join("&"));
  const json = mostly(
    pairs.map((fields) => JSON.stringify(Object.fromEntries(fields))),
    fc.dictionary(name, fc.jsonValue({ maxDepth: 3 })).map((value) => JSON.stringify(value)),
  );
  const body = mostly<[string, string]>(
    fc.oneof(
      fc.tuple(fc.constant("application/x-www-form-urlencoded"), form),
      fc.tuple(fc.constant("application/json"), json),
    ),
    fc.oneof(
      fc.tuple(fc.constantFrom("application/json", "application/x-www-form-urlencoded", "text/plain", ""), bytes),
      fc.tuple(fc.constant("application/json"), nested),
    ),
  );
  const query = fc.oneof(
    fc.constant(""),
    mostly(form, bytes).map((text) => `?${text}`),
  );
  return fc.record({
    method: mostly(
      fc.constantFrom("GET", "POST"),
      fc.constantFrom("HEAD", "PUT", "OPTIONS", "PROPFIND", "CONNECT", "BREW"),
    ),
    path: mostly(
      paths,
      bytes.map((value) => `/${value}`),
    ),
    query,
    cookie: mostly(
      fc.constantFrom(...cookies),
      bytes.map((value) => `session=${value}; signup=${value}; sent_to=${value}`),
    ),
    // Each from another network, or the rate limits would response most of them.
    headers: fc
      .tuple(
        network.map((address): [string, string] => ["X-Forwarded-For", address]),
        fc.constantFrom<[string, string][]>([], authorization ? [["Authorization", authorization]] : []),
        fc.array(header, { maxLength: 2 }),
      )
      .map(([from, bearer, others]) => [from, ...bearer, ...others]),
    body,
    isWhole: mostly(fc.constant(true), fc.constant(false)),
  });
}

function encode(value: string): string {
  return value.isWellFormed() ? encodeURIComponent(value) : "%ed%a0%80";
}
