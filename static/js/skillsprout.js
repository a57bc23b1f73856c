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

// Whoever logs in in another tab gets another token: the cookie's counts, not this page's.
function csrfToken() {
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
  return token ? { "X-CSRFToken": token } : JSON.parse(document.body.getAttribute("hx-headers"));
}

document.addEventListener("htmx:configRequest", ({ detail }) => {
  Object.assign(detail.headers, csrfToken());
  // The one in the form would count before the header's.
  delete detail.parameters.csrfmiddlewaretoken;
});

const REFUSED = {
  403: "Not saved: you logged in or out in another tab. Reload this page, then press again.",
  410: "Your answers are no longer kept in this browser. Nothing was noted.",
};

function whyNotSaved(status) {
  if (status === 0 || status >= 500) return "Not saved: we could not be reached. Please try again.";
  return REFUSED[status] ?? "Not saved: this page is out of date. Reload it, then press again.";
}

// What was not saved must not look saved.
for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(failure, ({ target, detail }) => {
    const ratings = target.closest(".ratings");
    const where = ratings ? document.querySelector("#progress p") : target.closest(".reactions, .tier-more");
    if (!where) return;
    const notice = document.createElement("strong");
    notice.className = "failed";
    notice.setAttribute("role", "alert");
    notice.textContent = where.matches(".tier-more")
      ? "Could not load more. Please try again."
      : whyNotSaved(detail.xhr.status);
    where.querySelector(".failed")?.remove();
    where.append(" ", notice);
  });
}

// Whoever asks for more is told how much came, and goes on at the first of it.
document.addEventListener("htmx:beforeSwap", ({ target, detail }) => {
  if (target.id !== "tiers" || !detail.shouldSwap) return;
  const tier = detail.requestConfig.elt.closest(".tier").id;
  const cards = () => [...document.querySelectorAll(`#${tier} .card`)];
  const before = new Set(cards().map(({ dataset }) => dataset.code));
  const goOn = () => {
    const more = cards().filter(({ dataset }) => !before.has(dataset.code));
    const shown = document.querySelector(`#${tier} .tier-count`).textContent;
    document.getElementById("more-shown").textContent = `${more.length} more shown, ${shown}.`;
    if (!more.length) return;
    const folded = more[0].closest("details");
    if (folded) folded.open = true;
    more[0].querySelector("h3 a").focus();
  };
  document.addEventListener("htmx:afterSwap", goOn, { once: true });
});

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

// Which suggestions were really seen: a card counts once half of it, or of the window, has stayed in view for a second;
// once per list. Cards that only flew past do not.
const STAY_MS = 1000;
const MOST_TRIES = 6;
const seen = new Set();
const staying = new Map();
let unsent = [];
let sending;

async function sendBatch(cards) {
  const body = new URLSearchParams([["event", cards[0].event], ...cards.map(({ code }) => ["code", code])]);
  try {
    const answer = await fetch(cards[0].url, { method: "POST", body, headers: csrfToken(), keepalive: true });
    if (answer.status >= 500 || [403, 429].includes(answer.status)) throw new Error(answer.statusText);
  } catch {
    // They are sent again, after a longer wait each time, or with the next batch.
    const again = cards.filter((card) => ++card.tries < MOST_TRIES);
    unsent.push(...again);
    if (again.length) sending ??= setTimeout(sendSeen, 1000 * 2 ** again[0].tries);
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

function noteSeen(card) {
  const { event, code } = card.dataset;
  stopClock(card);
  sight.unobserve(card);
  seen.add(event + code);
  unsent.push({ event, code, url: card.closest("[data-seen-url]").dataset.seenUrl, tries: 0 });
  sending ??= setTimeout(sendSeen, 1000);
}

function stopClock(card) {
  clearTimeout(staying.get(card));
  staying.delete(card);
}

const sight = new IntersectionObserver(
  (entries) => {
    for (const { target, intersectionRatio, intersectionRect } of entries) {
      if (intersectionRatio < 0.5 && intersectionRect.height < innerHeight / 2) stopClock(target);
      else if (!staying.has(target)) staying.set(target, setTimeout(noteSeen, STAY_MS, target));
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
  if (document.visibilityState === "visible") return watchCards();
  // Nobody looks at a tab in the background.
  sight.disconnect();
  [...staying.keys()].forEach(stopClock);
  sendSeen();
});
