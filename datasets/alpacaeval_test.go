package datasets

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var someAnnotations = []Annotation{
	{
		Instruction: "Hi <b>", Output1: "", Generator1: "r", Output2: "x\u2028&", Generator2: "m",
		Annotator: "j", Preference: math.NaN(),
	},
	{
		Dataset: "d", Instruction: "Bye", Output1: "a", Generator1: "r", Output2: "b", Generator2: "m",
		Annotator: "j", Preference: 1.25, Price: 0.01, Time: 2.5,
		RawCompletion: json.RawMessage(`{"b":["<m>",1e2],"a":null}`),
		Others:        map[string]json.RawMessage{"referenced_models": json.RawMessage(`{"M":"output_1"}`)},
	},
}

func TestAlpacaEvalRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	if err := SaveAnnotations(path, someAnnotations); err != nil {
		t.Fatal(err)
	}
	got, err := LoadAnnotations(path)
	if diff := cmp.Diff(someAnnotations, got, cmpopts.EquateNaNs()); diff != "" || err != nil {
		t.Errorf("annotations: %v\n%s", err, diff)
	}
	outputs := []ModelOutput{
		{Instruction: "Hi", Output: "", Generator: "m"},
		{Dataset: "d", Datasplit: "eval", Instruction: "Hi", Output: "<x>", Generator: "n"},
	}
	if err := SaveModelOutputs(path, outputs); err != nil {
		t.Fatal(err)
	}
	gotOutputs, err := LoadModelOutputs(path)
	if diff := cmp.Diff(outputs, gotOutputs); diff != "" || err != nil {
		t.Errorf("model outputs: %v\n%s", err, diff)
	}
	if df := Frame(someAnnotations); df.Err != nil || df.Nrow() != 2 {
		t.Errorf("a frame of annotations: %v", df.Err)
	}
}

// The names of versions from 0.6 on, null where nothing is known, and the older draw.
func TestAnnotationSpellings(t *testing.T) {
	dir := folder(t, "x.json", `[{"instruction":"i","output_1":"a","generator_1":"r","output_2":"b","generator_2":"m",
		"annotator":"j","preference":0,"preference_price_per_example":0.5,"preference_time_per_example":null,
		"preference_raw_completion":"m","raw_completion":null}]`)
	got, err := LoadAnnotations(filepath.Join(dir, "x.json"))
	if err != nil {
		t.Fatal(err)
	}
	if a := got[0]; a.Preference != 1.5 || a.Price != 0.5 || a.Time != 0 || string(a.RawCompletion) != `"m"` ||
		a.Others != nil {
		t.Errorf("%+v", a)
	}
}

func TestBadAlpacaEval(t *testing.T) {
	annotation := func(change, to string) string {
		good := `{"instruction":"i","output_1":"a","generator_1":"r","output_2":"b","generator_2":"m",` +
			`"annotator":"j","preference":2}`
		return strings.Replace(good, change, to, 1)
	}
	for name, c := range map[string]struct{ content, says string }{
		"preference": {annotation(":2}", ":2.5}"),
			`x.json:1: field "preference": expected a number of 1 to 2, or null for a failed judge, found 2.5`},
		"no preference": {annotation(`,"preference":2`, ""), `field "preference" is missing, found annotator, generator_1`},
		"in words": {annotation(":2}", `:"m"}`),
			`field "preference": expected a number of 1 to 2, or null, found a string`},
		"misspelled": {annotation(":2}", `:2,"Preference":1}`), `field "Preference": expected it to be spelled "preference"`},
		"price": {annotation(":2}", `:2,"price_per_example":-1}`),
			`field "price_per_example": expected a number of at least 0, found -1`},
		"below":    {annotation(":2}", ":-2}"), `expected a number of 1 to 2, or null for a failed judge, found -2`},
		"no judge": {annotation(`"j"`, `" "`), `field "annotator" is empty`},
		"empty":    {"[]", "no annotations"},
	} {
		got, err := LoadAnnotations(filepath.Join(folder(t, "x.json", c.content), "x.json"))
		if err == nil || !strings.Contains(err.Error(), c.says) || got != nil {
			t.Errorf("%s: %v, expected an error with %q", name, err, c.says)
		}
	}
	for name, c := range map[string]struct{ content, says string }{
		"no generator": {`[{"instruction":"i","output":""}]`,
			`x.json:1: field "generator" is missing, found instruction, output`},
		"misspelled": {`[{"instruction":"i","output":"","generator":"m","Dataset":"x"}]`,
			`field "Dataset": expected it to be spelled "dataset"`},
		"twice": {`[{"instruction":"i","output":"a","generator":"m"},{"instruction":"i","output":"b","generator":"m"}]`,
			`the same instruction by the same models as on line 1`},
	} {
		got, err := LoadModelOutputs(filepath.Join(folder(t, "x.json", c.content), "x.json"))
		if err == nil || !strings.Contains(err.Error(), c.says) || got != nil {
			t.Errorf("%s: %v, expected an error with %q", name, err, c.says)
		}
	}
}

// What alpaca_eval scores is read: what is no preference becomes NaN, and a doubled row stays doubled.
func TestAnnotationsThatAlpacaEvalScores(t *testing.T) {
	row := func(preference string) string {
		return `{"id":7,"instruction":"i","output_1":"a","generator_1":"r","output_2":"b","generator_2":"m",` +
			`"annotator":"NaN: \"j\""` + preference + `}`
	}
	rows := []string{row(`,"preference":NaN`), row(`,"preference":-1`), row(`,"preference":-1.0`), row(""),
		row(`,"preference":null`), row(`,"preference":1.25`), row(`,"preference":1.25`), row(`,"preference":0`)}
	path := filepath.Join(folder(t, "x.json", "["+strings.Join(rows, ",\n")+"]"), "x.json")
	got, err := LoadAnnotations(path)
	if err != nil || len(got) != len(rows) {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	for i, a := range got {
		want := math.NaN()
		if i >= 5 {
			want = []float64{1.25, 1.25, 1.5}[i-5]
		}
		if a.Preference != want && !(math.IsNaN(a.Preference) && math.IsNaN(want)) || string(a.Others["id"]) != "7" ||
			a.Annotator != `NaN: "j"` {
			t.Errorf("row %d: %+v, want the preference %v", i, a, want)
		}
	}
}

// Alpaca's input is a part of the instruction, and what pandas writes for nothing is nothing.
func TestModelOutputsWithInput(t *testing.T) {
	path := filepath.Join(folder(t, "x.json", `[{"dataset":null,"instruction":"Add.","input":"1 and 2","output":"3",
		"generator":"m"},{"instruction":"Add.","input":"","output":"4","generator":"m"}]`), "x.json")
	got, err := LoadModelOutputs(path)
	if err != nil || len(got) != 2 || got[0].Instruction != "Add.\n\n1 and 2" || got[0].Others != nil ||
		got[1].Instruction != "Add." {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := SaveModelOutputs(path, got); err != nil {
		t.Fatal(err)
	}
	if again, err := LoadModelOutputs(path); err != nil || !cmp.Equal(got, again) {
		t.Errorf("%+v, %v", again, err)
	}
}

// Ids and other fields of published answers are kept, and written again.
func TestModelOutputsKeepOtherFields(t *testing.T) {
	const text = `[
  {
    "dataset": "d",
    "instruction": "i",
    "output": "a <b>",
    "generator": "m",
    "id": 1,
    "samples": [
      "x"
    ]
  },
  {
    "instruction": "i",
    "output": "b",
    "generator": "m",
    "id": 2
  }
]
`
	path := filepath.Join(folder(t, "x.json", text), "x.json")
	got, err := LoadModelOutputs(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := SaveModelOutputs(path, got); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(path); string(again) != text {
		t.Errorf("written %s, want %s", again, text)
	}
}

// The shortened published files that alpaca_eval scores, where LIDR_CASES names the folder of cases.
func TestPublishedFilesLoad(t *testing.T) {
	cases := os.Getenv("LIDR_CASES")
	if cases == "" {
		t.Skip("LIDR_CASES names no folder of cases")
	}
	for name, failed := range map[string]int{"NaN3": 3, "minus1": 1, "missing": 1, "dup": 0} {
		rows, err := LoadAnnotations(filepath.Join(cases, "fidelity", name+".json"))
		for _, a := range rows {
			if math.IsNaN(a.Preference) {
				failed--
			}
		}
		if err != nil || len(rows) != 11 || failed != 0 {
			t.Errorf("%s: %d rows, %d failures missed, %v", name, len(rows), failed, err)
		}
	}
	outputs, err := LoadModelOutputs(filepath.Join(cases, "fidelity", "model_outputs_with_id.json"))
	if err != nil || len(outputs) != 3 || string(outputs[0].Others["id"]) != "1" {
		t.Errorf("%d outputs, %v", len(outputs), err)
	}
	responses, err := LoadResponses(filepath.Join(cases, "fidelity", "responses_numeric_id_bn.jsonl"), "bn")
	if err != nil || len(responses) != 3 || responses[2].ID != "3" {
		t.Errorf("%d responses, %v", len(responses), err)
	}
}

// What would not read back is not written, and what stood there stays.
func TestRefusedToSave(t *testing.T) {
	change := func(f func(*Annotation)) []Annotation {
		a := someAnnotations[1]
		f(&a)
		return []Annotation{someAnnotations[0], a}
	}
	path := filepath.Join(folder(t, "x.json", "old"), "x.json")
	for name, c := range map[string]struct {
		rows []Annotation
		says string
	}{
		"invalid UTF-8": {change(func(a *Annotation) { a.Output2 = "a\xff" }),
			"element 1 of the annotations cannot be written: it would not read back"},
		"no preference set": {change(func(a *Annotation) { a.Preference = 0 }),
			"expected valid UTF-8 and a preference of 1 to 2 or NaN"},
		"out of range": {change(func(a *Annotation) { a.Preference = 3 }), "expected a number of 1 to 2"},
		"infinite":     {change(func(a *Annotation) { a.Price = math.Inf(1) }), "element 1"},
		"twice": {append(change(func(*Annotation) {}), someAnnotations[0]),
			"elements 0 and 2 of the annotations have the same instruction"},
		"own field": {change(func(a *Annotation) {
			a.Others = map[string]json.RawMessage{"preference": json.RawMessage("1")}
		}), `field "preference" appears twice`},
		"nothing": {nil, "no annotations to write"},
	} {
		if err := SaveAnnotations(path, c.rows); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, expected an error with %q", name, err, c.says)
		}
	}
	if left, _ := os.ReadFile(path); string(left) != "old" {
		t.Errorf("a refused file was written: %q", left)
	}
}

func TestLoadDifficulties(t *testing.T) {
	dir := folder(t,
		"x.jsonl", `{"instruction":"a","instruction_difficulty":-0.5}`,
		"y.jsonl", `{"instruction":"a","instruction_difficulty":null}`)
	got, err := LoadDifficulties(filepath.Join(dir, "x.jsonl"))
	if diff := cmp.Diff(map[string]float64{"a": -0.5}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := LoadDifficulties(filepath.Join(dir, "y.jsonl")); err == nil ||
		!strings.Contains(err.Error(), "expected a number, found null") {
		t.Errorf("%v, expected an error that names the null", err)
	}
}

func TestExcerptOfAnnotations(t *testing.T) {
	checkAnnotations(t, filepath.Join(excerpts, "alpaca_eval", "model.annotations.json"), 20)
}

func TestPublishedAnnotations(t *testing.T) {
	const name = "FuseChat-Llama-3.1-8B-Instruct.annotations.json"
	checkAnnotations(t, filepath.Join(dataFolder(t), "alpaca_eval", name), 805)
}

// checkAnnotations reads a file of n annotations and writes it: it is the same JSON.
func checkAnnotations(t *testing.T, path string, n int) {
	t.Helper()
	read, err := LoadAnnotations(path)
	if err != nil || len(read) != n {
		t.Fatalf("%d annotations, %v; expected %d", len(read), err, n)
	}
	written := filepath.Join(t.TempDir(), "x.json")
	if err := SaveAnnotations(written, read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(anyJSON(t, path), anyJSON(t, written)); diff != "" {
		t.Error(diff)
	}
}

func anyJSON(t *testing.T, path string) (out any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func FuzzAnnotations(f *testing.F) {
	good, _ := json.Marshal(someAnnotations)
	f.Add(good)
	f.Add([]byte(`{"instruction":"i","output_1":"a","generator_1":"r","output_2":"b","generator_2":"m",` +
		`"annotator":"j","preference":0}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzArray(t, data, annotations)
	})
}

func FuzzModelOutputs(f *testing.F) {
	f.Add([]byte(`[{"dataset":"d","instruction":"i","output":"\u003c","generator":"m"}]`))
	f.Add([]byte(`{"instruction":"i","output":"","generator":"m","datasplit":"eval"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzArray(t, data, modelOutputs)
	})
}

func FuzzDifficulties(f *testing.F) {
	f.Add([]byte(`{"instruction":"a","instruction_difficulty":-0.5}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "x.jsonl")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := LoadDifficulties(path); (err == nil) == (got == nil) {
			t.Fatalf("difficulties %v with error %v", got, err)
		}
	})
}

// fuzzArray: what a file's reader takes would be written and read back as the same, and everything else is an error.
func fuzzArray[T any](t *testing.T, data []byte, form arrayForm[T]) {
	path := filepath.Join(t.TempDir(), "x.json")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	read, err := form.load(path)
	if (err == nil) == (read == nil) {
		t.Fatalf("%v with error %v", read, err)
	}
	for _, row := range read {
		if _, err := form.checked(row); err != nil {
			t.Fatal(err)
		}
	}
}
