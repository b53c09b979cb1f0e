package lidr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/langid"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/report"
)

// Scopes of a score: of one language, or of a mean over languages, whose code is then "trained" or "unseen".
const (
	oneLanguage = "language"
	meanOver    = "mean"
)

// Evaluate asks the model the evaluation problems in every language of the run and returns a frame of [eval.Score]
// rows, shares in 0…1 with their standard errors over problems. Rows of scope "mean" are means over the trained or the
// unseen languages; the same problems are asked in each language, so their standard error is over problems too.
//
// Metrics are accuracy, correct_in_language and off_target; on the miniature also steps_correct and the translations';
// on files correct_off_target, strict and flexible (the readings of lm-evaluation-harness, see [eval.ScoreMGSM]) and
// undetermined, with the identifier that labelled the answers' languages. Rates of languages (off_target,
// correct_off_target, undetermined) have no row where no request of the language has an answer, and none of a mean over
// it. With [EvaluateSettings].Shots, worked
// examples come before each problem. Evaluate writes <model>/eval/problems/LANG.jsonl, <model>/eval/translations.jsonl
// (miniature) and <model>/eval/scores.json. [Run.Verdicts] reads the problems back.
//
// With [EvaluateSettings].Samples, k answers to each problem, pass_1 is the mean accuracy of one, pass_k the share of
// the problems that one of the k is right for ([eval.PassAt]), and majority_k the accuracy of the answer that most of
// them give ([eval.Majority]); <model>/eval/samples/LANG.jsonl has the verdict on each.
func Evaluate(ctx context.Context, run *Run, m *Model) (dataframe.DataFrame, error) {
	scores, err := evaluate(ctx, run, m)
	return datasets.Frame(scores), err
}

func evaluate(ctx context.Context, run *Run, m *Model) ([]eval.Score, error) {
	s := run.Settings
	if err := run.Enter(m); err != nil {
		return nil, err
	}
	if err := s.identifiable(); err != nil {
		return nil, err
	}
	prompts, err := run.Problems()
	if err != nil {
		return nil, err
	}
	for _, warning := range run.misnamed(s.Evaluate.Source, prompts) {
		run.Note("%s", warning)
	}
	shots, err := exemplars(s.Generate, s.Evaluate.Exemplars, s.Evaluate.Shots, s.AllLanguages())
	if err != nil {
		return nil, fmt.Errorf("few-shot evaluation: %w", err)
	}
	requests, err := answerRequests(s.Generate, m, prompts, shots, s.Evaluate.Samples)
	if err != nil {
		return nil, err
	}
	task := run.evalTask()
	responses, err := respond(ctx, run, m, "evaluate", prompts, requests)
	if errors.Is(err, ledger.ErrShard) {
		_, of := evaluateTranslation(ctx, run, m, task) // whose requests are others
		return nil, errors.Join(err, of)
	}
	if err != nil {
		return nil, err
	}
	samples := len(responses) / len(prompts)
	all := make([]Verdict, len(responses))
	var verdicts []Verdict // on the first answer to each problem
	for i, row := range responses {
		if all[i], err = verdictOn(task, prompts[i/samples], row); err != nil {
			return nil, fmt.Errorf("evaluation prompts: %w", err)
		}
		if row.Sample == 0 {
			verdicts = append(verdicts, all[i])
		}
	}
	for _, lang := range s.AllLanguages() {
		file := run.Path(m.Name(), "eval", "problems", lang+".jsonl")
		if err := run.WriteLines(file, verdictsIn(verdicts, lang)); err != nil {
			return nil, err
		}
	}
	scores := scoreVerdicts(s, task, m.Name(), verdicts)
	if samples > 1 {
		for _, lang := range s.AllLanguages() {
			file := run.Path(m.Name(), "eval", "samples", lang+".jsonl")
			if err := run.WriteLines(file, verdictsIn(all, lang)); err != nil {
				return nil, err
			}
		}
		scores = append(scores, sampleMetrics(s, task, m.Name(), prompts, all)...)
	}
	translations, err := evaluateTranslation(ctx, run, m, task)
	if err != nil {
		return nil, err
	}
	scores = append(scores, translations...)
	if err := run.WriteJSON(run.Path(m.Name(), "eval", "scores.json"), scores); err != nil {
		return nil, err
	}
	run.progress(Event{Run: run.Dir, Scores: scores})
	return scores, measureIdentifiers(ctx, run, m.Name(), verdicts)
}

// verdictOn is the task's verdict on a response. What is no answer is not right, and in no language.
func verdictOn(task Task, p Prompt, row datasets.Response) (Verdict, error) {
	v, checked := task.Check(p, row.Response)
	if !checked {
		return v, fmt.Errorf("%s: prompt %s in %s has no gold answer that %s can check, so no accuracy can be told",
			p.Source, p.ID, p.Lang, task.Name())
	}
	if noAnswer(row.Fault) {
		v = Verdict{OnTarget: true}
	}
	v.ID, v.Lang, v.Sample, v.Gold = p.ID, p.Lang, row.Sample, p.Answer
	v.Response, v.FinishReason, v.Fault = row.Response, row.FinishReason, row.Fault
	return v, nil
}

func scoreVerdicts(s Settings, task Task, model string, verdicts []Verdict) []eval.Score {
	var scores []eval.Score
	for _, metric := range metricsOf(task) {
		row := eval.Score{Model: model, Metric: metric.name}
		if metric.lang {
			row.Identifier = identifierOf(task)
		}
		add := func(name, scope string, langs []string) {
			if told(metric, verdicts, langs) {
				e := eval.MeanSE(shares(verdicts, langs, metric.hit))
				row.Lang, row.Scope = name, scope
				row.Value, row.SE, row.N = e.Mean, e.SE, e.N
				scores = append(scores, row)
			}
		}
		for _, lang := range s.AllLanguages() {
			add(lang, oneLanguage, []string{lang})
		}
		add("trained", meanOver, s.Trained)
		add("unseen", meanOver, s.Unseen)
	}
	return scores
}

// sampleMetrics scores several answers to each problem; the verdicts on one problem stand one after the other.
func sampleMetrics(s Settings, task Task, model string, prompts []Prompt, verdicts []Verdict) []eval.Score {
	k := len(verdicts) / len(prompts)
	b, counts := task.(builtin)
	values := map[string]map[string][]float64{} // by metric and language
	put := func(metric, lang string, value float64) {
		if values[metric] == nil {
			values[metric] = map[string][]float64{}
		}
		values[metric][lang] = append(values[metric][lang], value)
	}
	passed, majority := fmt.Sprintf("pass_%d", k), fmt.Sprintf("majority_%d", k)
	for i, p := range prompts {
		right, hits, answers := make([]bool, k), 0, make([]string, k)
		for j, v := range verdicts[i*k : (i+1)*k] {
			right[j] = v.Correct
			if v.Correct {
				hits++
			}
			if counts && !noAnswer(v.Fault) {
				answers[j] = b.number(p, v.Response)
			}
		}
		put("pass_1", p.Lang, eval.PassAt(1, k, hits))
		put(passed, p.Lang, eval.PassAt(k, k, hits))
		if counts {
			share, err := eval.Majority(answers, right)
			if err != nil {
				panic(err) // an answer of each verdict, by the loop above
			}
			put(majority, p.Lang, share)
		}
	}
	var scores []eval.Score
	for _, metric := range []string{"pass_1", passed, majority} {
		add := func(name, scope string, langs []string) {
			if len(values[metric]) == 0 || len(langs) == 0 {
				return
			}
			mean := make([]float64, len(values[metric][langs[0]]))
			for _, lang := range langs {
				for i, x := range values[metric][lang] {
					mean[i] += x / float64(len(langs))
				}
			}
			e := eval.MeanSE(mean)
			scores = append(scores, eval.Score{Model: model, Metric: metric, Lang: name, Scope: scope, Value: e.Mean,
				SE: e.SE, N: e.N})
		}
		for _, lang := range s.AllLanguages() {
			add(lang, oneLanguage, []string{lang})
		}
		add("trained", meanOver, s.Trained)
		add("unseen", meanOver, s.Unseen)
	}
	return scores
}

// told reports whether metric m has a value over the languages.
func told(m metric, verdicts []Verdict, langs []string) bool {
	for _, lang := range langs {
		answered := func(v Verdict) bool { return !noAnswer(v.Fault) }
		if m.rate && !slices.ContainsFunc(verdictsIn(verdicts, lang), answered) {
			return false
		}
	}
	return len(langs) > 0
}

// shares returns, for each problem, the share of the languages in which its answer is a hit.
func shares(verdicts []Verdict, langs []string, hit func(Verdict) bool) []float64 {
	var out []float64
	for _, lang := range langs {
		own := verdictsIn(verdicts, lang)
		if out == nil {
			out = make([]float64, len(own))
		}
		for i, v := range own {
			if hit(v) {
				out[i] += 1 / float64(len(langs))
			}
		}
	}
	return out
}

func verdictsIn(verdicts []Verdict, lang string) []Verdict {
	var own []Verdict
	for _, v := range verdicts {
		if v.Lang == lang {
			own = append(own, v)
		}
	}
	return own
}

// evaluateTranslation measures how often the model translates a worked answer exactly, where the task has exact
// translations: from the dominant language into every other ("translation_to") and back ("translation_from").
func evaluateTranslation(ctx context.Context, run *Run, m *Model, task Task) ([]eval.Score, error) {
	b, ok := task.(builtin)
	if !ok {
		return nil, nil
	}
	passages, gold := b.passages(run.Settings)
	if len(passages) == 0 {
		return nil, nil
	}
	rows, err := translatePassages(ctx, run, m, m.Name()+" evaluate translation", passages)
	if err != nil {
		return nil, err
	}
	if err := run.WriteLines(run.Path(m.Name(), "eval", "translations.jsonl"), rows); err != nil {
		return nil, err
	}
	var scores []eval.Score
	for _, direction := range []string{"translation_to", "translation_from"} {
		for _, lang := range run.Settings.AllLanguages()[1:] {
			exact, asked := 0, 0
			for i, row := range rows {
				if direction == "translation_to" && row.To != lang || direction == "translation_from" && row.From != lang {
					continue
				}
				asked++
				if row.OK && row.Text == gold[i] {
					exact++
				}
			}
			e := eval.Proportion(exact, asked)
			scores = append(scores, eval.Score{
				Model: m.Name(), Metric: direction, Lang: lang, Scope: oneLanguage, Value: e.Mean, SE: e.SE, N: e.N,
			})
		}
	}
	return scores, nil
}

// Verdicts reads back what [Evaluate] found of a model's answers in one language, in the order of the problems.
func (r *Run) Verdicts(model, lang string) ([]Verdict, error) {
	var rows []Verdict
	err := r.ReadLines(r.Path(model, "eval", "problems", lang+".jsonl"), &rows)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not evaluated in %s; call Evaluate first: %w", model, lang, err)
	}
	return rows, err
}

// evaluated lists M0, M1, … as far as they are evaluated, with their scores.
func (r *Run) evaluated() (models []string, scores [][]eval.Score, err error) {
	for round := 0; ; round++ {
		var own []eval.Score
		err := r.ReadJSON(r.Path(modelName(round), "eval", "scores.json"), &own)
		if errors.Is(err, fs.ErrNotExist) {
			return models, scores, nil
		} else if err != nil {
			return nil, nil, err
		}
		models, scores = append(models, modelName(round)), append(scores, own)
	}
}

// notInKeys is what the name of an identifier has and the key of a measure, a file name, cannot have.
var notInKeys = regexp.MustCompile(`[^\pL\pN._-]+`)

// measureIdentifiers writes, for every other identifier that this program has linked, how often it agrees with the one
// that the model was evaluated with, on the model's answers. A task that knows its languages has nothing to compare.
func measureIdentifiers(ctx context.Context, run *Run, model string, verdicts []Verdict) error {
	s := run.Settings
	if _, files := run.evalTask().(fileTask); !files {
		return nil
	}
	own, err := langid.Named(s.Evaluate.Identifier)
	if err != nil {
		return err
	}
	for _, name := range append([]string{""}, langid.Registered()...) {
		other, err := langid.Named(name)
		if err != nil {
			return err
		}
		if other.Name() == own.Name() {
			continue
		}
		m := report.Measure{
			Key:   "identifiers-" + notInKeys.ReplaceAllString(other.Name(), "-"),
			Title: "Agreement of two language identifiers", Unit: "%", Digits: 1,
			What: fmt.Sprintf("Share of the answers, of those that both %s and %s find to be in a language, "+
				"on which they name the same one.", own.Name(), other.Name()),
		}
		for _, lang := range s.AllLanguages() {
			found, err := agreement(ctx, run, verdictsIn(verdicts, lang), own, other)
			if err != nil {
				return err
			}
			e := eval.Proportion(found.Same, found.Same+found.Differ)
			v := report.Counted(100*e.Mean, 100*e.SE, e.N, 0, "")
			if undetermined := found.Texts - e.N; undetermined > 0 {
				v.Note += fmt.Sprintf(", %d undetermined", undetermined)
			}
			m.Put(model, lang, v)
		}
		if err := run.WriteMeasure(model, m); err != nil {
			return err
		}
	}
	return nil
}

// agreement is measured once, since a large identifier takes minutes to read thousands of answers.
func agreement(ctx context.Context, run *Run, verdicts []Verdict, a, b langid.Identifier) (langid.Agreement, error) {
	texts := make([]string, len(verdicts))
	for i, v := range verdicts {
		texts[i] = v.Response
	}
	key := ledger.Key("agreement", a.Name(), b.Name(), texts)
	measure := func(_ func(int) bool, save func([]int, []langid.Agreement) error) error {
		return save([]int{0}, []langid.Agreement{langid.Agree(texts, a, b)})
	}
	found, err := ledger.Collect(ctx, run.store, "agreement", key, 1, measure)
	if err != nil {
		return langid.Agreement{}, err
	}
	return found[0], nil
}
