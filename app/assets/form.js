// Forms work without this file, which adds a Show button to each password and swallows a second submit.
for (const form of document.querySelectorAll("form:has(.password)")) {
  const submit = form.querySelector("button:not([type])");
  /** @type {number | undefined} */
  let release;

  form.addEventListener("submit", (event) => {
    if (release) return event.preventDefault();
    // A password manager offers to save only what leaves a password field.
    form.querySelectorAll(".password").forEach((field) => field.dispatchEvent(new Event("hide")));
    submit.setAttribute("aria-disabled", "true");
    // The user may have stopped the request: the button must work again.
    release = setTimeout(reopen, 10_000);
  });

  // "Back" may bring this very page, as it was left.
  addEventListener("pageshow", reopen);

  function reopen() {
    clearTimeout(release);
    release = undefined;
    submit.removeAttribute("aria-disabled");
  }
}

for (const field of document.querySelectorAll(".password")) {
  const password = field.querySelector("input");
  const show = field.querySelector("button");
  const status = field.querySelector("[role=status]");

  show.hidden = false;
  // The field keeps the focus, and a phone its keyboard.
  show.addEventListener("mousedown", (event) => event.preventDefault());
  show.addEventListener("click", () => {
    reveal(password.type === "password");
    status.textContent = password.type === "text" ? "The password is shown." : "The password is hidden.";
  });
  field.addEventListener("hide", () => reveal(false));

  function reveal(shown) {
    password.type = shown ? "text" : "password";
    show.firstElementChild.textContent = shown ? "Hide" : "Show";
  }
}
