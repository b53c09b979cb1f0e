package lidr

import (
	"context"
	"math"
	"runtime"
	"slices"
	"testing"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/backend"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/lm"
)

// trajectory trains the embedded model on English and Russian pairs of n problems of the miniature world, eight a step,
// the right solution over that of another problem, and returns the loss, the gradient norm and the chosen reward of
// each step.
func trajectory(t *testing.T, engine string, n int, change func(*dpo.Settings)) [][3]float64 {
	t.Helper()
	b, err := backend.Open(engine)
	if err != nil {
		t.Fatal(err)
	}
	m, err := loadModel("miniature", b)
	if err != nil {
		t.Fatal(err)
	}
	problems, rows := miniature.Problems("prompts", n, 11), []Pair{}
	for i, p := range problems {
		for _, lang := range []string{"en", "ru"} {
			rows = append(rows, Pair{ID: p.ID, Lang: lang, Prompt: p.Prompt(lang), Chosen: p.Answer(lang),
				Rejected: problems[(i+1)%n].Answer(lang)})
		}
	}
	s := MiniatureSettings()
	pairs, err := TokenPairs(m, s, rows)
	if err != nil {
		t.Fatal(err)
	}
	s.Train.BatchPairs, s.Train.Epochs = 8, 1
	change(&s.Train.Settings)
	reference := make([][2]float64, len(pairs))
	none := func(int) bool { return false }
	err = dpo.Reference(context.Background(), b, m.weights, pairs, s.Train.Settings, none,
		func(idx []int, chosen, rejected []float64) error {
			for k, i := range idx {
				reference[i] = [2]float64{chosen[k], rejected[k]}
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	weights, err := m.weights.Clone()
	if err != nil {
		t.Fatal(err)
	}
	steps, err := dpo.Train(context.Background(), b, weights, pairs, reference, nil, s.Train.Settings, dpo.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	out := make([][3]float64, len(steps))
	for i, step := range steps {
		out[i] = [3]float64{step.Loss, step.GradNorm, step.RewardsChosen}
	}
	return out
}

// The golden trajectory is the code's own, on amd64 with AVX-512: whoever changes it should know why. What only changes
// how it is computed leaves it as it is, to the bit or within the rounding that is said. It began with a loss of
// 1.070411 until the line end behind <|im_end|> counted and a warm-up's first step had rate 0, as in TRL.
func TestGoldenTrajectory(t *testing.T) {
	nothing := func(*dpo.Settings) {}
	golden := [][3]float64{
		{1.062711, 9.436283, 0}, {1.255719, 10.520059, 0}, {0.996422, 8.560325, -0.002887},
		{0.923305, 7.680173, 0.014575}, {0.759394, 6.088362, 0.007527}, {1.142016, 15.033061, -0.005615},
	}
	straight := trajectory(t, "cpu", 24, nothing)
	if len(straight) != 6 || math.Abs(straight[0][2]) > 1e-5 {
		t.Fatalf("%d steps, and a first reward of %g, want 6 and 0", len(straight), straight[0][2])
	}
	within(t, "golden", straight, golden, 2e-3)

	threads := runtime.GOMAXPROCS(1)
	one := trajectory(t, "cpu", 24, nothing)
	runtime.GOMAXPROCS(threads)
	if !slices.Equal(one, straight) {
		t.Errorf("one thread gives %v, %d give %v", one, threads, straight)
	}
	within(t, "one pair at a time", trajectory(t, "cpu", 24, func(s *dpo.Settings) { s.MicroBatch = 1 }), straight, 2e-3)
	within(t, "GoMLX's backend", trajectory(t, "go", 8, nothing), trajectory(t, "cpu", 8, nothing), 2e-3)
}

// within compares trajectories, relative to the size of the numbers or to 1.
func within(t *testing.T, what string, got, want [][3]float64, tolerance float64) {
	t.Helper()
	for i := range got {
		for k := range got[i] {
			if len(want) <= i || math.Abs(got[i][k]-want[i][k]) > tolerance*max(1, math.Abs(want[i][k])) {
				t.Errorf("%s: step %d, number %d is %.6f, want %v", what, i+1, k, got[i][k], want)
			}
		}
	}
}

// The embedded model's answers, token by token, are part of the trajectory: greedy text is the same on every processor
// but for ties.
func TestGoldenAnswers(t *testing.T) {
	m, err := LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	var reqs []lm.Request
	for _, p := range miniature.Problems("prompts", 3, 11) {
		reqs = append(reqs, lm.Request{ID: p.ID, Messages: lm.Turn("", p.Prompt("de"))})
	}
	var got []string
	err = m.lm.Generate(context.Background(), reqs, lm.Sampling{MaxTokens: 80}, nil,
		func(idx []int, out []lm.Completion) error {
			got = make([]string, len(reqs))
			for k, i := range idx {
				got[i] = out[k].Text
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{ // M0 is weaker in German: the second answer leaves the language, and is wrong
		"Tom hat 24 - 6 = 18 Blumen. Zusammen haben sie 24 + 18 = 42 Blumen. Die Antwort ist 42.",
		"Julia bekommt 22 von Julia: 62 + 22 = 84 spoons. Julia gets 20 from Peter: 84 + 20 = 94 spoons. The answer is 94.",
		"Mark gewinnt 23: 41 + 23 = 64 Stifte. Jeder Freund bekommt 64 / 8 = 8 Stifte. Die Antwort ist 8.",
	}
	if !slices.Equal(got, want) {
		t.Errorf("answers\n%q\nwant\n%q", got, want)
	}
}
