package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lidrlab/lidr/dpo"
)

var update = flag.Bool("update", false, "write the golden files in testdata")

func html(t *testing.T, d Data) string {
	t.Helper()
	b, err := HTML(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// ours takes the page's one script out of it, and checks that the page's policy lets it alone run.
func ours(t *testing.T, page string) string {
	t.Helper()
	before, rest, found := strings.Cut(page, "<script>")
	inside, after, ended := strings.Cut(rest, "</script>")
	if !found || !ended || inside != "\n"+script {
		t.Error("the page's script is not report.js")
	}
	hash := sha256.Sum256([]byte(inside))
	policy := `<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src ` +
		`&#39;unsafe-inline&#39;; script-src &#39;sha256-` + base64.StdEncoding.EncodeToString(hash[:]) + `&#39;">`
	if !strings.Contains(before, strings.ReplaceAll(policy, "+", "&#43;")) {
		t.Errorf("the page lacks the policy %s", policy)
	}
	return before + after
}

// TestWritePage writes the invented report to LIDR_REPORT_PAGE, for the tests in a browser.
func TestWritePage(t *testing.T) {
	path := os.Getenv("LIDR_REPORT_PAGE")
	if path == "" {
		t.Skip("LIDR_REPORT_PAGE is not set; make test-browser sets it")
	}
	if err := os.WriteFile(path, []byte(html(t, invented())), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestHTMLStandsAlone: every tag is closed, nothing is loaded, nothing but our script runs, and what a model said stays
// text.
func TestHTMLStandsAlone(t *testing.T) {
	page := html(t, invented())
	whole := page
	page = ours(t, page)
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	depth := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			depth++
			if name := strings.ToLower(e.Name.Local); name == "script" || name == "link" || name == "iframe" || name == "img" {
				t.Errorf("the page has an element %s", name)
			}
			for _, a := range e.Attr {
				loads := a.Name.Local == "src" || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#")
				if loads || strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("%s has %s=%q", e.Name.Local, a.Name.Local, a.Value)
				}
			}
		case xml.EndElement:
			depth--
		}
	}
	if depth != 0 {
		t.Errorf("%d elements are not closed", depth)
	}
	for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, `<section id="`+m[1]+`"`) {
			t.Errorf("the contents name section %q, which is not there", m[1])
		}
	}
	for _, want := range []string{
		MiniatureNote, "&lt;script&gt;alert(1)", "لدى سارة 12 تفاحة", `lang="ar" dir="auto"`, "prefers-color-scheme: dark",
		"@media print",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if len(page) > 1<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
	if again := html(t, invented()); again != whole {
		t.Error("equal data give different pages")
	}
}

// TestPaperStaysApart: the paper's numbers are in their panel only, under their label, and the note on the miniature
// depends on the run alone.
func TestPaperStaysApart(t *testing.T) {
	page := html(t, invented())
	before, rest, ok := strings.Cut(page, `<section id="paper" class="panel">`)
	panel, after, _ := strings.Cut(rest, "</section>")
	if !ok || !strings.Contains(panel, "Not measured in this run.") {
		t.Error("the paper's panel or its label is missing")
	}
	for _, number := range []string{"0.456", "0.592", "0.570"} { // the paper's MGSM accuracy, table 2
		if !strings.Contains(panel, number) || strings.Contains(before+after, ">"+number+"<") {
			t.Errorf("%s is missing in the panel, or is outside it", number)
		}
	}
	d := invented()
	d.Miniature = false
	if strings.Contains(html(t, d), MiniatureNote) {
		t.Error("a run that is no miniature has the miniature's note")
	}
}

func TestMarkdown(t *testing.T) {
	d := invented()
	got, err := Markdown(d)
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "report.md")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
	for _, f := range Figures(d) {
		if !bytes.Contains(got, []byte("](plots/"+f.Name+".svg)")) {
			t.Errorf("figure %s is not referred to", f.Name)
		}
	}
}

func TestNumbers(t *testing.T) {
	doc, err := newDocument(invented())
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, s := range doc.Sections {
		for _, b := range s.Blocks {
			if b.Table == nil {
				continue
			}
			group := ""
			for _, r := range b.Table.Rows {
				var cells []string
				for _, c := range r.Cells {
					cells = append(cells, strings.Join(strings.Fields(c.Text+" "+c.Sub+" "+c.Tone), " "))
				}
				if r.Kind == "group" {
					group = cells[0]
				}
				key := strings.Join(strings.Fields(s.ID+" "+group+" "+cells[0]), " ")
				if rows[key] == "" {
					rows[key] = strings.Join(cells[1:], " | ")
				}
			}
		}
	}
	for key, want := range map[string]string{
		// Shares become per cent, differences points.
		"results Russian ru, trained": "27.2 ± 2.8 | 52.0 ± 3.2 | 57.2 ± 3.1 | " +
			"+24.8 ± 3.4, p < .001 good | +30.0 ± 3.7, p < .001 good | +5.2 ± 1.9, p = .007 good",
		// By hand: net (80 − 23)/250 = .228; its error √((103/250 − .228²)/250) = .0379.
		"head-to-head M1 against M0 Spanish":  "80 | 147 | 23 | +22.8 ± 3.8, p < .001 good",
		"head-to-head M2 against M1 English":  "15 | 213 | 22 | −2.8 ± 2.4, p = .324",
		"controls DPO only alpha 0":           "−11.8 ± 1.7 bad | −7.1 ± 2.3 bad | –",
		"measures win rate":                   "62.0 ⚠1 ± 5.0, n = 40 | 71.2 ± 3.3, n = 158, 2 failed",
		"measures length-controlled win rate": "– ⚠2 n = 0 | 69.0",
		"measures M1 against M0 Russian":      "99 | 40 | 21 | +48.8 ± 5.7, p < .001 good",
		// As printed in the paper: .700, not .7.
		"paper M0":             "0.700 | 0.456 | 0.488 | 0.468 | 0.464 | 0.284 | 0.192 | 0.324 | 0.464 | 0.328",
		"pairs round 2 German": "300 | 300 | 15 | 3 | 49 | 233 | 21",
	} {
		if got := rows[key]; got != want {
			t.Errorf("%s\n got %s\nwant %s", key, got, want)
		}
	}
}

func TestEmptyPartsAreLeftOut(t *testing.T) {
	d := Data{Title: "t", Models: []Model{{Name: "M0"}}, Languages: []Language{{Code: "en"}}}
	page := html(t, d)
	for _, not := range []string{"<section", "<aside", "<figure", "<table", "tiles\""} {
		if strings.Contains(page, not) {
			t.Errorf("an empty report has %s", not)
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for want, spoil := range map[string]func(d *Data){
		"Title is empty":  func(d *Data) { d.Title = "" },
		"Models is empty": func(d *Data) { d.Models = nil },
		`metric accuracy: language "xx" is not in`: func(d *Data) {
			d.Metrics[0].Scores[0].Lang = "xx"
		},
		`metric off-target: model "M9" is not in`: func(d *Data) {
			d.Metrics[1].Differences[0].To = "M9"
		},
		`its key "accuracy" is empty or taken`: func(d *Data) {
			d.Metrics[1].Key = "accuracy"
		},
		"300 candidates are not the 299 kept and dropped": func(d *Data) {
			d.Counts[0].Kept--
		},
		`control "DPO only" has 2 values for 3 columns`: func(d *Data) {
			d.Controls.Rows[4].Values = make([]Estimate, 2)
		},
		`measure "MT-bench", row "M0" has 1 values for 2 columns`: func(d *Data) {
			d.Measures[1].Rows[0].Values = d.Measures[1].Rows[0].Values[:1]
		},
		`measure "MT-bench": its key "accuracy" is empty or taken`: func(d *Data) {
			d.Measures[1].Key = "accuracy"
		},
		`measure "MT-bench": 4 rows are to be drawn, and it has 3`: func(d *Data) {
			d.Measures[1].Plot = 4
		},
		`measure judged-M1-M0: language "xx" is not in`: func(d *Data) {
			d.Measures[0].Matches[0].Language = "xx"
		},
		`row "M0" has 0 values for 10 columns`: func(d *Data) {
			d.Paper[0].Rows[0].Values = nil
		},
	} {
		d := invented()
		spoil(&d)
		if _, err := HTML(d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestLongTraining: a hundred thousand steps do not make the page large.
func TestLongTraining(t *testing.T) {
	d := invented()
	d.Training = d.Training[:1]
	d.Training[0].Steps = nil
	for i := range 100_000 {
		d.Training[0].Steps = append(d.Training[0].Steps, dpo.Step{Step: i + 1, Loss: 1 / float64(i+1), NLL: math.NaN()})
	}
	page := html(t, d)
	if len(page) > 1<<20 || !strings.Contains(page, "a point is the mean of 250") {
		t.Errorf("the page has %d bytes", len(page))
	}
}

func ExampleMarkdown() {
	b, err := Markdown(Data{
		Title:     "One round",
		Question:  "Does the model become better in Russian?",
		Models:    []Model{{Name: "M0"}, {Name: "M1"}},
		Languages: []Language{{"ru", "Russian", "trained"}},
		Controls: &Controls{
			What:    "Change of accuracy in points.",
			Columns: []string{"Russian"},
			Rows:    []Control{{Name: "LIDR", Method: true, Values: []Estimate{{24.8, 3.4}}}},
		},
	})
	fmt.Printf("%s%v", b, err)
	// Output:
	// # One round
	//
	// Does the model become better in Russian?
	//
	// ## 1. Controls
	//
	// Change of accuracy in points.
	//
	// | Trained by | Russian |
	// | --- | --: |
	// | **LIDR** | **+24.8** ✓ ± 3.4 |
	//
	// ± one standard error; ✓ better and ✗ worse: the interval of 95 %, ± 1.96 standard errors, is without 0.
	// <nil>
}

func TestCompare(t *testing.T) {
	a, b := invented(), invented()
	b.Settings[3].Value = "0.5"
	for i, l := range b.Languages {
		if l.Code == "trained" {
			b.Languages[i].Name = "mean of es ru"
		}
	}
	b.Metrics[0].Scores[0].Value = .123
	both, err := Compare([]string{"A", "B"}, []Data{a, b})
	if err != nil {
		t.Fatal(err)
	}
	page := html(t, both)
	for _, want := range []string{
		"A: 0.1; B: 0.5", ">A M2<", ">B M0<", ">12.3<", "B round 2, training", ">mean of es ru<",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the comparison lacks %q", want)
		}
	}
	for _, s := range both.Metrics[0].Scores { // a mean over other languages is another row
		ofB := strings.HasPrefix(s.Model, "B ")
		if ofB && s.Lang == "trained" || !ofB && s.Lang == "trained of B" {
			t.Errorf("the means over different languages are under one name: %+v", s)
		}
	}
	if got := both.Settings[0].Name; got != "training beta" || len(both.Settings) != len(a.Settings) {
		t.Errorf("the first setting is %q of %d", got, len(both.Settings))
	}
	if _, err := Compare([]string{"A", "A"}, []Data{a, b}); err == nil {
		t.Error("two runs of one name are not refused")
	}
}
