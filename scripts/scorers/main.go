//go:build go1.21

// Scorers asks which label-free scorer makes the best preference pairs, and which loss makes the most of them: of the
// same samples and translations of M0, each scorer chooses the pairs, the best over the worst, and each training is one
// round on them.
//
//	bin/lidr run scripts/scorers -seeds 3 -n 200 -samples 4 -dir runs/scorers
//	go run ./scripts/scorers -seeds 3 -n 200 -samples 4 -dir runs/scorers
//
// Scorers that need no server are compared, the checker (oracle) beside them, which is no reward without labels. The
// seeds draw prompts, samples, evaluation problems and the order of training; M0 is the shipped one. It ends in one
// table (scorers.csv), the changes from M0 in points: the trained languages' accuracy, and that of answers in the
// language of the prompt alone ("both"), each with its standard error over seeds. The results hold for a miniature.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/scorers"
)

var (
	seeds   = flag.Int("seeds", 3, "seeds")
	n       = flag.Int("n", 200, "prompts, each in every language")
	samples = flag.Int("samples", 4, "answers to a prompt, each of which is translated too")
	only    = flag.String("only", "", "one scorer by its name, such as hidden; all without it")
	dir     = flag.String("dir", "runs/scorers", "folder")
	small   = flag.Bool("small", false, "a tiny size that only shows that it runs")
)

// trainings are the losses that are compared. SimPO's β and γ are of the size that its authors found best.
var trainings = []struct {
	name   string
	change func(*lidr.TrainSettings)
}{
	{"DPO+NLL", func(s *lidr.TrainSettings) {}},
	{"SimPO", func(s *lidr.TrainSettings) {
		s.Objective, s.Loss, s.Beta, s.Gamma = "dpo", "simpo", 2, 1
	}},
	{"SFT on chosen", func(s *lidr.TrainSettings) { s.Objective = "sft" }},
}

// row is a line of the table.
type row struct {
	Scorer    string  `json:"scorer"`
	Training  string  `json:"training"`
	Pairs     float64 `json:"pairs"`   // mean over seeds
	Right     float64 `json:"right"`   // reward accuracy of the pairs of the trained languages, %, mean over seeds
	Trained   float64 `json:"trained"` // change of accuracy in the trained languages, points
	SE        float64 `json:"se"`      // over seeds
	Both      float64 `json:"both"`    // the same of answers that are right and in the language of the prompt
	BothSE    float64 `json:"both_se"`
	Dominant  float64 `json:"dominant"` // the same in the dominant language
	OffTarget float64 `json:"off_target"`
	Seeds     int     `json:"seeds"`
}

// outcome is what one cell gave with one seed.
type outcome struct{ pairs, right, trained, both, dominant, off float64 }

func main() {
	flag.Parse()
	if *small {
		*seeds, *samples = 1, 2
	}
	var keys []string // scorer and training, in order
	found := map[string][]outcome{}
	names := map[string][2]string{}
	for seed := 0; seed < *seeds; seed++ {
		for _, name := range scorerNames() {
			if *only != "" && *only != name {
				continue
			}
			for i := range trainings {
				if *small && i > 0 && name != "translation" {
					continue
				}
				key := name + "/" + trainings[i].name
				if found[key] == nil {
					keys = append(keys, key)
					names[key] = [2]string{name, trainings[i].name}
				}
				found[key] = append(found[key], cell(int64(101+seed), name, i))
			}
		}
	}
	if len(keys) == 0 {
		log.Fatalf("there is no scorer %q, expected one of %q", *only, scorerNames())
	}
	var table []row
	for _, key := range keys {
		var trained, both []float64
		r := row{Scorer: names[key][0], Training: names[key][1], Seeds: len(found[key])}
		of := float64(r.Seeds)
		for _, o := range found[key] {
			trained, both = append(trained, o.trained), append(both, o.both)
			r.Pairs += o.pairs / of
			r.Right += o.right / of
			r.Dominant += o.dominant / of
			r.OffTarget += o.off / of
		}
		e := eval.MeanSE(trained)
		r.Trained, r.SE = e.Mean, e.SE
		e = eval.MeanSE(both)
		r.Both, r.BothSE = e.Mean, e.SE
		table = append(table, r)
	}
	file, err := os.Create(filepath.Join(*dir, "scorers.csv"))
	check(err)
	check(datasets.Frame(table).WriteCSV(file))
	check(file.Close())
	fmt.Println("change of accuracy from M0, points")
	check(lidr.Show(table))
}

func scorerNames() []string {
	return []string{"translation", "implicit-length", "mapo", "round-trip", "consistency", "language", "hidden", "oracle"}
}

// settings are those of a seed and a training.
func settings(seed int64, training int) lidr.Settings {
	s := lidr.MiniatureSettings()
	s.Seed, s.Evaluate.Seed, s.Train.Seed = seed, 70000+seed, seed
	s.Prompts.N, s.Rounds = *n, 1
	s.Unseen, s.Evaluate.Translations = nil, 0 // the table shows neither
	if *small {
		s.Prompts.N, s.Evaluate.N = 3, 3
	}
	s.Generate.Samples, s.Generate.Sampling.Temperature = *samples, 1
	trainings[training].change(&s.Train)
	return s
}

// cell runs one round: it chooses the pairs by a scorer, trains on them and returns the changes from M0.
func cell(seed int64, name string, training int) outcome {
	ctx, m0 := context.Background(), miniature()
	run := open(folder(seed, name, training), settings(seed, training))
	defer func() { check(run.Close()) }()
	candidates := candidatesOf(ctx, run, m0)
	scores, err := lidr.ScoreSamples(ctx, run, m0, candidates, scorer(seed, name, m0))
	check(err)
	pairs, _, err := lidr.PairsByScore(ctx, run, m0, candidates, scores, lidr.Selection{Rule: "max-min"})
	check(err)
	m1, _, err := lidr.Train(ctx, run, m0, pairs)
	check(err)
	rewards, err := lidr.RewardAccuracy(ctx, run, m0, pairs)
	check(err)
	before, err := lidr.Evaluate(ctx, run, m0)
	check(err)
	after, err := lidr.Evaluate(ctx, run, m1)
	check(err)
	change := func(metric, lang string) float64 {
		return 100 * (value(after, metric, lang) - value(before, metric, lang))
	}
	return outcome{
		pairs: float64(pairs.Nrow()), right: 100 * rightPairs(rewards, run.Settings.Dominant),
		trained: change("accuracy", "trained"), both: change("correct_in_language", "trained"),
		dominant: change("accuracy", run.Settings.Dominant), off: change("off_target", "trained"),
	}
}

// candidatesOf are M0's own samples and their translations, the same for every scorer and training of a seed.
func candidatesOf(ctx context.Context, run *lidr.Run, m0 *lidr.Model) dataframe.DataFrame {
	prompts, err := lidr.Prompts(ctx, run, m0)
	check(err)
	responses, err := lidr.Generate(ctx, run, m0, prompts)
	check(err)
	translations, err := lidr.Translate(ctx, run, m0, responses)
	check(err)
	candidates, err := scorers.Candidates(responses, translations)
	check(err)
	return candidates
}

func scorer(seed int64, name string, m0 *lidr.Model) lidr.Scorer {
	switch name {
	case "translation": // LIDR's own
		return scorers.Translation{}
	case "implicit-length": // of the model that LIDR's own pairs align
		aligned := folder(seed, "translation", 0)
		if *only != "" {
			cell(seed, "translation", 0)
		}
		m1, err := lidr.LoadModel(filepath.Join(aligned, "M1", "model"))
		check(err)
		return scorers.Implicit{Aligned: m1, Reference: m0, Length: true}
	case "mapo":
		return scorers.MAPO{Translator: m0}
	case "round-trip":
		return scorers.RoundTrip{Translator: m0}
	case "consistency":
		return scorers.Consistency{}
	case "language":
		return scorers.Language{}
	case "hidden":
		return scorers.Hidden{}
	}
	return scorers.Oracle{}
}

func folder(seed int64, name string, training int) string {
	return filepath.Join(*dir, fmt.Sprintf("seed-%d-%s-%d", seed, name, training))
}

func open(folder string, s lidr.Settings) *lidr.Run {
	run, err := lidr.Open(folder, s, lidr.WithProgress(func(e lidr.Event) {
		if e.Total > 0 && e.Done == e.Total {
			fmt.Fprintf(os.Stderr, "%s, %s: %d %s\n", filepath.Base(folder), e.Step, e.Total, e.Unit)
		}
	}))
	check(err)
	return run
}

func miniature() *lidr.Model {
	m0, err := lidr.LoadModel("miniature")
	check(err)
	return m0
}

// value is a score of an evaluation.
func value(frame dataframe.DataFrame, metric, lang string) float64 {
	var rows []eval.Score
	check(datasets.Rows(frame, &rows))
	for _, r := range rows {
		if r.Metric == metric && r.Lang == lang {
			return r.Value
		}
	}
	log.Fatalf("the evaluation has no %s in %s", metric, lang)
	return 0
}

// rightPairs is the reward accuracy of all languages but the dominant one.
func rightPairs(frame dataframe.DataFrame, dominant string) float64 {
	var rows []lidr.Reward
	check(datasets.Rows(frame, &rows))
	right, decided := 0.0, 0.0
	for _, r := range rows {
		if r.Lang != dominant && r.N > 0 {
			right += r.Value * float64(r.N)
			decided += float64(r.N)
		}
	}
	return right / decided // NaN where nothing decides
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
