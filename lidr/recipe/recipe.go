package recipe

import (
	"lidrlab/lidr"
	"lidrlab/lidr/choices"
	"lidrlab/lidr/handoff"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/recipe/launch"
	"lidrlab/lidr/tracking"
)

// Recipe says everything of a run. Its keys in a file are the json tags, those of the run's settings beside the others;
// what a file does not say is the preset's.
type Recipe struct {
	// Name is that of the file, and of the run folder runs/NAME.
	Name string `json:"-"`
	// About says in a sentence or two what the run asks.
	About string `json:"about"`

	lidr.Settings

	Model      Model           `json:"model"`      // M0
	Translator Model           `json:"translator"` // who translates the answers; no path: the models themselves
	Trainer    handoff.Trainer `json:"trainer"`    // who trains: own, llama-factory, trl or none
	Judge      Judge           `json:"judge"`
	Launch     launch.Settings `json:"launch"` // where lidr drive has the models served and trained
	// Panel are further judges: with them every comparison is one by a panel, the judge among it (judge.Panel).
	Panel []Judge `json:"panel"`

	Scoring Scoring `json:"scoring"` // what a round's pairs are chosen by; no scorers: the method's own

	Instructions Instructions `json:"instructions"`
	MTBench      MTBench      `json:"mt_bench"`
	Choices      Choices      `json:"choices"`
	Ratings      Ratings      `json:"ratings"`
	Published    Published    `json:"published"`

	Tracking tracking.Settings `json:"tracking"` // the programs that curves are sent to; it decides nothing of a run

	// Seeds run the recipe once for each, in folders of their own, as seed and train.seed.
	Seeds []int64 `json:"seeds"`
	// Cells run the recipe once for each, in folders of their own, with the changes that it lists by their path:
	//
	//	cells:
	//	  dpo+nll: {train.objective: dpo+nll}
	//	  dpo:     {train.objective: dpo}
	Cells map[string]map[string]any `json:"cells"`
}

// Model is a model and where it answers.
type Model struct {
	// Path is what lidr.LoadModel loads: "miniature", a folder, a name on the hub, a GGUF file.
	Path string `json:"path"`
	// Endpoints are base URLs of servers, for a model that does not run here. They serve the run's models one after the
	// other, as M0, M1 and so on, and any other model by its path.
	Endpoints []string `json:"endpoints"`
	// Serve is the command with which [Drive] serves a model of the run, {path} under {name} at {host} and {port}: those
	// of the only endpoint, or on a cluster those of the job. None for lidr serve, on this machine. vLLM's:
	//
	//	[vllm, serve, "{path}", --served-model-name, "{name}", --port, "{port}"]
	Serve []string `json:"serve"`
}

// Judge is who judges, and what it may cost.
type Judge struct {
	Model
	KeyEnv     string    `json:"key_env"` // the environment variable with its API key
	Prices     lm.Prices `json:"prices"`  // dollars for a million tokens
	MaxDollars float64   `json:"max_dollars"`
}

// Instructions are prompts without a right answer, X-AlpacaEval's: all models of the run answer them, and the judge
// compares the answers.
type Instructions struct {
	Suite    string                `json:"suite"`  // what they are called in the run folder
	Source   string                `json:"source"` // folder of the prompts; none: they are not asked
	Generate lidr.GenerateSettings `json:"generate"`
	// References are published answers that every model is compared with in the dominant and the trained languages
	// (judge.References); none: the models meet each other only.
	References string `json:"references"`
	// Matches are pairs of models that meet head to head, in both orders and in all languages: M1-M0.
	Matches []string       `json:"matches"`
	Judging judge.Settings `json:"judging"`
}

// MTBench is MT-bench of every model, by the judge.
type MTBench struct {
	Source   string                `json:"source"` // folder of the questions; none: they are not asked
	Settings judge.MTBenchSettings `json:"settings"`
	// Matches are pairs of models whose answers the judge compares turn by turn, in both orders: M1-M0.
	Matches []string             `json:"matches"`
	Pairs   judge.MTPairSettings `json:"pairs"`
}

// Choices are the multiple-choice suites of the alignment tax, asked of every model.
type Choices struct {
	Source string `json:"source"` // folder of the suites; none: they are not asked
	choices.Settings
}

// Ratings are the judge's scores of both sides of the pairs.
type Ratings struct {
	Models   []string             `json:"models"` // whose pairs: M0
	Settings judge.RatingSettings `json:"settings"`
}

// Published names the tables of package datasets/paper that are shown beside what the run measures.
type Published struct {
	Model  string   `json:"model"`  // as the tables of win rates call it: Llama-3-8B-Instruct
	Tables []string `json:"tables"` // names of [Tables]
}

// served tells whether the run's models are behind servers.
func (r Recipe) served() bool { return len(r.Model.Endpoints) > 0 || r.Launch.Serve.Elsewhere() }

// Trainers beside those of package handoff.
const (
	own  = "own"  // of this module
	none = "none" // the run ends with the pairs of M0
)

// defaults are a recipe with nothing but a preset.
func defaults(s lidr.Settings) Recipe {
	r := Recipe{Settings: s, Trainer: handoff.LlamaFactory(), Launch: launch.Defaults()}
	r.Trainer.Program = own
	r.Judge = judgeDefaults()
	r.Scoring.RewardModel.KeyEnv, r.Scoring.Embeddings.KeyEnv = r.Judge.KeyEnv, r.Judge.KeyEnv
	r.Instructions = Instructions{Suite: "x_alpacaeval", Generate: s.Generate, Judging: judge.Defaults()}
	r.Instructions.Judging.Seed = s.Seed
	r.MTBench.Settings, r.MTBench.Pairs = judge.MTBenchDefaults(), judge.MTPairDefaults()
	r.Choices.Settings = choices.Defaults()
	r.Ratings.Settings = judge.RatingDefaults()
	if s.Preset == miniature {
		r.Model.Path = miniature
	}
	return r
}

// judgeDefaults are what a judge has of which a file says no other.
func judgeDefaults() Judge { return Judge{KeyEnv: "OPENAI_API_KEY", MaxDollars: 10} }

const miniature = "miniature"
