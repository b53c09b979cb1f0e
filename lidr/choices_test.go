package lidr

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/datasets"
)

// okapi writes a small set of all four suites in two of the run's languages, MMLU with two few-shot examples.
func okapi(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(suite, file string, n int, line func(i int) string) {
		var lines strings.Builder
		for i := range n {
			lines.WriteString(line(i) + "\n")
		}
		if err := os.MkdirAll(filepath.Join(dir, suite), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, suite, file), []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mmlu := func(i int) string {
		return fmt.Sprintf(`{"id": "maths/%d", "instruction": "%d + 2 = ?", "option_a": "1", "option_b": "%d", "option_c": "99", "option_d": "0", "answer": "%c"}`, i, i, i+2, "BBD"[i%3])
	}
	swag := func(i int) string {
		return fmt.Sprintf(`{"ind": %d, "activity_label": "Kaufen", "ctx_a": "Anna hat %d Äpfel.", "ctx_b": "sie", "endings": ["kauft noch mehr Äpfel.", "Haus", "", "zzz qqq"], "label": "%d"}`, i, i, i%2)
	}
	arc := func(i int) string {
		return fmt.Sprintf(`{"id": "q%d", "instruction": "Was ist %d?", "option_a": "eine Zahl", "option_b": "ein Apfel", "option_c": "Anna", "option_d": null, "answer": "%c"}`, i, i, "ABC"[i%3])
	}
	truth := func(i int) string {
		return fmt.Sprintf(`{"question": "Ist %d eine Zahl?", "mc1_targets_choices": ["Ja.", "Nein."], "mc1_targets_labels": [1, 0], "mc2_targets_choices": ["Ja.", "Nein.", "Ja, %d."], "mc2_targets_labels": [1, 0, 1]}`, i, i)
	}
	for _, lang := range []string{"de", "fr"} {
		write("m_mmlu", lang+"_test.json", 6, mmlu)
	}
	write("m_mmlu", "de_dev.jsonl", 2, mmlu)
	write("m_mmlu", "fr_dev.jsonl", 2, mmlu)
	write("m_hellaswag", "de_validation.jsonl", 5, swag)
	write("m_arc", "de_test.jsonl", 4, arc)
	write("m_truthfulqa", "de.jsonl", 10, truth)
	return dir
}

// A measurement that is broken off in each of its parts ends with the same bytes as one that is left alone, and one that
// is repeated asks the model nothing.
func TestMultipleChoiceResumes(t *testing.T) {
	folder := okapi(t)
	s := Miniature()
	straight, m0 := openTest(t, s)
	want, err := MultipleChoice(context.Background(), straight, m0, folder, MMLUShots(2))
	if err != nil {
		t.Fatal(err)
	}
	if want.Nrow() != 2+2+2+2 { // mmlu in two languages, and two metrics of each other suite
		t.Errorf("%d rows, want 8:\n%v", want.Nrow(), want)
	}

	broken, _ := openTest(t, s)
	stops := 0
	for {
		ctx, cancel := context.WithCancel(context.Background())
		events := 0
		broken.progress = func(Event) {
			if events++; events == 2 { // the beginning is the first, and a batch that was saved the second
				cancel()
			}
		}
		_, err := MultipleChoice(ctx, broken, m0, folder, MMLUShots(2))
		cancel()
		if err == nil {
			break
		}
		if stops++; !errors.Is(err, context.Canceled) || stops > 20 {
			t.Fatalf("after %d stops: %v", stops, err)
		}
	}
	if stops < 5 { // after each of the five files but the last, and between two batches of that
		t.Errorf("the measurement was stopped %d times, want at least 5", stops)
	}
	got := hashes(t, filepath.Dir(broken.Dir))
	for path, hash := range hashes(t, filepath.Dir(straight.Dir)) {
		if got[path] != hash {
			t.Errorf("%s differs after %d stops", path, stops)
		}
		delete(got, path)
	}
	for path := range got {
		t.Errorf("%s was left behind", path)
	}

	broken.progress = func(e Event) { t.Errorf("%s was asked again", e.Step) }
	if again, err := MultipleChoice(context.Background(), broken, m0, folder, MMLUShots(2)); err != nil || again.String() != want.String() {
		t.Errorf("the second time (%v)\n%v\nwant\n%v", err, again, want)
	}
	tax, err := AlignmentTax(broken, "M0", "M0")
	if err != nil || tax.Nrow() != 8 {
		t.Fatalf("%v, %d rows", err, tax.Nrow())
	}
	for i, d := range tax.Col("difference").Float() {
		if p := tax.Col("p").Float()[i]; d != 0 || p != 1 {
			t.Errorf("a model differs from itself by %v, p %v", d, p)
		}
	}
	if _, err := AlignmentTax(broken, "M0", "M1"); err == nil || !strings.Contains(err.Error(), "MultipleChoice on both first") {
		t.Errorf("a model that was not measured: %v", err)
	}
}

// The log-probability of a choice is that of the raw text with it less that of the text before it, both summed up here
// token by token.
func TestChoiceLogprobsAreThoseOfRawText(t *testing.T) {
	run, m0 := openTest(t, Miniature())
	items := []datasets.ChoiceItem{{ID: "a", Suite: "m_arc", Lang: "en", Context: "Anna has 12 apples. The answer is", Choices: []string{"12.", "a large house", "7"}}}
	rows, err := askChoices(context.Background(), run, m0, items, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, choice := range items[0].Choices {
		whole, part := m0.tokenizer.EncodeDocument(items[0].Context+" "+choice), m0.tokenizer.EncodeDocument(items[0].Context)
		want := rawLogprob(t, m0, whole) - rawLogprob(t, m0, part)
		if !slices.Equal(whole[:len(part)], part) || math.Abs(rows[0].Logprobs[i]-want) > 1e-3 {
			t.Errorf("%q has log-probability %v, want %v", choice, rows[0].Logprobs[i], want)
		}
	}
}

// rawLogprob is the sum of log p over the tokens after the first.
func rawLogprob(t *testing.T, m *Model, tokens []int) (sum float64) {
	t.Helper()
	exec := model.MustNewExec(m.engine, m.weights.Store, func(scope *model.Scope, in []*graph.Node) *graph.Node {
		return m.weights.TokenLogprobs(scope, in[0])
	})
	out := exec.MustExec(tensors.FromFlatDataAndDimensions(int32s(tokens), 1, len(tokens)))
	for _, x := range tensors.MustCopyFlatData[float32](out[0]) {
		sum += float64(x)
	}
	return sum
}

// A prompt beyond the model's context is cut at its beginning, for all choices alike, and said to be.
func TestLongPromptIsCut(t *testing.T) {
	run, m0 := openTest(t, Miniature())
	long := datasets.ChoiceItem{ID: "a", Suite: "m_arc", Lang: "en", Context: strings.Repeat("apples ", 2100) + "The answer is", Choices: []string{"12.", "7"}}
	short := long
	short.ID, short.Context = "b", "The answer is"
	rows, err := askChoices(context.Background(), run, m0, []datasets.ChoiceItem{long, short}, "")
	if err != nil {
		t.Fatal(err)
	}
	if !rows[0].Cut || rows[1].Cut || rows[0].Logprobs[0] >= 0 {
		t.Errorf("%+v", rows)
	}
}

// Two examples as lm-evaluation-harness' build_qa_turn joins them: a space before the answer, an empty line after it.
func TestFewShots(t *testing.T) {
	path := filepath.Join(okapi(t), "m_mmlu")
	got, err := fewShots(path, "de", 2)
	want := "0 + 2 = ?\nA. 1\nB. 2\nC. 99\nD. 0\nAnswer: B\n\n1 + 2 = ?\nA. 1\nB. 3\nC. 99\nD. 0\nAnswer: B\n\n"
	if err != nil || got != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if _, err := fewShots(path, "de", 3); err == nil || !strings.Contains(err.Error(), "2 questions, expected at least the 3") {
		t.Errorf("too few examples: %v", err)
	}
}
