package choices

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/google/go-cmp/cmp"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/report"
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
		return fmt.Sprintf(`{"id": "maths/%d", "instruction": "%d + 2 = ?", "option_a": "1", "option_b": "%d", `+
			`"option_c": "99", "option_d": "0", "answer": "%c"}`, i, i, i+2, "BBD"[i%3])
	}
	swag := func(i int) string {
		return fmt.Sprintf(`{"ind": %d, "activity_label": "Kaufen", "ctx_a": "Anna hat %d Äpfel.", "ctx_b": "sie", `+
			`"endings": ["kauft noch mehr Äpfel.", "Haus", "", "zzz qqq"], "label": "%d"}`, i, i, i%2)
	}
	arc := func(i int) string {
		return fmt.Sprintf(`{"id": "q%d", "instruction": "Was ist %d?", "option_a": "eine Zahl", `+
			`"option_b": "ein Apfel", "option_c": "Anna", "option_d": null, "answer": "%c"}`, i, i, "ABC"[i%3])
	}
	truth := func(i int) string {
		return fmt.Sprintf(`{"question": "Ist %d eine Zahl?", "mc1_targets_choices": ["Ja.", "Nein."], `+
			`"mc1_targets_labels": [1, 0], "mc2_targets_choices": ["Ja.", "Nein.", "Ja, %d."], `+
			`"mc2_targets_labels": [1, 0, 1]}`, i, i)
	}
	for _, lang := range []string{"de", "fr"} {
		write("m_mmlu", lang+"_test.json", 6, mmlu)
	}
	write("m_mmlu", "de_dev.jsonl", 2, mmlu)
	write("m_mmlu", "fr_dev.jsonl", 2, mmlu)
	write("m_hellaswag", "de_validation.jsonl", 5, swag)
	write("m_arc", "de_test.jsonl", 4, arc)
	write("m_truthfulqa", "de.jsonl", 10, truth)
	write("global_mmlu_lite", "de_test.jsonl", 3, func(i int) string {
		return strings.NewReplacer(`"id"`, `"sample_id"`, `"instruction"`, `"question"`).Replace(mmlu(i))
	})
	write("belebele", "deu_Latn.jsonl", 3, func(i int) string {
		return fmt.Sprintf(`{"link": "l", "question_number": %d, "flores_passage": "Anna hat %d Äpfel.", `+
			`"question": "Was hat Anna?", "mc_answer1": "Äpfel", "mc_answer2": "Haus", "mc_answer3": "zzz", `+
			`"mc_answer4": "9", "correct_answer_num": "1"}`, i, i)
	})
	return dir
}

// open opens a run of the miniature with its M0.
func open(t *testing.T, options ...lidr.Option) (*lidr.Run, *lidr.Model) {
	t.Helper()
	run, err := lidr.Open(filepath.Join(t.TempDir(), "run"), lidr.MiniatureSettings().Tiny(), options...)
	if err != nil {
		t.Fatal(err)
	}
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	return run, m0
}

// A measurement that is broken off in each of its parts ends with the same bytes as one that is left alone, and one
// that is repeated asks the model nothing.
func TestAskResumes(t *testing.T) {
	t.Parallel()
	folder, ctx := okapi(t), context.Background()
	settings := Settings{MMLUShots: 2}
	straight, m0 := open(t)
	want, err := Ask(ctx, straight, m0, folder, settings)
	if err != nil {
		t.Fatal(err)
	}
	if want.Nrow() != 2+2+2+2+1+1 { // mmlu in two languages, two metrics of Okapi's others, one of the newer
		t.Errorf("%d rows, want 10:\n%v", want.Nrow(), want)
	}

	var progress lidr.Progress
	broken, _ := open(t, lidr.WithProgress(func(e lidr.Event) { progress(e) }))
	stops := 0
	for {
		stopped, cancel := context.WithCancel(ctx)
		events := 0
		progress = func(lidr.Event) {
			if events++; events == 2 { // the beginning is the first, and a batch that was saved the second
				cancel()
			}
		}
		_, err := Ask(stopped, broken, m0, folder, settings)
		cancel()
		if err == nil {
			break
		}
		if stops++; !errors.Is(err, context.Canceled) || stops > 20 {
			t.Fatalf("after %d stops: %v", stops, err)
		}
	}
	if stops < 5 { // after each of the seven files but the last, and between two batches of that
		t.Errorf("the measurement was stopped %d times, want at least 5", stops)
	}
	left, right := lidrtest.Hashes(t, filepath.Dir(straight.Dir)), lidrtest.Hashes(t, filepath.Dir(broken.Dir))
	if diff := cmp.Diff(left, right); diff != "" {
		t.Errorf("the files differ after %d stops (-straight +stopped):\n%s", stops, diff)
	}

	progress = func(e lidr.Event) { t.Errorf("%s was asked again", e.Step) }
	if again, err := Ask(ctx, broken, m0, folder, settings); err != nil || again.String() != want.String() {
		t.Errorf("the second time (%v)\n%v\nwant\n%v", err, again, want)
	}
	changes, err := Tax(ctx, broken, "M0", "M0")
	if err != nil || changes.Nrow() != 10 {
		t.Fatalf("%v, %d rows", err, changes.Nrow())
	}
	for i, d := range changes.Col("difference").Float() {
		if p := changes.Col("p").Float()[i]; d != 0 || p != 1 {
			t.Errorf("a model differs from itself by %v, p %v", d, p)
		}
	}
	if _, err := Tax(ctx, broken, "M0", "M1"); err == nil || !strings.Contains(err.Error(), "choices.Ask on both first") {
		t.Errorf("a model that was not measured: %v", err)
	}
}

// readMeasure reads a measure of a model; one that is not there has no key.
func readMeasure(t *testing.T, run *lidr.Run, model, key string) report.Measure {
	t.Helper()
	data, err := os.ReadFile(run.Path(model, "measures", key+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return report.Measure{}
	}
	if err != nil {
		t.Fatal(err)
	}
	m, err := report.ParseMeasure(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Each model's scores are in its own measures, and what the training cost in those of the later model, whichever of
// the two was asked first. Models that were asked differently have no difference. A model that is not the run's is
// refused before a byte is written.
func TestMeasures(t *testing.T) {
	t.Parallel()
	folder, ctx := okapi(t), context.Background()
	var notes []string
	progress := lidr.WithProgress(func(e lidr.Event) {
		if e.Note != "" {
			notes = append(notes, e.Note)
		}
	})
	run, m0 := open(t, progress)
	m1, err := lidr.Round(ctx, run, m0)
	if err != nil {
		t.Fatal(err)
	}
	measured := func(m *lidr.Model, shots int) (tax, change report.Measure) {
		t.Helper()
		if _, err := Ask(ctx, run, m, folder, Settings{MMLUShots: shots}); err != nil {
			t.Fatal(err)
		}
		return readMeasure(t, run, m.Name(), "alignment-tax"), readMeasure(t, run, "M1", "alignment-tax-change")
	}
	own, change := measured(m1, 0)
	if len(own.Rows) != 9 || own.Rows[0].Name != "m_mmlu acc, 0-shot, M1" || own.Rows[0].Values[0].Note != "n = 6" {
		t.Errorf("M1's measure %+v, want a row a metric", own)
	}
	if change.Key != "" {
		t.Errorf("a change of the first model that was asked: %+v", change)
	}
	_, change = measured(m0, 2)
	if len(change.Rows) != 0 || len(notes) != 1 || !strings.Contains(notes[0], "m_mmlu: M0 and M1") {
		t.Errorf("asked differently: change %+v, notes %q", change, notes)
	}
	first, change := measured(m0, 0)
	if len(change.Rows) != 9 || change.Rows[0].Name != "m_mmlu acc, M1 − M0" {
		t.Fatalf("M1's change %+v, want a row a metric", change)
	}
	for i, row := range change.Rows {
		for k, v := range row.Values {
			want := own.Rows[i].Values[k].Value - first.Rows[i].Values[k].Value
			if math.Abs(v.Value-want) > 1e-9 || !math.IsNaN(want) && !strings.Contains(v.Note, ", p = ") {
				t.Errorf("%s in %s: %+v, want %v", row.Name, change.Columns[k], v, want)
			}
		}
	}

	before := lidrtest.Hashes(t, run.Dir)
	stranger, err := lidr.LoadModel(run.Path("M1", "model"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Ask(ctx, run, stranger, folder, Defaults())
	if err == nil || !strings.Contains(err.Error(), `run.Model("M1")`) {
		t.Errorf("M1 under the name of M0: %v", err)
	}
	if diff := cmp.Diff(before, lidrtest.Hashes(t, run.Dir)); diff != "" {
		t.Errorf("a refused model changed files:\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	run, m0 := open(t)
	served := lidr.UseModel("gpt-4.1", lm.Model(nil))
	ask := func(m *lidr.Model, folder string, s Settings) error {
		_, err := Ask(context.Background(), run, m, folder, s)
		return err
	}
	for want, err := range map[string]error{
		"field mmlu_shots is -1":      ask(m0, okapi(t), Settings{MMLUShots: -1}),
		"gpt-4.1 does not tell":       ask(served, okapi(t), Defaults()),
		"has none of the folders":     ask(m0, t.TempDir(), Defaults()),
		"expected at least the 3 few": ask(m0, okapi(t), Settings{MMLUShots: 3}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
	}
}

// The log-probability of a choice is that of the raw text with it less that of the text before it, both summed up here
// token by token.
func TestLogprobsAreThoseOfRawText(t *testing.T) {
	t.Parallel()
	run, m0 := open(t)
	item := datasets.ChoiceItem{
		ID: "a", Suite: "m_arc", Lang: "en", Context: "Anna has 12 apples. The answer is",
		Choices: []string{"12.", "a large house", "7"},
	}
	answers, err := answer(context.Background(), run, m0, []datasets.ChoiceItem{item}, "")
	if err != nil {
		t.Fatal(err)
	}
	part := m0.Tokenizer().EncodeDocument(item.Context)
	for i, choice := range item.Choices {
		whole := m0.Tokenizer().EncodeDocument(item.Context + " " + choice)
		want := rawLogprob(t, m0, whole) - rawLogprob(t, m0, part)
		if !slices.Equal(whole[:len(part)], part) || math.Abs(answers[0].Logprobs[i]-want) > 1e-3 {
			t.Errorf("%q has log-probability %v, want %v", choice, answers[0].Logprobs[i], want)
		}
	}
}

// rawLogprob is the sum of log p over the tokens after the first.
func rawLogprob(t *testing.T, m *lidr.Model, tokens []int) (sum float64) {
	t.Helper()
	exec := model.MustNewExec(m.Engine(), m.Weights().Store, func(scope *model.Scope, in []*graph.Node) *graph.Node {
		return m.Weights().TokenLogprobs(scope, in[0])
	})
	out := exec.MustCall(tensors.FromFlatDataAndDimensions(int32s(tokens), 1, len(tokens)))
	for _, x := range tensors.MustCopyFlatData[float32](out[0]) {
		sum += float64(x)
	}
	return sum
}

// A prompt beyond the model's context is cut at its beginning, for all choices alike, and said to be.
func TestLongPromptIsCut(t *testing.T) {
	t.Parallel()
	run, m0 := open(t)
	long := datasets.ChoiceItem{
		ID: "a", Suite: "m_arc", Lang: "en", Context: strings.Repeat("apples ", 2100) + "The answer is",
		Choices: []string{"12.", "7"},
	}
	short := long
	short.ID, short.Context = "b", "The answer is"
	answers, err := answer(context.Background(), run, m0, []datasets.ChoiceItem{long, short}, "")
	if err != nil {
		t.Fatal(err)
	}
	if !answers[0].Cut || answers[1].Cut || answers[0].Logprobs[0] >= 0 {
		t.Errorf("%+v", answers)
	}
}

// Two examples as lm-evaluation-harness' build_qa_turn joins them: a space before the answer, an empty line after it.
func TestFewShots(t *testing.T) {
	t.Parallel()
	path := filepath.Join(okapi(t), "m_mmlu")
	got, err := fewShots(path, "de", 2)
	want := "0 + 2 = ?\nA. 1\nB. 2\nC. 99\nD. 0\nAnswer: B\n\n1 + 2 = ?\nA. 1\nB. 3\nC. 99\nD. 0\nAnswer: B\n\n"
	if err != nil || got != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	_, err = fewShots(path, "de", 3)
	if err == nil || !strings.Contains(err.Error(), "2 questions, expected at least the 3") {
		t.Errorf("too few examples: %v", err)
	}
}
