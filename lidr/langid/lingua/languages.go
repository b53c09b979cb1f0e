package lingua

// Languages returns the codes of the languages of [New].
func (identifier) Languages() []string {
	return []string{
		"ar", "bn", "zh", "en", "fr", "de", "hi", "it", "ja", "ko", "pt", "ru", "es", "sw", "te", "th",
	}
}
