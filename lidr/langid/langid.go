// Package langid identifies the language of a text.
//
// [Default] needs no files and no network. Where a script has one language here, the script decides: Thai, Korean,
// Telugu, Tamil, Greek and others, and kana and Han between Japanese and Chinese. In the scripts that many languages
// share, fastText's model lid.176.ftz (folder model, CC BY-SA 3.0) gives probabilities for 176 languages. They are
// checked by the letters of a language's alphabet, by words that tell a language from those it is taken for, and for
// seven languages by character n-grams counted from texts of our own (folder text).
//
// It names the languages of [Languages] and no other: a text in a language outside them, with too few letters without
// its code, addresses and numbers, or between two languages, is "undetermined". Names and terms in Latin script within
// a text in another have no vote. A regional code is its language ([Base]). Off-target rates depend on the identifier,
// so each is given with the identifier's name and version, and the report of a program that has linked another one says
// how far the two agree on the run's answers.
package langid

// Identifier names the language of a text.
type Identifier interface {
	// Name is the identifier's name and version, such as "lidr-lid176/1".
	Name() string
	// Identify returns an ISO 639 code and a confidence between 0 and 1, or "" and 0 for a text that is too short or
	// in none of the identifier's languages.
	Identify(text string) (lang string, confidence float64)
}

// Default returns the built-in identifier. It is safe for concurrent use.
func Default() Identifier { return builtin{} }

type builtin struct{}

// Name includes the version, which changes with the model, the words and the rules.
func (builtin) Name() string { return "lidr-lid176/1" }

// Identify returns the language of the script with the most letters. The confidence is the share of the script among
// the letters times the probability of the language within it.
func (builtin) Identify(text string) (string, float64) {
	prose := withoutGlosses(proseOf(text))
	letters := countLetters(prose)
	main, share := letters.main()
	if main == other {
		return "", 0
	}
	n := letters.letters[main]
	switch {
	case n < minScriptLetters || main <= han && n < minLetters && letters.kana == 0:
		return "", 0
	case scripts[main].lang != "":
		return scripts[main].lang, share
	case main == han && letters.kana*hanPerKana >= n-letters.kana:
		return "ja", share
	case main == han:
		return "zh", share
	}
	lang, p := decide(only(prose, main), main)
	return lang, share * p
}
