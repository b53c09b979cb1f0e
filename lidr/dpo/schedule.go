package dpo

import "math"

// learningRate returns the rate of step n (0 is the first) of total. It rises over the first ⌈Warmup·total⌉ steps, then
// falls to FinalLR·LR, which the step after the last would have. Transformers' schedules begin at rate 0; these begin
// one increment above 0, so that no step is without effect.
func (s Settings) learningRate(n, total int) float64 {
	warm := int(math.Ceil(s.Warmup * float64(total)))
	if n < warm {
		return s.LR * float64(n+1) / float64(warm)
	}
	done := float64(n-warm) / float64(total-warm)
	share := 1.0
	switch s.Schedule {
	case "linear":
		share = 1 - done
	case "cosine":
		share = (1 + math.Cos(math.Pi*done)) / 2
	}
	return s.LR * (s.FinalLR + (1-s.FinalLR)*share)
}
