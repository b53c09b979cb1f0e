package datasets

import (
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
	"github.com/google/go-cmp/cmp"
)

// Texts that gota's own readers would turn into numbers or into missing values come back as they were.
func TestFrameRoundTrip(t *testing.T) {
	type row struct {
		Text     string  `json:"text"`
		Number   int64   `json:"number,omitempty"`
		Share    float64 `json:"share"`
		OK       bool    `json:"ok"`
		Place    string  `json:"-"`
		Untagged int
	}
	rows := []row{
		{Text: "007", Number: -3, Share: 1e-9, OK: true}, {Text: "NaN"}, {Text: "NA"}, {Text: "a\n\"b\",c"}, {Text: ""},
	}
	df := Frame(rows)
	if df.Err != nil || strings.Join(df.Names(), " ") != "text number share ok" {
		t.Fatalf("columns %v, error %v", df.Names(), df.Err)
	}
	var back []row
	if err := Rows(df, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, back); diff != "" {
		t.Error(diff)
	}
	if err := Rows(Frame(rows[:0]), &back); err != nil || len(back) != 0 {
		t.Errorf("no rows came back as %v, error %v", back, err)
	}
}

func TestRowsIsStrict(t *testing.T) {
	ids := series.New([]string{"a"}, series.String, "id")
	langs := series.New([]string{"en"}, series.String, "lang")
	for name, c := range map[string]struct {
		df   dataframe.DataFrame
		says string
	}{
		"missing column": {dataframe.New(ids, langs), `column "prompt" is missing, the frame has id, lang`},
		"another type":   {dataframe.New(series.New([]int{7}, series.Int, "id")), `column "id" holds int, expected string`},
		"frame in error": {Frame(7), "found int"},
	} {
		var prompts []Prompt
		if err := Rows(c.df, &prompts); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, expected %q", name, err, c.says)
		}
	}
	var counts []struct {
		N int `json:"n"`
	}
	if err := Rows(dataframe.New(series.New([]string{"1", "x"}, series.Int, "n")), &counts); err == nil ||
		!strings.Contains(err.Error(), `column "n", row 2: a missing value`) {
		t.Errorf("a missing count: %v", err)
	}
	if df := Frame([]struct{ A int }{{1}}); df.Err == nil {
		t.Error("a struct without json tags made a frame")
	}
}

// Frames that a caller made before a column was added, or from the file of another program, are read without it.
func TestOptionalColumns(t *testing.T) {
	type before struct {
		ID           string `json:"id"`
		Lang         string `json:"lang"`
		Prompt       string `json:"prompt"`
		Response     string `json:"response"`
		FinishReason string `json:"finish_reason"`
		Tokens       int    `json:"tokens"`
	}
	var rows []Response
	if err := Rows(Frame([]before{{ID: "a", Lang: "de", Response: "x"}}), &rows); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Response{{ID: "a", Lang: "de", Response: "x"}}, rows); diff != "" {
		t.Error(diff)
	}
}

// A conversation that gota has read is no text.
func TestRowsRefuseGoSyntax(t *testing.T) {
	df := dataframe.ReadJSON(strings.NewReader(`[{"chosen":[{"role":"assistant","content":"Hi"}]}]`))
	var rows []struct {
		Chosen string `json:"chosen"`
	}
	if err := Rows(df, &rows); err == nil || !strings.Contains(err.Error(), `column "chosen", row 1: expected text`) {
		t.Errorf("%v, %v", rows, err)
	}
}
