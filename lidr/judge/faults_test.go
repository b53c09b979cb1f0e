package judge_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/remote"
)

// rawJudge answers with the choice that choose makes of the question, JSON without its braces, and counts.
type rawJudge struct {
	choose func(question string) string
	asked  atomic.Int64
}

func (j *rawJudge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/v1/models" {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"judge","object":"model","created":1,"owned_by":"test"}]}`)
		return
	}
	var body chat
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		return
	}
	j.asked.Add(1)
	model := "judge"
	choice := j.choose(body.last())
	if choice == "" {
		model, choice = "cheap", said("M")
	}
	if choice == refusedForGood {
		http.Error(w, `{"error":{"message":"maximum context length is 5","code":"context_length_exceeded"}}`,
			http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, `{"model":%q,"choices":[{%s}],"usage":{"prompt_tokens":10,"completion_tokens":3}}`, model, choice)
}

const refusedForGood = "refused"

// said is a choice with a content and, in JSON, the likeliest tokens.
func said(content string, top ...string) string {
	choice := fmt.Sprintf(`"finish_reason":"stop","message":{"role":"assistant","content":%q}`, content)
	if len(top) == 0 {
		return choice
	}
	return choice + `,"logprobs":{"content":[{"token":"x","logprob":0,"top_logprobs":[` + strings.Join(top, ",") + `]}]}`
}

func (j *rawJudge) model(t *testing.T) *lidr.Model {
	t.Helper()
	server := httptest.NewServer(j)
	t.Cleanup(server.Close)
	return served(t, remote.Options{Model: "judge", Endpoints: []string{server.URL}, InFlight: 2})
}

// facing are a response and a reference to each of n prompts in a language.
func facing(lang string, n int) (responses, references []judge.Output) {
	for i := range n {
		row := judge.Output{ID: fmt.Sprint(i), Lang: lang, Prompt: fmt.Sprintf("question %d in %s?", i, lang)}
		row.Response = strings.Repeat("our answer ", i+1)
		responses = append(responses, row)
		row.Response = "their answer"
		references = append(references, row)
	}
	return responses, references
}

func numberOf(question string) (n int) {
	_, after, _ := strings.Cut(question, "<instruction>\nquestion ")
	_, _ = fmt.Sscan(after, &n)
	return n
}

// ours is the word for the side that is ours, and theirs the other.
func words(question string) (ours, theirs string) {
	if strings.Index(question, "our answer") < strings.Index(question, "their answer") {
		return "m", "M"
	}
	return "M", "m"
}

// A judge's answers that are none are no verdicts, and are counted with their reasons; a null probability makes a
// verdict in words of one answer, not of the others.
func TestCompareWithFaultyVerdicts(t *testing.T) {
	t.Parallel()
	token := func(word, p string) string { return fmt.Sprintf(`{"token":%q,"logprob":%s}`, word, p) }
	server := &rawJudge{choose: func(question string) string {
		won, lost := words(question)
		switch numberOf(question) {
		case 0:
			return `"finish_reason":"content_filter","message":{"content":"` + won + `"}`
		case 1:
			return `"finish_reason":"stop","message":{"content":null,"refusal":"I cannot judge."}`
		case 2:
			return `"finish_reason":"length","message":{"content":null,"reasoning_content":"Perhaps M"}`
		case 3:
			return said("<think>maybe " + lost + "</think>\n" + won)
		case 4:
			return said(won, token(won, "-0.01"), token(lost, "null"))
		case 5:
			return said(won, token(lost, "-4.6"), token(won, "null"))
		case 6:
			return `"finish_reason":"length","message":{"content":"The better one is"}`
		case 7:
			return ""
		case 9:
			return refusedForGood
		case 8:
			return said("I", token("I", "-0.1"), token("The", "-3"))
		case 10:
			return said(won, token("▁"+won, "-0.1"), token("▁"+lost, "-3"))
		case 11:
			return said("**"+won+"**", token("**", "-0.1"), token("The", "-3"))
		}
		return said(won, token(won, fmt.Sprint(math.Log(0.8))), token(lost, fmt.Sprint(math.Log(0.2))))
	}}
	run := newRun(t)
	responses, references := facing("de", 40)
	verdicts, scores, err := judge.Compare(t.Context(), run, "M1-M0", server.model(t), datasets.Frame(responses),
		datasets.Frame(references), judge.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	faults := []string{lm.FaultWithheld, lm.FaultRefusal, lm.FaultThought, "", "", "", lm.FaultCut, lm.FaultModel,
		"neither m nor M", lm.FaultFailed, "", ""}
	for i, v := range rows[judge.Judgement](t, verdicts) {
		want, fault := 1.8, ""
		if i < len(faults) {
			want, fault = 2, faults[i]
		}
		if fault != "" {
			want = math.NaN()
		}
		if v.Fault != fault || math.Abs(v.Preference-want) > 1e-12 || math.IsNaN(v.Preference) != math.IsNaN(want) {
			t.Errorf("pair %d: preference %v, fault %q, want %v, %q", i, v.Preference, v.Fault, want, fault)
		}
	}
	rate := rateOf(rows[judge.WinRate](t, scores), "win_rate", "de")
	mean := (5 + 28*0.8) / 33
	variance := (5*math.Pow(1-mean, 2) + 28*math.Pow(0.8-mean, 2)) / 32
	if math.Abs(float64(rate.Value)-mean) > 1e-12 || math.Abs(float64(rate.SE)-math.Sqrt(variance/33)) > 1e-12 ||
		rate.N != 33 || rate.Failed != 7 || rate.Verdicts != "mixed" {
		t.Errorf("%+v, want %v ± %v of 33", rate, mean, math.Sqrt(variance/33))
	}
	for _, want := range []string{"no verdict: 1 × answered by another model, 1 × cut by its length, 1 × neither m nor M",
		"1 × withheld by a filter", "1 × request refused", "6 of 35 verdicts are in words"} {
		if !strings.Contains(rate.Warning, want) {
			t.Errorf("the warning %q lacks %q", rate.Warning, want)
		}
	}
	m := measureOf(t, run, "M1", "judged-M1-M0")
	if !strings.Contains(m.What, "and 6 of 35 verdicts in words") {
		t.Errorf("what: %q", m.What)
	}
}

// Prompts of equal text are two rows everywhere, and a rate that cannot be computed is unknown, not 0.
func TestCompareEqualPrompts(t *testing.T) {
	t.Parallel()
	server := &rawJudge{choose: func(question string) string {
		won, _ := words(question)
		return said(won)
	}}
	run := newRun(t)
	responses, references := facing("de", 3)
	for i := range responses {
		responses[i].Prompt, references[i].Prompt = "Sag hallo.", "Sag hallo."
	}
	responses[2].Response = responses[1].Response // equal in all but the id
	verdicts, scores, err := judge.Compare(t.Context(), run, "M1-M0", server.model(t), datasets.Frame(responses),
		datasets.Frame(references), judge.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range rows[judge.Judgement](t, verdicts) {
		if v.ID != fmt.Sprint(i) || v.Preference != 2 {
			t.Errorf("row %d: %+v", i, v)
		}
	}
	if n := rateOf(rows[judge.WinRate](t, scores), "win_rate", "de").N; n != 3 || server.asked.Load() != 3 {
		t.Errorf("%d verdicts were asked for and %d scored", server.asked.Load(), n)
	}
	said, err := datasets.LoadAnnotations(run.Path("judged", "M1-M0", "annotations", "de.json"))
	if err != nil || len(said) != 3 || string(said[1].Others["id"]) != `"1"` {
		t.Errorf("annotations %+v, %v", said, err)
	}
	controlled := rateOf(rows[judge.WinRate](t, scores), "length_controlled_win_rate", "de")
	if !math.IsNaN(float64(controlled.Value)) || !math.IsNaN(float64(controlled.SE)) || controlled.N != 0 ||
		!strings.Contains(controlled.Warning, "none: ") {
		t.Errorf("a rate of too few verdicts: %+v", controlled)
	}
	file := readFile(t, run.Path("judged", "M1-M0", "scores.json"))
	if !strings.Contains(file, `"value": null`) || !strings.Contains(file, `"se": null`) {
		t.Error(file)
	}
	m := measureOf(t, run, "M1", "judged-M1-M0")
	for _, row := range m.Rows {
		if row.Name == "length-controlled win rate" && !math.IsNaN(row.Values[0].Value) {
			t.Errorf("the report shows %+v", row.Values[0])
		}
	}
}

// A language without a verdict has no rates, and the others have theirs; one verdict has a rate without an error.
func TestCompareLanguagesWithoutVerdicts(t *testing.T) {
	t.Parallel()
	server := &rawJudge{choose: func(question string) string {
		won, _ := words(question)
		if strings.Contains(question, " in ru?") || strings.Contains(question, " in fr?") && numberOf(question) > 0 {
			return `"finish_reason":"content_filter","message":{"content":null}`
		}
		return said(won)
	}}
	run := newRun(t)
	var responses, references []judge.Output
	for _, lang := range []string{"de", "ru", "fr"} {
		ours, theirs := facing(lang, 4)
		responses, references = append(responses, ours...), append(references, theirs...)
	}
	_, scores, err := judge.Compare(t.Context(), run, "M1-M0", server.model(t), datasets.Frame(responses),
		datasets.Frame(references), judge.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	rates := rows[judge.WinRate](t, scores)
	for _, metric := range []string{"win_rate", "discrete_win_rate"} {
		if r := rateOf(rates, metric, "de"); r.Value != 1 || r.SE != 0 || r.N != 4 {
			t.Errorf("%+v", r)
		}
		if r := rateOf(rates, metric, "ru"); !math.IsNaN(float64(r.Value+r.SE)) || r.N != 0 || r.Failed != 4 ||
			!strings.Contains(r.Warning, "no verdict: 4 × withheld by a filter") {
			t.Errorf("%+v", r)
		}
		if r := rateOf(rates, metric, "fr"); r.Value != 1 || !math.IsNaN(float64(r.SE)) || r.N != 1 || r.Failed != 3 {
			t.Errorf("%+v", r)
		}
	}
	var text strings.Builder
	if err := json.NewEncoder(&text).Encode(measureOf(t, run, "M1", "judged-M1-M0")); err != nil ||
		!strings.Contains(text.String(), `{"value":null,"se":null,"note":"n = 0, 4 failed"`) {
		t.Errorf("%v: %s", err, text.String())
	}
}

// Sides that are no answers are not put to the judge, and cut ones are, and counted.
func TestCompareSidesThatAreNoAnswers(t *testing.T) {
	t.Parallel()
	server := &rawJudge{choose: func(question string) string {
		won, _ := words(question)
		return said(won)
	}}
	responses, references := facing("de", 10)
	responses[0].Fault, responses[1].Fault, responses[2].Fault = lm.FaultFailed, lm.FaultCut, lm.FaultEmpty
	references[3].Fault, references[4].Fault = lm.FaultModel, lm.FaultCut
	_, scores, err := judge.Compare(t.Context(), newRun(t), "M1-M0", server.model(t), datasets.Frame(responses),
		datasets.Frame(references), judge.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	rate := rateOf(rows[judge.WinRate](t, scores), "win_rate", "de")
	if rate.N != 7 || rate.Failed != 3 || server.asked.Load() != 7 {
		t.Errorf("%d were asked: %+v", server.asked.Load(), rate)
	}
	for _, want := range []string{"1 × the reference answered by another model",
		"1 × the response empty", "1 of 10 responses are cut", "1 of 10 references are cut"} {
		if !strings.Contains(rate.Warning, want) {
			t.Errorf("the warning %q lacks %q", rate.Warning, want)
		}
	}
}

// What cannot be two sides of a comparison, or names no model of the run, is refused before the judge is asked.
func TestCompareRefuses(t *testing.T) {
	t.Parallel()
	server := &rawJudge{choose: func(string) string { return said("m") }}
	run, model := newRun(t), server.model(t)
	refused := func(name, want string, change func(responses, references []judge.Output)) {
		t.Helper()
		responses, references := facing("de", 3)
		change(responses, references)
		_, _, err := judge.Compare(t.Context(), run, name, model, datasets.Frame(responses), datasets.Frame(references),
			judge.Defaults())
		if err == nil || !strings.Contains(err.Error(), want) || server.asked.Load() > 0 {
			t.Errorf("%s: error %v, want %q in it, %d questions", name, err, want, server.asked.Load())
		}
	}
	none := func(_, _ []judge.Output) {}
	refused("M1-M0", "row 3: prompt 1 in de is there twice", func(a, _ []judge.Output) { a[2].ID = "1" })
	refused("M1-M0", "references, row 3: prompt 1 in de is there twice", func(_, b []judge.Output) { b[2].ID = "1" })
	refused("M1-M0", "expected answers to the same prompt", func(_, b []judge.Output) { b[2].Prompt = "another" })
	refused("eval-M0", "a folder of the run's own", none)
	refused("Measures-M0", "a folder of the run's own", none)
	for _, name := range []string{"M0", "M1"} {
		if err := os.MkdirAll(filepath.Join(run.Dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	refused("M7-M0", "M7 is no model of the run", none)
	refused("M1-M7", "which has M0, M1", none)
	responses, references := facing("de", 3)
	for _, name := range []string{"M1-M0", "M1-gpt4"} {
		_, _, err := judge.Compare(t.Context(), run, name, model, datasets.Frame(responses), datasets.Frame(references),
			judge.Defaults())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Ratings behind a thought count, and answers of the judge that are none do not, whatever they contain.
func TestRateWithFaultyVerdicts(t *testing.T) {
	t.Parallel()
	server := &rawJudge{choose: func(question string) string {
		switch {
		case strings.Contains(question, "worth 8"):
			return said("<think>It is a [[3]], or</think>\nGood. [[8]]")
		case strings.Contains(question, "worth 4"):
			return `"finish_reason":"length","message":{"content":"It is a [[4]] because"}`
		case strings.Contains(question, "worth 6 a"):
			return `"finish_reason":"content_filter","message":{"content":"[[6]]"}`
		}
		return said("[[5]]")
	}}
	run := newRun(t)
	m0 := newScripted(t, "m0", 0, nil).model(t)
	ratings, scores, err := judge.Rate(t.Context(), run, m0, server.model(t), datasets.Frame(worthPairs()[:4]),
		judge.RatingDefaults())
	if err != nil {
		t.Fatal(err)
	}
	got := rows[judge.PairRating](t, ratings)
	if got[0].Chosen != 8 || got[0].ChosenVerdict != "Good. [[8]]" || got[0].RejectedFault != lm.FaultCut ||
		got[1].ChosenFault != lm.FaultWithheld || got[1].Rejected != 5 || !math.IsNaN(float64(got[1].Chosen)) {
		t.Errorf("%+v", got[:2])
	}
	for _, s := range rows[judge.RatingScore](t, scores) {
		want := map[string]string{
			"chosen": "no verdict: 1 × withheld by a filter", "rejected": "no verdict: 1 × cut by its length",
			"judged_reward_accuracy": "no verdict: 1 × cut by its length, 1 × withheld by a filter",
		}[s.Metric]
		if !strings.Contains(s.Warning, want) {
			t.Errorf("%s has the warning %q, want %q in it", s.Metric, s.Warning, want)
		}
	}
}

// Answers of the model that are none are not graded, and their second turns not asked; cut ones are counted.
func TestMTBenchWithFaultyAnswers(t *testing.T) {
	t.Parallel()
	writer := &rawJudge{choose: func(question string) string {
		switch {
		case strings.HasPrefix(question, "w1"):
			return `"finish_reason":"content_filter","message":{"content":"` + "said " + question + `"}`
		case strings.HasPrefix(question, "m1b"):
			return `"finish_reason":"length","message":{"content":"said ` + question + `"}`
		}
		return said("<think>grade=[[1]]</think>said " + question)
	}}
	grader := newScripted(t, "grader", 0, mtGrade)
	run := newRun(t)
	frame, err := judge.MTBench(t.Context(), run, writer.model(t), grader.model(t), mtBench(t), judge.MTBenchDefaults())
	if err != nil {
		t.Fatal(err)
	}
	answers, err := ledger.ReadLines[judge.MTAnswer](run.Path("M0", "eval", "mtbench", "de.jsonl"))
	if err != nil || answers[0].AnswerFault != lm.FaultWithheld || answers[0].Verdict != "" ||
		answers[1].Fault != "the answer withheld by a filter" ||
		!math.IsNaN(float64(answers[1].Rating)) || answers[2].Rating != 5 || answers[5].AnswerFault != lm.FaultCut ||
		answers[5].Rating != 1 {
		t.Errorf("%+v, %v", answers, err)
	}
	if writer.asked.Load() != 11 || len(grader.asked) != 10 {
		t.Errorf("%d answers and %d verdicts were asked for", writer.asked.Load(), len(grader.asked))
	}
	for _, s := range rows[judge.MTScore](t, frame) {
		if s.Lang == "de" && s.Category == "all" && s.Turn == 2 && (s.N != 2 || s.Failed != 2 ||
			!strings.Contains(s.Warning, "no verdict: 1 × no single rating, 1 × the answer withheld by a filter") ||
			!strings.Contains(s.Warning, "1 of 4 answers are cut by their length")) {
			t.Errorf("%+v", s)
		}
	}
}

// An answer to a suite says what is wrong with it, and without its thought.
func TestAnswerKeepsFaults(t *testing.T) {
	t.Parallel()
	writer := &rawJudge{choose: func(question string) string {
		if strings.Contains(question, "second") {
			return `"finish_reason":"stop","message":{"content":null,"refusal":"I cannot."}`
		}
		return said("<think>in English</think>\nzwei")
	}}
	run := newRun(t)
	frame, err := judge.Answer(t.Context(), run, writer.model(t), "suite", datasets.Frame(suitePrompts()), suiteSettings())
	if err != nil {
		t.Fatal(err)
	}
	back, err := judge.Answers(run, "M0", "suite")
	if err != nil {
		t.Fatal(err)
	}
	for _, answers := range []dataframe.DataFrame{frame, back} {
		got := rows[datasets.Response](t, answers)
		if got[0].Response != "zwei" || got[0].Fault != "" || got[1].Response != "" || got[1].Fault != lm.FaultRefusal ||
			got[1].Reason != "I cannot." {
			t.Errorf("%+v", got)
		}
	}
}
