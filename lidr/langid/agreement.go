package langid

import "math"

// Agreement counts how two identifiers agree on the same texts. The counts add up to Texts.
type Agreement struct {
	A       string `json:"a"` // the identifiers' names
	B       string `json:"b"`
	Texts   int    `json:"texts"`
	Same    int    `json:"same"`    // both name the same language
	Differ  int    `json:"differ"`  // both name a language, not the same one
	OnlyA   int    `json:"only_a"`  // undetermined by b alone
	OnlyB   int    `json:"only_b"`  // undetermined by a alone
	Neither int    `json:"neither"` // undetermined by both
}

// Share returns the share of texts given the same language among the texts determined by both, NaN if there is none.
func (g Agreement) Share() float64 {
	if g.Same+g.Differ == 0 {
		return math.NaN()
	}
	return float64(g.Same) / float64(g.Same+g.Differ)
}

// Agree compares two identifiers text by text.
func Agree(texts []string, a, b Identifier) Agreement {
	g := Agreement{A: a.Name(), B: b.Name(), Texts: len(texts)}
	for _, text := range texts {
		x, _ := a.Identify(text)
		y, _ := b.Identify(text)
		switch {
		case x == "" && y == "":
			g.Neither++
		case y == "":
			g.OnlyA++
		case x == "":
			g.OnlyB++
		case x == y:
			g.Same++
		default:
			g.Differ++
		}
	}
	return g
}
