package langid

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Languages returns the codes of the languages that an identifier tells apart, nil where it does not say.
func Languages(id Identifier) []string {
	if lister, ok := id.(interface{ Languages() []string }); ok {
		return lister.Languages()
	}
	return nil
}

// Languages returns the languages that the identifier names.
func (builtin) Languages() []string { return slices.Clone(known) }

// varieties are codes of ISO 639-3 for the main variety of a language, and codes that ISO 639 has replaced.
var varieties = map[string]string{
	"arb": "ar", "arz": "ar", "ary": "ar", "cmn": "zh", "ekk": "et", "fil": "tl", "in": "id", "iw": "he", "ji": "yi",
	"lvs": "lv", "nb": "no", "nob": "no", "npi": "ne", "pes": "fa", "prs": "fa", "swh": "sw", "zlm": "ms", "zsm": "ms",
}

// Base returns the language of a code as identifiers name it: pt of pt-BR, zh of zh-Hant, ar of the ISO 639-3 code arb.
func Base(code string) string {
	base := strings.ToLower(code)
	if end := strings.IndexAny(base, "-_@"); end >= 0 {
		base = base[:end]
	}
	if of := varieties[base]; of != "" {
		return of
	}
	if known, err := language.ParseBase(base); err == nil {
		base = known.String() // two letters where there are
	}
	if of := varieties[base]; of != "" {
		return of
	}
	return base
}
