// Asks the device for a passkey, and sends it with its form. The forms are hidden where there is no script, or an older
// browser; passwords work there.

const isSupported = "parseRequestOptionsFromJSON" in (globalThis.PublicKeyCredential ?? {});
/** A challenge expires after 5 minutes. */
const fourMinutes = 240_000;

const problems = new Map([
  ["NotAllowedError", "No passkey was used. Try again."],
  ["InvalidStateError", "This device has a passkey for your account already."],
  ["ConstraintError", "This device cannot keep a passkey."],
  ["NotSupportedError", "This device cannot keep a passkey."],
  ["HTTP 429", "This did not work. Wait a minute, then try again."],
]);
/** Where to go when the session or its proof has ended meanwhile: the page itself asks for a proof. */
const nextPages = new Map([
  ["HTTP 401", "/login?ended"],
  ["HTTP 403", location.href],
]);
const otherProblem = "This did not work. Try again.";

/** Browsers allow one request to the device at a time. */
let request = new AbortController();
/** @type {number | undefined} */
let renewal;
let isSent = false;
// "Back" may restore this page as it was when it sent its form.
addEventListener("pageshow", () => (isSent = false));

for (const form of document.querySelectorAll("form[data-passkey]")) if (isSupported) offer(form);

/** @param {HTMLFormElement} form */
function offer(form) {
  form.hidden = false;
  // A hidden field cannot take the focus when the page loads.
  /** @type {HTMLElement | null} */
  const first = form.querySelector("[autofocus]");
  first?.focus();
  document.querySelector("[data-no-passkeys]")?.remove();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void askUser(form);
  });
  if (form.dataset.autofill) void offerAutofill(form);
}

/** @param {HTMLFormElement} form */
async function askUser(form) {
  const status = form.querySelector("[role=alert]");
  status.textContent = "";
  try {
    await ask(form);
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    // A newer request took the place of this one.
    if (name === "AbortError") return;
    const next = nextPages.get(name);
    if (next) return location.assign(next);
    status.textContent = problems.get(name) ?? otherProblem;
    if (form.dataset.autofill) void offerAutofill(form);
  }
}

/**
 * The browser lists passkeys among the addresses that it offers for the field, until the user chooses one.
 * @param {HTMLFormElement} form
 */
async function offerAutofill(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  document.getElementById(form.dataset.autofill).autocomplete = "username webauthn";
  // The user has not asked for a passkey, so a failure needs no message.
  ask(form, "conditional").catch(() => {});
  renewal = setTimeout(() => renewAutofill(form), fourMinutes);
}

/**
 * A page in the background asks for nothing.
 * @param {HTMLFormElement} form
 */
function renewAutofill(form) {
  if (!document.hidden) void offerAutofill(form);
  else document.addEventListener("visibilitychange", () => renewAutofill(form), { once: true });
}

/**
 * @param {HTMLFormElement} form
 * @param {CredentialMediationRequirement} [mediation]
 */
async function ask(form, mediation) {
  if (isSent) return;
  clearTimeout(renewal);
  request.abort();
  request = new AbortController();
  const { signal } = request;

  const response = await fetch(`${form.action}/options`, {
    method: "POST",
    headers: { Accept: "application/json" },
    signal,
  });
  if (!response.ok) throw new DOMException("No challenge", `HTTP ${response.status}`);
  /** @type {unknown} */
  const options = await response.json();
  const credential =
    form.dataset.passkey === "create"
      ? await navigator.credentials.create({
          publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
          signal,
        })
      : await navigator.credentials.get({
          publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
          mediation,
          signal,
        });
  isSent = true;
  /** @type {HTMLInputElement} */
  const field = form.elements.namedItem("credential");
  field.value = JSON.stringify(credential);
  form.submit();
}
