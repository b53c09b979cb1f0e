package langid

import (
	"embed"
	"math"
	"strings"
	"sync"
	"unicode"
)

//go:embed text/*.txt
var texts embed.FS

// latinLanguages are the languages with a text. Of those with equal scores the first one is returned.
var latinLanguages = []string{"en", "es", "de", "fr", "it", "pt", "sw"}

// maxGram is the length of the longest n-grams. Each word is a gram too.
const maxGram = 4

// profiles holds, for each order of gram (1 to maxGram characters, and 0 for words), the log-probability of a gram in
// each of latinLanguages.
type profiles [maxGram + 1]map[string][]float64

// smoothing is the pseudo-count of every gram of an order in every language, seen or not, and wordWeight the weight of
// a whole word, which is better evidence than the grams in it. Both were chosen on the first 1,000 Alpagasus prompts
// (en es de fr). Values near them gave the same accuracy to half a point, there and on other prompts.
const (
	smoothing  = 0.3
	wordWeight = 4
)

// load counts the embedded texts, once.
var load = sync.OnceValue(func() *profiles {
	var p profiles
	for n := range p {
		p[n] = map[string][]float64{}
	}
	var totals [maxGram + 1][]float64
	for n := range totals {
		totals[n] = make([]float64, len(latinLanguages))
	}
	for l, lang := range latinLanguages {
		text, err := texts.ReadFile("text/" + lang + ".txt")
		if err != nil {
			panic(err) // the texts are part of the program
		}
		eachGram(string(text), func(n int, gram string) {
			if p[n][gram] == nil {
				p[n][gram] = make([]float64, len(latinLanguages))
			}
			p[n][gram][l]++
			totals[n][l]++
		})
	}
	for n, grams := range p {
		for _, counts := range grams {
			for l, c := range counts {
				counts[l] = math.Log((c + smoothing) / (totals[n][l] + smoothing*float64(len(grams))))
			}
		}
	}
	return &p
})

// eachGram visits the grams of a text: each word, in lower case and with a space on either side, and its character
// n-grams. An apostrophe ends a word and belongs to it ("l'", "d'").
func eachGram(text string, visit func(n int, gram string)) {
	word := []rune{' '}
	flush := func() {
		if len(word) > 1 {
			word = append(word, ' ')
			visit(0, string(word))
			for n := 1; n <= maxGram; n++ {
				for i := 0; i+n <= len(word); i++ {
					if n > 1 || word[i] != ' ' {
						visit(n, string(word[i:i+n]))
					}
				}
			}
		}
		word = word[:1]
	}
	for _, r := range strings.ToLower(text) {
		switch {
		case unicode.Is(unicode.Latin, r):
			word = append(word, r)
		case (r == '\'' || r == '’') && len(word) > 1:
			word = append(word, '\'')
			flush()
		default:
			flush()
		}
	}
	flush()
}

// temper divides the sum of log-probabilities before it becomes a posterior: the grams of a letter are not independent
// (each letter is counted in about ten of them), and an untempered posterior is always 0 or 1.
const temper = 10

// classify returns the most probable language in Latin script, with equal priors, and its posterior. A gram that is in
// no profile is ignored.
func classify(prose string) (lang string, posterior float64) {
	grams := load()
	scores := make([]float64, len(latinLanguages))
	eachGram(prose, func(n int, gram string) {
		for l, p := range grams[n][gram] {
			if n == 0 {
				p *= wordWeight
			}
			scores[l] += p
		}
	})
	best := 0
	for l, s := range scores {
		if s > scores[best] {
			best = l
		}
	}
	sum := 0.0
	for _, s := range scores {
		sum += math.Exp((s - scores[best]) / temper)
	}
	return latinLanguages[best], 1 / sum
}
