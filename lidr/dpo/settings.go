package dpo

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Settings hold what determines a training beside its data and initial weights. The zero value of a field means zero,
// so start from [DefaultSettings].
type Settings struct {
	// Objective is "dpo+nll" (the paper), "dpo" (without NLL) or "sft" (NLL of the chosen side only: the paper's baseline
	// "multilingual alignment", which does not use Alpha and Beta).
	Objective string `json:"objective"`
	// Loss names the loss of a pair under the objectives with preferences (see losses.go for formulas and sources):
	// "sigmoid" (DPO, the paper's), "robust", "hinge", "ipo", "sigmoid_norm", "apo_zero", "apo_down", "nca_pair", "kto";
	// without a reference model "simpo", "cpo", "orpo". CPO and ORPO are published with the NLL beside, Alpha 1.
	Loss string `json:"loss"`
	// LabelSmoothing is the share of the labels that are taken for wrong: below 0.5, and above 0 for "robust"; 0 for all
	// losses but "sigmoid" and "robust".
	LabelSmoothing float64 `json:"label_smoothing"`
	// Gamma is SimPO's target margin, by which β times the margin per token should be above 0 (arXiv 2405.14734: 0.3 to
	// 1.6 with Beta 2 to 2.5); 0 for all other losses.
	Gamma float64 `json:"gamma"`
	// Beta scales the implicit reward. The paper does not state it; published run names show 0.1 and 0.5, and
	// Iterative RPO (arXiv 2404.19733) used 0.1.
	Beta float64 `json:"beta"`
	// Alpha weighs the NLL of the chosen side. Not in the paper; published run names show 1.0.
	Alpha float64 `json:"alpha"`
	// NLL names its normalisation: "sequence", the mean over sequences of their mean per token (LLaMA-Factory), or
	// "token", the mean over all chosen tokens of the batch (TRL, which takes it per micro-batch).
	NLL string `json:"nll"`

	// LR is the peak learning rate. One published run name shows 5e-7; Iterative RPO used 7e-7.
	LR float64 `json:"lr"`
	// Warmup is the share of the steps over which the rate rises linearly (LLaMA-Factory's examples: 0.1). As in
	// Transformers it rises from 0, so that the first step of a warm-up changes nothing; a training of one step has none.
	Warmup float64 `json:"warmup"`
	// Schedule is the course of the rate after the warm-up, by Transformers' name: "constant_with_warmup"; "linear" or
	// "cosine", which end at 0; "polynomial", linear too, or "cosine_with_min_lr", which end at FinalLR·LR.
	Schedule string `json:"schedule"`
	// FinalLR is the share of LR that the schedule ends at, where it does not end at 0: Transformers' min_lr_rate.
	FinalLR float64 `json:"final_lr"`
	// WeightDecay is AdamW's; norms, biases and embeddings do not decay. Transformers' default is 0.
	WeightDecay float64 `json:"weight_decay"`
	AdamBeta1   float64 `json:"adam_beta1"` // Transformers: 0.9
	AdamBeta2   float64 `json:"adam_beta2"` // Transformers: 0.999
	AdamEps     float64 `json:"adam_eps"`   // Transformers: 1e-8
	// Moments is how AdamW's two averages are held: in "float32", which "" stands for, or as codes of "8bit" with a scale
	// for every 256, in 2 bytes a weight where they take 8. Weights of less than 4,096 numbers, or of no whole blocks of
	// 256, keep theirs in float32. The training's state on disk is no smaller.
	Moments string `json:"moments,omitempty"`
	// ClipNorm bounds the gradient's global L2 norm (Transformers' max_grad_norm, 1.0); 0 is off.
	ClipNorm float64 `json:"clip_norm"`

	// BatchPairs is the number of pairs of one step. One published run name: 1 × 4 accumulation × 4 GPUs = 16.
	BatchPairs int `json:"batch_pairs"`
	// MicroBatch is the number of pairs (in [Pretrain]: sequences) of one forward pass; 0 for as many as have about two
	// million numbers in the residual stream, 3,640 positions of a model of 135M. It decides memory and padding, and
	// changes a step by rounding only.
	MicroBatch int `json:"micro_batch"`
	Epochs     int `json:"epochs"`
	// MaxLength is the longest prompt plus response in tokens (LLaMA-Factory's cutoff_len: 2,048); a longer pair is an
	// error. 0 means the model's context.
	MaxLength int `json:"max_length"`
	// Replay is the number of replayed sequences a step, drawn with replacement from those given to [Train]; their mean
	// NLL is added to the loss with weight Alpha. Not in the paper: it keeps the model able to translate.
	Replay int `json:"replay"`
	// Order is "", for batches of similar length in an order drawn anew for each epoch, or "given", for that of the
	// list of pairs: a curriculum.
	Order string `json:"order,omitempty"`
	// Seed orders the pairs and draws the replay. Initial weights are the caller's.
	Seed int64 `json:"seed"`
}

// DefaultSettings returns the paper's settings, or, where it states none, those of its published runs, of LLaMA-Factory
// (its trainer) or of Transformers (LLaMA-Factory's), as each field says.
func DefaultSettings() Settings {
	return Settings{
		Objective: "dpo+nll", Loss: "sigmoid", Beta: 0.1, Alpha: 1, NLL: "sequence",
		LR: 5e-7, Warmup: 0.1, Schedule: "cosine",
		AdamBeta1: 0.9, AdamBeta2: 0.999, AdamEps: 1e-8, ClipNorm: 1,
		BatchPairs: 16, Epochs: 1, MaxLength: 2048, Seed: 42,
	}
}

// Bounds of [Settings.Validate].
const (
	// largestCount bounds pairs a step, pairs a forward pass and epochs: no training comes near it, and the number of
	// steps that is computed from them cannot overflow.
	largestCount = 1 << 20
	// largestReplay bounds the replayed sequences a step: every one of them goes through the model in every step, and
	// more than that outweigh any batch of pairs (the paper's has 16).
	largestReplay = 1024
)

// Validate returns an error naming the first field that is out of range, by its JSON name: "field lr is -1, expected a
// finite number above 0". NaN and infinite numbers are out of range everywhere.
func (s Settings) Validate() error {
	bad := func(field string, value any, expected string) error {
		return fmt.Errorf("field %s is %v, expected %s", field, value, expected)
	}
	switch {
	case !slices.Contains([]string{"dpo+nll", "dpo", "sft"}, s.Objective):
		return bad("objective", fmt.Sprintf("%q", s.Objective), `"dpo+nll", "dpo" or "sft"`)
	case preferences[s.Loss].plain == nil:
		return bad("loss", fmt.Sprintf("%q", s.Loss), strings.Join(slices.Sorted(maps.Keys(preferences)), ", "))
	case !(s.LabelSmoothing >= 0 && s.LabelSmoothing < 0.5):
		return bad("label_smoothing", s.LabelSmoothing, "a share of the labels, from 0 to below 0.5")
	case s.LabelSmoothing != 0 && s.Loss != "sigmoid" && s.Loss != "robust":
		return bad("label_smoothing", s.LabelSmoothing, fmt.Sprintf("0 under loss %s: sigmoid and robust have it", s.Loss))
	case s.LabelSmoothing == 0 && s.Loss == "robust":
		return bad("label_smoothing", s.LabelSmoothing, "a number above 0 under loss robust, which is sigmoid without it")
	case !(s.Gamma >= 0) || math.IsInf(s.Gamma, 1):
		return bad("gamma", s.Gamma, "a finite number, 0 or more")
	case s.Gamma != 0 && s.Loss != "simpo":
		return bad("gamma", s.Gamma, fmt.Sprintf("0 under loss %s: simpo alone has a target margin", s.Loss))
	case !(s.Beta >= 0) || math.IsInf(s.Beta, 1) || s.Beta == 0 && s.Objective != "sft":
		return bad("beta", s.Beta, "a finite number above 0")
	case !(s.Alpha >= 0) || math.IsInf(s.Alpha, 1):
		return bad("alpha", s.Alpha, "a finite number, 0 or more")
	case s.NLL != "sequence" && s.NLL != "token":
		return bad("nll", fmt.Sprintf("%q", s.NLL), `"sequence" or "token"`)
	case !(s.LR > 0) || math.IsInf(s.LR, 1):
		return bad("lr", s.LR, "a finite number above 0")
	case !(s.Warmup >= 0 && s.Warmup <= 1):
		return bad("warmup", s.Warmup, "a share of the steps, from 0 to 1")
	case !slices.Contains(schedules, s.Scheduler()):
		return bad("schedule", fmt.Sprintf("%q", s.Schedule), "one of "+strings.Join(schedules, ", "))
	case !(s.FinalLR >= 0 && s.FinalLR <= 1):
		return bad("final_lr", s.FinalLR, "a share of lr, from 0 to 1")
	case !(s.WeightDecay >= 0) || math.IsInf(s.WeightDecay, 1):
		return bad("weight_decay", s.WeightDecay, "a finite number, 0 (off) or more")
	case !(s.AdamBeta1 >= 0 && s.AdamBeta1 < 1):
		return bad("adam_beta1", s.AdamBeta1, "a number from 0 to below 1")
	case !(s.AdamBeta2 >= 0 && s.AdamBeta2 < 1):
		return bad("adam_beta2", s.AdamBeta2, "a number from 0 to below 1")
	case !(s.AdamEps > 0) || math.IsInf(s.AdamEps, 1):
		return bad("adam_eps", s.AdamEps, "a finite number above 0")
	case !slices.Contains([]string{"", "float32", "8bit"}, s.Moments):
		return bad("moments", fmt.Sprintf("%q", s.Moments), "float32 or 8bit")
	case !(s.ClipNorm >= 0) || math.IsInf(s.ClipNorm, 1):
		return bad("clip_norm", s.ClipNorm, "a finite number, 0 (off) or more")
	case s.BatchPairs < 1 || s.BatchPairs > largestCount:
		return bad("batch_pairs", s.BatchPairs, fmt.Sprintf("1 to %d", largestCount))
	case s.MicroBatch < 0 || s.MicroBatch > largestCount:
		return bad("micro_batch", s.MicroBatch, fmt.Sprintf("0 (by their lengths) to %d", largestCount))
	case s.Epochs < 1 || s.Epochs > largestCount:
		return bad("epochs", s.Epochs, fmt.Sprintf("1 to %d", largestCount))
	case s.MaxLength < 0:
		return bad("max_length", s.MaxLength, "0 (the model's context) or more tokens")
	case s.Order != "" && s.Order != "given":
		return bad("order", fmt.Sprintf("%q", s.Order), `"" (drawn by seed) or "given"`)
	case s.Replay < 0 || s.Replay > largestReplay:
		return bad("replay", s.Replay, fmt.Sprintf("0 (off) to %d sequences a step", largestReplay))
	}
	return nil
}
