package show

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot"

	"lidrlab/datasets"
	"lidrlab/plots"
)

type row struct {
	ID    string  `json:"id"`
	Lang  string  `json:"lang"`
	Text  string  `json:"text"`
	Value float64 `json:"value"`
	OK    bool    `json:"ok"`
}

type pair struct {
	Lang     string `json:"lang"`
	Prompt   string `json:"prompt"`
	Chosen   string `json:"chosen"`
	Rejected string `json:"rejected"`
}

func page(t *testing.T, x any) string {
	t.Helper()
	page, err := HTML(x)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func ExampleText() {
	text, err := Text([]row{{"1", "es", "tres manzanas", 0.73205, true}, {"2", "ru", "три яблока", math.NaN(), false}})
	fmt.Print(text, err)
	// Output:
	// id  lang  text           value  ok
	// 1   es    tres manzanas  0.732  true
	// 2   ru    три яблока     –      false
	// 2 rows × 5 columns
	// <nil>
}

// Texts of a model or a data set stay text: they open no tag, close no attribute, and move no cursor.
func TestHostileText(t *testing.T) {
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>` + "\x1b[2J\u202e"
	frame := []row{{hostile, `en" onmouseover="x`, strings.Repeat(hostile, 5), 1, true}}
	long := slices.Repeat([]row{{"</script>" + hostile, `"`, "</script>", 1, true}}, 60)
	pairs := []pair{{`en" onmouseover="x`, hostile, hostile, hostile}}
	for _, x := range []any{frame, long, pairs, hostile, map[string]string{"a": hostile}, errors.New(hostile)} {
		page := page(t, x)
		// Scripts of our own are at the end, and in one of them are rows.
		page = strings.TrimSuffix(page, pager)
		page = strings.Replace(strings.Replace(page, `<script type="text/html">`, "", 1), "</tr></script>", "</tr>", 1)
		for _, bad := range []string{"<script", "</script", "<img", `" onmouseover`} {
			if strings.Contains(page, bad) {
				t.Errorf("%T: the page holds %s:\n%s", x, bad, page)
			}
		}
		text, err := Text(x)
		if err != nil || strings.ContainsAny(text, "\x1b\u202e") {
			t.Errorf("%T: the text holds control characters, or %v: %q", x, err, text)
		}
	}
}

// A long frame is shown by its first and last rows, so that the page stays small enough for a browser.
func TestLongFrame(t *testing.T) {
	rows, text := make([]row, 100_000), strings.Repeat("ข้อความ<", 5000)
	for i := range rows {
		rows[i] = row{fmt.Sprint(i), "th", text, float64(i), true}
	}
	shown := page(t, datasets.Frame(rows))
	if len(shown) > 1<<20 {
		t.Errorf("the page has %d bytes, expected at most 1 MB", len(shown))
	}
	for _, want := range []string{"… 99950 rows more …", "100000 rows × 5 columns", ">39</td>", ">99999</td>",
		"characters more)", `lang="th"`, `dir="auto"`} {
		if !strings.Contains(shown, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	static, carried, _ := strings.Cut(shown, `<script type="text/html">`)
	if strings.Contains(static, ">40</td>") || !strings.Contains(carried, ">40</td>") {
		t.Error("row 40 is shown, expected it to be carried for the pages")
	}
	for i := range rows {
		rows[i].Text = "text"
	}
	if shown := page(t, rows[:100]); !strings.Contains(shown, `<div class="lidr-note">100 rows × 5 columns</div>`) {
		t.Error("a frame whose rows are all carried does not say so")
	}
	if shown := page(t, rows); len(shown) > 1<<20 || !strings.Contains(shown, "the first 2000 are here") {
		t.Errorf("short rows make a page of %d bytes", len(shown))
	}
	many := make([]pair, 100)
	for i := range many {
		many[i] = pair{"th", text, text, text}
	}
	if page := page(t, many); len(page) > 1<<20 || !strings.Contains(page, "12 of 100 pairs") {
		t.Errorf("the pairs have %d bytes", len(page))
	}
}

func TestValues(t *testing.T) {
	if _, err := HTML(nil); err == nil {
		t.Error("nil was shown")
	}
	if _, err := Text(datasets.Frame(3)); err == nil || !strings.Contains(err.Error(), "slice of structs") {
		t.Errorf("a frame with an error gave %v", err)
	}
	if shown := page(t, map[string]int{"a": 1}); !strings.Contains(shown, "&#34;a&#34;: 1") {
		t.Errorf("a map gave %s", shown)
	}
	for _, figure := range []any{
		plots.Lines{X: []string{"M0", "M1"}, Series: []plots.Series{{Name: "en", Values: []float64{1, 2}}}}.Figure(),
		plot.New(),
	} {
		if svg, ok, err := SVG(figure); !ok || err != nil || !strings.Contains(string(svg), "<svg") {
			t.Errorf("%T gave %v, %v, %.40q", figure, ok, err, svg)
		}
		if png, err := PNG(figure); err != nil || !strings.HasPrefix(string(png), "\x89PNG") {
			t.Errorf("%T gave %v, %.40q", figure, err, png)
		}
	}
	if _, ok, err := SVG(plots.Lines{}.Figure()); !ok || err == nil {
		t.Errorf("a figure without data gave %v, %v", ok, err)
	}
	link := `href="runs/a%20%22b%22/report.html" target="_blank"`
	if shown := page(t, Link(`runs/a "b"/report.html`)); !strings.Contains(shown, link) {
		t.Errorf("a link is %s, expected %s", shown, link)
	}
}

// The columns that say what is wrong with answers are shown where something is.
func TestFaultColumns(t *testing.T) {
	rows := []datasets.Response{{ID: "a", Lang: "de", Response: "Hallo.", FinishReason: "stop"}}
	text, err := Text(rows)
	if err != nil || strings.Contains(text, "fault") || strings.Contains(text, "  reason") ||
		!strings.Contains(text, "× 6 col") {
		t.Errorf("a whole answer is shown as\n%s%v", text, err)
	}
	rows = append(rows, datasets.Response{ID: "b", Lang: "de", FinishReason: "refusal", Fault: "refusal",
		Reason: "I cannot."})
	text, err = Text(rows)
	if err != nil || !strings.Contains(text, "refusal  I cannot.") || !strings.Contains(text, "× 8 columns") {
		t.Errorf("a refusal is shown as\n%s%v", text, err)
	}
}
