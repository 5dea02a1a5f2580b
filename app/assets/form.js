// Adds a Show button to each password field, and ignores a second submit. Forms work without this file.
for (const form of document.querySelectorAll("form:has(.password)")) {
  const submit = form.querySelector("button:not([type])");
  /** @type {number | undefined} */
  let release;

  form.addEventListener("submit", (event) => {
    if (release) return event.preventDefault();
    // Password managers only offer to save what is submitted from a password field.
    form.querySelectorAll(".password").forEach((field) => field.dispatchEvent(new Event("hide")));
    submit.setAttribute("aria-disabled", "true");
    // The user may stop the request, and must then be able to submit again.
    release = setTimeout(reopen, 10_000);
  });

  // "Back" may restore this page as it was at the submit.
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
  // Keep the focus in the field: otherwise a phone hides its keyboard.
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
