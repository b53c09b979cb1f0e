package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// pages are all kinds of pages of a run named hostile.
var pages = map[string]string{
	"run":         "/run?run=hostile",
	"verdicts":    "/browse?run=hostile&model=M2&beside=M0",
	"pairs":       "/browse?run=hostile&kind=pairs&model=M0",
	"dropped":     "/browse?run=hostile&kind=pairs&model=M0&state=dropped",
	"translated":  "/browse?run=hostile&kind=translations",
	"searched":    "/browse?run=hostile&kind=answers&lang=ar&text=41",
	"judged":      "/browse?run=hostile&kind=judged",
	"mtbench":     "/browse?run=hostile&kind=mtbench",
	"panel":       "/browse?run=hostile&kind=panel",
	"mtpairs":     "/browse?run=hostile&kind=mtpairs",
	"leaderboard": "/leaderboard",
	"rate":        "/rate?run=hostile",
	"refused":     "/browse?run=hostile&model=M77",
}

// tooWide counts the tables that have to be scrolled sideways.
const tooWide = `[...document.querySelectorAll(".scroll")].filter((e) => e.scrollWidth > e.clientWidth).length`

// No page is wider than the window, at either width, in light, dark and print, and none complains.
func TestPagesFit(t *testing.T) {
	b := open(t)
	address := serve(t, "--rate", "--rater", "tester", writeRun(t))
	for name, path := range pages {
		b.look(address + path)
		for _, m := range media {
			b.as(m)
			if wide := eval[int](b, "document.documentElement.scrollWidth"); wide > int(m.width) {
				t.Errorf("%s at %s is %d wide", name, m.name, wide)
			}
			if cut := eval[int](b, tooWide); cut > 0 && m.width >= 1280 {
				t.Errorf("%d tables of %s are cut at %s", cut, name, m.name)
			}
			b.well(name + " at " + m.name)
			b.shoot(name + "-" + m.name)
		}
	}
}

// What models and data say stays text, in its direction and with its language.
func TestTextsStayTexts(t *testing.T) {
	b := open(t)
	address := serve(t, writeRun(t))
	for _, kind := range []string{"verdicts", "answers", "pairs", "prompts", "translations", "judged", "mtbench",
		"panel", "mtpairs"} {
		for _, text := range []string{"", "harmed"} {
			b.look(address + "/browse?run=hostile&kind=" + kind + "&text=" + text)
			if title := eval[string](b, "document.title"); !strings.Contains(title, "lidr view") {
				t.Errorf("the title of %s is %q: a text was run", kind, title)
			}
			if n := eval[int](b, `document.querySelectorAll(".item script, .item img, .item svg, .said :not(mark):not(.none)").length`); n > 0 {
				t.Errorf("%d elements of %s are made of texts", n, kind)
			}
		}
	}
	if n := eval[int](b, `document.querySelectorAll("mark").length`); n == 0 {
		t.Error("what was searched for is not marked")
	}
	for lang, direction := range map[string]string{"ar": "rtl", "he": "rtl", "th": "ltr", "bn": "ltr"} {
		b.look(address + "/browse?run=hostile&kind=verdicts&model=M2&target=on&text=apples-01&lang=" + lang)
		found := eval[[]string](b, `[...document.querySelectorAll(".prompt .said")].map((e) => e.lang + " " + getComputedStyle(e).direction)`)
		if len(found) != 10 && len(found) == 0 || slices.ContainsFunc(found, func(s string) bool { return s != lang+" "+direction }) {
			t.Errorf("prompts in %s are %v, expected %s", lang, found, direction)
		}
	}
	b.well("texts")
}

// Everything is reached by the keyboard: the link past the head first, then the pages; headings sort tables.
func TestKeyboard(t *testing.T) {
	b := open(t)
	address := serve(t, writeRun(t))
	b.as(media[0])
	b.look(address + "/browse?run=hostile&kind=pairs")
	var order []string
	for range 6 {
		b.do(chromedp.KeyEvent(kb.Tab))
		order = append(order, eval[string](b, "document.activeElement.textContent.trim()"))
	}
	want := []string{"Skip to the content", "lidr view", "Overview", "Answers and pairs", "Leaderboard", "Evaluation"}
	if !slices.Equal(order, want) {
		t.Errorf("Tab goes to %q, expected %q", order, want)
	}
	b.do(chromedp.KeyEvent("/"))
	if at := eval[string](b, "document.activeElement.name"); at != "text" {
		t.Errorf("/ goes to %q, expected the search", at)
	}
	eval[string](b, `document.activeElement.value = ""`) // chromedp types the key all the same
	b.do(chromedp.KeyEvent("apples-001" + kb.Enter))
	b.until(`location.search.includes("text=apples-001") && document.readyState === "complete"`)
	if total := eval[string](b, `document.getElementById("count").textContent`); !strings.HasSuffix(total, "of 8") {
		t.Errorf("apples-001 has %q pairs, expected 8: four languages in two rounds", total)
	}
	b.do(chromedp.KeyEvent("jj"))
	if n := eval[int](b, `[...document.querySelectorAll(".item")].indexOf(document.activeElement)`); n != 1 {
		t.Errorf("j twice goes to item %d, expected 1", n)
	}
	b.look(address + "/leaderboard")
	first := func() string {
		return eval[string](b, `document.querySelector("#scores tbody tr").cells[1].textContent`)
	}
	b.do(chromedp.Focus[string](`#scores th:nth-child(3) button`), chromedp.KeyEvent(kb.Enter))
	best := first()
	b.do(chromedp.KeyEvent(kb.Enter))
	if worst := first(); best != "M2" || worst != "M0" {
		t.Errorf("sorted by accuracy %q is first and, the other way, %q; expected M2 and M0", best, worst)
	}
	b.well("keyboard")
}

// A page changes while the run goes on: the curve grows without a reload, and what the reader has opened stays open.
func TestLive(t *testing.T) {
	b := open(t)
	dir := writeRun(t)
	log := filepath.Join(dir, "M2", "train.jsonl")
	whole, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(whole), "\n")
	if err := os.WriteFile(log, []byte(strings.Join(lines[:10], "")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "M2", "training.json")); err != nil {
		t.Fatal(err)
	}
	address := serve(t, dir)
	b.look(address + "/run?run=hostile")
	b.until(`document.getElementById("live").textContent !== ""`)
	eval[bool](b, `window.stays = document.querySelector("details").open = true`)
	last := `[...document.querySelectorAll(".chart")].at(-1).dataset.steps.split(" ").at(-1)`
	if got := eval[string](b, last); got != "10" {
		t.Fatalf("the curve ends at step %s, expected 10", got)
	}
	time.Sleep(1500 * time.Millisecond) // the server has seen the run as it was
	if err := os.WriteFile(log, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	b.until(last + ` === "40"`)
	if !eval[bool](b, `window.stays === true && document.querySelector("details").open`) {
		t.Error("the page was loaded anew")
	}
	b.well("live")
}

// A person rates blind: nothing says whose an answer is; each rating is saved in the judge's form, and rating goes on
// where it stopped.
func TestRate(t *testing.T) {
	b := open(t)
	dir := writeRun(t)
	args := []string{"--rate", "--rater", "tester", dir}
	b.look(serve(t, args...) + "/rate?run=hostile&pair=M2-M0&lang=bn")
	count := func() string { return eval[string](b, `document.querySelector("main [role=status]").textContent`) }
	for i, key := range []string{"1", "2", "3", "1"} {
		b.until(fmt.Sprintf(`document.querySelector("main [role=status]")?.textContent.startsWith("%d of ")`, i))
		if form := eval[string](b, `document.querySelector("form.rate").textContent`); strings.Contains(form, "M0") ||
			strings.Contains(form, "M2") {
			t.Errorf("the question says whose answers they are: %s", form)
		}
		b.do(chromedp.KeyEvent(key))
	}
	b.until(`document.querySelector("main [role=status]")?.textContent.startsWith("4 of ")`)
	data, err := os.ReadFile(filepath.Join(dir, "judged", "M2-M0", "people", "tester", "annotations", "bn.json"))
	if err != nil {
		t.Fatal(err)
	}
	var saved []struct {
		Preference float64 `json:"preference"`
		Generator1 string  `json:"generator_1"`
		Generator2 string  `json:"generator_2"`
	}
	if err := json.Unmarshal(data, &saved); err != nil {
		t.Fatal(err)
	}
	if len(saved) != 4 || saved[1].Preference != 1.5 || saved[0].Generator1 != "M0" || saved[0].Generator2 != "M2" {
		t.Errorf("saved are %v, expected 4 ratings of M2 against M0, the second a tie", saved)
	}
	before := count()
	b.look(serve(t, args...) + "/rate?run=hostile&pair=M2-M0&lang=bn")
	if got := count(); strings.Fields(got)[0] != "4" || strings.Fields(got)[2] != strings.Fields(before)[2] {
		t.Errorf("started again it says %q, before %q", got, before)
	}
	if table := eval[string](b, `document.querySelector("#agreement").textContent`); !strings.Contains(table, "checker") {
		t.Errorf("agreement with the checker is not told: %s", table)
	}
	b.well("rate")
}

// A chart tells the values of the step at the pointer, and the last ones again when it has left.
func TestChartTellsValues(t *testing.T) {
	b := open(t)
	b.as(media[0])
	b.look(serve(t, writeRun(t)) + "/run?run=hostile")
	said := eval[[]string](b, `(() => {
		const chart = document.querySelector(".chart"), svg = chart.querySelector("svg"), box = svg.getBoundingClientRect();
		const legend = () => chart.querySelector(".legend").textContent.replace(/\s+/g, " ").trim();
		const all = [legend()];
		const middle = { clientX: box.left + (44 + 160) / 372 * box.width, clientY: box.top + box.height / 2 };
		svg.dispatchEvent(new PointerEvent("pointermove", middle));
		all.push(legend());
		svg.dispatchEvent(new PointerEvent("pointerleave"));
		return [...all, legend()];
	})()`)
	if said[0] != said[2] || said[0] == said[1] || !strings.HasSuffix(said[1], "step 21") {
		t.Errorf("a chart says %q, in its middle %q, and then %q", said[0], said[1], said[2])
	}
	b.well("chart")
}
