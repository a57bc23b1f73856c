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
