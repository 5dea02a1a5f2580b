// Keeps the figures up to date. The page works without it.
const live = document.querySelector("#live");
const status = document.querySelector("#live-status");

function follow() {
  const source = new EventSource("/ops/events");
  source.addEventListener("message", (event) => {
    status.textContent = "Live.";
    swap(String(JSON.parse(String(event.data))));
  });
  source.addEventListener("error", () => {
    status.textContent = "Not live. Trying again.";
    // The browser has given up: the server is away or has refused.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
  });
}

/** @param {string} html */
function swap(html) {
  // Do not replace text that is being selected.
  if (!getSelection().isCollapsed && live.contains(getSelection().anchorNode)) return;
  const href = live.contains(document.activeElement) && document.activeElement.getAttribute("href");
  live.innerHTML = html;
  // Keep the focus where it was.
  [...live.querySelectorAll("a")]
    .filter((link) => link.getAttribute("href") === href)
    .slice(0, 1)
    .forEach((/** @type {{ focus(options: object): void }} */ link) => link.focus({ preventScroll: true }));
}

follow();
