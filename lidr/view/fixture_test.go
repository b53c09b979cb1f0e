package view

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/ledger"
)

// hostile are texts that would do harm on a page that took them for HTML. They stand in the run as a model's answer, an
// id or a reason.
var hostile = []string{
	`<script>document.title = "harmed"</script><img src=x onerror="document.title='harmed'">`,
	`"><svg onload="document.title='harmed'">{{.}} &lt;b&gt;`,
	"left \u202eright\u202c and \x1b[31mred",
	`javascript:document.title='harmed'`,
}

// phrases are a prompt and an answer in each language; %d are numbers.
var phrases = map[string][2]string{
	"en": {"Ann has %d apples and buys %d more. How many has she?", "She has %d + %d = %d apples. The answer is %d."},
	"ar": {"لدى آن %d تفاحات وتشتري %d أخرى. كم تفاحة لديها؟", "لديها %d + %d = %d تفاحات. الجواب هو %d."},
	"bn": {"অ্যানের %dটি আপেল আছে এবং সে আরও %dটি কেনে। তার কয়টি আছে?", "তার %d + %d = %dটি আপেল আছে। উত্তর হল %d।"},
	"th": {"แอนมีแอปเปิ้ล %d ผล และซื้ออีก %d ผล เธอมีกี่ผล", "เธอมีแอปเปิ้ล %d + %d = %d ผล คำตอบคือ %d"},
	"zh": {"安有%d个苹果，又买了%d个。她有多少个？", "她有%d + %d = %d个苹果。答案是%d。"},
	"sw": {"Ana ana matufaha %d na ananunua %d zaidi. Ana mangapi?", "Ana matufaha %d + %d = %d. Jibu ni %d."},
	"he": {"לאן יש %d תפוחים והיא קונה עוד %d. כמה יש לה?", "יש לה %d + %d = %d תפוחים. התשובה היא %d."},
}

// perLanguage is how many problems a language the run has.
const perLanguage = 60

// writeFixture makes a small run folder in seven languages and six scripts, and the folder "problems" beside it, which
// its settings name.
func writeFixture(dir string) error {
	problems := filepath.Join(filepath.Dir(dir), "problems")
	s := lidr.MiniatureSettings()
	s.Preset, s.Rounds, s.Dominant = "", 2, "en"
	s.Trained, s.Unseen = []string{"ar", "bn", "th", "zh"}, []string{"sw", "he"}
	s.Prompts.Source, s.Prompts.N = problems, perLanguage
	s.Evaluate.Source, s.Evaluate.N, s.Evaluate.Translations = problems, 0, 0
	s.Pairs.DropIdentical = true
	for _, lang := range s.AllLanguages() {
		var rows []map[string]string
		for i := range perLanguage {
			rows = append(rows, map[string]string{"id": idOf(i), "lang": lang, "prompt": promptOf(lang, i),
				"answer": fmt.Sprint(sumOf(i))})
		}
		data, err := ledger.EncodeLines(rows)
		if err != nil {
			return err
		}
		if err := ledger.WriteFile(filepath.Join(problems, lang+".jsonl"), data); err != nil {
			return err
		}
	}
	run, err := lidr.Open(dir, s)
	if err != nil {
		return err
	}
	for round := range 3 {
		if err := writeRound(run, round); err != nil {
			return err
		}
	}
	return run.Close()
}

func idOf(i int) string {
	if i == 2 {
		return hostile[1]
	}
	return fmt.Sprintf("apples-%03d", i)
}

func partsOf(i int) (a, b int) { return 3 + i, 2 + i*i%7 }

func sumOf(i int) int {
	a, b := partsOf(i)
	return a + b
}

func promptOf(lang string, i int) string {
	a, b := partsOf(i)
	return fmt.Sprintf(phrases[lang][0], a, b)
}

func answerOf(lang string, i, error int) string {
	a, b := partsOf(i)
	return fmt.Sprintf(phrases[lang][1], a, b, a+b+error, a+b+error)
}

// answered is the answer of the model of a round: more of them are right, and in their language, in each round.
func answered(round int, lang string, i int) (text, language string, right bool) {
	level := (i*37 + len(lang)*11 + int(lang[0])*7) % 100
	language, miss := lang, 0
	if lang != "en" && level < 30-14*round {
		language = "en"
	}
	if lang != "en" && level%2 == 0 && level < 70-25*round || level < 3 {
		miss = 1
	}
	switch i {
	case 1:
		return hostile[0], "", false
	case 3:
		return hostile[2] + " " + answerOf(lang, i, 0), lang, true
	case 4:
		return strings.Repeat(answerOf(lang, i, 0)+"\n", 60), lang, true
	}
	return answerOf(language, i, miss), language, miss == 0
}

func writeRound(run *lidr.Run, round int) error {
	model, s := fmt.Sprintf("M%d", round), run.Settings
	var errs []error
	lines := func(rows any, parts ...string) {
		errs = append(errs, run.WriteLines(run.Path(append([]string{model}, parts...)...), rows))
	}
	var all []lidr.Verdict
	for _, lang := range s.AllLanguages() {
		var rows []lidr.Verdict
		for i := range perLanguage {
			text, language, right := answered(round, lang, i)
			rows = append(rows, lidr.Verdict{ID: idOf(i), Lang: lang, Response: text, FinishReason: "stop",
				Gold: fmt.Sprint(sumOf(i)), Correct: right, Steps: right, Language: language,
				OnTarget: language == lang || language == ""})
		}
		all = append(all, rows...)
		lines(rows, "eval", "problems", lang+".jsonl")
	}
	errs = append(errs, run.WriteJSON(run.Path(model, "eval", "scores.json"), scoresOf(s, model, all)))
	if round == 1 {
		lines(samplesOf(), "eval", "samples", "th.jsonl")
		errs = append(errs, writeJudged(run))
	}
	if round < 2 {
		lines(graded(), "eval", "mtbench", "th.jsonl")
		lines(instructed(round), "eval", "instructions", "th.jsonl")
	}
	if round > 0 {
		lines(stepsOf(round), "train.jsonl")
		errs = append(errs, run.WriteJSON(run.Path(model, "training.json"), map[string]string{"model": model}),
			run.WriteJSON(run.Path(model, "warnings.json"), []string{}))
	}
	if round < s.Rounds {
		writePairs(run, round, lines)
		errs = append(errs, run.WriteJSON(run.Path(model, "pairs.stats.json"), countsOf(run, model)))
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// writePairs writes prompts, answers, translations and pairs of a round.
func writePairs(run *lidr.Run, round int, lines func(rows any, parts ...string)) {
	s := run.Settings
	var prompts []lidr.Prompt
	var pairs []lidr.Pair
	for _, lang := range s.Languages() {
		var responses []datasets.Response
		var to, from []datasets.Translation
		for i := range perLanguage {
			text, _, _ := answered(round, lang, i)
			english, _, _ := answered(round, "en", i)
			prompts = append(prompts, lidr.Prompt{ID: idOf(i), Lang: lang, Prompt: promptOf(lang, i),
				Answer: fmt.Sprint(sumOf(i)), Source: lang + ".jsonl"})
			responses = append(responses, datasets.Response{ID: idOf(i), Lang: lang, Prompt: promptOf(lang, i),
				Response: text, FinishReason: "stop", Tokens: 20 + i})
			if lang == "en" {
				continue
			}
			there := datasets.Translation{ID: idOf(i), From: "en", To: lang, Source: english,
				Completion: answerOf(lang, i, 0), Text: answerOf(lang, i, 0), OK: true}
			if i == 5 {
				there.Text, there.OK, there.Reason = "", false, hostile[3]
			}
			to = append(to, there)
			from = append(from, datasets.Translation{ID: idOf(i), From: lang, To: "en", Source: text,
				Completion: answerOf("en", i, 1), Text: answerOf("en", i, 1), OK: true})
			if there.OK && there.Text != text {
				pairs = append(pairs, lidr.Pair{ID: idOf(i), Lang: lang, Prompt: promptOf(lang, i), Chosen: there.Text,
					Rejected: text, Source: "en>" + lang})
			}
		}
		lines(responses, "responses", lang+".jsonl")
		if lang != "en" {
			lines(to, "translations", "en-"+lang+".jsonl")
			lines(from, "translations", lang+"-en.jsonl")
		}
	}
	lines(prompts, "prompts.jsonl")
	lines(pairs, "pairs.jsonl")
	var ratings []map[string]any
	for i, p := range pairs { // the last one was never rated
		ratings = append(ratings, map[string]any{"id": p.ID, "lang": p.Lang, "source": p.Source, "chosen": i % 11,
			"rejected": i * 7 % 11})
	}
	ratings[len(pairs)-1]["chosen"] = nil
	lines(ratings, "pairs.ratings.jsonl")
}

// samplesOf are three answers to each of ten problems, one of them right.
func samplesOf() []lidr.Verdict {
	var rows []lidr.Verdict
	for i := range 30 {
		n, sample := i/3, i%3
		rows = append(rows, lidr.Verdict{ID: idOf(n), Lang: "th", Sample: sample, Response: answerOf("th", n, sample),
			FinishReason: "stop", Gold: fmt.Sprint(sumOf(n)), Correct: sample == 0, Language: "th", OnTarget: true})
	}
	return rows
}

// graded are lines of MT-bench, as package judge writes them.
func graded() []map[string]any {
	var rows []map[string]any
	for i := range 8 {
		rows = append(rows, map[string]any{"question_id": fmt.Sprint(81 + i/2), "turn": 1 + i%2,
			"answer": answerOf("th", i, 0), "verdict": hostile[0] + fmt.Sprintf(" [[%d]]", 1+i), "rating": 1 + i})
	}
	rows[7]["rating"], rows[7]["fault"] = nil, "no rating"
	return rows
}

// writeJudged writes a judge's verdicts on the answers of M1 and M0 in Thai: of four a win, a loss, a tie and none.
func writeJudged(run *lidr.Run) error {
	var all []datasets.Annotation
	for i := range 20 {
		before, _, _ := answered(0, "th", i)
		after, _, _ := answered(1, "th", i)
		all = append(all, datasets.Annotation{Instruction: promptOf("th", i), Output1: before, Generator1: "M0",
			Output2: after, Generator2: "M1", Annotator: "judge/" + hostile[1],
			Preference:    []float64{1.9, 1, 1.5, math.NaN()}[i%4],
			RawCompletion: json.RawMessage(`[{"text":"M is better"},{"text":"m"}]`)})
	}
	data, err := datasets.EncodeAnnotations(all)
	if err != nil {
		return err
	}
	var panel, turns []map[string]any
	for i, outcome := range []string{"win", "lose", "tie", ""} {
		panel = append(panel, map[string]any{"id": idOf(i), "lang": "th", "verdicts": 2, "said": "win " + outcome,
			"mean": []any{1.9, 1.25, 1.5, nil}[i], "majority": []any{2, 1, 1.5, nil}[i]})
		turns = append(turns, map[string]any{"question_id": fmt.Sprint(81 + i/2), "turn": 1 + i%2, "outcome": outcome,
			"first": outcome, "second": outcome, "first_verdict": hostile[0] + " [[A]]", "second_verdict": "none"})
	}
	turns[3]["fault"] = "the judge says none"
	return errors.Join(run.Write(run.Path("judged", "M1-M0", "annotations", "th.json"), data),
		run.WriteLines(run.Path("judged", "M1-M0", "panel.jsonl"), panel),
		run.WriteJSON(run.Path("judged", "M1-M0", "panel.usage.json"), []map[string]string{
			{"judge": "judge/one"}, {"judge": hostile[0]}}),
		run.WriteLines(run.Path("judged", "M1-M0", "mtbench", "th.jsonl"), turns))
}

// instructed are answers of a round's model to a suite, which the panel compares.
func instructed(round int) []datasets.Response {
	var rows []datasets.Response
	for i := range 4 {
		text, _, _ := answered(round, "th", i)
		rows = append(rows, datasets.Response{ID: idOf(i), Lang: "th", Prompt: promptOf("th", i), Response: text})
	}
	return rows
}

// countsOf are the pairs by language, before and after the filters.
func countsOf(run *lidr.Run, model string) []lidr.PairCount {
	var pairs []lidr.Pair
	if err := run.ReadLines(run.Path(model, "pairs.jsonl"), &pairs); err != nil {
		return nil
	}
	kept := map[string]int{}
	for _, p := range pairs {
		kept[p.Lang]++
	}
	var out []lidr.PairCount
	for _, lang := range run.Settings.Trained {
		out = append(out, lidr.PairCount{Lang: lang, Count: "candidates", N: perLanguage},
			lidr.PairCount{Lang: lang, Count: "dropped", Filter: "failed translation", N: 1},
			lidr.PairCount{Lang: lang, Count: "dropped", Filter: "identical sides", N: perLanguage - 1 - kept[lang]},
			lidr.PairCount{Lang: lang, Count: "pairs", N: kept[lang]})
	}
	return out
}

// scoresOf are those of the verdicts, as Evaluate computes them.
func scoresOf(s lidr.Settings, model string, all []lidr.Verdict) []eval.Score {
	hits := map[string]func(lidr.Verdict) bool{
		"accuracy":            func(v lidr.Verdict) bool { return v.Correct },
		"correct_in_language": func(v lidr.Verdict) bool { return v.Correct && v.OnTarget },
		"off_target":          func(v lidr.Verdict) bool { return !v.OnTarget },
	}
	var out []eval.Score
	for _, metric := range []string{"accuracy", "correct_in_language", "off_target"} {
		add := func(name, scope string, langs []string) {
			x := make([]float64, perLanguage)
			for _, v := range all {
				for _, lang := range langs {
					if v.Lang == lang && hits[metric](v) {
						for i := range perLanguage {
							if v.ID == idOf(i) {
								x[i] += 1 / float64(len(langs))
							}
						}
					}
				}
			}
			e := eval.MeanSE(x)
			out = append(out, eval.Score{Model: model, Metric: metric, Lang: name, Scope: scope, Value: e.Mean, SE: e.SE,
				N: e.N})
		}
		for _, lang := range s.AllLanguages() {
			add(lang, "language", []string{lang})
		}
		add("trained", "mean", s.Trained)
		add("unseen", "mean", s.Unseen)
	}
	return out
}

// stepsOf are a training's log.
func stepsOf(round int) []dpo.Step {
	var out []dpo.Step
	for i := range 40 {
		x := float64(i) / 39
		wave := 0.05 * math.Sin(float64(i*(round+2)))
		out = append(out, dpo.Step{Step: i + 1, Loss: 1.1 - 0.6*x + wave, DPO: 0.69 - 0.4*x + wave, NLL: 0.08 - 0.04*x,
			RewardsChosen: 0.3 * x, RewardsRejected: -0.9 * x, RewardsMargins: 1.2*x + wave,
			RewardsAccuracies: min(0.9, 0.3+x/2), Identical: 0.1, GradNorm: 2 - x + 4*wave, LR: 1e-4 * (1 - x), Tokens: 6000})
	}
	return out
}

// settingsNaming are the bytes of a settings.json that names a language.
func settingsNaming(lang string) []byte {
	s := lidr.MiniatureSettings()
	s.Trained = []string{lang}
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // settings of the tool's own
	}
	return data
}
