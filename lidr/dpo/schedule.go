package dpo

import "math"

// schedules are the values of Settings.Schedule, by Transformers' names.
var schedules = []string{"constant_with_warmup", "linear", "polynomial", "cosine", "cosine_with_min_lr"}

// Scheduler returns Transformers' name of the schedule (transformers/optimization.py). Settings from before it was the
// schedule's name say "constant", and "linear" or "cosine" with a FinalLR above 0.
func (s Settings) Scheduler() string {
	switch {
	case s.Schedule == "constant":
		return "constant_with_warmup"
	case s.Schedule == "linear" && s.FinalLR > 0:
		return "polynomial"
	case s.Schedule == "cosine" && s.FinalLR > 0:
		return "cosine_with_min_lr"
	}
	return s.Schedule
}

// WarmupSteps returns how many of so many steps the rate rises over, Transformers' warmup_steps: ⌈Warmup·total⌉, and 0
// in a training of one step, which would change nothing.
func (s Settings) WarmupSteps(total int) int {
	if total == 1 {
		return 0
	}
	return int(math.Ceil(s.Warmup * float64(total)))
}

// learningRate returns the rate of step n (0 is the first) of total: Transformers' λ(n)·LR. It rises over the first
// WarmupSteps, from 0, so that the first of them changes nothing, and then follows the schedule, whose last rate,
// FinalLR·LR or 0, the step after the last would have. "polynomial" is of power 1 and has lr_end = FinalLR·LR;
// "cosine_with_min_lr" has min_lr_rate = FinalLR.
func (s Settings) learningRate(n, total int) float64 {
	warm := s.WarmupSteps(total)
	if n < warm {
		return s.LR * float64(n) / float64(warm)
	}
	done := float64(n-warm) / float64(total-warm)
	switch s.Scheduler() {
	case "linear":
		return s.LR * (1 - done)
	case "polynomial":
		return s.LR * (s.FinalLR + (1-s.FinalLR)*(1-done))
	case "cosine":
		return s.LR * (1 + math.Cos(math.Pi*done)) / 2
	case "cosine_with_min_lr":
		return s.LR * (s.FinalLR + (1-s.FinalLR)*(1+math.Cos(math.Pi*done))/2)
	}
	return s.LR
}
