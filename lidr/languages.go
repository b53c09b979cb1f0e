package lidr

// languageNames are the English names that templates speak of: the languages of the paper's experiments, MGSM's
// and the miniature's.
var languageNames = map[string]string{
	"ar": "Arabic", "bn": "Bengali", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi",
	"it": "Italian", "ja": "Japanese", "ko": "Korean", "pt": "Portuguese", "ru": "Russian", "sw": "Swahili",
	"te": "Telugu", "th": "Thai", "zh": "Chinese",
}

// LanguageName returns the English name of an ISO 639-1 code, "" for one that is not known.
func LanguageName(code string) string { return languageNames[code] }
