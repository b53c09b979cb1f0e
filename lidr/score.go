package lidr

import (
	"context"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/report"
)

// Scorer says how good a model's answers are, by something that costs no human label. Package lidr/scorers has those
// of the published methods; a scorer of one's own is a type with these three methods.
type Scorer interface {
	// Name names the scorer in files: letters, digits, ".", "_" and "-".
	Name() string

	// Key is the scorer's version and whatever else its scores depend on beside the samples, the model that gave them and
	// the run's settings: its own settings, the fingerprints of its models. Equal keys must mean equal scores.
	Key() string

	// Score returns one row for each sample, in their order, of which Score, Parts and Fault count. Samples are answers
	// to several prompts in several languages, without those that are none. Requests that go through [Ask], and whatever
	// else is kept in [Run.Store], are not made again when a process that was killed starts over.
	Score(ctx context.Context, run *Run, m *Model, samples []datasets.Response) ([]SampleScore, error)
}

var scorerName = regexp.MustCompile(`^[\pL\pN_][\pL\pN._-]*$`)

// ScoreSamples scores m's answers, a frame of [datasets.Response] rows as [Generate] returns it, several to a prompt
// where [GenerateSettings].Samples asks for them. It returns a frame of [SampleScore] rows, one a sample and in their
// order, and writes <model>/scores/NAME.jsonl and, for the report, <model>/measures/scores-NAME.json. What was scored
// by an equal scorer before is not scored again.
//
// A sample that is no answer, and one that the scorer has no finite number for, has no score: NaN in the frame, null in
// the file, with the reason in the column fault. They are counted by language in the measure and in a note.
func ScoreSamples(ctx context.Context, run *Run, m *Model, samples dataframe.DataFrame,
	scorer Scorer) (dataframe.DataFrame, error) {
	rows, err := rowsOf[datasets.Response](samples, "samples")
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	scores, err := applyScorer(ctx, run, m, rows, scorer)
	if err != nil {
		return dataframe.DataFrame{}, fmt.Errorf("score %s by %s: %w", m.Name(), scorer.Name(), err)
	}
	return datasets.Frame(scores), nil
}

func applyScorer(ctx context.Context, run *Run, m *Model, samples []datasets.Response,
	scorer Scorer) ([]SampleScore, error) {
	name := scorer.Name()
	if !scorerName.MatchString(name) {
		return nil, fmt.Errorf("the scorer is named %q, expected letters, digits, ., _ and -", name)
	}
	if err := run.Enter(m); err != nil {
		return nil, err
	}
	samples = withFaults(samples)
	if _, err := bySample(samples); err != nil {
		return nil, err
	}
	scores := make([]SampleScore, len(samples))
	var answers []datasets.Response
	var at []int
	for i, row := range samples {
		scores[i] = SampleScore{ID: row.ID, Lang: row.Lang, Sample: row.Sample, Score: math.NaN()}
		switch {
		case !run.Settings.Pairs.keeps(row.Fault):
			scores[i].Fault = row.Fault
		case strings.TrimSpace(row.Response) == "":
			scores[i].Fault = emptySide
		default:
			answers, at = append(answers, row), append(at, i)
		}
	}
	found, err := keptScores(ctx, run, m, answers, scorer)
	if err != nil {
		return nil, err
	}
	for k, i := range at {
		scores[i].Score, scores[i].Parts, scores[i].Fault = found[k].Score, found[k].Parts, found[k].Fault
	}
	if err := run.WriteLines(run.Path(m.Name(), "scores", name+".jsonl"), scores); err != nil {
		return nil, err
	}
	return scores, run.measureScores(m.Name(), name, scores)
}

// keptScores asks the scorer, through the store.
func keptScores(ctx context.Context, run *Run, m *Model, answers []datasets.Response,
	scorer Scorer) ([]SampleScore, error) {
	if len(answers) == 0 {
		return nil, nil
	}
	gold, err := run.goldOf(m.Name())
	if err != nil {
		return nil, err
	}
	known := map[string]string{} // as JSON has it
	for at, answer := range gold {
		known[at[0]+"/"+at[1]] = answer
	}
	s := run.Settings
	key := m.Key("scores", scorer.Name(), scorer.Key(), answers, known, s.Languages(), s.Prompts, s.Generate, s.Translate,
		s.Evaluate)
	score := func(_ func(int) bool, save func([]int, []SampleScore) error) error {
		rows, err := scorer.Score(ctx, run, m, answers)
		if err != nil {
			return err
		}
		if len(rows) != len(answers) {
			return fmt.Errorf("the scorer gives %d scores for %d samples, expected one each", len(rows), len(answers))
		}
		idx := make([]int, len(rows))
		for i, answer := range answers {
			idx[i] = i
			row := &rows[i]
			row.ID, row.Lang, row.Sample = answer.ID, answer.Lang, answer.Sample
			if row.Fault == "" && (math.IsNaN(row.Score) || math.IsInf(row.Score, 0)) {
				row.Fault = fmt.Sprintf("the score is %v", row.Score)
			}
			if row.Fault != "" {
				row.Score = math.NaN()
			}
		}
		return save(idx, rows)
	}
	return ledger.Collect(ctx, run.store, "scores", key, len(answers), score)
}

// sampleAt is where a sample stands: one of the answers to a prompt in a language.
type sampleAt struct {
	id, lang string
	sample   int
}

// bySample returns the place of each sample among rows. One that is there twice is an error.
func bySample(rows []datasets.Response) (map[sampleAt]int, error) {
	places := map[sampleAt]int{}
	for i, row := range rows {
		at := sampleAt{row.ID, row.Lang, row.Sample}
		if first, twice := places[at]; twice {
			return nil, fmt.Errorf("samples, row %d: sample %d of prompt %s in %s is row %d too; number the answers to a "+
				"prompt in the column sample", i+1, row.Sample, row.ID, row.Lang, first+1)
		}
		places[at] = i
	}
	return places, nil
}

// measureScores writes the mean scores of each language, with what has none.
func (r *Run) measureScores(model, scorer string, scores []SampleScore) error {
	m := report.Measure{
		Key: "scores-" + scorer, Title: "Scores of samples by " + scorer, Unit: "see the scorer", Digits: 3,
		What: "The mean score of a model's answers by language, with its standard error over the answers.",
	}
	var langs, unscored []string
	values, faults := map[string][]float64{}, map[string]map[string]int{}
	for _, row := range scores {
		if faults[row.Lang] == nil {
			langs, faults[row.Lang] = append(langs, row.Lang), map[string]int{}
		}
		if row.Fault != "" {
			faults[row.Lang][row.Fault]++
		} else {
			values[row.Lang] = append(values[row.Lang], row.Score)
		}
	}
	for _, lang := range langs {
		without, reasons := 0, []string{}
		for _, fault := range slices.Sorted(maps.Keys(faults[lang])) {
			without += faults[lang][fault]
			reasons = append(reasons, fmt.Sprintf("%d: %s", faults[lang][fault], fault))
		}
		if without > 0 {
			unscored = append(unscored, fmt.Sprintf("%s %s", lang, strings.Join(reasons, ", ")))
		}
		if e := eval.MeanSE(values[lang]); e.N > 1 {
			m.Put(model, lang, report.Counted(e.Mean, e.SE, e.N, without, strings.Join(reasons, ", ")))
		}
	}
	if len(unscored) > 0 {
		r.Note("%s, scores by %s: samples without a score: %s", model, scorer, strings.Join(unscored, "; "))
	}
	if len(m.Rows) == 0 {
		return nil
	}
	return r.WriteMeasure(model, m)
}

// Check is the verdict of the task that the run's prompts are of, on a response to one of them; checked is false where
// nothing tells whether it is right.
func (r *Run) Check(p Prompt, response string) (v Verdict, checked bool) {
	return r.promptTask().Check(p, response)
}

// Identify names the language of a text as the run's checks do, "" where it cannot be told, with the probability that
// the identifier gives it; a task that knows its languages is sure.
func (r *Run) Identify(text string) (lang string, probability float64) {
	if files, ok := r.promptTask().(fileTask); ok {
		return files.langid().Identify(text)
	}
	if lang = r.promptTask().Identify(text); lang != "" {
		probability = 1
	}
	return lang, probability
}
