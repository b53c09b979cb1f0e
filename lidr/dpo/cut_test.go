package dpo

import "testing"

// The lengths are what infer_seqlen of LLaMA-Factory 0.9.5 returns for each prompt and longer side, and what the
// collator of TRL 1.16 keeps.
func TestCut(t *testing.T) {
	for _, c := range []struct {
		program                  string
		prompt, chosen, rejected int
		want                     [3]int
	}{
		{"llama-factory", 20, 30, 10, [3]int{20, 30, 10}},
		{"llama-factory", 60, 10, 20, [3]int{44, 10, 20}}, // a short side
		{"llama-factory", 20, 60, 30, [3]int{20, 44, 30}}, // a short prompt
		{"llama-factory", 50, 70, 65, [3]int{27, 37, 37}}, // neither
		{"llama-factory", 90, 60, 7, [3]int{39, 25, 7}},
		{"trl", 20, 60, 30, [3]int{20, 44, 30}},
		{"trl", 60, 10, 20, [3]int{60, 4, 4}},
		{"trl", 64, 10, 20, [3]int{64, 10, 20}}, // no room: TRL drops it, and here it is refused
	} {
		ids := func(n int) []int32 { return make([]int32, n) }
		p := Cut(Pair{ids(c.prompt), ids(c.chosen), ids(c.rejected)}, 64, c.program)
		if got := [3]int{len(p.Prompt), len(p.Chosen), len(p.Rejected)}; got != c.want {
			t.Errorf("%s cuts %d, %d, %d to %v, want %v", c.program, c.prompt, c.chosen, c.rejected, got, c.want)
		}
	}
	if p := Cut(Pair{make([]int32, 10), make([]int32, 90), nil}, 64, "trl"); p.Rejected != nil || len(p.Chosen) != 54 {
		t.Errorf("without a rejected side: %d and %v", len(p.Chosen), p.Rejected)
	}
}
