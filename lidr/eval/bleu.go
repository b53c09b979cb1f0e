package eval

import (
	"fmt"
	"math"
	"regexp"
	"strings"
)

// bleuOrder is the longest n-gram of BLEU, in words.
const bleuOrder = 4

// BLEUScore is a BLEU in points of 100, with its parts.
type BLEUScore struct {
	Score            float64   `json:"score"`
	Precisions       []float64 `json:"precisions"` // of 1- to 4-grams, in points, after smoothing
	BrevityPenalty   float64   `json:"brevity_penalty"`
	HypothesisLength int       `json:"hypothesis_length"` // in tokens
	ReferenceLength  int       `json:"reference_length"`  // of the reference nearest in length
	// Signature says how it was computed, in the form of sacreBLEU. Scores with different signatures are not comparable.
	Signature string `json:"signature"`
}

// String returns the line that sacreBLEU prints, as in "BLEU|nrefs:1|… = 48.53".
func (s BLEUScore) String() string { return fmt.Sprintf("BLEU|%s = %.2f", s.Signature, s.Score) }

// BLEU returns the BLEU of a corpus (Papineni et al., ACL 2002) as sacreBLEU computes it by default (Post, WMT 2018):
// tokenizer 13a, exponential smoothing, n-grams of 1 to 4 words, case kept. references holds the references of each
// hypothesis. A corpus BLEU has no standard error: to compare two systems, use their sentences' scores ([SentenceBLEU],
// better [SentenceChrF]) with [PairedBootstrap].
//
// 13a is made for languages with spaces between words. For Chinese, Japanese and Thai use [ChrF].
func BLEU(hypotheses []string, references [][]string) (BLEUScore, error) {
	nrefs, err := checkReferences(hypotheses, references)
	if err != nil {
		return BLEUScore{}, err
	}
	var sum bleuCounts
	for i, hypothesis := range hypotheses {
		sum.add(hypothesis, references[i])
	}
	return sum.score(nrefs, false), nil
}

// SentenceBLEU returns the BLEU of one sentence, with the effective order: n-grams longer than the hypothesis do not
// count.
func SentenceBLEU(hypothesis string, references []string) (BLEUScore, error) {
	nrefs, err := checkReferences([]string{hypothesis}, [][]string{references})
	if err != nil {
		return BLEUScore{}, err
	}
	var counts bleuCounts
	counts.add(hypothesis, references)
	return counts.score(nrefs, true), nil
}

// bleuCounts are BLEU's sufficient statistics.
type bleuCounts struct {
	correct    [bleuOrder]int // n-grams of the hypotheses that are in a reference
	total      [bleuOrder]int // n-grams of the hypotheses
	hypothesis int            // tokens of the hypotheses
	reference  int            // tokens of the references nearest in length
}

func (c *bleuCounts) add(hypothesis string, references []string) {
	words := tokenize13a(hypothesis)
	distance := func(n int) int { return max(n-len(words), len(words)-n) }
	nearest := -1
	var tokenized [][]string
	for _, reference := range references {
		tokens := tokenize13a(reference)
		tokenized = append(tokenized, tokens)
		n := len(tokens)
		if nearest < 0 || distance(n) < distance(nearest) || distance(n) == distance(nearest) && n < nearest {
			nearest = n
		}
	}
	c.hypothesis += len(words)
	c.reference += nearest
	for n := range bleuOrder {
		most := map[string]int{} // of each n-gram in any one reference
		for _, tokens := range tokenized {
			for gram, count := range ngrams(tokens, n+1) {
				most[gram] = max(most[gram], count)
			}
		}
		grams := ngrams(words, n+1)
		c.correct[n] += matches(grams, most)
		c.total[n] += total(grams)
	}
}

func (c *bleuCounts) score(nrefs string, effective bool) BLEUScore {
	eff := "no"
	if effective {
		eff = "yes"
	}
	s := BLEUScore{
		Precisions:       make([]float64, bleuOrder),
		BrevityPenalty:   1,
		HypothesisLength: c.hypothesis,
		ReferenceLength:  c.reference,
		Signature:        fmt.Sprintf("nrefs:%s|case:mixed|eff:%s|tok:13a|smooth:exp|version:lidr", nrefs, eff),
	}
	if c.hypothesis < c.reference {
		s.BrevityPenalty = math.Exp(1 - float64(c.reference)/float64(c.hypothesis)) // 0 for empty hypotheses
	}
	if c.correct == [bleuOrder]int{} {
		return s
	}
	orders, smooth, logs := bleuOrder, 1.0, 0.0
	for n := range bleuOrder {
		if c.total[n] == 0 { // no hypothesis is that long
			if !effective {
				return s
			}
			orders = n
			break
		}
		s.Precisions[n] = 100 * float64(c.correct[n]) / float64(c.total[n])
		if c.correct[n] == 0 {
			smooth *= 2
			s.Precisions[n] = 100 / (smooth * float64(c.total[n]))
		}
		logs += math.Log(s.Precisions[n])
	}
	s.Score = s.BrevityPenalty * math.Exp(logs/float64(orders))
	return s
}

// What mteval-v13a, the tokenizer of the WMT campaigns, replaces and splits, in this order.
var (
	replaced13a = [][2]string{
		{"<skipped>", ""}, {"-\n", ""}, {"\n", " "}, {"&quot;", `"`}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"},
	}
	splits13a = []struct {
		at   *regexp.Regexp
		with string
	}{
		{regexp.MustCompile("[{-~\\[-` -&(-+:-@/]"), " $0 "}, // punctuation but for ' , - .
		{regexp.MustCompile(`([^0-9])([.,])`), "$1 $2 "},     // . and , but for those after a digit
		{regexp.MustCompile(`([.,])([^0-9])`), " $1 $2"},     // or before one
		{regexp.MustCompile(`([0-9])(-)`), "$1 $2 "},         // a dash after a digit
	}
)

func tokenize13a(line string) []string {
	line = strings.TrimRightFunc(line, pythonSpace)
	for _, r := range replaced13a {
		line = strings.ReplaceAll(line, r[0], r[1])
	}
	line = " " + line + " "
	for _, split := range splits13a {
		line = split.at.ReplaceAllString(line, split.with)
	}
	return strings.FieldsFunc(line, pythonSpace)
}
