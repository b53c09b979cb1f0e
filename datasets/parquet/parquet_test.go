package parquet_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	hub "github.com/parquet-go/parquet-go"

	"lidrlab/datasets"
)

// Rows of the published forms, as their Parquet files have them: lists of three levels ("list"), optional columns,
// integers of both sizes, structs of lists.
type (
	mmlu struct {
		Instruction string `json:"instruction" parquet:"instruction"`
		A           string `json:"option_a" parquet:"option_a,dict"`
		B           string `json:"option_b" parquet:"option_b"`
		C           string `json:"option_c" parquet:"option_c"`
		D           string `json:"option_d" parquet:"option_d"`
		Answer      string `json:"answer" parquet:"answer,dict"`
		ID          string `json:"id" parquet:"id"`
	}
	arc struct {
		ID          string  `json:"id" parquet:"id"`
		Instruction string  `json:"instruction" parquet:"instruction"`
		A           *string `json:"option_a" parquet:"option_a,optional"`
		B           *string `json:"option_b" parquet:"option_b,optional"`
		C           *string `json:"option_c" parquet:"option_c,optional"`
		D           *string `json:"option_d" parquet:"option_d,optional"`
		Answer      string  `json:"answer" parquet:"answer"`
	}
	hubARC struct {
		ID       string `json:"id" parquet:"id"`
		Question string `json:"question" parquet:"question"`
		Choices  struct {
			Text  []string `json:"text" parquet:"text,list"`
			Label []string `json:"label" parquet:"label,list"`
		} `json:"choices" parquet:"choices"`
		Key string `json:"answerKey" parquet:"answerKey"`
	}
	swag struct {
		Ind      int32    `json:"ind" parquet:"ind"`
		Activity string   `json:"activity_label" parquet:"activity_label"`
		A        string   `json:"ctx_a" parquet:"ctx_a"`
		B        string   `json:"ctx_b" parquet:"ctx_b"`
		Endings  []string `json:"endings" parquet:"endings"` // repeated, without a list around
		Label    string   `json:"label" parquet:"label"`
	}
	targets struct {
		Choices []string `json:"choices" parquet:"choices,list"`
		Labels  []int64  `json:"labels" parquet:"labels,list"`
	}
	truth struct {
		Question *string  `json:"question" parquet:"question,optional"`
		Choices1 []string `json:"mc1_targets_choices" parquet:"mc1_targets_choices,list"`
		Labels1  []int32  `json:"mc1_targets_labels" parquet:"mc1_targets_labels,list"`
		Choices2 []string `json:"mc2_targets_choices" parquet:"mc2_targets_choices,list"`
		Labels2  []int32  `json:"mc2_targets_labels" parquet:"mc2_targets_labels,list"`
	}
	hubTruth struct {
		Question string   `json:"question" parquet:"question"`
		MC1      targets  `json:"mc1_targets" parquet:"mc1_targets"`
		MC2      *targets `json:"mc2_targets" parquet:"mc2_targets,optional"`
	}
	mgsm struct {
		Question string  `json:"question" parquet:"question"`
		Answer   *string `json:"answer" parquet:"answer,optional"`
		Number   int32   `json:"answer_number" parquet:"answer_number"`
	}
	gsm8k struct {
		Question string `json:"question" parquet:"question"`
		Answer   string `json:"answer" parquet:"answer"`
	}
	lidrGSM8K struct {
		ID          string `json:"id" parquet:"id"`
		Instruction string `json:"instruction" parquet:"instruction"`
		Answer      string `json:"final_answer" parquet:"final_answer"`
	}
	lidrMGSM struct {
		Query    string `json:"query" parquet:"query"`
		Response string `json:"response" parquet:"response"`
	}
	xAlpacaEval struct {
		ID          int64   `json:"id" parquet:"id"`
		Dataset     string  `json:"dataset" parquet:"dataset"`
		Instruction string  `json:"instruction" parquet:"instruction"`
		Score       float64 `json:"score" parquet:"score"`
		Checked     bool    `json:"checked" parquet:"checked"`
	}
	alpagasus struct {
		ID          string `json:"id" parquet:"id"`
		Instruction string `json:"instruction" parquet:"instruction"`
	}
	own struct {
		ID     string `json:"id" parquet:"id"`
		Lang   string `json:"lang" parquet:"lang"`
		Prompt string `json:"prompt" parquet:"prompt"`
		Answer string `json:"answer" parquet:"answer"`
	}
	mtBench struct {
		ID        int64    `json:"question_id" parquet:"question_id"`
		Category  string   `json:"category" parquet:"category"`
		Turns     []string `json:"turns" parquet:"turns,list"`
		Reference []string `json:"reference" parquet:"reference,list"`
	}
	answer struct {
		ID       string `json:"id" parquet:"id"`
		Prompt   string `json:"prompt" parquet:"prompt"`
		Response string `json:"response" parquet:"response"`
	}
)

// Every form gives what its JSONL twin gives.
func TestEqualsJSONL(t *testing.T) {
	text := func(s string) *string { return &s }
	choices := func(suite string) loader {
		return func(path string) (any, error) { return datasets.LoadChoices(path, suite, "de") }
	}
	prompts := func(path string) (any, error) { return datasets.LoadPrompts(path, []string{"de"}) }
	exemplars := func(path string) (any, error) { return datasets.LoadExemplars(path, "de") }
	mtbench := func(path string) (any, error) { return datasets.LoadMTBench(path, "de") }
	options := hubARC{ID: "2", Question: "Welche?", Key: "2"}
	options.Choices.Text, options.Choices.Label = []string{"diese ", "jene", "both", ""}, []string{"1", "2", "3", "4"}

	twins(t, "m_mmlu", "de_test", choices("m_mmlu"),
		[]mmlu{{"Was ist »das«?\n", "ein\u2028Knochen <b>", "", " C", "D", "C", "a/0"},
			{"Und das?", "1", "2", "3", "4", "A", "a/1"}})
	twins(t, "m_arc", "de", choices("m_arc"),
		[]arc{{"1", "Which?", text("a"), text("b"), text("c"), nil, "C"},
			{"2", "Which?", text("a"), text("b"), text("c"), text("d"), "D"}})
	twins(t, "m_arc of the hub", "de/test", choices("m_arc"), []hubARC{options})
	twins(t, "m_hellaswag", "de_val", choices("m_hellaswag"),
		[]swag{{24, "Roof", "A man", "he", []string{"a", "b", "c", ""}, "3"},
			{25, "Roof", "A man", "she", []string{"e", "f", "g", "h"}, "0"}})
	twins(t, "m_truthfulqa", "de", choices("m_truthfulqa"),
		[]truth{{nil, []string{"A", "B"}, []int32{1, 0}, []string{"A", "C", "B"}, []int32{1, 0, 1}},
			{text("Q?"), []string{"C", "D"}, []int32{0, 1}, []string{"A", "B"}, []int32{1, 0}}})
	twins(t, "m_truthfulqa of the hub", "de", choices("m_truthfulqa"),
		[]hubTruth{{"Q?", targets{[]string{"A", "B"}, []int64{1, 0}}, &targets{[]string{"A", "C", "B"}, []int64{1, 0, 1}}}})
	twins(t, "MGSM", "mgsm_de", prompts, []lidrMGSM{{"Wie viele?", "5"}, {"Und?", "1,000"}})
	twins(t, "MGSM of the hub", "de", prompts, []mgsm{{"Wie viele?", nil, 18}, {"Und?", text(""), 0}})
	twins(t, "GSM8K", "de", prompts, []lidrGSM8K{{"degsm8k_7", "Wie viele?", "7"}})
	twins(t, "GSM8K of the hub", "de", prompts, []gsm8k{{"Natalia?", "48/2 = <<48/2=24>>24\n#### 1,072"}})
	twins(t, "X-AlpacaEval", "de", prompts,
		[]xAlpacaEval{{3, "helpful_base", "Sag was.", 0.25, true}, {4, "koala", "Und nun?", 1, false}})
	twins(t, "Alpagasus", "de", prompts, []alpagasus{{"a", "Sag was."}})
	twins(t, "our own form", "de", prompts, []own{{"a", "de", "Sag was.", ""}})
	twins(t, "exemplars", "mgsm_de", exemplars,
		[]gsm8k{{"Frage: Wie viele?", "Schritt-für-Schritt-Antwort: Die Antwort ist 11."}})
	twins(t, "MT-bench", "de/question", mtbench,
		[]mtBench{{81, "writing", []string{"Eins", "Zwei"}, nil},
			{111, "math", []string{"Drei", "Vier"}, []string{"3", "5pi"}}})
	twins(t, "answers", "de", func(dir string) (any, error) {
		found, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			return nil, err
		}
		return datasets.LoadResponses(found[0], "de")
	}, []answer{{"1", "Sag was.", "Gut."}, {"2", "Und?", ""}})
}

type loader func(folder string) (any, error)

// twins writes rows in both forms under one name, and compares what a loader makes of their folders.
func twins[T any](t *testing.T, form, name string, load loader, rows []T) {
	t.Helper()
	var lines bytes.Buffer
	for _, row := range rows {
		line, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	want, err := load(folder(t, name+".jsonl", lines.Bytes()))
	if err != nil {
		t.Errorf("%s: JSONL: %v", form, err)
		return
	}
	got, err := load(folder(t, name+".parquet", encode(t, rows)))
	if err != nil {
		t.Errorf("%s: %v", form, err)
		return
	}
	place := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".File" }, cmp.Ignore())
	if diff := cmp.Diff(want, got, place, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: -JSONL +Parquet\n%s", form, diff)
	}
}

func encode[T any](t testing.TB, rows []T, options ...hub.WriterOption) []byte {
	var file bytes.Buffer
	w := hub.NewGenericWriter[T](&file, options...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func folder(t testing.TB, name string, data []byte) string {
	dir := t.TempDir()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}
