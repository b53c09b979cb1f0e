package dpo

import (
	"slices"
	"strings"
	"testing"
)

func TestMix(t *testing.T) {
	groups := strings.Split(strings.Repeat("de,", 80)+strings.Repeat("sw,", 19)+"sw", ",")
	for temperature, want := range map[float64]int{1: 20, 2: 33, 1e6: 50} { // √20/(√80+√20) = 1/3
		mixed := Mix(groups, temperature, 1)
		count, times := 0, map[int]int{}
		for _, i := range mixed {
			times[i]++
			if groups[i] == "sw" {
				count++
			}
		}
		if len(mixed) != 100 || count != want || !slices.IsSorted(mixed) {
			t.Errorf("temperature %g: %d items, %d of sw, want 100 and %d, sorted", temperature, len(mixed), count, want)
		}
		for i, n := range times { // nobody twice more than another of the group
			if most := (want + 19) / 20; groups[i] == "sw" && (n > most || n < want/20) || groups[i] == "de" && n > 1 {
				t.Errorf("temperature %g: item %d of %s is there %d times", temperature, i, groups[i], n)
			}
		}
		if temperature == 2 && slices.Equal(mixed, Mix(groups, 2, 2)) {
			t.Error("another seed draws the same items")
		}
	}
}

// TestGivenOrder: under order "given" the batches are the list's, every epoch.
func TestGivenOrder(t *testing.T) {
	pairs, s := randomPairs(10, tiny.VocabSize, 1), DefaultSettings()
	s.Order, s.BatchPairs = "given", 4
	for epoch := range 2 {
		for i, batch := range s.Batches(pairs, epoch) {
			for _, pair := range batch {
				if pair/4 != i {
					t.Errorf("epoch %d: pair %d is in batch %d", epoch, pair, i)
				}
			}
		}
	}
}
