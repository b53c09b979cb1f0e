//go:build go1.21

// Paper is the paper's experiment on Llama-3-8B-Instruct or Qwen2-7B-Instruct: two rounds, with the models behind
// servers and the training handed to LLaMA-Factory or TRL.
//
//	bin/lidr run scripts/paper -model llama3 -dry -alpaca data/x-alpacaeval
//	go run ./scripts/paper -model llama3 -m0 http://gpu:8000/v1 -alpaca data/x-alpacaeval
//
// One model is served at a time, so the script is run once for each model and says what to do next: serve M0 under that
// name (vllm serve meta-llama/Meta-Llama-3-8B-Instruct --served-model-name M0) and run with -m0; train M1 where the
// trainer is, if it is not here; serve runs/paper_llama3/M1/model under the name M1 and run with -m1; the same with M2;
// run with -judge. What a model has said is kept and never asked again. With -small everything is done on the embedded
// model, training included.
//
// The source of a setting is written beside it: the "paper", its reference "code", a published "run name", or "open"
// where none of them states it and the choice is ours. It is also open whether all weights were trained, as here, or
// adapters. Not run here: MT-Bench (judge.MTBench), the alignment tax (choices.Tax), ratings of pairs (judge.Rate).
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
	"lidrlab/lidr/handoff"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/remote"
)

// subject is a model that the paper trains: all that differs between its two experiments.
type subject struct {
	base     string // on the hub
	template string // LLaMA-Factory's name of its chat template
	dir      string
	sources  string
}

var subjects = map[string]subject{
	"llama3": {
		base: "meta-llama/Meta-Llama-3-8B-Instruct", template: "llama3", dir: "runs/paper_llama3", // paper, code
		sources: "compare the results with the published ones in package datasets/paper",
	},
	"qwen2": {
		base: "Qwen/Qwen2-7B-Instruct", template: "qwen", dir: "runs/paper_qwen2", // paper, code
		sources: "published results are known for M0 only (X-AlpacaEval, in package datasets/paper); " +
			"that the settings are those of Llama-3 is an assumption",
	},
}

var (
	model   = flag.String("model", "llama3", "llama3 or qwen2")
	dir     = flag.String("dir", "", "run folder (default runs/paper_llama3, runs/paper_qwen2)")
	small   = flag.Bool("small", false, "a tiny size on the embedded model that only shows that it runs")
	dry     = flag.Bool("dry", false, "only print what every step takes at most")
	task    = flag.String("task", "instructions", "what is trained on: instructions (Alpagasus) or arithmetic (GSM8K)")
	prompts = flag.String("prompts", "data/alpagasus", "folder of the training prompts of all rounds, one file a language")
	mgsm    = flag.String("mgsm", "data/mgsm", "folder of MGSM")
	alpaca  = flag.String("alpaca", "", "folder of X-AlpacaEval's instructions; without it they are not asked")

	references = flag.String("references", "",
		"folder of the answers to compare with, LANG/gpt-4-turbo-2024-04-09.json; without it the models meet each other only")
	m0         = flag.String("m0", "", "base URLs of M0's servers, separated by commas; leave it out once M0 is done")
	m1         = flag.String("m1", "", "base URLs of M1's servers")
	m2         = flag.String("m2", "", "base URLs of M2's servers")
	trainer    = flag.String("trainer", "llama-factory", "llama-factory (paper) or trl")
	nodes      = flag.Int("nodes", 1, "machines that train")
	gpus       = flag.Int("gpus", 4, "GPUs of each machine") // run name
	judgeURL   = flag.String("judge", "", "base URL of the judge (https://api.openai.com/v1); its key is $OPENAI_API_KEY")
	judgeName  = flag.String("judge-model", "gpt-4-1106-preview", "the judge") // code
	readPrice  = flag.Float64("prompt-price", 0, "dollars that the judge charges for a million prompt tokens")
	writePrice = flag.Float64("answer-price", 0, "dollars that the judge charges for a million tokens of its answers")
	maxDollars = flag.Float64("max-dollars", 10, "dollars that a judging may cost at most; nothing is asked above that")
)

// experiment returns the settings of the rounds.
func experiment() lidr.Settings {
	if *small {
		return lidr.MiniatureSettings().Tiny()
	}
	s := lidr.PaperSettings()
	s.Rounds = 2                                      // paper
	s.Dominant = "en"                                 // paper
	s.Trained = []string{"es", "ru", "de", "fr"}      // paper
	s.Unseen = []string{"zh", "ja", "sw", "th", "bn"} // paper
	s.Prompts.Source = *prompts
	s.Prompts.N = 1000                  // code
	s.Prompts.Reuse = false             // open: the code holds traces of both
	s.Generate.Template = "{{.Prompt}}" // code
	if *task == "arithmetic" {
		s.Prompts.N = 7473                                                   // code: all of GSM8K
		s.Prompts.Reuse = true                                               // open: that round 2 takes them again
		s.Generate.Template += "\n\nSolve it step by step in {{.Language}}." // code, in our words
	}
	s.Generate.System = "You are a helpful assistant."                                   // code
	s.Generate.Sampling = lm.Sampling{RepetitionPenalty: 1.1, MaxTokens: 2400, Seed: 42} // code, temperature 0
	s.Translate.System = "You are a helpful assistant."                                  // code
	s.Translate.Sampling = lm.Sampling{MaxTokens: 4096, Seed: 42}                        // code, temperature 0
	s.Pairs.Mode = "paper"                                                               // the authors' review answers
	s.Train.Objective = "dpo+nll"                                                        // paper
	s.Train.NLL = "sequence"                                                             // LLaMA-Factory
	s.Train.Beta = 0.1                                                                   // run names: 0.1 and 0.5
	s.Train.Alpha = 1                                                                    // run names
	s.Train.LR = 5e-7                                                                    // run name
	s.Train.BatchPairs = 16                                                              // run name
	s.Train.Schedule = "cosine"                                                          // open: LLaMA-Factory's examples
	s.Train.Warmup = 0.1                                                                 // open: LLaMA-Factory's examples
	s.Train.MaxLength = 2048                                                             // open: LLaMA-Factory's examples
	s.Train.Epochs = 1                                                                   // open
	s.Train.AdamBeta1, s.Train.AdamBeta2, s.Train.AdamEps = 0.9, 0.999, 1e-8             // open: Transformers' defaults
	s.Train.ClipNorm = 1                                                                 // open: Transformers' default
	s.Evaluate.Source = *mgsm                                                            // paper
	s.Evaluate.N = 0                                                                     // paper: all 250 problems
	return s
}

// suite names X-AlpacaEval in the run folder.
const suite = "x_alpacaeval"

// instructions returns the prompts of X-AlpacaEval, in the languages of the rounds and in Chinese.
func instructions() []datasets.Prompt {
	langs := append(experiment().Languages(), "zh") // paper: unseen, and compared head to head
	list, err := datasets.LoadPrompts(*alpaca, langs)
	check(err)
	return list
}

// answering returns the settings under which the models answer X-AlpacaEval.
func answering() lidr.GenerateSettings {
	s := experiment().Generate
	s.Template = "{{.Prompt}}"  // code
	s.Sampling.MaxTokens = 2048 // code
	return s
}

// judging returns AlpacaEval 2's weighted annotator (code), in our words.
func judging(headToHead bool) judge.Settings {
	s := judge.Defaults()
	s.BothOrders = headToHead // open: the paper's judge and rule of ties; here each pair is judged in both orders
	s.Seed = 42               // code
	return s
}

// prices are the judge's.
func prices() lm.Prices { return lm.Prices{Prompt: *readPrice, New: *writePrice} }

func main() {
	flag.Parse()
	chosen, ok := subjects[*model]
	if !ok {
		log.Fatalf("-model is %q, expected llama3 or qwen2", *model)
	}
	if *dir == "" {
		*dir = chosen.dir
	}
	if *dry {
		printCosts()
		return
	}
	run, err := lidr.Open(*dir, experiment(), lidr.WithProgress(lidr.ProgressLines(os.Stderr)))
	check(err)
	ctx := context.Background()
	if *small {
		onMiniature(ctx, run)
		return
	}
	fmt.Println(chosen.sources)
	for round, servers := range []string{*m0, *m1, *m2} {
		if servers != "" && !onServers(ctx, run, chosen, round, strings.Split(servers, ",")) {
			return
		}
	}
	if *judgeURL != "" {
		compareAnswers(ctx, run)
	}
}

// onServers does the part of M<round>, which servers answer for. It returns false where the rest has to wait for a
// training elsewhere.
func onServers(ctx context.Context, run *lidr.Run, chosen subject, round int, servers []string) bool {
	name := fmt.Sprintf("M%d", round)
	server, err := remote.Open(ctx, remote.Options{Model: name, Endpoints: servers})
	check(err)
	m := lidr.UseModel(chosen.base, server)
	if round > 0 {
		if _, _, err := handoff.TakeBack(run, name); waits(err) {
			return false
		}
		m, err = run.Use(name, server)
		check(err)
	}
	if *alpaca != "" {
		_, err := judge.Answer(ctx, run, m, suite, datasets.Frame(instructions()), answering())
		check(err)
	}
	scores, err := lidr.Evaluate(ctx, run, m)
	check(err)
	show(name+" on MGSM", scores, "accuracy")
	if round == run.Settings.Rounds {
		return true
	}
	t := handoff.LlamaFactory()
	if *trainer == "trl" {
		t = handoff.TRL()
	}
	t.Template = chosen.template
	t.Nodes, t.GPUs = *nodes, *gpus
	next, err := handoff.Round(ctx, run, m, t)
	if waits(err) {
		return false
	}
	fmt.Printf("%s is trained: serve %s under the name %s, and run again with -m%d\n",
		next.Name(), next.Path, next.Name(), next.Round)
	return true
}

// waits tells whether a training has to be run elsewhere first, and prints how.
func waits(err error) bool {
	if errors.Is(err, handoff.ErrElsewhere) {
		fmt.Println(err)
		return true
	}
	check(err)
	return false
}

// compareAnswers judges answers to X-AlpacaEval beside the published references, where these are given, and beside each
// other.
func compareAnswers(ctx context.Context, run *lidr.Run) {
	server, err := remote.Open(ctx, remote.Options{
		Model: *judgeName, Endpoints: []string{*judgeURL},
		Prices: prices(), MaxDollars: *maxDollars,
	})
	check(err)
	for _, name := range comparisons() {
		sides := strings.Split(name, "-")
		ours, err := judge.Answers(run, sides[0], suite)
		check(err)
		var theirs dataframe.DataFrame
		headToHead := sides[1] != "reference"
		if headToHead {
			theirs, err = judge.Answers(run, sides[1], suite)
		} else {
			ours = withReference(ours)
			theirs, err = judge.References(ours, filepath.Join(*references, "{lang}", "gpt-4-turbo-2024-04-09.json")) // code
		}
		check(err)
		_, scores, err := judge.Compare(ctx, run, name, lidr.UseModel(*judgeName, server), ours, theirs, judging(headToHead))
		check(err)
		metric := "win_rate"
		if headToHead {
			metric = "win"
		}
		show(name+" on X-AlpacaEval", scores, metric)
	}
}

// comparisons are those of the paper: its table of win rates, and its head-to-head figures.
func comparisons() []string {
	names := []string{"M2-M0", "M1-M0", "M2-M1"}
	if *references != "" && !*small {
		names = append([]string{"M0-reference", "M1-reference", "M2-reference"}, names...)
	}
	return names
}

// withReference leaves out the rows in Chinese, in which there are no published references.
func withReference(rows dataframe.DataFrame) dataframe.DataFrame {
	return rows.Filter(dataframe.F{Colname: "lang", Comparator: series.Neq, Comparando: "zh"})
}

// show prints the rows of one metric.
func show(title string, scores dataframe.DataFrame, metric string) {
	fmt.Printf("%s, %s:\n", title, metric)
	check(lidr.Show(scores.Filter(dataframe.F{Colname: "metric", Comparator: series.Eq, Comparando: metric})))
}

// onMiniature does the same with the embedded model, trained here and compared by the miniature's rubric.
func onMiniature(ctx context.Context, run *lidr.Run) {
	m0, err := lidr.LoadModel("miniature")
	check(err)
	_, scores, err := lidr.Iterate(ctx, run, m0)
	check(err)
	show("all models", scores, "accuracy")
	for _, name := range comparisons() {
		sides := strings.Split(name, "-")
		changes, err := lidr.Compare(ctx, run, sides[1], sides[0])
		check(err)
		show(name, changes, "accuracy")
	}
}

// printCosts prints what every step takes at most, in money for the judge.
func printCosts() {
	costs := costRows(lidr.DryRun(experiment(), lm.Prices{}))
	costs = costs[:len(costs)-1] // the last row is their sum
	if *alpaca != "" {
		costs = append(costs, alpacaCosts()...)
	}
	sum := lidr.Cost{Model: "all", Step: "at most"}
	for _, c := range costs {
		sum.Requests += c.Requests
		sum.PromptTokens += c.PromptTokens
		sum.AnswerTokens += c.AnswerTokens
		sum.Dollars += c.Dollars
	}
	check(lidr.Show(append(costs, sum)))
}

// alpacaCosts returns the costs of the answers to X-AlpacaEval and of their comparisons.
func alpacaCosts() []lidr.Cost {
	asked, settings := instructions(), answering()
	answers := lidr.Cost{Step: "answer X-AlpacaEval"}
	for _, p := range asked {
		messages, err := settings.Messages(p.Text, p.Lang)
		check(err)
		answers.Add(1, lm.EstimateTokens(lm.Request{Messages: messages}), settings.Sampling.MaxTokens, lm.Prices{})
	}
	var costs []lidr.Cost
	for round := 0; round <= experiment().Rounds; round++ {
		answers.Model = fmt.Sprintf("M%d", round)
		costs = append(costs, answers)
	}
	for _, name := range comparisons() {
		compared, headToHead := datasets.Frame(asked), !strings.HasSuffix(name, "reference")
		if !headToHead {
			compared = withReference(compared)
		}
		frame, err := judge.DryRun(name, compared, settings.Sampling.MaxTokens, judging(headToHead), prices())
		costs = append(costs, costRows(frame, err)...)
	}
	return costs
}

func costRows(frame dataframe.DataFrame, err error) []lidr.Cost {
	check(err)
	var rows []lidr.Cost
	check(datasets.Rows(frame, &rows))
	return rows
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
