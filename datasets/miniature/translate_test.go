package miniature

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// An answer with any numbers and with steps left out is translated as the world itself would say it.
func TestTranslate(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	languages := theWorld().languages
	for range 400 {
		p := drawFrom(r, "eval")
		s := p.solution()
		s.corrupt(r)
		if r.IntN(2) == 0 {
			s.lines = s.lines[1:]
		}
		from, to := languages[r.IntN(len(languages))], languages[r.IntN(len(languages))]
		text, want := strings.Join(s.sentences(from), " "), strings.Join(s.sentences(to), " ")
		if got, ok := p.Translate(text, from.Code, to.Code); !ok || got != want {
			t.Fatalf("%s to %s: %q became %q, %v, want %q", from.Code, to.Code, text, got, ok, want)
		}
	}
	p := drawFrom(r, "eval")
	for _, text := range []string{"", " ", "Forty-two.", p.Answer("ru"), p.Prompt("en"),
		strings.Replace(p.Answer("en"), "answer", "result", 1), p.Answer("en") + " And 9999999999999999999999."} {
		if got, ok := p.Translate(text, "en", "de"); ok {
			t.Errorf("%q became %q, expected a refusal", text, got)
		}
	}
}
