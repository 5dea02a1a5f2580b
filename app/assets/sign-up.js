// The form works without this file, which adds the Show button and swallows a second submit.
const form = document.querySelector("form");
const password = form.querySelector("#password");
const show = form.querySelector("[aria-controls=password]");
const status = form.querySelector("[role=status]");
const submit = form.querySelector("button:not([type])");
/** @type {number | undefined} */
let release;

show.hidden = false;
// The field keeps the focus, and a phone its keyboard.
show.addEventListener("mousedown", (event) => event.preventDefault());
show.addEventListener("click", () => {
  reveal(password.type === "password");
  status.textContent = password.type === "text" ? "The password is shown." : "The password is hidden.";
});

form.addEventListener("submit", (event) => {
  if (release) return event.preventDefault();
  // A password manager offers to save only what leaves a password field.
  reveal(false);
  submit.setAttribute("aria-disabled", "true");
  // The visitor may have stopped the request: the button must not stay dead.
  release = setTimeout(reopen, 10_000);
});

// "Back" may bring this very page, as it was left.
addEventListener("pageshow", reopen);

function reveal(shown) {
  password.type = shown ? "text" : "password";
  show.firstElementChild.textContent = shown ? "Hide" : "Show";
}

function reopen() {
  clearTimeout(release);
  release = undefined;
  submit.removeAttribute("aria-disabled");
}
