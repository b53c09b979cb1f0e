package browser

import (
	"encoding/csv"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The report's tables are sorted by a heading, the rows of means at their end, and go back to their order; they are
// saved as CSV and LaTeX; nothing else of the page runs, at any width, in print.
func TestReport(t *testing.T) {
	b := open(t)
	page := filepath.Join(t.TempDir(), "report.html")
	write := exec.Command("go", "test", "-count=1", "-run", "^TestWritePage$", "./lidr/report")
	write.Dir, write.Env = root, append(write.Environ(), "LIDR_REPORT_PAGE="+page)
	if out, err := write.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b.look("file://" + page)
	for _, m := range media {
		b.as(m)
		if wide := eval[int](b, "document.documentElement.scrollWidth"); wide > int(m.width) {
			t.Errorf("at %s it is %d wide", m.name, wide)
		}
		b.shoot("report-" + m.name)
	}
	b.as(media[0])
	const column = `[...document.querySelector("#results tbody").rows].map((row) => row.cells[1].innerText.split(/\s/)[0])`
	const click = `document.querySelectorAll("#results thead th")[1].querySelector("button").click()`
	order := func() []string { return eval[[]string](b, column) }
	before := order()
	eval[any](b, click)
	sorted := order()
	if sorted[0] != "80.0" || !slices.IsSortedFunc(sorted[:7], func(x, y string) int { return strings.Compare(y, x) }) ||
		!slices.Equal(sorted[7:], []string{"47.8", "35.5"}) {
		t.Errorf("sorted, the accuracies are %v", sorted)
	}
	if told := eval[string](b, `document.querySelector("#results th[aria-sort]").ariaSort`); told != "descending" {
		t.Errorf("a reader is told %q", told)
	}
	eval[any](b, click)
	eval[any](b, click)
	if after := order(); !slices.Equal(after, before) {
		t.Errorf("back in their order, they are %v, before %v", after, before)
	}
	eval[any](b, `window.saved = [];
		URL.createObjectURL = (blob) => { blob.text().then((text) => saved.push(text)); return "#"; }`)
	eval[any](b, `document.querySelector("#results .take").querySelectorAll("button").forEach((button) => button.click())`)
	b.until("saved.length === 2")
	table := eval[[]string](b, "saved")
	rows, err := csv.NewReader(strings.NewReader(table[0])).ReadAll()
	heads := []string{"Language", "Language, beside", "M0", "M0, beside"}
	if err != nil || len(rows) != 10 || !slices.Equal(rows[0][:4], heads) || rows[1][0] != "English" || rows[1][2] != "80.0" || !strings.HasPrefix(rows[1][3], "± ") {
		t.Errorf("the CSV is %q, %v", rows, err)
	}
	for _, want := range []string{"\\begin{tabular}{llrl", "\\toprule", "English & en, dominant & 80.0 & $\\pm$ "} {
		if !strings.Contains(table[1], want) {
			t.Errorf("the LaTeX lacks %q:\n%s", want, table[1])
		}
	}
	told := eval[string](b, `(() => {
		const title = [...document.querySelectorAll("figure .wide title")].find((t) => t.textContent.startsWith("ru\n"));
		const box = title.parentNode.getBoundingClientRect();
		title.parentNode.scrollIntoView({ block: "center" });
		const now = title.parentNode.getBoundingClientRect();
		return document.elementFromPoint(now.x + box.width / 2, now.y + 5).querySelector("title").textContent;
	})()`)
	if !strings.HasPrefix(told, "ru\nM0: 27.2 % (95 % interval ") {
		t.Errorf("over the bars of Russian the pointer is told %q", told)
	}
	const seen = `[...document.querySelectorAll("#pairs article")].filter((e) => e.checkVisibility()).length`
	all := eval[int](b, seen)
	eval[any](b, `(() => { const one = document.querySelector("#pairs .only select");
		one.value = "Russian"; one.dispatchEvent(new Event("change")); })()`)
	if one := eval[int](b, seen); all != 3 || one != 1 {
		t.Errorf("of %d examples %d are in Russian, expected 1 of 3", all, one)
	}
	if written := eval[string](b, `document.getElementById("written").textContent`); !strings.HasPrefix(written, "Written ") {
		t.Errorf("the date is %q", written)
	}
	b.well("the report")
}
