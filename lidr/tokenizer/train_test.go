package tokenizer

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

// Worked by hand: the words are "aaab" ×2 and "ab" ×3 (aaab aaab, ab ab ab, each with a space or not). Pairs: ab 5,
// aa 4 → merge ab; then aab: a+a 2, a+ab 2: the tie goes to the smaller ids, and a < ab, so aa; then aa+ab 2.
func TestTrainByHand(t *testing.T) {
	b, err := Train([]string{"aaab", "ab", "aaab", "ab<s>ab"}, TrainOptions{VocabSize: 260, Special: []string{"<s>"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []byte(`"merges":["a b","a a","aa ab"]`); !bytes.Contains(b, want) {
		t.Errorf("%s; expected %s", b[:400], want)
	}
	tok, err := parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := tok.Encode("aaab<s>b"); !slices.Equal(got, []int{258, 259, tok.Encode("b")[0]}) {
		t.Errorf("Encode = %v", got)
	}
}

// naive trains by the paper's algorithm 1: count every pair again, merge the best.
func naive(words map[string]int, alphabet []string, merges int) (out []string) {
	id := map[string]int{}
	for i, s := range alphabet {
		id[s] = i
	}
	seqs := map[string][]string{}
	for w := range words {
		for i := range len(w) {
			seqs[w] = append(seqs[w], w[i:i+1])
		}
	}
	for range merges {
		counts := map[[2]string]int{}
		for w, s := range seqs {
			for i := 0; i+1 < len(s); i++ {
				counts[[2]string{s[i], s[i+1]}] += words[w]
			}
		}
		var best [2]string
		for p, n := range counts {
			b := counts[best]
			if n > b || n == b && (id[p[0]] < id[best[0]] || id[p[0]] == id[best[0]] && id[p[1]] < id[best[1]]) {
				best = p
			}
		}
		joined := best[0] + best[1]
		if _, ok := id[joined]; !ok {
			id[joined] = len(id)
		}
		out = append(out, byteText(best[0])+" "+byteText(best[1]))
		for w, s := range seqs {
			var r []string
			for i := 0; i < len(s); i++ {
				if i+1 < len(s) && s[i] == best[0] && s[i+1] == best[1] {
					r = append(r, joined)
					i++
				} else {
					r = append(r, s[i])
				}
			}
			seqs[w] = r
		}
	}
	return out
}

func TestTrainIsTheAlgorithm(t *testing.T) {
	b, err := os.ReadFile("testdata/sentences.txt")
	if err != nil {
		t.Fatal(err)
	}
	texts := strings.SplitAfter(string(b), "\n")
	tr, words := newTrainer(), map[string]int{}
	for _, text := range texts {
		for _, w := range scanWords(nil, text, 1) {
			words[w]++
		}
	}
	alphabet := slices.Clone(tr.tokens)
	const merges = 300
	want := naive(words, alphabet, merges)

	first, err := Train(texts, TrainOptions{VocabSize: 256 + merges})
	if err != nil {
		t.Fatal(err)
	}
	text := `"merges":["` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(strings.Join(want[:250], "\x00"))
	if !bytes.Contains(first, []byte(strings.ReplaceAll(text, "\x00", `","`))) {
		t.Error("the merges differ from the plain algorithm's")
	}
	again, err := Train(texts, TrainOptions{VocabSize: 256 + merges})
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the second training differs (%v)", err)
	}
}

func TestTrainRefuses(t *testing.T) {
	for want, o := range map[string]TrainOptions{
		"at least 257":   {VocabSize: 256, Special: []string{"<s>"}},
		"only 260":       {VocabSize: 300},
		"distinct":       {VocabSize: 300, Special: []string{"x", "x"}},
		"ordinary token": {VocabSize: 257, Special: []string{"a"}},
		"pattern":        {VocabSize: 300, Pattern: "("},
	} {
		if _, err := Train([]string{"a b", "abab", "cab"}, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v; expected %q", o, err, want)
		}
	}
}
