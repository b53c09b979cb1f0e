package dpo

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMicro works one padded micro-batch of two pairs out by hand. The second pair's sides begin alike.
func TestMicro(t *testing.T) {
	pairs := []Pair{
		{Prompt: []int32{5, 6}, Chosen: []int32{7, 2}, Rejected: []int32{8, 9, 2}},
		{Prompt: []int32{4}, Chosen: []int32{3, 3, 3, 2}, Rejected: []int32{3, 2}},
	}
	s := Settings{Objective: "dpo+nll", NLL: "sequence", Alpha: 2, BatchPairs: 4, MicroBatch: 4}
	got := (&plan{pairs: pairs, ref: [][2]float64{{-1, -2}, {-3, -4}}, s: s}).pairBatch([]int{0, 1})[0]
	if got.slots() != 4 || got.height != 2 || got.width != 8 || got.used != 9 || got.padded != 2 || len(got.place) != 32 {
		t.Fatalf("%d rows, %d lines of %d with %d tokens, %d pairs, %d predictions; want 4, 2 of 8 with 9, 2, 32",
			got.slots(), got.height, got.width, got.used, got.padded, len(got.place))
	}
	for _, check := range []struct {
		what      string
		got, want any
	}{
		{"tokens", got.tokens, []int32{
			5, 6, 7, 8, 9, 0, 0, 0, // prompt, chosen, rejected, without the last tokens, 2, which are only predicted
			4, 3, 3, 3, 0, 0, 0, 0, // prompt and the rejected 3, which is shared, chosen
		}},
		{"spans", got.spans, []int32{
			0, 0, 0, 0, 0, 0, 0, 2, 2, 0, 2, 3, 0, 2, 3, 5, 5, 5, 6, 6, 6, 7, 7, 7,
			0, 0, 0, 0, 0, 0, 0, 2, 2, 0, 2, 2, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7,
		}},
		{"places", got.place[:11], []int32{1, 2, 8, 9, 10, 11, 1, 3, 4, 8, 9}},
		{"labels", got.labels[:11], []int32{7, 2, 3, 3, 3, 2, 8, 9, 2, 3, 2}},
		{"owners", got.owners[:12], []int32{0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4}},
		// α/(pairs·tokens): 2/(2·2) and 2/(2·4) for the chosen sides, nothing for rejected sides and padding.
		{"weights", got.weights[:12], []float32{0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0, 0, 0, 0, 0, 0}},
	} {
		if diff := cmp.Diff(check.want, check.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", check.what, diff)
		}
	}
}

// TestEpochs: an epoch holds every pair once, in an order of its own that the seed determines; the pairs of a batch are
// neighbours in length.
func TestEpochs(t *testing.T) {
	pairs, s := randomPairs(50, 29, 1), Settings{BatchPairs: 8, Seed: 3}
	first, second := s.Batches(pairs, 0), s.Batches(pairs, 1)
	if cmp.Equal(first, second) {
		t.Error("two epochs have the same order")
	}
	if diff := cmp.Diff(first, s.Batches(pairs, 0)); diff != "" {
		t.Errorf("the same epoch differs:\n%s", diff)
	}
	for _, batches := range [][][]int{first, second} {
		all := slices.Sorted(slices.Values(slices.Concat(batches...)))
		for i, pair := range all {
			if len(all) != 50 || i != pair {
				t.Fatalf("an epoch holds the pairs %v, want each of 50 once", all)
			}
		}
		slices.SortFunc(batches, func(a, b []int) int { return pairs[a[0]].length() - pairs[b[0]].length() })
		longest := 0
		for _, batch := range batches {
			for _, i := range batch {
				if pairs[i].length() < longest {
					t.Fatalf("pair %d of %d tokens comes after one of %d", i, pairs[i].length(), longest)
				}
				longest = pairs[i].length()
			}
		}
	}
}

// TestReplayDraw: a step's draw depends on seed and step alone.
func TestReplayDraw(t *testing.T) {
	replay := randomPairs(9, 29, 1)
	draw := func(seed int64, step int) []int32 {
		p := plan{replay: replay, s: Settings{Replay: 5, NLL: "sequence", Seed: seed, BatchPairs: 1}, room: 4096}
		return p.replayBatch(step)[0].tokens
	}
	if !slices.Equal(draw(1, 4), draw(1, 4)) || slices.Equal(draw(1, 4), draw(1, 5)) ||
		slices.Equal(draw(1, 4), draw(2, 4)) {
		t.Error("the draw is not a function of seed and step")
	}
}

func TestRoundUp(t *testing.T) {
	for _, test := range []struct{ n, least, want int }{
		{1, 1, 1}, {5, 1, 5}, {17, 1, 18}, {31, 1, 32}, {33, 1, 36}, {1, 8, 8}, {70, 8, 72}, {257, 8, 288}, {2000, 8, 2048},
	} {
		if got := roundUp(test.n, test.least); got != test.want {
			t.Errorf("roundUp(%d, %d) = %d, want %d", test.n, test.least, got, test.want)
		}
	}
}

// Micro-batches hold what fits by positions, one item at least, or the number of items that is asked for.
func TestParts(t *testing.T) {
	batch, positions := []int{3, 4, 5, 20, 1, 9}, func(n int) int { return n }
	for _, test := range []struct {
		micro int
		want  [][]int
	}{{0, [][]int{{3, 4}, {5}, {20}, {1, 9}}}, {4, [][]int{{3, 4, 5, 20}, {1, 9}}}} {
		if diff := cmp.Diff(test.want, parts(batch, test.micro, 10, positions)); diff != "" {
			t.Errorf("micro_batch %d (-want +got):\n%s", test.micro, diff)
		}
	}
}
