package langid

import (
	"maps"
	"math"
	"slices"

	"lidrlab/lidr/langid/fasttext"
)

// sameLanguage are labels of the model that name a language by another code, or a variety whose macrolanguage ISO 639-3
// gives: Egyptian Arabic, Wu.
var sameLanguage = map[string]string{"arz": "ar", "wuu": "zh"}

// probable is the least prior of a language, or of it and its siblings, that is returned, and supported that of one
// with three of its common words in the text. Where our own profiles agree, by at least agreed, the prior gets a bonus.
// sure is the least posterior within a family, and supposed that where our profiles agree. In a family the priors are
// at least unheard, and stranger for the languages that are not known, most of which the model has no label for. A text
// of manyWords words or more must have a common one, and one for each commonEach words, unless our profiles agree or
// the prior is at least certain.
const (
	probable    = 0.6
	supported   = 0.3
	agreed      = 0.9
	bonus       = 0.2
	sure        = 0.8
	supposed    = 0.55
	certain     = 0.95
	unheard     = 0.01
	stranger    = 0.05
	manyWords   = 10
	commonEach  = 30
	enoughWords = 300
)

// known are the languages that Identify names; decide never returns another.
var known = []string{
	"ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "gl", "gu", "he", "hi", "hr",
	"hu", "hy", "id", "it", "ja", "ka", "km", "kn", "ko", "lo", "lt", "lv", "mk", "ml", "mr", "my", "ne", "nl",
	"no", "pa", "pl", "pt", "ro", "ru", "si", "sk", "sl", "sr", "sv", "sw", "ta", "te", "th", "tr", "uk", "ur", "vi",
	"yo", "zh",
}

// candidates are the model's languages for a text whose letters fit, the most probable first, with probabilities that
// add up to at most 1.
func candidates(text string, main int) []fasttext.Prediction {
	var found []fasttext.Prediction
	left := float32(1)
	for _, p := range model().Predict(text, 12) {
		if lang := sameLanguage[p.Label]; lang != "" {
			p.Label = lang
		}
		if !spelled(text, p.Label, main) {
			left -= p.Probability
			continue
		}
		if i := slices.IndexFunc(found, func(q fasttext.Prediction) bool { return q.Label == p.Label }); i >= 0 {
			found[i].Probability += p.Probability
		} else {
			found = append(found, p)
		}
	}
	if left < minLeft {
		return nil
	}
	for i := range found {
		found[i].Probability = min(1, found[i].Probability/left)
	}
	return found
}

// minLeft is the least probability that the languages whose letters fit must have had.
const minLeft = 0.2

// decide returns the language of a text in a script that several languages share, and its probability. Within a family
// the model's probabilities are a prior, and each word of a language's multiplies its own by e.
func decide(text string, main int) (string, float64) {
	ranked := candidates(text, main)
	if len(ranked) == 0 {
		return "", 0
	}
	prior := map[string]float64{}
	for _, c := range ranked {
		prior[c.Label] = float64(c.Probability)
	}
	prior["hr"] += prior["sh"] / 2
	prior["sr"] += prior["sh"] / 2
	found := words(text)
	lang := ranked[0].Label
	if lang == "sh" {
		lang = "hr"
	}
	posterior, support := 1.0, prior[lang]
	for _, family := range siblingSets {
		if family[lang] != nil {
			best, p, mass, _ := within(family, prior, found)
			for other := range family {
				prior[other] *= 1 - p
			}
			prior[best] = mass
			lang, posterior, support = best, p, mass
			break
		}
	}
	if lang, p := byWords(text, found); lang != "" && spelled(text, lang, main) {
		return lang, p
	}
	common, listed := 0, false
	for _, family := range relativeSets {
		if family[lang] != nil {
			best, p, _, n := within(family, prior, found)
			if best != lang && !slices.Contains(known, best) {
				return "", 0
			}
			if best != lang {
				support = prior[best] + prior[lang] // the words have moved it
			}
			lang, posterior, common, listed = best, min(posterior, p), max(common, n), true
		}
	}
	least := sure
	if own, p := classify(text); main == latin && p >= agreed {
		switch {
		case own == lang:
			support += bonus
			least = supposed
		case slices.Contains(latinLanguages, lang) && (prior[lang] < certain || common < 2):
			return "", 0 // "Die Antwort lautet also 7." is English to the model
		}
	}
	strange := listed && least == sure && prior[lang] < certain && len(found) >= manyWords &&
		common*commonEach < len(found)
	switch {
	case !slices.Contains(known, lang) || posterior < least || strange:
		return "", 0
	case support >= probable, common >= 3 && 12*common >= len(found) && support >= supported:
		return lang, posterior * min(1, support)
	}
	return "", 0
}

// within returns the most probable language of a family with its posterior, the family's prior, and the words found.
func within(family map[string]map[string]bool, prior map[string]float64, found []string) (
	best string, posterior, mass float64, hits int) {
	top, second := 0.0, 0.0
	for _, lang := range slices.Sorted(maps.Keys(family)) {
		n := 0
		for _, word := range found {
			if family[lang][word] {
				n++
			}
		}
		mass += prior[lang]
		floor := unheard
		if !slices.Contains(known, lang) {
			floor = stranger
		}
		weight := max(prior[lang], floor) * math.Exp(float64(min(n, enoughWords)))
		if weight > top {
			second = top
			best, top, hits = lang, weight, n
		} else {
			second = max(second, weight)
		}
	}
	return best, top / (top + second), mass, hits
}

// byWords returns Yoruba or Swahili, of which the model knows little (it takes "Jumla: vitabu 9 * 8 = 72." for Latin),
// for a text of whose words a fifth and more are common ones of it. For Swahili, which has many relatives, our profiles
// must agree.
func byWords(text string, found []string) (lang string, posterior float64) {
	for _, family := range relativeSets {
		for _, lang := range []string{"sw", "yo"} {
			if family[lang] == nil {
				continue
			}
			best, p, _, n := within(family, map[string]float64{lang: stranger}, found)
			if best != lang || p < agreed || n < 3 || 5*n < len(found) {
				continue
			}
			if own, q := classify(text); lang == "yo" || own == lang && q >= agreed {
				return lang, p
			}
		}
	}
	return "", 0
}
