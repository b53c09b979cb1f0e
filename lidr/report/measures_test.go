package report

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"lidrlab/lidr/eval"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A measure reads back from its file as it was written, what is unknown included.
func TestMeasureFile(t *testing.T) {
	m := Measure{
		Key: "sums", Title: "Sums", What: "Asked <b>once</b> & counted.", Unit: "%", Digits: 1, Plot: 1,
		Matches: []HeadToHead{{A: "M1", B: "M0", Language: "de", Win: 3, Tie: 2, Lose: 1}},
	}
	m.Put("M0", "de", Counted(62.5, 5.25, 40, 2, "few"))
	m.Put("M0", "ru", Counted(0, 0, 0, 0, "")) // of no items
	m.Add("M1", "ru", 0)
	m.Rows[1].Group = "second"
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"value":62.5,"se":5.25,"note":"n = 40, 2 failed","warning":"few"}`, `{"value":null,"se":null,"note":"n = 0"}`,
		`"group":"second","values":[{"value":null,"se":0},{"value":0,"se":0}]`,
		`{"a":"M1","b":"M0","lang":"de","win":3,"tie":2,"lose":1}`,
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%s\nlacks %s", data, want)
		}
	}
	got, err := ParseMeasure(data)
	if diff := cmp.Diff(m, got, cmpopts.EquateNaNs()); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, e := range []Estimate{{1.5, 0.25}, {math.NaN(), math.NaN()}} {
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var got Estimate
		if err := json.Unmarshal(data, &got); err != nil || !cmp.Equal(e, got, cmpopts.EquateNaNs()) {
			t.Errorf("%s reads as %v, %v, want %v", data, got, err, e)
		}
	}
	if _, err := json.Marshal(Estimate{Value: math.Inf(1)}); err == nil {
		t.Error("an infinite value is written")
	}
}

func TestBadMeasureFiles(t *testing.T) {
	row := func(values string) string {
		return `{"key": "a", "columns": ["de"], "rows": [{"name": "M0", "values": [` + values + `]}]}`
	}
	for file, want := range map[string]string{
		"":                                       "EOF",
		`{"key": "a", "rowz": []}`:               `unknown field "rowz"`,
		row(`{"valu": 1}`):                       `unknown field "valu"`,
		row(`{"value": "NaN"}`):                  "cannot unmarshal string",
		row(``):                                  "0 values for 1 columns",
		row(`{}, {}`):                            "2 values for 1 columns",
		`{"key": "a", "plot": 1}`:                "1 rows are to be drawn, and it has 0",
		`{"key": "a", "plot": -1}`:               "-1 rows are to be drawn",
		`{"key": "../report.html"}`:              `field key is "../report.html"`,
		`{"key": ".hidden"}`:                     `field key is ".hidden"`,
		`{"title": "no key"}`:                    `field key is ""`,
		`{"key": "a"} {"key": "b"}`:              "found more after the value",
		`{"key": "a", "matches": [{"win": -1}]}`: "negative count",
		`{"key": "a", "columns": ["de", "ru", "de"]}`: "columns de, ru, de have the same name",
	} {
		if m, err := ParseMeasure([]byte(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nreads as %+v, %v, want %s", file, m, err, want)
		}
	}
	var e Estimate
	if err := json.Unmarshal([]byte(`{"value": 1, "note": "n = 3"}`), &e); err == nil {
		t.Error("an estimate with a note is read")
	}
}

// Rows of several models are joined in their order: the drawn ones first, the others by group, columns by name.
func TestJoin(t *testing.T) {
	part := func(model string, langs ...string) Measure {
		m := Measure{Key: "mt-bench", Title: "MT-bench", What: "Judged.", Unit: "1 to 10", Plot: 1}
		for i, lang := range langs {
			m.Add(model, lang, float64(i+1))
			m.Add(model+", first turn", lang, 10)
			m.Add(model+", second turn", lang, 20)
		}
		m.Rows[1].Group, m.Rows[2].Group = "first", "second"
		return m
	}
	m0, m1 := part("M0", "de"), part("M1", "ru", "de")
	m1.What, m1.Digits = "Judged again.", 2
	m1.Matches = []HeadToHead{{A: "M1", B: "M0", Language: "de", Win: 1}}
	joined, err := Join([]Measure{m0, m1})
	if err != nil || len(joined) != 1 {
		t.Fatalf("%v, %v", joined, err)
	}
	got := joined[0]
	nan := math.NaN()
	var want Grid
	want.Columns = []string{"de", "ru"}
	for _, row := range []struct {
		name, group string
		de, ru      float64
	}{
		{"M0", "", 1, nan}, {"M1", "", 2, 1},
		{"M0, first turn", "first", 10, nan}, {"M1, first turn", "first", 10, 10},
		{"M0, second turn", "second", 20, nan}, {"M1, second turn", "second", 20, 20},
	} {
		want.Rows = append(want.Rows, MeasureRow{row.name, row.group, []MeasureValue{
			{Estimate: Estimate{Value: row.de}}, {Estimate: Estimate{Value: row.ru}},
		}})
	}
	if diff := cmp.Diff(want, got.Grid, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.What != "Judged. Judged again." || got.Plot != 2 || got.Digits != 2 || len(got.Matches) != 1 {
		t.Errorf("%+v", got)
	}
	if joined, err = Join([]Measure{m0, m0}); err != nil || joined[0].What != "Judged." || len(joined[0].Rows) != 6 {
		t.Errorf("equal texts are repeated, or equal rows are lost: %+v, %v", joined, err)
	}
	m1.Unit = "%"
	_, err = Join([]Measure{m0, m1})
	if want := `in "1 to 10" and those of another in "%"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("units that differ: %v, want %s", err, want)
	}
}

func TestOrderOfMeasures(t *testing.T) {
	want := []string{
		"judged-M0-gpt4", "judged-M1-M0", "ratings", "judged-reward-accuracy", "mt-bench", "alignment-tax",
		"alignment-tax-change", "saturation", "identifiers-b", "aardvark", "zebra",
	}
	var parts []Measure
	for i := range want {
		m := Measure{Key: want[len(want)-1-i]}
		m.Add("M0", "de", 1)
		parts = append(parts, m)
	}
	parts = append(parts, Measure{Key: "empty", Title: "left out"})
	joined, err := Join(parts)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range joined {
		got = append(got, m.Key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A file of measures/ is read whole or not at all, and what was read is written and joined as it is.
func FuzzParseMeasure(f *testing.F) {
	for _, m := range invented().Measures {
		data, err := json.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"key": "a", "columns": ["de"], "rows": [{"name": "", "values": [{"value": null, "se": 1e300}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseMeasure(data)
		if err != nil {
			return
		}
		written, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseMeasure(written)
		if diff := cmp.Diff(m, again, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		joined, err := Join([]Measure{m, again})
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range joined {
			if len(j.Rows) != 2*len(m.Rows) || j.check() != nil {
				t.Fatalf("%d rows joined with themselves are %d, %v", len(m.Rows), len(j.Rows), j.check())
			}
		}
	})
}

// Published rows are drawn in the colour of their model, hollow and beside the run's own, and judged win rates with the
// line of 50 %.
func TestMeasureFigure(t *testing.T) {
	row := func(name string, value float64) MeasureRow {
		return MeasureRow{Name: name, Values: []MeasureValue{{Estimate: Estimate{Value: value, SE: 2}}}}
	}
	m := Measure{Key: "judged-M1-M0", Title: "M1 against M0", Unit: "%", Plot: 4, Grid: Grid{
		Columns: []string{"en"},
		Rows:    []MeasureRow{row("M0", 40), row("M1", 60), row("published M0", 41), row("published M1", 62)},
	}}
	svg, err := measureFigure(m, wide).SVG()
	if err != nil {
		t.Fatal(err)
	}
	for want, times := range map[string]int{
		">M0<": 1, ">M1<": 1, ">published: hollow<": 1, ">dashed: 50 %; whiskers: 95 % intervals<": 1, "stroke-dasharray": 1,
	} {
		if got := bytes.Count(svg, []byte(want)); got != times {
			t.Errorf("%s is in the figure %d times, expected %d", want, got, times)
		}
	}
}

// An interval ends where the scale does, and that of a value beside the scale at the value.
func TestIntervalsEndWithTheScale(t *testing.T) {
	for _, test := range []struct {
		unit                 string
		value, se, low, high float64
	}{
		{"0 to 10", 9.5, 1, 9.5 - eval.Z95, 10}, {"1 to 10", 1.5, 1, 1, 1.5 + eval.Z95}, {"%", 99, 2, 99 - 2*eval.Z95, 100},
		{"points", -3, 1, -3 - eval.Z95, -3 + eval.Z95}, {"0 to 10", 11, 0, 11, 11},
	} {
		low, high := Measure{Unit: test.unit}.interval(MeasureValue{Estimate: Estimate{Value: test.value, SE: test.se}})
		if math.Abs(low-test.low) > 1e-12 || math.Abs(high-test.high) > 1e-12 {
			t.Errorf("%g ± %g of %q is %g to %g, expected %g to %g", test.value, test.se, test.unit, low, high, test.low,
				test.high)
		}
	}
}
