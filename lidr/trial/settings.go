package trial

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lidrlab/lidr"
)

// Miniature is the [Settings].Model that takes the embedded model and its world in the place of files.
const Miniature = "miniature"

// Settings are what all cells of a trial have in common.
type Settings struct {
	Model string // what [lidr.LoadModel] takes
	// Data is a folder with the folders alpagasus (itself or its folders hold one file a language), gsm8k and mgsm.
	Data            string
	Trained, Unseen []string // beside English; the unseen ones are measured in main's first seed alone
	N               int      // prompts a round, in each language: instructions and arithmetic in turn
	EvalN           int      // arithmetic problems of an evaluation, 0 for all
	FreeN           int      // free prompts of an evaluation
	Rounds          int      // of the main arm, and the most where UntilSaturated is set
	UntilSaturated  bool     // see [lidr.Settings].StopWhenSaturated
	Tokens          int      // the most of an answer; a translation may have half as many again
	LoRA            int      // rank, 0 for all weights
	LR              float64
	Votes           int    // answers to a problem of the arm majority
	Dev             bool   // evaluate on held-out training problems: to choose settings without MGSM
	Quantize        string // how the models compute their answers ([lidr.Model.Quantized]), "" for float32
	Translator      string
	Judge           string // addresses of OpenAI-compatible servers, "" for none
}

// Defaults returns the settings of the plan.
func Defaults() Settings {
	data := os.Getenv("LIDR_DATA")
	if data == "" {
		data = "data"
	}
	return Settings{
		Model: "Qwen/Qwen2.5-Coder-0.5B-Instruct", Data: data, Trained: []string{"es", "de"}, Unseen: []string{"fr", "ru"},
		N: 240, EvalN: 250, FreeN: 20, Rounds: 2, Tokens: 512, LoRA: 16, LR: 1e-4, Votes: 3,
		Quantize: "q8",
	}
}

// Small returns settings for the embedded model at a size that only shows that everything runs.
func (s Settings) Small() Settings {
	s.Model, s.Trained, s.Unseen = Miniature, []string{"es", "de"}, []string{"it"}
	s.N, s.EvalN, s.FreeN, s.LoRA, s.LR, s.Votes = 6, 6, 4, 4, 1e-3, 2
	return s
}

// arm is what a training does otherwise than the main one.
type arm struct {
	name, note string
	rounds     bool   // as many as the settings say, else one
	later      bool   // not of the plan
	prompts    string // "gold-": arithmetic alone
	pairs      string // "", "trained" for no English ones, "translator" or "template"
	change     func(*lidr.Settings)
}

var arms = []arm{
	{name: "main", note: "DPO+NLL on the model's own translations, filtered", rounds: true},
	{name: "random-labels", note: "chosen and rejected swapped by a coin", change: func(s *lidr.Settings) {
		s.Train.Labels = "random"
	}},
	{name: "no-english", note: "the pairs of the trained languages alone", pairs: "trained"},
	{name: "filters-off", note: "the same pairs, none dropped", change: func(s *lidr.Settings) {
		s.Pairs = lidr.PairSettings{Mode: s.Pairs.Mode}
	}},
	{name: "own-answers", note: "SFT on own answers, no translation", change: func(s *lidr.Settings) {
		s.Train.Objective, s.Train.Labels = "sft", "own"
	}},
	{name: "sft", note: "SFT on the chosen side", change: func(s *lidr.Settings) { s.Train.Objective = "sft" }},
	{name: "dpo-only", note: "no NLL", change: func(s *lidr.Settings) { s.Train.Objective = "dpo" }},
	{name: "gold-template", note: "the answer is N, in each language, over own answers to arithmetic", prompts: "gold-",
		pairs: "template"},
	{name: "majority", note: "no training: the answer that most of several samples give"},
	{name: "translator", note: "translations of the server that is named", pairs: "translator"},
	{name: "random-rounds", note: "random-labels in as many rounds as main", rounds: true, later: true,
		change: func(s *lidr.Settings) { s.Train.Labels = "random" }},
}

// Arms returns the names of the arms, in the order in which they are best run.
func Arms() []string {
	names := make([]string, len(arms))
	for i, a := range arms {
		names[i] = a.name
	}
	return names
}

// Cell is one arm with one seed.
type Cell struct {
	Arm  string `json:"arm"`
	Seed int64  `json:"seed"`
}

// String is "main-1".
func (c Cell) String() string { return fmt.Sprintf("%s-%d", c.Arm, c.Seed) }

func (c Cell) arm() (arm, error) {
	at := slices.IndexFunc(arms, func(a arm) bool { return a.name == c.Arm })
	if at < 0 || c.Seed < 1 {
		return arm{}, fmt.Errorf("trial: there is no cell %s; expected an arm of %s and a seed of 1 or more", c,
			strings.Join(Arms(), ", "))
	}
	return arms[at], nil
}

// Plan returns the cells of the plan: the first three seeds of main and random-labels, and the first one of every
// control; the translator's only where the settings name one.
func (s Settings) Plan() []Cell {
	var cells []Cell
	for _, a := range arms {
		seeds := 1
		if a.name == "main" || a.name == "random-labels" {
			seeds = 3
		}
		for seed := range seeds {
			if !a.later && (a.pairs != "translator" || s.Translator != "") {
				cells = append(cells, Cell{a.name, int64(seed + 1)})
			}
		}
	}
	return cells
}

// Cells returns those of the plan whose arm and seed are named in lists such as "main,sft" and "1,2"; an empty list
// names all. A named arm has every named seed, whatever the plan.
func (s Settings) Cells(armList, seedList string) ([]Cell, error) {
	if armList == "" && seedList == "" {
		return s.Plan(), nil
	}
	var seeds []int64
	for _, text := range split(seedList) {
		seed, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seed < 1 {
			return nil, fmt.Errorf("seeds: found %q, expected numbers of 1 or more, such as 1,2,3", text)
		}
		seeds = append(seeds, seed)
	}
	var cells []Cell
	if armList == "" {
		for _, c := range s.Plan() {
			if slices.Contains(seeds, c.Seed) {
				cells = append(cells, c)
			}
		}
		return cells, nil
	}
	for _, name := range split(armList) {
		own := seeds
		for _, c := range s.Plan() {
			if c.Arm == name && seedList == "" {
				own = append(own, c.Seed)
			}
		}
		for _, seed := range own {
			cell := Cell{name, seed}
			a, err := cell.arm()
			if err != nil {
				return nil, err
			}
			if a.pairs == "translator" && s.Translator == "" {
				return nil, fmt.Errorf("the arm %s needs the address of a server, as in http://localhost:8000/v1", name)
			}
			cells = append(cells, cell)
		}
		if len(own) == 0 {
			_, err := Cell{name, 1}.arm()
			return nil, fmt.Errorf("arm %s: no seed of the plan; %w", name, err)
		}
	}
	return cells, nil
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// Validate returns an error naming the field that cannot work. [Open] calls it.
func (s Settings) Validate() error {
	switch {
	case s.Model == "":
		return fmt.Errorf("trial: field Model is empty, expected a folder, a GGUF file or a name on the hub")
	case s.N < 2 || s.EvalN < 0 || s.EvalN == 1 || s.FreeN < 2:
		return fmt.Errorf("trial: fields N, EvalN, FreeN are %d, %d, %d, expected at least two of each (EvalN 0: all)", s.N,
			s.EvalN, s.FreeN)
	case s.Rounds < 1 || s.Votes < 2 || s.Tokens < 1:
		return fmt.Errorf("trial: fields Rounds, Votes, Tokens are %d, %d, %d, expected at least 1, 2 and 1", s.Rounds,
			s.Votes, s.Tokens)
	case len(s.Trained) == 0:
		return fmt.Errorf("trial: field Trained is empty, expected languages to make pairs for, such as es, de")
	}
	return nil
}

// settings are those of a cell's run; prompts lies in the trial's folder.
func (t *Trial) settings(c Cell, a arm) lidr.Settings {
	s := lidr.MiniatureSettings()
	if t.Model != Miniature {
		s = lidr.PaperSettings()
		s.Preset = "real_small"
		s.Prompts.Source = t.path("prompts", a.prompts+fmt.Sprint(c.Seed))
		s.Evaluate.Source = filepath.Join(t.Data, "mgsm")
		if t.Dev {
			s.Evaluate.Source = t.path("dev")
		}
		s.Generate.Sampling.MaxTokens, s.Translate.Sampling.MaxTokens = t.Tokens, t.Tokens+t.Tokens/2
		s.Train.BatchPairs, s.Train.MicroBatch, s.Train.Epochs = 4, 4, 1
		s.Train.MaxLength, s.Train.Checkpointing = 2048, true // a laptop has no 10 GB for activations
	}
	s.Seed, s.Train.Seed = c.Seed, c.Seed
	s.Trained, s.Unseen = t.Trained, t.Unseen
	s.Prompts.N, s.Evaluate.N, s.Evaluate.Translations = t.N, t.EvalN, min(2, s.Evaluate.Translations)
	s.Rounds = 1
	if a.rounds {
		s.Rounds, s.StopWhenSaturated = t.Rounds, t.UntilSaturated
	}
	s.Pairs = lidr.PairSettings{
		Mode: "paper", DropRepeatedLines: true, MaxLengthRatio: 3, MaxCopied: 0.05, SameLanguage: true,
		DropIdentical: true, DropTranslationPrompts: true,
	}
	s.Train.LR = t.LR
	if t.LoRA > 0 {
		s.Train.LoRA = lidr.LoRASettings{Rank: t.LoRA, Alpha: float64(2 * t.LoRA)}
		s.Train.DType, s.Train.Products = "bfloat16", "bfloat16"
	}
	if a.pairs == "template" {
		s.Pairs = lidr.PairSettings{Mode: "paper", DropIdentical: true} // a template is short, on purpose
	}
	if a.name != "main" || c.Seed > 1 { // the languages of the claim alone: a third of a cell's time
		s.Unseen = nil
	}
	if a.name == "majority" {
		s.Evaluate.Samples, s.Generate.Sampling.Temperature = t.Votes, 0.7
	}
	if a.change != nil {
		a.change(&s)
	}
	return s
}
