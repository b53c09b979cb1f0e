//go:build go1.21

// Paper_qwen2 is the paper's experiment on Qwen2-7B-Instruct: two rounds, with the models behind servers and the training
// handed to LLaMA-Factory or TRL.
//
//	bin/lidr run scripts/paper_qwen2 -dry -alpaca data/x-alpacaeval
//	go run ./scripts/paper_qwen2 -m0 http://gpu:8000/v1 -alpaca data/x-alpacaeval
//
// One model is served at a time, so the script is run once a model and says what to do next: serve M0 under that name
// (vllm serve Qwen/Qwen2-7B-Instruct --served-model-name M0) and run with -m0; train M1 where the trainer is, if it is
// not here; serve runs/paper_qwen2/M1/model under the name M1 and run with -m1; the same with M2; run with -judge. What a
// model has said is kept and never asked again. With -small it is all done on the embedded model, training included.
//
// Behind a setting stands its source: the "paper", its reference "code", a published "run name", or "open" where none of
// them states it and the choice is ours. Open too: whether all weights were trained, as here, or adapters.
// Of this model published numbers are known for M0 only (X-AlpacaEval, in package datasets/paper); that its settings are those of
// Llama-3 is an assumption.
// Not run here: MT-Bench (lidr.MTBench), the alignment tax (lidr.MultipleChoice), a judge's ratings of pairs (lidr.Ratings).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/remote"
)

const base = "Qwen/Qwen2-7B-Instruct" // paper

var (
	dir        = flag.String("dir", "runs/paper_qwen2", "run folder")
	small      = flag.Bool("small", false, "a tiny size on the embedded model, that only shows that it runs")
	dry        = flag.Bool("dry", false, "only say what it takes at most")
	task       = flag.String("task", "instructions", "what is trained on: instructions (Alpagasus) or arithmetic (GSM8K)")
	prompts    = flag.String("prompts", "data/alpagasus", "folder of the training prompts, one file a language, those of all rounds")
	mgsm       = flag.String("mgsm", "data/mgsm", "folder of MGSM")
	alpaca     = flag.String("alpaca", "", "folder of X-AlpacaEval's instructions; without it they are not asked")
	references = flag.String("references", "", "folder of the answers that they are compared with, LANG/gpt-4-turbo-2024-04-09.json")
	m0         = flag.String("m0", "", "base URLs of M0's servers, with commas; without it, M0 is through with its part")
	m1         = flag.String("m1", "", "the same of M1")
	m2         = flag.String("m2", "", "the same of M2")
	trainer    = flag.String("trainer", "llama-factory", "llama-factory (paper) or trl")
	nodes      = flag.Int("nodes", 1, "machines that train")
	gpus       = flag.Int("gpus", 4, "GPUs of each") // run name
	judgeURL   = flag.String("judge", "", "base URL of the judge, such as https://api.openai.com/v1; its key is $OPENAI_API_KEY")
	judgeName  = flag.String("judge-model", "gpt-4-1106-preview", "the judge") // code
	readPrice  = flag.Float64("prompt-price", 0, "dollars that the judge charges for a million prompt tokens")
	writePrice = flag.Float64("answer-price", 0, "dollars for a million tokens of its own")
	maxDollars = flag.Float64("max-dollars", 10, "dollars that one judging may cost at most; above that it asks nothing")
)

// experiment returns the settings of the rounds.
func experiment() lidr.Settings {
	if *small {
		s := lidr.Miniature()
		s.Prompts.N, s.Evaluate.N, s.Evaluate.Translations = 6, 6, 2
		return s
	}
	s := lidr.Paper()
	s.Rounds = 2                                      // paper
	s.Dominant = "en"                                 // paper
	s.Trained = []string{"es", "ru", "de", "fr"}      // paper
	s.Unseen = []string{"zh", "ja", "sw", "th", "bn"} // paper
	s.Prompts.Source, s.Prompts.N = *prompts, 1000    // code
	s.Prompts.Reuse = false                           // open: the code holds traces of both
	s.Generate.Template = "{{.Prompt}}"               // code
	if *task == "arithmetic" {
		s.Prompts.N, s.Prompts.Reuse = 7473, true                                      // code: all of GSM8K; open: that round 2 takes them again
		s.Generate.Template = "{{.Prompt}}\n\nSolve it step by step in {{.Language}}." // code, in our words
	}
	s.Generate.System = "You are a helpful assistant."                                            // code
	s.Generate.Sampling = lm.Sampling{RepetitionPenalty: 1.1, MaxTokens: 2400, Seed: 42}          // code, temperature 0
	s.Translate.System = "You are a helpful assistant."                                           // code
	s.Translate.Sampling = lm.Sampling{MaxTokens: 4096, Seed: 42}                                 // code, temperature 0
	s.Pairs.Mode = "paper"                                                                        // the authors' review answers
	s.Train.Objective, s.Train.NLL = "dpo+nll", "sequence"                                        // paper; LLaMA-Factory
	s.Train.Beta = 0.1                                                                            // run names: 0.1 and 0.5
	s.Train.Alpha = 1                                                                             // run names
	s.Train.LR, s.Train.BatchPairs = 5e-7, 16                                                     // run name
	s.Train.Schedule, s.Train.Warmup, s.Train.MaxLength = "cosine", 0.1, 2048                     // open: LLaMA-Factory's examples
	s.Train.Epochs = 1                                                                            // open
	s.Train.AdamBeta1, s.Train.AdamBeta2, s.Train.AdamEps, s.Train.ClipNorm = 0.9, 0.999, 1e-8, 1 // open: Transformers' defaults
	s.Evaluate.Source, s.Evaluate.N = *mgsm, 0                                                    // paper: all 250 problems
	return s
}

// instructions returns the settings under which the models answer X-AlpacaEval.
func instructions() lidr.Settings {
	s := experiment()
	s.Prompts.Source, s.Prompts.N, s.Prompts.Reuse = *alpaca, 805, true // paper
	s.Trained = append(s.Trained, "zh")                                 // paper: unseen, and compared head to head
	s.Unseen = nil
	s.Generate.Template = "{{.Prompt}}"  // code
	s.Generate.Sampling.MaxTokens = 2048 // code
	return s
}

// prices are the judge's.
func prices() lm.Prices { return lm.Prices{Prompt: *readPrice, New: *writePrice} }

// judging returns AlpacaEval 2's weighted annotator (code), in our words.
func judging(headToHead bool) lidr.JudgeSettings {
	s := lidr.DefaultJudge()
	s.BothOrders = headToHead // open: the paper's judge and rule of ties; here each pair is judged in both orders
	s.Seed = 42               // code
	return s
}

func main() {
	flag.Parse()
	ctx := context.Background()
	switch {
	case *dry:
		check(sayCost())
	case *small:
		check(onMiniature(ctx))
	default:
		check(onServers(ctx))
	}
}

func check(err error) {
	if errors.Is(err, lidr.ErrHandedOff) {
		fmt.Println(err) // as it should be where the trainer is elsewhere
	} else if err != nil {
		log.Fatal(err)
	}
}

func open(name string, s lidr.Settings) (*lidr.Run, error) {
	return lidr.Open(filepath.Join(*dir, name), s, lidr.WithProgress(lidr.ProgressLines(os.Stderr)), lidr.WithStore(filepath.Join(filepath.Dir(*dir), "store")))
}

// onServers does what the models that are served can do.
func onServers(ctx context.Context) error {
	run, err := open("", experiment())
	if err != nil {
		return err
	}
	for round, servers := range []string{*m0, *m1, *m2} {
		if servers == "" {
			continue
		}
		m, err := served(ctx, run, round, servers)
		if err != nil {
			return err
		}
		if *alpaca != "" {
			if err := answer(ctx, m); err != nil {
				return err
			}
		}
		scores, err := lidr.Evaluate(ctx, run, m)
		if err != nil {
			return err
		}
		if err := show(m.Name+" on MGSM", scores, "accuracy"); err != nil {
			return err
		}
		if round == run.Settings.Rounds {
			continue
		}
		t := lidr.LlamaFactory()
		if *trainer == "trl" {
			t = lidr.TRL()
		}
		t.Template = "qwen" // code
		t.Nodes, t.GPUs = *nodes, *gpus
		next, err := lidr.HandOffRound(ctx, run, m, round, t)
		if err != nil {
			return err
		}
		fmt.Printf("%s is trained: serve %s under the name %s, and run again with -m%d\n", next.Name, next.Path, next.Name, round+1)
	}
	if *judgeURL != "" {
		return judge(ctx)
	}
	return nil
}

// served is model M<round> behind its servers.
func served(ctx context.Context, run *lidr.Run, round int, servers string) (*lidr.Model, error) {
	name, path := fmt.Sprintf("M%d", round), base
	if round > 0 {
		trained, _, err := lidr.TakeBack(run, name)
		if err != nil {
			return nil, err
		}
		path = trained.Path
	}
	server, err := remote.Open(ctx, remote.Options{Model: name, Endpoints: strings.Split(servers, ",")})
	if err != nil {
		return nil, err
	}
	m := lidr.UseModel(path, server)
	m.Name = name
	return m, nil
}

// answer lets a model answer X-AlpacaEval.
func answer(ctx context.Context, m *lidr.Model) error {
	run, err := open("x_alpacaeval", instructions())
	if err != nil {
		return err
	}
	rows, err := lidr.Prompts(ctx, run, 0)
	if err != nil {
		return err
	}
	_, err = lidr.Generate(ctx, run, m, rows)
	return err
}

// judge compares answers to X-AlpacaEval with the published references, where these are given, and with each other.
func judge(ctx context.Context) error {
	server, err := remote.Open(ctx, remote.Options{
		Model: *judgeName, Endpoints: []string{*judgeURL},
		Prices: prices(), MaxDollars: *maxDollars,
	})
	if err != nil {
		return err
	}
	run, err := open("x_alpacaeval", instructions())
	if err != nil {
		return err
	}
	for _, name := range comparisons() {
		sides := strings.Split(name, "-")
		ours, err := lidr.Responses(run, sides[0])
		if err != nil {
			return err
		}
		var theirs dataframe.DataFrame
		metric := "win_rate"
		if sides[1] == "reference" {
			ours = ours.Filter(dataframe.F{Colname: "lang", Comparator: series.Neq, Comparando: "zh"})
			theirs, err = lidr.References(ours, *references, "gpt-4-turbo-2024-04-09") // code
		} else {
			metric = "win"
			theirs, err = lidr.Responses(run, sides[1])
		}
		if err != nil {
			return err
		}
		_, scores, err := lidr.Judge(ctx, run, name, lidr.UseModel(*judgeName, server), ours, theirs, judging(metric == "win"))
		if err != nil {
			return err
		}
		if err := show(name+" on X-AlpacaEval", scores, metric); err != nil {
			return err
		}
	}
	return nil
}

// comparisons are those of the paper: its table of win rates, and its head-to-head figures.
func comparisons() []string {
	names := []string{"M2-M0", "M1-M0", "M2-M1"}
	if *references != "" {
		names = append([]string{"M0-reference", "M1-reference", "M2-reference"}, names...)
	}
	return names
}

// show prints the rows of one metric.
func show(title string, scores dataframe.DataFrame, metric string) error {
	fmt.Printf("%s, %s:\n", title, metric)
	return lidr.Show(scores.Filter(dataframe.F{Colname: "metric", Comparator: series.Eq, Comparando: metric}))
}

// onMiniature does the same with the embedded model, trained here and compared by the miniature's rubric.
func onMiniature(ctx context.Context) error {
	run, err := open("", experiment())
	if err != nil {
		return err
	}
	m, err := lidr.LoadModel("miniature")
	if err != nil {
		return err
	}
	for round := 0; round <= run.Settings.Rounds; round++ {
		scores, err := lidr.Evaluate(ctx, run, m)
		if err != nil {
			return err
		}
		if err := show(m.Name, scores, "accuracy"); err != nil {
			return err
		}
		if round < run.Settings.Rounds {
			if m, err = lidr.Round(ctx, run, m, round); err != nil {
				return err
			}
		}
	}
	for _, name := range comparisons() {
		sides := strings.Split(name, "-")
		changes, err := lidr.Compare(run, sides[1], sides[0])
		if err != nil {
			return err
		}
		if err := show(name, changes, "accuracy"); err != nil {
			return err
		}
	}
	return nil
}

// sayCost prints what every step takes at most, in money for the judge.
func sayCost() error {
	settings := experiment()
	costs, err := lidr.DryRun(settings, lm.Prices{})
	if err != nil {
		return err
	}
	if *alpaca != "" {
		s := instructions()
		list, err := datasets.LoadPrompts(*alpaca, s.Languages())
		if err != nil {
			return err
		}
		rows := datasets.Frame(list)
		for round := 0; round <= settings.Rounds; round++ {
			cost, err := lidr.DryRunGenerate(s, fmt.Sprintf("M%d", round), "answer X-AlpacaEval", rows, lm.Prices{})
			if err != nil {
				return err
			}
			costs = costs.RBind(cost)
		}
		for _, name := range comparisons() {
			asked := rows
			if strings.HasSuffix(name, "reference") {
				asked = rows.Filter(dataframe.F{Colname: "lang", Comparator: series.Neq, Comparando: "zh"})
			}
			cost, err := lidr.DryRunJudge(name, asked, s.Generate.Sampling.MaxTokens, judging(!strings.HasSuffix(name, "reference")), prices())
			if err != nil {
				return err
			}
			costs = costs.RBind(cost)
		}
	}
	table, err := lidr.CostTable(costs)
	fmt.Print(table)
	return err
}
