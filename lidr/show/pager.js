setTimeout(function () {
  document.querySelectorAll(".lidr-frame:not([data-live])").forEach(function (frame) {
    frame.dataset.live = "1";
    var page = 50, from = 0, sorted = -1, up = true;
    var table = frame.querySelector("table"), body = table.tBodies[0], note = frame.querySelector("div.lidr-note");
    var rows = Array.from(body.rows), carried = frame.querySelector("script[type='text/html']");
    if (carried) {
      var more = document.createElement("tbody");
      more.innerHTML = carried.textContent;
      rows = rows.slice(0, +table.dataset.head).concat(Array.from(more.rows));
    }
    var order = rows.slice();

    function button(text, label, act) {
      var b = document.createElement("button");
      b.type = "button";
      b.textContent = text;
      if (label) b.setAttribute("aria-label", label);
      b.addEventListener("click", act);
      return b;
    }
    function key(row, column) {
      var cell = row.cells[column], text = cell.textContent;
      return cell.className === "n" ? (isNaN(+text) ? -Infinity : +text) : text;
    }
    function sort(column) {
      if (sorted !== column) { sorted = column; up = true; } else if (up) { up = false; } else { sorted = -1; }
      order = rows.slice();
      if (sorted >= 0) {
        var keys = new Map(order.map(function (row) { return [row, key(row, column)]; }));
        order.sort(function (a, b) {
          a = keys.get(a); b = keys.get(b);
          var by = typeof a === "number" ? (a === b ? 0 : a < b ? -1 : 1) : a.localeCompare(b);
          return up ? by : -by;
        });
      }
      from = 0;
      draw();
    }
    function draw() {
      body.replaceChildren.apply(body, order.slice(from, from + page));
      heads.forEach(function (th, column) {
        th.setAttribute("aria-sort", column !== sorted ? "none" : up ? "ascending" : "descending");
        th.firstChild.dataset.arrow = column !== sorted ? "" : up ? " ▲" : " ▼";
      });
      back.disabled = from === 0;
      on.disabled = from + page >= order.length;
      place.textContent = (from + 1) + "–" + Math.min(from + page, order.length);
    }
    var heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach(function (th, column) {
      var b = button(th.textContent, "", function () { sort(column); });
      b.title = "sort";
      th.replaceChildren(b);
    });
    var place = document.createElement("span");
    var back = button("‹", "rows before", function () { from -= page; draw(); });
    var on = button("›", "rows after", function () { from += page; draw(); });
    if (order.length > page) note.prepend(back, place, on, " · ");
    draw();
  });
});
