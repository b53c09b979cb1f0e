// What the pages do beside what HTML does: all of it works without, but for live changes and hover. Texts go into the
// page as text alone (textContent); what the server sends is parsed into a document of its own, in which no script
// runs, and only the parts marked data-live are taken from it.
"use strict";

// A form shows its choice at once.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (form && event.target.matches("select")) submit(form);
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-auto]")) {
    event.preventDefault();
    submit(event.target);
  }
});

// submit leaves out what is not chosen, so that links stay short.
function submit(form) {
  const values = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) values.append(name, value);
  location.assign(form.action + "?" + values);
}

// Tables are sorted by a click on a heading, or by Enter on its button.
function sortable(table) {
  table.tHead.querySelectorAll("th").forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") !== "descending";
      table.tHead.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const value = (row) => {
        const cell = row.cells[column];
        const key = cell.dataset.sort ?? cell.textContent.trim();
        return key !== "" && !isNaN(Number(key)) ? Number(key) : key;
      };
      const rows = [...table.tBodies[0].rows].map((row, i) => [value(row), i, row]);
      rows.sort(([a, i], [b, j]) => {
        const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
        return (descending ? -order : order) || i - j;
      });
      table.tBodies[0].append(...rows.map(([, , row]) => row));
    });
  });
}

// A chart tells the values at the pointer.
function hover(chart) {
  const svg = chart.querySelector("svg"), cursor = chart.querySelector(".cursor"), at = chart.querySelector(".at");
  const steps = chart.dataset.steps.split(" "), lines = [...chart.querySelectorAll(".line")];
  const outputs = [...chart.querySelectorAll("output")], last = outputs.map((o) => o.textContent);
  const values = lines.map((line) => line.dataset.values.split(" "));
  const place = (event) => {
    const box = svg.getBoundingClientRect();
    return (event.clientX - box.left) / box.width * 372 - 44;
  };
  const first = Number(steps[0]), span = Math.max(1, Number(steps.at(-1)) - first);
  svg.addEventListener("pointermove", (event) => {
    const wanted = first + Math.min(1, Math.max(0, place(event) / 320)) * span;
    let i = steps.findIndex((step) => Number(step) >= wanted);
    if (i < 0) i = steps.length - 1;
    const x = (Number(steps[i]) - first) / span * 320;
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    cursor.setAttribute("visibility", "visible");
    outputs.forEach((output, k) => { output.textContent = values[k][i]; });
    at.textContent = "step " + steps[i];
  });
  svg.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    outputs.forEach((output, k) => { output.textContent = last[k]; });
    at.textContent = "";
  });
}

function dress(root) {
  root.querySelectorAll("table[data-sortable]").forEach(sortable);
  root.querySelectorAll(".chart").forEach(hover);
}
dress(document);

// A run that is at work changes the parts of the page that show it.
const watch = document.body.dataset.watch;
if (watch) {
  const live = document.getElementById("live"), events = new EventSource(watch);
  let busy = false, again = false;
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) throw new Error(answer.status);
      const now = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of document.querySelectorAll("[data-live]")) {
        const fresh = now.getElementById(old.id);
        if (!fresh || old.contains(document.activeElement) && old.querySelector("table")) continue;
        if (fresh.isEqualNode(old)) continue;
        const copy = document.importNode(fresh, true);
        old.replaceWith(copy);
        if (copy.parentNode) dress(copy);
      }
      live.textContent = "changed " + new Date().toLocaleTimeString();
    } catch {
      live.textContent = "no connection to lidr view";
    }
    busy = false;
    if (again) { again = false; setTimeout(refresh, 500); }
  };
  events.onmessage = refresh;
  events.onopen = () => { live.textContent = "live"; };
  events.onerror = () => { live.textContent = "no connection to lidr view"; };
}

// Keys of the list.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const items = [...document.querySelectorAll(".item")];
  const here = items.indexOf(document.activeElement?.closest(".item"));
  const go = (link) => { if (link) link.click(); };
  switch (event.key) {
    case "/": document.querySelector("input[type=search]")?.focus(); break;
    case "j": items[Math.min(here + 1, items.length - 1)]?.focus(); break;
    case "k": items[Math.max(here - 1, 0)]?.focus(); break;
    case "n": go(document.querySelector("a[rel=next]")); return;
    case "p": go(document.querySelector("a[rel=prev]")); return;
    case "1": case "2": case "3": go(document.querySelector(`button[data-key="${event.key}"]`)); return;
    default: return;
  }
  event.preventDefault();
});
