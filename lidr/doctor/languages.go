package doctor

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"lidrlab/lidr/tokenizer"
)

// article1 is one text in many languages, English first: article 1 of the Universal Declaration of Human Rights, which
// is free of copyright.
//
//go:embed article1.jsonl
var article1 []byte

// LanguageCost is what one text costs in a language. A language that needs more tokens gets shorter answers from the
// same max_tokens, and fewer worked examples into the same context (Petrov et al. 2023, arXiv 2305.15425).
type LanguageCost struct {
	Lang         string
	Tokens       int
	PerCharacter float64 // tokens per character of the text
	Premium      float64 // tokens, over those of the English text
}

// languages counts the tokens of one text in every language.
func (d *Diagnosis) languages(tok *tokenizer.Tokenizer) error {
	rows := json.NewDecoder(bytes.NewReader(article1))
	for rows.More() {
		var row struct{ Lang, Text string }
		if err := rows.Decode(&row); err != nil {
			return fmt.Errorf("the embedded article1.jsonl: %w", err)
		}
		c := LanguageCost{Lang: row.Lang, Tokens: len(tok.EncodeContent(row.Text))}
		c.PerCharacter = float64(c.Tokens) / float64(utf8.RuneCountInString(row.Text))
		d.Languages = append(d.Languages, c)
		d.Languages[len(d.Languages)-1].Premium = float64(c.Tokens) / float64(d.Languages[0].Tokens)
	}
	return nil
}

// writeLanguages writes four languages a line.
func (d *Diagnosis) writeLanguages(b *strings.Builder) {
	if len(d.Languages) == 0 {
		return
	}
	fmt.Fprintf(b, "\none text in every language: tokens over English's %d, and tokens per character\n",
		d.Languages[0].Tokens)
	for i, c := range d.Languages {
		fmt.Fprintf(b, "    %-3s %5.2f %5.2f", c.Lang, c.Premium, c.PerCharacter)
		if i%4 == 3 || i == len(d.Languages)-1 {
			b.WriteString("\n")
		}
	}
	fmt.Fprintf(b, "    answers of at most %d tokens have about %s\n", d.maxTokens, d.reach())
}

// reach says how long an answer may become in English and in the language that costs most.
func (d *Diagnosis) reach() string {
	english, worst := d.Languages[0], d.Languages[0]
	for _, c := range d.Languages {
		if c.PerCharacter > worst.PerCharacter {
			worst = c
		}
	}
	characters := func(c LanguageCost) string {
		return fmt.Sprintf("%.0f characters in %s", float64(d.maxTokens)/c.PerCharacter, c.Lang)
	}
	return characters(english) + " and " + characters(worst)
}
