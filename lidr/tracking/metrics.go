package tracking

import (
	"math"
	"path"
	"strings"
	"time"

	"lidrlab/lidr/dpo"
	"lidrlab/lidr/eval"
)

// point is what is known of a curve at a step.
type point struct {
	step   int
	time   time.Time
	values []value // finite
}

// value is a number by its name: "loss", "perf/padding", "eval/accuracy/de".
type value struct {
	name string
	x    float64
}

// trained reports whether a value is one of those that a trainer of transformers logs, which its callbacks put below
// "train/" for some programs.
func (v value) trained() bool {
	return !strings.HasPrefix(v.name, "perf/") && !strings.HasPrefix(v.name, "eval/")
}

// add leaves out what is not a number: unknown is none.
func add(values []value, name string, x float64) []value {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return values
	}
	return append(values, value{name, x})
}

// ofStep gives a training's numbers TRL's names. Those of preferences are known where there is a rejected side, whose
// log-probability is below 0.
func ofStep(s dpo.Step) []value {
	values := add(nil, "loss", s.Loss)
	values = add(values, "grad_norm", s.GradNorm)
	values = add(values, "learning_rate", s.LR)
	values = add(values, "nll_loss", s.NLL)
	if s.LogpsChosen < 0 {
		values = add(values, "logps/chosen", s.LogpsChosen)
	}
	if s.LogpsRejected < 0 {
		values = add(values, "dpo_loss", s.DPO)
		values = add(values, "rewards/chosen", s.RewardsChosen)
		values = add(values, "rewards/rejected", s.RewardsRejected)
		values = add(values, "rewards/margins", s.RewardsMargins)
		values = add(values, "rewards/accuracies", s.RewardsAccuracies)
		values = add(values, "rewards/identical", s.Identical)
		values = add(values, "logps/rejected", s.LogpsRejected)
	}
	for _, v := range []value{{"replay_loss", s.Replay}, {"kl", s.KL}, {"log_odds_chosen", s.LogOdds}} {
		if v.x != 0 { // of trainings that have them
			values = add(values, v.name, v.x)
		}
	}
	return values
}

// ofScores are an evaluation's numbers, each with its standard error. The slashes of a language's code are none.
func ofScores(scores []eval.Score) []value {
	var values []value
	for _, s := range scores {
		name := path.Join("eval", s.Metric, s.Lang)
		values = add(values, name, s.Value)
		values = add(values, name+"/se", s.SE)
	}
	return values
}

// speed is a step and what it took, a line of steps.jsonl. A number that is not known is left out.
type speed struct {
	Curve           string    `json:"curve"` // M1, or M1-2 of a second training
	Training        dpo.Step  `json:"training"`
	Time            time.Time `json:"time"`
	Seconds         float64   `json:"seconds,omitempty"`
	TokensPerSecond float64   `json:"tokens_per_second,omitempty"`
	MFU             float64   `json:"mfu,omitempty"`
	MemoryBytes     int       `json:"memory_bytes,omitempty"` // of this process, in use at the step's end
}

func (s speed) values() []value {
	values := add(nil, "perf/padding", s.Training.Padding)
	for _, v := range []value{
		{"perf/seconds", s.Seconds}, {"perf/tokens_per_second", s.TokensPerSecond}, {"perf/mfu", s.MFU},
		{"perf/memory_bytes", float64(s.MemoryBytes)},
	} {
		if v.x > 0 {
			values = append(values, v)
		}
	}
	return values
}

// mfu is the model FLOPs utilization of a step: the operations that the training needs for its positions, as a share of
// what the machine could have done (Chowdhery et al. 2022, PaLM, appendix B, without its term for attention): 6 for a
// parameter and position, or 4 where an adapter is trained, whose base has no gradients. Neither padding nor what is
// computed twice raises it, and neither does a prompt that both sides of a pair share: it is computed once.
func mfu(parameters, positions int, adapter bool, seconds, peakTFLOPS float64) float64 {
	operations := 6.0
	if adapter {
		operations = 4
	}
	if seconds <= 0 || peakTFLOPS <= 0 {
		return 0
	}
	return operations * float64(parameters) * float64(positions) / seconds / (peakTFLOPS * 1e12)
}
