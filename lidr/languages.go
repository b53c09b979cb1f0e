package lidr

import (
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// languageNames are the English names that templates speak of: the languages of the paper's experiments, MGSM's
// and the miniature's. They stand here since CLDR may rename a language (Bengali is Bangla there), which would change
// what a model is asked.
var languageNames = map[string]string{
	"ar": "Arabic", "bn": "Bengali", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi",
	"it": "Italian", "ja": "Japanese", "ko": "Korean", "pt": "Portuguese", "ru": "Russian", "sw": "Swahili",
	"te": "Telugu", "th": "Thai", "zh": "Chinese",
}

// LanguageName returns the English name of an ISO 639 code, for a language that is not in our table the one that CLDR
// gives it, and "" for a code that is not known.
func LanguageName(code string) string {
	if name := languageNames[code]; name != "" {
		return name
	}
	tag, err := language.Parse(code)
	if err != nil {
		return ""
	}
	return display.English.Languages().Name(tag)
}
