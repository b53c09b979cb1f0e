package langid

import "testing"

// The identifier names a text in each language that it lists, and lists no other.
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
	listed := Languages(Default())
	if len(listed) != len(texts) {
		t.Errorf("%d languages are listed, and %d have a text here", len(listed), len(texts))
	}
	for _, lang := range listed {
		if got, _ := Default().Identify(texts[lang]); got != lang {
			t.Errorf("a text in %s is identified as %q", lang, got)
		}
	}
}
