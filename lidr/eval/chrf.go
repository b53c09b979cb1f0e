package eval

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ChrFScore is a chrF++ in points of 100.
type ChrFScore struct {
	Score float64 `json:"score"`
	// Signature says how it was computed, in the form of sacreBLEU. Scores with different signatures are not comparable.
	Signature string `json:"signature"`
}

// String returns the line that sacreBLEU prints, as in "chrF2++|nrefs:1|… = 70.39".
func (s ChrFScore) String() string { return fmt.Sprintf("chrF2++|%s = %.2f", s.Signature, s.Score) }

// chrF holds the settings of chrF: the lengths of the longest n-grams of characters and of words, and the weight of
// recall relative to precision.
type chrF struct {
	characters, words int
	beta              float64
}

// chrFPlusPlus are the settings of chrF++.
var chrFPlusPlus = chrF{characters: 6, words: 2, beta: 2}

// ChrF returns the chrF++ of a corpus (Popović, WMT 2017) as sacreBLEU computes it with word order 2: n-grams of 1 to 6
// characters, white space left out, and of 1 to 2 words, β 2, effective order, case kept. references holds the
// references of each hypothesis, of which the one with the best score counts. chrF++ needs no tokenizer and so is
// defined for every language. The score of a corpus has no standard error: to compare two systems, use [SentenceChrF]
// with [PairedBootstrap].
func ChrF(hypotheses []string, references [][]string) (ChrFScore, error) {
	nrefs, err := checkReferences(hypotheses, references)
	if err != nil {
		return ChrFScore{}, err
	}
	return ChrFScore{
		Score: chrFPlusPlus.corpus(hypotheses, references),
		Signature: fmt.Sprintf("nrefs:%s|case:mixed|eff:yes|nc:%d|nw:%d|space:no|version:lidr",
			nrefs, chrFPlusPlus.characters, chrFPlusPlus.words),
	}, nil
}

// SentenceChrF returns the chrF++ of one sentence.
func SentenceChrF(hypothesis string, references []string) (ChrFScore, error) {
	return ChrF([]string{hypothesis}, [][]string{references})
}

// chrFCounts has the n-grams of one order in the hypotheses, in the references, and in both.
type chrFCounts struct{ hypothesis, reference, both int }

func (m chrF) corpus(hypotheses []string, references [][]string) float64 {
	sum := make([]chrFCounts, m.characters+m.words)
	for i, hypothesis := range hypotheses {
		var best []chrFCounts
		grams := m.grams(hypothesis)
		for _, reference := range references[i] {
			counts := make([]chrFCounts, len(sum))
			for n, r := range m.grams(reference) {
				counts[n] = chrFCounts{total(grams[n]), total(r), matches(grams[n], r)}
				if len(r) == 0 { // an order that the reference is too short for does not count
					counts[n].hypothesis = 0
				}
			}
			if best == nil || m.score(counts) > m.score(best) {
				best = counts
			}
		}
		for n, c := range best {
			sum[n].hypothesis += c.hypothesis
			sum[n].reference += c.reference
			sum[n].both += c.both
		}
	}
	return m.score(sum)
}

// score returns the F score of precision and recall, each averaged over the orders that both sides are long enough for.
func (m chrF) score(counts []chrFCounts) float64 {
	precision, recall, orders := 0.0, 0.0, 0.0
	for _, c := range counts {
		if c.hypothesis > 0 && c.reference > 0 {
			precision += float64(c.both) / float64(c.hypothesis)
			recall += float64(c.both) / float64(c.reference)
			orders++
		}
	}
	if precision+recall == 0 {
		return 0
	}
	precision /= orders
	recall /= orders
	weight := m.beta * m.beta
	return 100 * (1 + weight) * precision * recall / (weight*precision + recall)
}

// grams counts the n-grams of each order, characters before words.
func (m chrF) grams(text string) []map[string]int {
	var out []map[string]int
	fields := strings.FieldsFunc(text, pythonSpace)
	characters := strings.Split(strings.Join(fields, ""), "")
	for n := range m.characters {
		out = append(out, ngrams(characters, n+1))
	}
	words := chrFWords(fields)
	for n := range m.words {
		out = append(out, ngrams(words, n+1))
	}
	return out
}

// chrFWords splits one mark of ASCII punctuation off the end of a word, or else off its beginning, as chrF++.py does.
func chrFWords(fields []string) []string {
	const marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	var words []string
	for _, w := range fields {
		switch last := len(w) - 1; {
		case utf8.RuneCountInString(w) == 1:
			words = append(words, w)
		case strings.IndexByte(marks, w[last]) >= 0:
			words = append(words, w[:last], w[last:])
		case strings.IndexByte(marks, w[0]) >= 0:
			words = append(words, w[:1], w[1:])
		default:
			words = append(words, w)
		}
	}
	return words
}
