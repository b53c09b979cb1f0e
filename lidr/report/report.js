// What a reader can do with the page: sort tables by a heading, take them away as CSV or LaTeX, and see the examples of
// one language alone. The page is whole without it. Texts of models stay text: nothing here makes HTML of them.
"use strict";

const plain = (text) => text.replace(/\s+/g, " ").trim().replaceAll("−", "-");

// parts are a cell's value and what stands smaller beside it, its error mostly.
function parts(cell) {
  const small = cell.querySelector("small");
  const value = cell.querySelector("span") ?? cell;
  return [plain(value.textContent), small ? plain(small.textContent) : ""];
}

// key orders cells: numbers by their value, before texts.
function key(cell) {
  const [text] = parts(cell);
  const number = Number.parseFloat(text);
  return Number.isNaN(number) ? text : number;
}

// sortRows orders the rows between the headings of groups, and leaves rows of means where a group ends.
function sortRows(body, order, column, sign) {
  let run = [];
  const put = (next) => {
    const ends = run.filter((row) => row.classList.contains("mean"));
    const rows = run.filter((row) => !row.classList.contains("mean"));
    rows.sort((a, b) => {
      const [x, y] = [key(a.cells[column]), key(b.cells[column])];
      if (sign === 0 || x === y) return order.get(a) - order.get(b);
      if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
      return (typeof x === "number" ? x - y : x.localeCompare(y)) * sign;
    });
    if (sign === 0) run.sort((a, b) => order.get(a) - order.get(b));
    else run = [...rows, ...ends];
    run.forEach((row) => body.insertBefore(row, next));
    run = [];
  };
  for (const row of [...body.rows]) {
    if (row.classList.contains("group")) put(row);
    else run.push(row);
  }
  put(null);
}

function sortable(table) {
  const body = table.tBodies[0];
  const order = new Map([...body.rows].map((row, i) => [row, i]));
  const heads = table.tHead ? [...table.tHead.rows[0].cells] : [];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      const after = { null: "descending", descending: "ascending" }[before];
      if (after) head.setAttribute("aria-sort", after);
      sortRows(body, order, column, { descending: -1, ascending: 1 }[after] ?? 0);
    });
  });
}

// grid is a table as rows of texts, a second column for what stands smaller beside a column's values. A group's heading
// is a column of its own.
function grid(table) {
  const rows = [...table.tBodies[0].rows];
  const groups = rows.some((row) => row.classList.contains("group"));
  const cells = rows.filter((row) => !row.classList.contains("group")).map((row) => [...row.cells].map(parts));
  const width = Math.max(0, ...cells.map((row) => row.length));
  const second = [...Array(width).keys()].map((i) => cells.some((row) => row[i]?.[1]));
  const heads = table.tHead ? [...table.tHead.rows[0].cells].map((cell) => plain(cell.textContent)) : [];
  const spread = (row) => [...Array(width).keys()].flatMap((i) => (second[i] ? row[i] ?? ["", ""] : [(row[i] ?? [""])[0]]));
  const out = heads.some((head) => head) ? [spread(heads.map((head) => [head, head + ", beside"]))] : [];
  let group = "";
  let at = 0;
  if (groups && out.length) out[0].unshift("group");
  for (const row of rows) {
    if (row.classList.contains("group")) group = plain(row.textContent);
    else out.push(groups ? [group, ...spread(cells[at++])] : spread(cells[at++]));
  }
  return out;
}

function csv(rows) {
  const field = (text) => {
    const safe = /^[=@+]|^-(?![\d.])/.test(text) && Number.isNaN(Number(text)) ? "'" + text : text; // no formula
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => row.map(field).join(",")).join("\r\n") + "\r\n";
}

function latex(rows) {
  const special = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "±": "$\\pm$" };
  const field = (text) =>
    text.replace(/[\\~^±#$%&_{}]/g, (c) => special[c] ?? "\\" + c).replace(/^-(?=[\d.])/, "$-$");
  const line = (row) => "  " + row.map(field).join(" & ") + " \\\\";
  const numbers = (i) => rows.slice(1).every((row) => !row[i] || row[i] === "–" || /^[-+]?[\d.]/.test(row[i]));
  const columns = (rows[0] ?? []).map((_, i) => (i > 0 && numbers(i) ? "r" : "l")).join("");
  const [head, ...body] = rows.map(line);
  return ["% \\usepackage{booktabs}", `\\begin{tabular}{${columns}}`, "  \\toprule", head, "  \\midrule", ...body,
    "  \\bottomrule", "\\end{tabular}", ""].join("\n");
}

function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

document.querySelectorAll("table").forEach((table, i) => {
  sortable(table);
  const section = table.closest("section");
  const name = `${section?.id ?? "table"}-${i + 1}`;
  const take = document.createElement("p");
  take.className = "take";
  for (const [label, extension, form] of [["CSV", "csv", csv], ["LaTeX", "tex", latex]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.setAttribute("aria-label", `save table ${i + 1} as ${label}`);
    button.addEventListener("click", () => save(`${name}.${extension}`, form(grid(table))));
    take.append(button);
  }
  table.parentElement.after(take);
});

// Examples of several languages can be narrowed to one.
document.querySelectorAll("section").forEach((section) => {
  const examples = [...section.querySelectorAll("article[data-language]")];
  const languages = [...new Set(examples.map((example) => example.dataset.language))];
  if (languages.length < 2) return;
  const label = document.createElement("label"), select = document.createElement("select");
  label.className = "only";
  select.append(new Option("all languages", ""), ...languages.map((name) => new Option(name, name)));
  select.addEventListener("change", () => {
    for (const example of examples) example.hidden = select.value !== "" && example.dataset.language !== select.value;
  });
  label.append("Examples in ", select);
  examples[0].before(label);
});

// The date is the file's own: a report of equal data has equal bytes whenever it is written.
const written = new Date(document.lastModified);
if (!Number.isNaN(written.valueOf())) {
  const line = document.getElementById("written");
  line.textContent = "Written " + written.toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" }) + ".";
  line.hidden = false;
}
