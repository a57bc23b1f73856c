// Comfort where scripts run; every page works without it.

document.querySelectorAll("[data-copy]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy");
    }
    button.textContent = "Copied";
  });
});

document.querySelectorAll("[data-print]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// What did not reach us must not look saved.
for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(failure, ({ target }) => {
    const ratings = target.closest(".ratings");
    const where = ratings ? document.querySelector("#progress p") : target.closest(".reactions");
    if (!where) return;
    const notice = document.createElement("strong");
    notice.className = "failed";
    notice.setAttribute("role", "alert");
    notice.textContent = "Not saved: we could not be reached. Please try again.";
    where.querySelector(".failed")?.remove();
    where.append(" ", notice);
  });
}

// From the search box, the arrow keys walk through what was found.
document.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const hits = [...document.querySelectorAll("#hits .hit")];
  const box = document.getElementById("q");
  const at = hits.indexOf(document.activeElement);
  if (!hits.length || (at < 0 && document.activeElement !== box)) return;
  event.preventDefault();
  const next = at + (event.key === "ArrowDown" ? 1 : -1);
  (hits[next] ?? (next < 0 ? box : hits[at])).focus();
});

// Which suggestions were really seen: a card counts when half of it, or of the window, is in view; once per list.
const seen = new Set();
let unsent = [];
let sending;

async function sendBatch(cards) {
  const body = new URLSearchParams([["event", cards[0].event], ...cards.map(({ code }) => ["code", code])]);
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  try {
    const answer = await fetch(cards[0].url, { method: "POST", body, headers, keepalive: true });
    if (answer.status >= 500) throw new Error(answer.statusText);
  } catch {
    // They go with the next batch.
    unsent.push(...cards);
  }
}

function sendSeen() {
  clearTimeout(sending);
  sending = undefined;
  const batches = {};
  for (const card of unsent) (batches[card.event] ??= []).push(card);
  unsent = [];
  Object.values(batches).forEach(sendBatch);
}

const sight = new IntersectionObserver(
  (entries) => {
    for (const { target, intersectionRatio, intersectionRect } of entries) {
      if (intersectionRatio < 0.5 && intersectionRect.height < innerHeight / 2) continue;
      sight.unobserve(target);
      const { event, code } = target.dataset;
      if (seen.has(event + code)) continue;
      seen.add(event + code);
      unsent.push({ event, code, url: target.closest("[data-seen-url]").dataset.seenUrl });
      sending ??= setTimeout(sendSeen, 1000);
    }
  },
  { threshold: Array.from({ length: 21 }, (_, step) => step / 20) },
);

function watchCards() {
  document.querySelectorAll("[data-seen-url] [data-event]").forEach((card) => {
    if (!seen.has(card.dataset.event + card.dataset.code)) sight.observe(card);
  });
}

watchCards();
document.addEventListener("htmx:load", watchCards);
addEventListener("pagehide", sendSeen);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") sendSeen();
});
