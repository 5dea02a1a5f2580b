import { testMail } from "../support/mail-views.ts";

const toVerify = { path: "/verify?token=a-b_c", data: { token: "a-b_c" } };
const at = (path: string) => ({ path, data: {} });
const verification = ["/verify?token=a-b_c", "/signup/refuse?token=a-b_c"];

testMail("welcome", verification, toVerify);
testMail("reminder", verification, toVerify);
testMail("already-registered", ["/"]);
testMail("password-reset", ["/password/reset?token=a-b_c"], at("/password/reset?token=a-b_c"));
for (const because of ["secured", "reverted"])
  testMail("password-reset", ["/password/reset"], { path: "/password/reset", data: { because } });
testMail("password-changed", ["/password/forgot"], at("/password/forgot"));
testMail("confirm-address", ["/account/email/confirm?token=a-b_c"], at("/account/email/confirm?token=a-b_c"));
testMail("address-changed", ["/account/email/revert?token=a-b_c"], at("/account/email/revert?token=a-b_c"));
testMail("farewell", ["/"]);
testMail("log-in-blocked", ["/password/forgot"], at("/password/forgot"));
