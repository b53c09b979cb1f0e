package langid

// Languages returns the codes of the languages that an identifier tells apart, nil where it does not say.
func Languages(id Identifier) []string {
	if lister, ok := id.(interface{ Languages() []string }); ok {
		return lister.Languages()
	}
	return nil
}

// Languages returns the languages with a script of their own here, then those with a profile in Latin script.
func (ngram) Languages() []string {
	return []string{"ar", "bn", "hi", "ja", "ko", "ru", "th", "zh", "de", "en", "es", "fr", "it", "pt", "sw"}
}
