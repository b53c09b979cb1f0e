package lidr

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/lm"
)

// doubtful is a model whose server does not answer everything: answer tells by a request's id what comes back, and one
// that failed is refused for good.
type doubtful struct {
	lm.Model
	answer func(id string) lm.Completion
	asked  []string
}

func (*doubtful) Fingerprint() string { return "doubtful" }
func (*doubtful) ContextLength() int  { return 0 }

func (d *doubtful) Generate(_ context.Context, reqs []lm.Request, _ lm.Sampling, done func(int) bool,
	save func([]int, []lm.Completion) error) error {
	incomplete := &lm.IncompleteError{}
	for i, r := range reqs {
		if done(i) {
			continue
		}
		incomplete.Requests++
		d.asked = append(d.asked, r.ID)
		c := d.answer(r.ID)
		if c.FinishReason == lm.FinishFailed {
			failed := lm.Failed{Index: i, ID: r.ID, Reason: errors.New(c.Reason), Final: c.By == ""}
			incomplete.Failed = append(incomplete.Failed, failed)
		} else if err := save([]int{i}, []lm.Completion{c}); err != nil {
			return err
		}
	}
	if incomplete.Failed != nil {
		return incomplete
	}
	return nil
}

// wholeAnswer is what a model without faults says.
func wholeAnswer(id string) lm.Completion {
	c := lm.Completion{FinishReason: lm.FinishStop}
	switch {
	case strings.HasSuffix(id, "/en-de"):
		c.Text = "<translated>Anna hat sieben Äpfel in ihrem Korb " + id + ". Die Antwort ist 7.</translated>"
	case strings.HasSuffix(id, "/de-en"):
		c.Text = "<translated>Anna has got seven apples in her basket " + id + ". The answer is 7.</translated>"
	case strings.HasSuffix(id, "/de"):
		c.Text = "Anna besitzt sieben Äpfel im Korb " + id + ". Die Antwort ist 7."
	default:
		c.Text = "Anna has seven apples in the basket " + id + ". The answer is 7."
	}
	return c
}

// doubtfulRun opens a run of 20 prompts in English and German that are problems of the evaluation too, and keeps its
// notes.
func doubtfulRun(t *testing.T, dir string, change func(*Settings), notes *[]string) *Run {
	t.Helper()
	s := PaperSettings()
	s.Trained, s.Unseen, s.Rounds = []string{"de"}, nil, 1
	s.Prompts = PromptSettings{Source: filepath.Join(dir, "prompts"), N: 20}
	s.Evaluate.Source = s.Prompts.Source
	if change != nil {
		change(&s)
	}
	if err := os.MkdirAll(s.Prompts.Source, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"en", "de"} {
		var lines strings.Builder
		for i := range 20 {
			fmt.Fprintf(&lines, `{"id":"p%d","lang":%q,"prompt":"Problem %d in %s?","answer":"7"}`+"\n", i, lang, i, lang)
		}
		if err := os.WriteFile(filepath.Join(s.Prompts.Source, lang+".jsonl"), []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run, err := Open(filepath.Join(dir, "run"), s, WithProgress(func(e Event) {
		if e.Note != "" && notes != nil {
			*notes = append(*notes, e.Note)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Close() })
	return run
}

// Whatever is wrong with an answer, the others go on without it: it is counted for its language, translated nowhere, a
// side of no pair and right in no evaluation, and everybody is told.
func TestAnswersThatAreNone(t *testing.T) {
	const told = "MARK"
	for fault, c := range map[string]lm.Completion{
		lm.FaultFailed:   {FinishReason: lm.FinishFailed, Reason: "status 400: too long"},
		lm.FaultWithheld: {Text: told + " 7", FinishReason: lm.FinishFilter},
		lm.FaultRefusal:  {FinishReason: lm.FinishRefusal, Reason: "I cannot help with that."},
		lm.FaultModel:    {Text: told + " 7", FinishReason: lm.FinishStop, By: "cheap-fallback"},
		lm.FaultThought:  {Text: "<think>" + told + " 7", FinishReason: lm.FinishLength},
		lm.FaultEmpty:    {Text: " \n", FinishReason: lm.FinishStop},
		lm.FaultCut:      {Text: told + " 7", FinishReason: lm.FinishLength},
	} {
		for _, lang := range []string{"en", "de"} {
			t.Run(fault+"/"+lang, func(t *testing.T) {
				bad := "p3/" + lang
				model := &doubtful{answer: func(id string) lm.Completion {
					if id == bad {
						return c
					}
					return wholeAnswer(id)
				}}
				var notes []string
				run := doubtfulRun(t, t.TempDir(), nil, &notes)
				checkLeftOut(t, run, UseModel("doubtful", model), model, lang, fault)
				if all := strings.Join(notes, "\n"); !strings.Contains(all,
					"M0 generate: answers that are none, or not whole: "+lang+" 1 of 20 "+fault) ||
					!strings.Contains(all, "M0 evaluate: answers that are none, or not whole: "+lang+" 1 of 20 "+fault) ||
					!strings.Contains(all, c.Reason) || !strings.Contains(all, c.By) {
					t.Errorf("notes %q", notes)
				}
			})
		}
	}
}

// checkLeftOut runs the steps of a round up to its pairs, and an evaluation, in which the answer to p3 in lang has a
// fault.
func checkLeftOut(t *testing.T, run *Run, m *Model, model *doubtful, lang, fault string) {
	t.Helper()
	ctx := context.Background()
	before := lm.Unanswered()
	prompts, err := Prompts(ctx, run, m)
	if err != nil {
		t.Fatal(err)
	}
	frame, err := Generate(ctx, run, m, prompts)
	if err != nil {
		t.Fatal(err)
	}
	var responses []datasets.Response
	if err := datasets.Rows(frame, &responses); err != nil {
		t.Fatal(err)
	}
	for _, row := range responses {
		want := ""
		if row.ID == "p3" && row.Lang == lang {
			want = fault
		}
		if row.Fault != want {
			t.Errorf("the fault of %s in %s is %q, expected %q", row.ID, row.Lang, row.Fault, want)
		}
	}
	if read, err := run.Responses("M0"); err != nil ||
		!slices.Equal(read.Col("fault").Records(), frame.Col("fault").Records()) {
		t.Errorf("the faults read back are %v, %v", read, err)
	}
	translations, err := Translate(ctx, run, m, frame)
	if err != nil {
		t.Fatal(err)
	}
	if from := "p3/" + lang + "-"; slices.ContainsFunc(model.asked,
		func(id string) bool { return strings.HasPrefix(id, from) }) {
		t.Errorf("the model was asked to translate what is no answer: %q", model.asked)
	}
	translated, err := rowsOf[datasets.Translation](translations, "translations")
	if err != nil {
		t.Fatal(err)
	}
	pairs, counts, err := makePairs(ctx, run, m, responses, translated, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(pairs) != 38 {
		t.Errorf("%d pairs, expected two fewer than 40", len(pairs))
	}
	for _, p := range pairs {
		if p.ID == "p3" || strings.Contains(p.Chosen+p.Rejected, "MARK") || strings.TrimSpace(p.Chosen) == "" ||
			strings.TrimSpace(p.Rejected) == "" {
			t.Errorf("a pair of what is no answer: %+v", p)
		}
	}
	side := map[string]string{"en": "chosen", "de": "chosen"}
	if lang == "de" {
		side = map[string]string{"en": "rejected", "de": "rejected"}
	}
	for of, which := range side {
		want := PairCount{Lang: of, Count: "dropped", Filter: which + " answer: " + fault, N: 1}
		if !slices.Contains(counts, want) {
			t.Errorf("the counts %v have no %v", counts, want)
		}
	}
	scores, err := evaluate(ctx, run, m)
	if err != nil {
		t.Fatal(err)
	}
	verdicts, err := run.Verdicts("M0", lang)
	if err != nil || verdicts[3].Fault != fault || verdicts[3].Correct != (fault == lm.FaultCut) {
		t.Errorf("the verdict is %+v, %v", verdicts[3], err)
	}
	i := slices.IndexFunc(scores, func(s eval.Score) bool { return s.Metric == "accuracy" && s.Lang == lang })
	if want := 0.95; fault != lm.FaultCut && (scores[i].N != 20 || scores[i].Value != want) {
		t.Errorf("the accuracy is %+v, expected %g of 20", scores[i], want)
	}
	data, err := ReportData(run)
	if err != nil {
		t.Fatal(err)
	}
	reported := 0
	for _, measure := range data.Measures {
		for _, row := range measure.Rows {
			if k := slices.Index(measure.Columns, lang); k >= 0 && row.Name == "M0, "+fault && row.Values[k].Value == 1 &&
				row.Values[k].Note == "of 20" {
				reported++
			}
		}
	}
	if reported != 2 {
		t.Errorf("%d tables of the report count the fault, expected generation's and evaluation's: %+v", reported,
			data.Measures)
	}
	if left := lm.Unanswered() > before; left == (fault == lm.FaultCut) {
		t.Errorf("left out for the exit code: %t", left)
	}
}

// More refused requests than the run tolerates end the step. Then they are asked again, and the answers that came are
// not; a run that tolerates them gives the bytes of one that did from the start, and a stricter one does not take them.
func TestTooManyRefused(t *testing.T) {
	ctx := context.Background()
	model := &doubtful{answer: func(id string) lm.Completion {
		if id == "p3/de" || id == "p4/de" {
			return lm.Completion{FinishReason: lm.FinishFailed, Reason: "status 400: too long"}
		}
		return wholeAnswer(id)
	}}
	m := UseModel("doubtful", model)
	dir := t.TempDir()
	generateIn := func(share float64) ([]datasets.Response, error) {
		run := doubtfulRun(t, dir, func(s *Settings) { s.Generate.MaxRefused = share }, nil)
		defer run.Close()
		asked, err := prompts(ctx, run, m)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := generate(ctx, run, m, asked)
		if err == nil {
			return rows, os.Rename(run.Dir, run.Dir+fmt.Sprint(share))
		}
		return rows, errors.Join(err, os.RemoveAll(run.Dir))
	}
	_, err := generateIn(0.04)
	if err == nil || !strings.Contains(err.Error(), "refuses 2 of 40 requests for good, more than the share 0.04") ||
		!strings.Contains(err.Error(), "status 400: too long") {
		t.Fatalf("2 of 40 where 0.04 may be: %v", err)
	}
	model.asked = nil
	rows, err := generateIn(0)
	if err != nil || !slices.Equal(model.asked, []string{"p3/de", "p4/de"}) || rows[23].Reason != "status 400: too long" {
		t.Fatalf("asked again are %q, answer %+v; %v", model.asked, rows[23], err)
	}
	model.asked = nil
	if again, err := generateIn(0.05); err != nil || !slices.Equal(again, rows) || model.asked != nil {
		t.Errorf("resumed: asked %q, %v", model.asked, err)
	}
	_, err = generateIn(0.04)
	if err == nil || !strings.Contains(err.Error(), "has refused 2 of 40") {
		t.Fatalf("a stricter run took what a looser one tolerated: %v", err)
	}
	_, file, _ := strings.Cut(err.Error(), "or delete ")
	file, _, _ = strings.Cut(file, " to ask")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := generateIn(0.06); err != nil || len(model.asked) != 40 {
		t.Errorf("without the file %s: asked %q, %v", file, model.asked, err)
	}
}

// One request of few may be refused where the settings do not say, and never all.
func TestToleratedRefusals(t *testing.T) {
	for _, c := range []struct {
		share    float64
		n, total int
		want     bool
	}{
		{0, 1, 2, true}, {0, 1, 1, false}, {0, 2, 3, false}, {0, 10, 100, true}, {0, 11, 100, false},
		{0.01, 1, 2, false}, {0.01, 1, 100, true}, {1, 99, 100, true}, {1, 2, 2, false}, {0.01, 0, 0, true},
	} {
		if got := (GenerateSettings{MaxRefused: c.share}).tolerates(c.n, c.total); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

// A request that fails without being refused for good ends the step, and nothing is kept as refused: both are asked
// again.
func TestFailedAndRefused(t *testing.T) {
	ctx := context.Background()
	reply := func(id string) lm.Completion {
		c := lm.Completion{FinishReason: lm.FinishFailed, Reason: "status 503: busy", By: "not final"}
		switch id {
		case "p3/de":
			c.Reason, c.By = "status 400: too long", ""
		case "p4/de":
		default:
			return wholeAnswer(id)
		}
		return c
	}
	model := &doubtful{answer: reply}
	run := doubtfulRun(t, t.TempDir(), nil, nil)
	m := UseModel("doubtful", model)
	asked, err := prompts(ctx, run, m)
	if err != nil {
		t.Fatal(err)
	}
	var incomplete *lm.IncompleteError
	if _, err := generate(ctx, run, m, asked); !errors.As(err, &incomplete) {
		t.Fatalf("error %v", err)
	}
	model.asked, model.answer = nil, wholeAnswer
	if _, err := generate(ctx, run, m, asked); err != nil || !slices.Equal(model.asked, []string{"p3/de", "p4/de"}) {
		t.Errorf("asked again are %q, %v", model.asked, err)
	}
}

// An evaluation whose answers were nearly all cut says so in its report, and a setting keeps cut answers as sides of
// pairs.
func TestCutAnswers(t *testing.T) {
	ctx := context.Background()
	cut := func(id string) lm.Completion {
		c := wholeAnswer(id)
		if strings.HasSuffix(id, "/de") && id != "p0/de" {
			c.Text, c.FinishReason = "Anna hat 3 Äpfel und", lm.FinishLength
		}
		return c
	}
	m := UseModel("doubtful", &doubtful{answer: cut})
	for keep, want := range map[string]int{"": 2, lm.FaultCut: 40} {
		run := doubtfulRun(t, t.TempDir(), func(s *Settings) {
			if keep != "" {
				s.Pairs.KeepFaulty = []string{keep}
			}
		}, nil)
		pairs, err := roundPairs(ctx, run, m)
		if err != nil || len(pairs) != want {
			t.Errorf("keeping %q leaves %d pairs, expected %d; %v", keep, len(pairs), want, err)
		}
		if _, err := evaluate(ctx, run, m); err != nil {
			t.Fatal(err)
		}
		data, err := ReportData(run)
		if err != nil {
			t.Fatal(err)
		}
		loud := 0
		for _, warning := range data.Health {
			if strings.Contains(warning.Text, "19 of 20 answers in de") && strings.Contains(warning.Text, "raise max_tokens") {
				loud++
			}
		}
		if loud != 2 {
			t.Errorf("%d warnings of generation and evaluation, expected both: %+v", loud, data.Health)
		}
	}
}

// Settings that could not work are refused by their name.
func TestFaultSettings(t *testing.T) {
	for field, change := range map[string]func(*Settings){
		"generate.max_refused": func(s *Settings) { s.Generate.MaxRefused = 1.5 },
		"pairs.keep_faulty":    func(s *Settings) { s.Pairs.KeepFaulty = []string{lm.FaultEmpty} },
	} {
		s := MiniatureSettings()
		change(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// What is behind a thought is the answer: it is a side of pairs, and its language is the one that counts.
func TestThoughtIsNoAnswer(t *testing.T) {
	ctx := context.Background()
	model := &doubtful{answer: func(id string) lm.Completion {
		c := wholeAnswer(id)
		c.Text = "<think>\nThe user wants <translated>...</translated> around it, and asks in English.\n</think>\n\n" + c.Text
		return c
	}}
	run := doubtfulRun(t, t.TempDir(), nil, nil)
	m := UseModel("doubtful", model)
	pairs, err := roundPairs(ctx, run, m)
	if err != nil || len(pairs) != 40 {
		t.Fatalf("%d pairs, %v", len(pairs), err)
	}
	for _, p := range pairs {
		if strings.Contains(p.Chosen+p.Rejected, "think") || strings.Contains(p.Chosen+p.Rejected, "...") {
			t.Errorf("a thought in a pair: %+v", p)
		}
	}
	scores, err := evaluate(ctx, run, m)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scores {
		if s.Lang == "de" && (s.Metric == "accuracy" && s.Value != 1 || s.Metric == "off_target" && s.Value != 0) {
			t.Errorf("score %+v", s)
		}
	}
	responses, err := run.Responses("M0")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := rowsOf[datasets.Response](responses, "responses")
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows { // as of another program, which keeps thoughts and knows no faults
		rows[i].Response = "<think>\nIn English.\n</think>\n\n" + rows[i].Response
	}
	rows[3].Response, rows[3].FinishReason = "<think>\nIn English", "length"
	translated, err := translate(ctx, run, m, m, rows)
	if err != nil {
		t.Fatal(err)
	}
	all, err := candidates(run.Settings, withFaults(rows), translated)
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := sift(run.Settings, run.promptTask(), all, nil)
	if len(kept) != 38 || slices.ContainsFunc(kept, func(p Pair) bool {
		return strings.Contains(p.Chosen+p.Rejected,
			"think")
	}) {
		t.Errorf("%d pairs of another program's answers", len(kept))
	}
}

// A step of one's own gets the refused requests as answers that say so, and no word of answers that it cut itself.
func TestAskGoesOn(t *testing.T) {
	var notes []string
	run := doubtfulRun(t, t.TempDir(), nil, &notes)
	model := &doubtful{answer: func(id string) lm.Completion {
		switch id {
		case "q3":
			return lm.Completion{FinishReason: lm.FinishFailed, Reason: "status 400: too long"}
		case "q4":
			return lm.Completion{Text: "<think>Hm.</think>m", FinishReason: lm.FinishStop}
		}
		return lm.Completion{Text: "m", FinishReason: lm.FinishLength}
	}}
	var requests []lm.Request
	for i := range 20 {
		id := fmt.Sprintf("q%d", i)
		requests = append(requests, lm.Request{ID: id, Messages: lm.Turn("", id)})
	}
	for range 2 {
		notes = nil
		answers, err := Ask(context.Background(), run, UseModel("judge", model), "judge m", requests,
			lm.Sampling{MaxTokens: 1}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if a := answers[3]; a.Fault() != lm.FaultFailed || a.Reason != "status 400: too long" || answers[4].Text != "m" {
			t.Errorf("answers %+v", answers[3:5])
		}
		if len(notes) != 1 || !strings.Contains(notes[0],
			"judge m: answers that are none, or not whole: 1 of 20 request refused") {
			t.Errorf("notes %q", notes)
		}
	}
	if len(model.asked) != 20 {
		t.Errorf("%d requests were sent, expected each once", len(model.asked))
	}
}
