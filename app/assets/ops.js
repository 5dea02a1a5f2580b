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
  const place = stops().indexOf(document.activeElement);
  const href = document.activeElement.getAttribute("href");
  const scrolled = [...live.querySelectorAll("table")].map((table) => table.scrollLeft);

  live.innerHTML = html;
  live.querySelectorAll("table").forEach((table, nth) => table.scrollTo(scrolled[nth] ?? 0, 0));
  if (place < 0) return;
  // Keep the focus where it was.
  const same = stops().findIndex((stop, nth) => (href ? stop.getAttribute("href") === href : nth === place));
  stops()
    .slice(same, same + 1)
    .forEach((/** @type {{ focus(options: object): void }} */ stop) => stop.focus({ preventScroll: true }));
}

/** Where the Tab key stops. */
function stops() {
  return [...live.querySelectorAll("a, table")];
}

follow();
